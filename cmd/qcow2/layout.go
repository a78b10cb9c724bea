package main

import (
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"cstructgen/qcow2"
)

// A layout is what decides how large the structures of a qcow2 file are.
type layout struct {
	cluster       uint64 // bytes of a cluster
	entry         uint64 // bytes of an L2 entry
	refcountOrder uint64 // log2 of the bits of a refcount
	version3      bool
	backing       bool // it has a backing file
	allocated     bool // all of its disk is, from the start
}

// qcow2Options are the options of "qemu-img create -f qcow2"; those that have
// no bearing on size are checked by name only.
var qcow2Options = []string{
	"backing_file", "backing_fmt", "cluster_size", "compat", "compression_type", "data_file", "data_file_raw",
	"encrypt.cipher-alg", "encrypt.cipher-mode", "encrypt.format", "encrypt.hash-alg", "encrypt.iter-time",
	"encrypt.ivgen-alg", "encrypt.ivgen-hash-alg", "encrypt.key-secret", "encryption", "extended_l2", "lazy_refcounts",
	"preallocation", "refcount_bits", "size",
}

// rawOptions checks options of "qemu-img create -f raw": none matters.
func rawOptions(lists []string) error {
	_, err := parseOptions(lists, []string{"extent_size_hint", "nocow", "preallocation", "size"})
	return err
}

// parseOptions reads lists of NAME=VALUE; the last value of a name counts. A
// name alone is switched on, as QEMU has it.
func parseOptions(lists, known []string) (map[string]string, error) {
	values := map[string]string{}
	for _, list := range lists {
		for _, option := range splitOptions(list) {
			name, value, ok := strings.Cut(option, "=")
			if !ok {
				value = "on"
			}
			if !slices.Contains(known, name) {
				return nil, fmt.Errorf("a file of that format has no option %q", name)
			}
			values[name] = value
		}
	}
	return values, nil
}

// parseLayout reads the options of a new qcow2 file.
func parseLayout(lists []string) (layout, error) {
	o, err := parseOptions(lists, qcow2Options)
	if err != nil {
		return layout{}, err
	}
	l := layout{cluster: 64 << 10, entry: qcow2.L2E_SIZE_NORMAL, refcountOrder: qcow2.QCOW2_V2_REFCOUNT_ORDER, version3: true}
	switch o["compat"] {
	case "", "1.1":
	case "0.10":
		l.version3 = false
	default:
		return l, fmt.Errorf("compat=%s: 0.10 or 1.1", o["compat"])
	}
	if o["encrypt.format"] != "" || o["encryption"] == "on" {
		return l, errors.New("how much room encryption takes is not known")
	}
	extended := false
	switch o["extended_l2"] {
	case "", "off":
	case "on":
		extended, l.entry = true, qcow2.L2E_SIZE_EXTENDED
	default:
		return l, fmt.Errorf("extended_l2=%s: on or off", o["extended_l2"])
	}
	if text, ok := o["cluster_size"]; ok {
		n, err := parseSize(text)
		if err != nil {
			return l, fmt.Errorf("cluster_size=%s: %w", text, err)
		}
		l.cluster = uint64(n)
	}
	switch {
	case bits.OnesCount64(l.cluster) != 1 || l.cluster < 1<<qcow2.MIN_CLUSTER_BITS || l.cluster > 1<<qcow2.MAX_CLUSTER_BITS:
		return l, fmt.Errorf("cluster_size=%d: a power of two from %d to %d", l.cluster, 1<<qcow2.MIN_CLUSTER_BITS, 1<<qcow2.MAX_CLUSTER_BITS)
	case extended && l.cluster < minExtended:
		return l, fmt.Errorf("cluster_size=%d: extended L2 entries need %d at least", l.cluster, minExtended)
	}
	if text, ok := o["refcount_bits"]; ok {
		n, err := strconv.ParseUint(text, 10, 64)
		switch {
		case err != nil || bits.OnesCount64(n) != 1 || n > 64:
			return l, fmt.Errorf("refcount_bits=%s: a power of two up to 64", text)
		case !l.version3 && n != 1<<qcow2.QCOW2_V2_REFCOUNT_ORDER:
			return l, fmt.Errorf("refcount_bits=%s: needs compat=1.1", text)
		}
		l.refcountOrder = uint64(bits.TrailingZeros64(n))
	}
	switch o["preallocation"] {
	case "", "off", "metadata": // tables are counted anyway
	case "falloc", "full":
		l.allocated = true
	default:
		return l, fmt.Errorf("preallocation=%s: off, metadata, falloc or full", o["preallocation"])
	}
	_, l.backing = o["backing_file"]
	return l, nil
}

// minExtended is the least cluster size with extended L2 entries.
const minExtended = 1 << qcow2.QCOW2_EXTL2_MIN_CLUSTER_BITS

// allocatedSize returns the size of a file whose disk of virtual bytes, whole
// clusters, is all allocated, as QEMU counts it (qcow2_calc_prealloc_size).
func (l *layout) allocatedSize(virtual uint64) uint64 {
	entries := roundUp(virtual/l.cluster, l.cluster/l.entry)
	l1 := roundUp(entries*l.entry/l.cluster, l.cluster/qcow2.L1E_SIZE)
	size := l.cluster + entries*l.entry + l1*qcow2.L1E_SIZE + virtual
	return size + l.refcountsSize(size/l.cluster)
}

// refcountsSize returns the size of the refcount structures for so many
// clusters, and for their own (qcow2_refcount_metadata_size).
func (l *layout) refcountsSize(clusters uint64) uint64 {
	perBlock := l.cluster * 8 >> l.refcountOrder
	perTable := l.cluster / qcow2.REFTABLE_ENTRY_SIZE
	for own := uint64(0); ; {
		blocks := ceilDiv(clusters+own, perBlock)
		if n := blocks + ceilDiv(blocks, perTable); n != own {
			own = n
			continue
		}
		return own * l.cluster
	}
}
