package qcow2

import (
	"math"
	"testing"
)

func TestGeometryOffsets(t *testing.T) {
	for _, c := range []struct {
		bits     uint32
		extended bool
		off      guestOffset

		l1, l2, in uint64
		sub        uint
	}{
		{9, false, 0, 0, 0, 0, 0},
		{9, false, 511, 0, 0, 511, 0},
		{9, false, 512, 0, 1, 0, 0},
		{9, false, 32767, 0, 63, 511, 0}, // a table of 64 entries maps 32 KiB
		{9, false, 32768, 1, 0, 0, 0},
		{16, false, 512<<20 - 1, 0, 8191, 65535, 0},
		{16, false, 512 << 20, 1, 0, 0, 0},
		{16, true, 256<<20 - 1, 0, 4095, 65535, 31},
		{16, true, 256 << 20, 1, 0, 0, 0},
		{16, true, 65536 + 2048*7 + 5, 0, 1, 2048*7 + 5, 7},
		{14, true, 512, 0, 0, 512, 1},
		{21, false, math.MaxInt64, 1<<24 - 1, 1<<18 - 1, 1<<21 - 1, 0},
		{21, true, math.MaxInt64, 1<<25 - 1, 1<<17 - 1, 1<<21 - 1, 31},
	} {
		g := newGeometry(c.bits, c.extended)
		if l1, l2, in := g.l1Index(c.off), g.l2Index(c.off), g.inCluster(c.off); l1 != c.l1 || l2 != c.l2 || in != c.in {
			t.Errorf("%d bits, extended %v, %#x: L1 %d, L2 %d, in cluster %d; want %d, %d, %d",
				c.bits, c.extended, c.off, l1, l2, in, c.l1, c.l2, c.in)
		}
		if sub := g.subcluster(c.off); sub != c.sub {
			t.Errorf("%d bits, extended %v, %#x: subcluster %d, want %d", c.bits, c.extended, c.off, sub, c.sub)
		}
	}
}

func TestGeometryL1Needed(t *testing.T) {
	for _, c := range []struct {
		bits     uint32
		extended bool
		size     uint64
		want     uint64
	}{
		{16, false, 0, 0},
		{16, false, 1, 1},
		{16, false, 512 << 20, 1},
		{16, false, 512<<20 + 1, 2},
		{16, true, 512<<20 + 1, 3},
		{9, false, 32769, 2},
		{9, false, math.MaxInt64, 1 << 48},
		{21, false, math.MaxInt64, 1 << 24},
	} {
		g := newGeometry(c.bits, c.extended)
		if got := g.l1Needed(c.size); got != c.want {
			t.Errorf("%d bits, extended %v: %d bytes need %d L1 entries, want %d", c.bits, c.extended, c.size, got, c.want)
		}
	}
}

func TestGeometryAligned(t *testing.T) {
	g := newGeometry(12, false)
	for off, want := range map[hostOffset]bool{0: true, 1: false, 512: false, 4095: false, 4096: true, 1 << 55: true} {
		if g.aligned(off) != want {
			t.Errorf("aligned(%#x) = %v", off, !want)
		}
	}
}

// The compressed cluster descriptor: at 64 KiB clusters bits 54 to 61 count
// sectors, at 512 bytes bit 61 does, at 2 MiB bits 49 to 61.
func TestGeometryCompressed(t *testing.T) {
	for _, c := range []struct {
		bits  uint32
		entry uint64
		off   hostOffset
		size  uint64
	}{
		{16, 1 << 62, 0, 512},
		{16, 1<<62 | 0x50000, 0x50000, 512},
		{16, 1<<62 | 3<<54 | 0x50000, 0x50000, 4 * 512},
		{16, 1<<62 | 3<<54 | 0x50001, 0x50001, 4*512 - 1}, // any alignment: the sectors count from the first
		{16, 1<<62 | 0x501ff, 0x501ff, 1},
		{16, 1<<62 | 0xff<<54 | (1<<54 - 1), 1<<54 - 1, 256*512 - 511},
		{16, 1<<63 | 1<<62 | 7, 7, 505}, // bit 63 means nothing
		{9, 1<<62 | 1<<61 | 0x400, 0x400, 1024},
		{9, 1<<62 | (1<<61 - 1), 1<<61 - 1, 1},
		{21, 1<<62 | 0x1fff<<49 | 0x200, 0x200, 8192 * 512},
	} {
		g := newGeometry(c.bits, false)
		if off, size := g.compressed(c.entry); off != c.off || size != c.size {
			t.Errorf("%d bits, entry %#x: %d bytes at %#x, want %d at %#x", c.bits, c.entry, size, off, c.size, c.off)
		}
	}
}
