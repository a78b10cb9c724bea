package tests

import (
	"fmt"
	"strings"
	"testing"
)

// A combination is one point in the space of properties that an image made by
// QEMU can have. combinations lists all points that exist.
type combination struct {
	version     int    // 2, 3
	cluster     int64  // bytes
	compression string // of some of its clusters: "plain" (of none), "deflate", "zstd"
	l2          string // "standard", "extended"
	backing     string // "alone", or the kind of backing file, see backingSteps
	data        string // "inside", "data-file", "data-file-raw"
	size        string // "empty", "odd", "sparse"
}

// The values of each property, in the order of combination's fields.
var (
	versions     = []int{2, 3}
	clusters     = []int64{512, 4 << 10, 64 << 10, 2 << 20}
	compressions = []string{"plain", "deflate", "zstd"}
	l2Kinds      = []string{"standard", "extended"}
	backings     = []string{"alone", "on-qcow2", "on-raw", "on-shorter", "on-longer", "chain-of-3"}
	dataKinds    = []string{"inside", "data-file", "data-file-raw"}
	sizes        = []string{"empty", "odd", "sparse"}
)

// impossible says why QEMU makes no image of this combination, or "".
func (c *combination) impossible() string {
	switch {
	case c.version == 2 && c.compression == "zstd":
		return "version 2 has no compression type"
	case c.version == 2 && c.l2 == "extended":
		return "version 2 has no extended L2"
	case c.version == 2 && c.data != "inside":
		return "version 2 has no data file"
	case c.l2 == "extended" && c.cluster < 16<<10:
		return "subclusters have 512 bytes at least"
	case c.data != "inside" && c.compression != "plain":
		return "no compressed clusters with a data file"
	case c.data == "data-file-raw" && c.backing != "alone":
		return "a raw data file and a backing file exclude each other"
	case c.size == "empty" && c.backing == "on-shorter":
		return "nothing is shorter than nothing"
	}
	return ""
}

// combinations lists every combination that exists.
func combinations() []combination {
	var all []combination
	for _, version := range versions {
		for _, cluster := range clusters {
			for _, compression := range compressions {
				for _, l2 := range l2Kinds {
					for _, backing := range backings {
						for _, data := range dataKinds {
							for _, size := range sizes {
								c := combination{version, cluster, compression, l2, backing, data, size}
								if c.impossible() == "" {
									all = append(all, c)
								}
							}
						}
					}
				}
			}
		}
	}
	return all
}

func (c *combination) String() string {
	return fmt.Sprintf("v%d,%s,%s,%s,%s,%s,%s", c.version, byteSize(c.cluster), c.compression, c.l2, c.backing, c.data, c.size)
}

// byteSize is n as qemu-img takes it: 512, 4k, 2M.
func byteSize(n int64) string {
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%dM", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%dk", n>>10)
	}
	return fmt.Sprint(n)
}

// diskSize is the virtual size in bytes.
func (c *combination) diskSize() int64 {
	switch c.size {
	case "empty":
		return 0
	case "sparse":
		if c.data == "data-file-raw" {
			// QEMU allocates every cluster of these when it makes them, and
			// reads every byte to copy them. Clusters of 64k have 512 MiB in
			// their first L2 table; those of 2M would have 512 GiB.
			if c.cluster > 64<<10 {
				return 129 << 20
			}
			return min(513<<20, c.cluster<<15)
		}
		switch c.cluster {
		case 512:
			return 1 << 30 // 32,768 L2 tables; 128 GiB is the most there can be
		case 4 << 10:
			return 64 << 30 // 32,768 L2 tables; QEMU takes seconds for 1 TiB
		}
		return 1 << 40
	}
	// The disk ends inside a cluster, where clusters are larger than the
	// sectors that qemu-img counts in, and inside the L1 table's third entry
	// where clusters are small.
	switch c.cluster {
	case 512:
		return 149 * 512
	case 4 << 10:
		return 1100*c.cluster + 1536
	case 64 << 10:
		return 40*c.cluster + 1536
	}
	return 6*c.cluster + c.cluster/2 + 512
}

// options are the -o options of an image without its backing and data file.
func (c *combination) options() []string {
	options := []string{"cluster_size=" + fmt.Sprint(c.cluster)}
	if c.version == 2 {
		options = append(options, "compat=v2")
	}
	if c.compression == "zstd" {
		options = append(options, "compression_type=zstd")
	}
	if c.l2 == "extended" {
		options = append(options, "extended_l2=on")
	}
	return options
}

// recipe says how the image of c is made.
func (c *combination) recipe() recipe {
	r := recipe{name: c.String()}
	size := c.diskSize()
	below, backing := c.backingSteps(size)
	r.below = below
	options := append(c.options(), backing...)
	switch c.data {
	case "data-file":
		options = append(options, "data_file=disk.data")
	case "data-file-raw":
		options = append(options, "data_file=disk.data", "data_file_raw=on")
	}
	r.steps = append(r.steps, create(diskName, size, options...))
	if writes := c.writes(size, 0x80); len(writes) > 0 {
		r.steps = append(r.steps, qio("qcow2", diskName, writes...))
	}
	return r
}

// backingSteps makes the backing files of a disk of size bytes and returns the
// options that name the first of them.
func (c *combination) backingSteps(size int64) (steps []command, options []string) {
	layer := combination{version: 3, cluster: c.cluster, compression: "deflate", l2: "standard", size: c.size}
	make := func(name string, size int64, mark byte, options ...string) {
		steps = append(steps, create(name, size, append(layer.options(), options...)...))
		if writes := layer.writes(size, mark); len(writes) > 0 {
			steps = append(steps, qio("qcow2", name, writes...))
		}
	}
	onQcow2 := []string{"backing_file=base.qcow2", "backing_fmt=qcow2"}
	switch c.backing {
	case "on-qcow2":
		make("base.qcow2", size, 0x40)
		return steps, onQcow2
	case "on-shorter":
		// It ends inside a cluster of the overlay.
		make("base.qcow2", size/2/512*512+512, 0x40)
		return steps, onQcow2
	case "on-longer":
		make("base.qcow2", size+size/2/512*512+3*512, 0x40)
		return steps, onQcow2
	case "on-raw":
		steps = append(steps, command{"sparse", "base.raw", fmt.Sprint(size), "7"})
		return steps, []string{"backing_file=base.raw", "backing_fmt=raw"}
	case "chain-of-3":
		// Each layer has another cluster size; the lowest is of version 2.
		below := map[int64][2]int64{ // of the middle and of the base
			512:      {4 << 10, 64 << 10},
			4 << 10:  {64 << 10, 4 << 10},
			64 << 10: {16 << 10, 512 << 10}, // with 4k QEMU takes a second for 1 TiB
			2 << 20:  {1 << 20, 512 << 10},
		}[c.cluster]
		layer.cluster, layer.version = below[1], 2
		make("base.qcow2", size, 0x20)
		layer.cluster, layer.version = below[0], 3
		make("middle.qcow2", size, 0x40, onQcow2...)
		return steps, []string{"backing_file=middle.qcow2", "backing_fmt=qcow2"}
	}
	return nil, nil
}

// writes are the qemu-io commands that give a disk of size bytes its contents.
// Every write has a byte of its own, counted from mark, so that a cluster read
// from a wrong place or layer is seen.
func (c *combination) writes(size int64, mark byte) []string {
	w := &writer{size: size, mark: mark, cluster: c.cluster}
	if size == 0 {
		return nil
	}
	n := c.cluster
	if c.compression != "plain" {
		w.compressed(9*n, n)
		w.add("write -q -c -s ../text.bin", 10*n, n)
		w.add("write -q -c -s ../noise.bin", 11*n, n)
		w.compressed(12*n, 2*n)
		w.compressed(3*n, n)
		w.fill(3*n+n/2, n/8) // a part of a compressed cluster: it is unpacked
	}
	w.fill(0, n)
	w.fill(2*n, n) // out of order: the host clusters of 1 and 2 change places
	w.fill(n, n)
	w.fill(4*n+n/4, n/8)
	w.zero(5*n, n)
	w.fill(6*n, 2*n)
	w.zero(6*n, n)
	w.add("write -q -z -u", 7*n, n)
	w.fill(8*n, n)
	w.add("discard -q", 8*n, n)
	if c.l2 == "extended" {
		// Subclusters: single ones, runs, zeros beside and over data, runs
		// that go on in the next cluster.
		s := n / 32
		w.fill(14*n, s)
		w.fill(14*n+5*s, 3*s)
		w.zero(14*n+6*s, s)
		w.zero(14*n+20*s, 2*s)
		w.fill(14*n+30*s, 4*s)
		w.zero(2*n+3*s, s)
		w.fill(4*n, s/2) // half a subcluster: the rest comes from below
		w.fill(5*n+31*s, s)
	}
	// Both sides of the border between two L2 tables.
	perTable := n / 8
	if c.l2 == "extended" {
		perTable = n / 16
	}
	w.fill(perTable*n-n, 2*n)
	if c.compression != "plain" {
		w.compressed(2*perTable*n-n, 2*n)
	}
	w.fill(size/2/n*n+100, 1000)
	// The last byte, in the last and perhaps shorter cluster.
	w.fill(max(0, size-700), 700)
	return w.commands
}

// A writer collects qemu-io commands, clipped to the disk.
type writer struct {
	size, cluster int64
	mark          byte
	commands      []string
}

// add appends a command on [off, off+n), as far as the disk has it.
func (w *writer) add(command string, off, n int64) {
	if n = min(n, w.size-off); n > 0 {
		w.commands = append(w.commands, fmt.Sprintf("%s %d %d", command, off, n))
	}
}

func (w *writer) fill(off, n int64) {
	w.add(fmt.Sprintf("write -q -P %#x", w.mark), off, n)
	w.mark++
}

func (w *writer) compressed(off, n int64) {
	w.add(fmt.Sprintf("write -q -c -P %#x", w.mark), off, n)
	w.mark++
}

func (w *writer) zero(off, n int64) { w.add("write -q -z", off, n) }

func TestCombinationsCoverEveryValue(t *testing.T) {
	all := combinations()
	names := make(map[string]bool)
	seen := make(map[string]bool)
	for _, c := range all {
		name := c.String()
		if names[name] {
			t.Errorf("%s twice", name)
		}
		names[name] = true
		for value := range strings.SplitSeq(name, ",") {
			seen[value] = true
		}
	}
	for _, values := range [][]string{
		{"v2", "v3", "512", "4k", "64k", "2M"}, compressions, l2Kinds, backings, dataKinds, sizes,
	} {
		for _, v := range values {
			if !seen[v] {
				t.Errorf("no combination has %s", v)
			}
		}
	}
	// Counted by hand:
	//   v2: 4 clusters * 2 compressions * (6 backings * 3 sizes - 1)            = 136
	//   v3, standard, inside: 4 * 3 * 17                                       = 204
	//   v3, standard, data-file: 4 * 17; raw: 4 * 3                            =  80
	//   v3, extended, inside: 2 * 3 * 17; data-file: 2 * 17; raw: 2 * 3        = 142
	if len(all) != 136+204+80+142 {
		t.Errorf("%d combinations", len(all))
	}
}
