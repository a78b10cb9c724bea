package qcow2

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"cstructgen/internal/testseed"
)

// A randomImage is an image of random structure, and what it takes to read it.
type randomImage struct {
	recipe
	file, data, backing []byte
}

// newRandomImage makes a sound image of every kind of entry.
func newRandomImage(t testing.TB, rnd *rand.Rand) *randomImage {
	t.Helper()
	r := recipe{bits: []uint32{9, 10, 12, 14, 15, 16, 18}[rnd.IntN(7)], zstd: rnd.IntN(3) == 0}
	switch rnd.IntN(5) {
	case 0:
		r.version, r.zstd = QCOW2_VERSION_2, false
	case 1, 2:
		r.extended = r.bits >= QCOW2_EXTL2_MIN_CLUSTER_BITS
	case 3:
		r.dataFile = "data"
	}
	clusters := 1 + rnd.Uint64N(min(200, uint64(1<<20)>>r.bits))
	size := uint64(1) << r.bits
	r.size = clusters*size - uint64(rnd.IntN(int(size)))
	im := &randomImage{recipe: r}
	if rnd.IntN(2) == 0 {
		im.recipe.backing, im.recipe.format = "below", formatRaw
		im.backing = text(rnd.IntN(int(r.size)+int(size)), 77)
	}
	if r.dataFile != "" {
		im.data = text(rnd.IntN(int(r.size)+1), 55)
	}
	b := newBuilder(t, im.recipe)
	for c := uint64(0); c < clusters; {
		length := min(1+rnd.Uint64N(6), clusters-c)
		kind := rnd.IntN(6)
		for range length {
			im.fill(b, rnd, c, kind)
			c++
		}
	}
	im.file = b.bytes()
	return im
}

// fill makes cluster c one of the given kind, or leaves it as it is.
func (im *randomImage) fill(b *builder, rnd *rand.Rand, c uint64, kind int) {
	size := b.geometry.clusterSize()
	content := text(int(size), byte(c))
	var bitmap uint64
	if im.extended {
		zeros := rnd.Uint32() & rnd.Uint32()
		alloc := rnd.Uint32() &^ zeros
		if rnd.IntN(2) == 0 { // runs that reach into the next cluster
			zeros, alloc = zeros&0x00ff_ff00, alloc|0xff00_00ff
			zeros &^= alloc
		}
		bitmap = uint64(zeros)<<QCOW_L2_BITMAP_ZERO_SHIFT | uint64(alloc)<<QCOW_L2_BITMAP_ALLOC_SHIFT
	}
	hasZero := !im.extended && im.version != QCOW2_VERSION_2
	switch {
	case kind == 0: // unallocated
	case kind == 1 && im.dataFile == "":
		b.compressed(c, content)
	case kind == 2 && im.extended: // no cluster, but zeros
		b.entry(c, 0, bitmap&QCOW_L2_BITMAP_ALL_ZEROES)
	case kind == 2 && hasZero:
		b.entry(c, QCOW_OFLAG_ZERO, 0)
	case im.dataFile != "":
		entry := c*size | QCOW_OFLAG_COPIED
		if kind == 3 && c > 0 {
			entry |= QCOW_OFLAG_ZERO
		}
		b.entry(c, entry, bitmap)
	default:
		entry := uint64(b.data(c, content)) | QCOW_OFLAG_COPIED
		if kind == 3 && hasZero {
			entry |= QCOW_OFLAG_ZERO
		}
		if kind == 4 {
			bitmap = QCOW_L2_BITMAP_ALL_ALLOC
		}
		b.entry(c, entry, bitmap)
	}
}

func (im *randomImage) reference() *reference {
	return &reference{file: im.file, data: im.data, backing: im.backing}
}

func (im *randomImage) options() *Options {
	o := &Options{}
	if im.recipe.backing != "" {
		o.Backing = source("below", im.backing)
	}
	if im.dataFile != "" {
		o.DataFile = source("data", im.data)
	}
	return o
}

func TestRandomImagesReadLikeTheReference(t *testing.T) {
	rnd := testseed.Rand(t)
	for range 60 {
		image := newRandomImage(t, rnd)
		im := open(t, image.file, image.options())
		want, err := image.reference().disk(0, image.size)
		if err != nil {
			t.Fatalf("%+v: %v", image.recipe, err)
		}
		for range 20 {
			off := rnd.IntN(int(image.size))
			p := make([]byte, 1+rnd.IntN(int(image.size)-off))
			if rnd.IntN(2) == 0 {
				p = p[:min(len(p), 1+rnd.IntN(5000))]
			}
			if n, err := im.ReadAt(p, int64(off)); n != len(p) || err != nil {
				t.Fatalf("%+v: ReadAt(%d bytes, %d): %d, %v", image.recipe, len(p), off, n, err)
			}
			if !bytes.Equal(p, want[off:off+len(p)]) {
				t.Fatalf("%+v: ReadAt(%d bytes, %d) differs", image.recipe, len(p), off)
			}
		}
		var whole bytes.Buffer
		if n, err := im.WriteTo(&whole); n != int64(image.size) || err != nil {
			t.Fatalf("%+v: WriteTo: %d, %v", image.recipe, n, err)
		}
		if !bytes.Equal(whole.Bytes(), want) {
			t.Fatalf("%+v: WriteTo differs", image.recipe)
		}
	}
}
