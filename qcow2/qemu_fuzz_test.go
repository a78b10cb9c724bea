package qcow2

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// FuzzAgainstQEMU alters images of every structure and compares what is read
// with what qemu-img convert makes of them: the same bytes, or a refusal here
// and there. With ZeroFillTruncated no difference is meant but one: a deflate
// cluster is whole when it is full, and what follows it is not looked at.
func FuzzAgainstQEMU(f *testing.F) {
	tool, err := exec.LookPath("qemu-img")
	if err != nil {
		if os.Getenv("CI") == "true" {
			f.Fatal("no qemu-img to compare with")
		}
		f.Skip("no qemu-img to compare with")
	}
	for seed := range uint64(12) {
		f.Add(seed, uint16(0), uint64(0), uint16(seed), uint64(0))
		f.Add(seed, uint16(seed), uint64(1)<<(seed*5), uint16(seed+3), uint64(0x200)<<seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64, entry1 uint16, flip1 uint64, entry2 uint16, flip2 uint64) {
		image := newRandomImage(t, rand.New(rand.NewPCG(seed, 1)))
		image.tellQEMU()
		image.flipEntry(entry1, flip1)
		image.flipEntry(entry2, flip2)

		opts := image.options()
		opts.ZeroFillTruncated = true
		im, err := New(bytes.NewReader(image.file), int64(len(image.file)), opts)
		if err != nil {
			t.Fatal(err) // nothing that opening looks at was changed
		}
		defer im.Close()
		got := make([]byte, image.size&^511) // QEMU knows no parts of sectors
		_, ours := im.ReadAt(got, 0)
		if len(got) == 0 {
			return
		}
		want, theirs := image.convert(t, tool)
		switch {
		case ours == nil && theirs != nil && im.hasDeflate():
			return // see above
		case (ours == nil) != (theirs == nil):
			t.Fatalf("%+v: %v; QEMU: %v", image.recipe, ours, theirs)
		case ours != nil && !errors.Is(ours, ErrCorrupt):
			t.Fatalf("%+v: %v", image.recipe, ours)
		case ours == nil && !bytes.Equal(got, want):
			t.Fatalf("%+v: byte %d differs from QEMU's", image.recipe, differ(got, want))
		}
	})
}

// tellQEMU gives the image what only QEMU asks for: a refcount table, of which
// it reads no more than that there is one.
func (im *randomImage) tellQEMU() {
	var h QCowHeader
	h.DecodePrefix(im.file[:SizeofQCowHeader])
	binary.BigEndian.PutUint64(im.file[OffsetofQCowHeader_RefcountTableOffset:], h.L1TableOffset)
	binary.BigEndian.PutUint32(im.file[OffsetofQCowHeader_RefcountTableClusters:], 1)
}

// flipEntry changes a word of the L1 table, or of the L2 table that it names
// first.
func (im *randomImage) flipEntry(entry uint16, flip uint64) {
	var h QCowHeader
	h.DecodePrefix(im.file[:SizeofQCowHeader])
	at := h.L1TableOffset
	table := binary.BigEndian.Uint64(im.file[at:]) & L1E_OFFSET_MASK
	if entry%8 != 0 && table != 0 && table < uint64(len(im.file)) {
		words := ceilDiv(im.size, 1<<h.ClusterBits) + 1
		if im.extended {
			words *= 2
		}
		at = table + min(uint64(entry/8)%words, (1<<h.ClusterBits)/8-1)*8
	}
	if at+8 <= uint64(len(im.file)) {
		binary.BigEndian.PutUint64(im.file[at:], binary.BigEndian.Uint64(im.file[at:])^flip)
	}
}

// hasDeflate reports whether some cluster of the disk is compressed with zlib.
func (im *Image) hasDeflate() bool {
	for e, err := range im.Extents(0, im.Size()) {
		if err == nil && e.Compressed && im.header.CompressionType == QCOW2_COMPRESSION_TYPE_ZLIB {
			return true
		}
	}
	return false
}

// convert returns the disk as qemu-img copies it, or what it says.
func (im *randomImage) convert(t *testing.T, tool string) ([]byte, error) {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string][]byte{"disk": im.file, "below": im.backing, "data": im.data} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, tool, "convert", "-f", "qcow2", "-O", "raw", "disk", "raw")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		if ctx.Err() != nil {
			t.Fatal(ctx.Err())
		}
		return nil, errors.New(string(out))
	}
	raw, err := os.ReadFile(filepath.Join(dir, "raw"))
	if err != nil {
		t.Fatal(err)
	}
	return raw, nil
}
