package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// units are the suffixes of sizes, each 1024 of the one before.
const units = "bkmgtpe"

// parseSize reads a number of bytes as qemu-img's flags have it: 4096, 4k, 1G.
func parseSize(s string) (int64, error) {
	digits, shift := s, 0
	if s != "" {
		if i := strings.IndexByte(units, s[len(s)-1]|0x20); i >= 0 {
			digits, shift = s[:len(s)-1], 10*i
		}
	}
	n, err := strconv.ParseUint(digits, 10, 63)
	if err != nil || n > math.MaxInt64>>shift {
		return 0, fmt.Errorf("%q is not a size: digits, and perhaps one of k, M, G, T, P, E", s)
	}
	return int64(n) << shift, nil
}

// A sizeFlag is a flag that holds a number of bytes.
type sizeFlag int64

func (f *sizeFlag) Set(s string) error {
	n, err := parseSize(s)
	if err == nil {
		*f = sizeFlag(n)
	}
	return err
}

func (f *sizeFlag) String() string { return strconv.FormatInt(int64(*f), 10) }
func (f *sizeFlag) Type() string   { return "size" }

// humanSize prints n as qemu-img does (size_to_str): three significant
// digits, below 1000 of the unit.
func humanSize(n uint64) string {
	suffixes := [...]string{"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"}
	_, exp := math.Frexp(float64(n) / (1000.0 / 1024.0))
	i := max(0, exp-1) / 10
	v := float64(n) / float64(uint64(1)<<(10*i))
	return strconv.FormatFloat(v, 'g', 3, 64) + " " + suffixes[i] + "B"
}
