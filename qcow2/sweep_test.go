package qcow2

import (
	"bytes"
	"math/bits"
	"testing"

	"cstructgen/luks"
)

// metadata returns which bytes of the seed say what it is, and how its bytes
// are found: the first cluster, as far as it is used, and all places.
func (s *seed) metadata(t testing.TB) []bool {
	t.Helper()
	is := make([]bool, len(s.file))
	mark := func(at, n uint64) {
		for i := range n {
			is[at+i] = true
		}
	}
	im := open(t, s.file, s.options())
	skip := func(table) bool { return false }
	if s.luks { // it takes long, and other seeds have the rest
		skip = func(t table) bool { return t.of != "QCow2L2Entry" && t.of != "QCow2L1Entry" && t.of != "LuksPhdr" }
		off, n := im.luksArea()
		for i := uint64(luks.SizeofLuksPhdr); i < n; i += 4999 {
			mark(uint64(off)+i, 1)
		}
	} else {
		mark(0, 256)
		list, err := im.Snapshots()
		if err != nil {
			t.Fatal(err)
		}
		// What has no field: names of snapshots and bitmaps, the bits of a
		// bitmap, refcounts.
		mark(uint64(list[0].Offset), SizeofQCowSnapshotHeader+SizeofQCowSnapshotExtraData+8)
		mark(im.header.RefcountTableOffset+im.active.clusterSize(), 16) // its only block lies behind
		if s.recipe.version == 0 {
			b := im.mustBitmap(t)
			mark(uint64(b.Offset), SizeofQcow2BitmapDirEntry+8)
			mark(b.Entry.BitmapTableOffset+im.active.clusterSize(), 2)
		}
	}
	for _, p := range s.places {
		for _, f := range p.fields {
			if !skip(p.table) && !(f.Name == "key_slots" && s.luks) {
				mark(p.at+uint64(f.Offset), uint64(f.Size))
			}
		}
	}
	if s.luks { // two slots of eight
		off, _ := im.luksArea()
		mark(uint64(off)+luks.OffsetofLuksPhdr_KeySlots, 2*luks.SizeofLuksKeySlot)
	}
	return is
}

// Every bit of the metadata of every kind of image, flipped: each sector is an
// error or what the plain reader reads.
func TestFlipEveryBit(t *testing.T) {
	for _, s := range seeds(t) {
		file := bytes.Clone(s.file)
		flips, same := 0, 0
		stride := 1
		switch {
		case raceEnabled:
			stride = 29
		case bits.UintSize == 32 && s.luks:
			stride = 4 // the hash that unlocks is slow there
		}
		for i, meta := range s.metadata(t) {
			if !meta {
				continue
			}
			for bit := range 8 {
				if flips++; flips%stride != 0 {
					continue
				}
				file[i] ^= 1 << bit
				if s.exercise(t, file, flips%29 == 0) == int(s.recipe.size) {
					same++
				}
				file[i] ^= 1 << bit
			}
		}
		t.Logf("%s: %d bits, with %d of them flipped the whole disk reads", s.name, flips, same)
		if flips < 3000 || same == 0 && !(s.luks && s.password == "") {
			t.Errorf("%s: %d bits flipped, %d times the disk reads", s.name, flips, same)
		}
	}
}

// Every kind of image, cut at every byte: what is read is what the plain reader
// reads of the whole. With ZeroFillTruncated it is that, or zeros.
func TestCutAnywhere(t *testing.T) {
	for i, s := range seeds(t) {
		want, _ := s.reference(s.file).disk(0, s.recipe.size)
		zeroFill := s.options()
		zeroFill.ZeroFillTruncated = true
		meta := s.metadata(t)
		for n := range s.file {
			if raceEnabled && n%61 != 0 || i > 0 && !meta[n] && n%(len(s.file)/128) != 0 {
				continue // the first is cut everywhere, the others around what they have to say
			}
			r := exerciseAs(t, s.file[:n], s.options(), n%29 == 0)
			for off := 0; off < len(r.disk); off += 512 {
				end := min(off+512, len(r.disk))
				if g, _, ok := r.nextGap(off); (!ok || g.from >= end) && len(want) >= end && !bytes.Equal(r.disk[off:end], want[off:end]) {
					t.Fatalf("%s, cut to %d bytes: other bytes at %d", s.name, n, off)
				}
			}
			if n%7 == 0 {
				s.exerciseZeroFilled(t, s.file[:n], zeroFill)
			}
		}
	}
}

// exerciseZeroFilled reads a cut file, whose rest the plain reader reads as
// zeros, too.
func (s *seed) exerciseZeroFilled(t testing.TB, file []byte, opts *Options) {
	t.Helper()
	r := exerciseAs(t, file, opts, false)
	if len(r.disk) == 0 {
		return
	}
	padded := append(bytes.Clone(file), make([]byte, len(s.file)-len(file))...)
	want := s.reference(padded)
	for off := 0; off < len(r.disk); off += 512 {
		end := min(off+512, len(r.disk))
		if g, _, ok := r.nextGap(off); ok && g.from < end {
			continue
		}
		if p, err := want.sector(uint64(off)); err != nil || !bytes.Equal(p[:end-off], r.disk[off:end]) {
			t.Fatalf("%s, cut to %d bytes, with ZeroFillTruncated: other bytes at %d (%v)", s.name, len(file), off, err)
		}
	}
}
