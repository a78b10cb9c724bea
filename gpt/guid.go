package gpt

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// String returns g as it is written everywhere: the first three parts are
// numbers, stored little-endian, the rest are bytes in their order.
func (g EfiGuid) String() string {
	return fmt.Sprintf("%08X-%04X-%04X-%X-%X", g.Data1, g.Data2, g.Data3, g.Data4[:2], g.Data4[2:])
}

// ParseGUID returns the GUID that is written as s, in letters of any case.
func ParseGUID(s string) (EfiGuid, error) {
	const form = "00000000-0000-0000-0000-000000000000"
	digits, err := hex.DecodeString(strings.ReplaceAll(s, "-", ""))
	if err != nil || len(s) != len(form) || len(digits) != SizeofEfiGuid {
		return EfiGuid{}, fmt.Errorf("gpt: %q is not a GUID, which has the form %s", s, form)
	}
	for i := range form {
		if (form[i] == '-') != (s[i] == '-') {
			return EfiGuid{}, fmt.Errorf("gpt: %q is not a GUID, which has the form %s", s, form)
		}
	}
	// The text has all digits in the order of big-endian numbers.
	d := digits
	return EfiGuid{
		Data1: uint32(d[0])<<24 | uint32(d[1])<<16 | uint32(d[2])<<8 | uint32(d[3]),
		Data2: uint16(d[4])<<8 | uint16(d[5]),
		Data3: uint16(d[6])<<8 | uint16(d[7]),
		Data4: [8]byte(d[8:]),
	}, nil
}
