package qcow2

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// FuzzAgainstQEMU alters images and compares what is read with what qemu-img
// makes of them: the same bytes, or a refusal here and there, but for the
// differences that are listed. Images are of random structure, with flips in
// two of their entries; or the seeds, which have snapshots, bitmaps and keys,
// too. Of each two words of the header, the extensions and the names, all in
// the first bytes, may be flipped as well.
func FuzzAgainstQEMU(f *testing.F) {
	tool := requireQEMU(f)
	for seed := range uint64(12) {
		f.Add(uint8(0), seed, uint16(0), uint64(0), uint16(seed), uint64(0), uint16(0), uint64(0), uint16(0), uint64(0))
		f.Add(uint8(0), seed, uint16(seed), uint64(1)<<(seed*5), uint16(seed+3), uint64(0x200)<<seed, uint16(0), uint64(0), uint16(0), uint64(0))
	}
	all := seeds(f)
	for which := range all { // a bit in each of many words
		for at := range uint64(2) {
			word := uint16(which*11) + 64*uint16(at)
			f.Add(uint8(which+1), uint64(0), uint16(0), uint64(0), uint16(0), uint64(0), word, uint64(1)<<(at*13), word+9, uint64(0))
		}
	}
	f.Fuzz(func(t *testing.T, kind uint8, seed uint64, entry1 uint16, flip1 uint64, entry2 uint16, flip2 uint64, at1 uint16, word1 uint64, at2 uint16, word2 uint64) {
		c := &trial{opts: Options{ZeroFillTruncated: true}}
		if n := int(kind) % (len(all) + 1); n > 0 {
			c.takeSeed(all[n-1])
		} else {
			c.takeRandom(newRandomImage(t, rand.New(rand.NewPCG(seed, 1))))
		}
		c.flipEntry(entry1, flip1)
		c.flipEntry(entry2, flip2)
		c.flipWord(at1, word1)
		c.flipWord(at2, word2)
		c.run(t, tool)
	})
}

// requireQEMU returns the path of qemu-img.
func requireQEMU(t testing.TB) string {
	t.Helper()
	tool, err := exec.LookPath("qemu-img")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("no qemu-img to compare with")
		}
		t.Skip("no qemu-img to compare with")
	}
	return tool
}

// QEMU reads the seeds, unaltered, as we do.
func TestQEMUReadsTheSeeds(t *testing.T) {
	tool := requireQEMU(t)
	for _, s := range seeds(t) {
		c := &trial{}
		c.takeSeed(s)
		if c.run(t, tool); c.ours != nil || c.theirs != nil {
			t.Errorf("%s: %v; QEMU: %v", s.name, c.ours, c.theirs)
		}
	}
}

// A trial is an image, and what we and QEMU make of it.
type trial struct {
	what   string // it was made of
	file   []byte
	beside map[string][]byte // other files, by name
	opts   Options

	im     *Image // nil: not opened
	ours   error
	theirs error // of opening, if opens is not set, or else of reading
	opens  bool
}

func (c *trial) takeSeed(s *seed) {
	c.what, c.file = s.name, bytes.Clone(s.file)
	c.beside = map[string][]byte{"b": seedBacking, "d": seedData}
	c.opts.Password = []byte("open sesame")
}

// takeRandom gives a random image what only QEMU asks for: a refcount table, of
// which it reads no more than that there is one.
func (c *trial) takeRandom(im *randomImage) {
	c.what, c.file = fmt.Sprintf("%+v", im.recipe), im.file
	c.beside = map[string][]byte{"below": im.backing, "data": im.data}
	h := c.header()
	binary.BigEndian.PutUint64(c.file[OffsetofQCowHeader_RefcountTableOffset:], h.L1TableOffset)
	binary.BigEndian.PutUint32(c.file[OffsetofQCowHeader_RefcountTableClusters:], 1)
}

func (c *trial) header() (h QCowHeader) {
	h.DecodePrefix(c.file[:SizeofQCowHeader])
	return h
}

// flipEntry changes a word of the L1 table, or of the L2 table that it names
// first.
func (c *trial) flipEntry(entry uint16, flip uint64) {
	h := c.header()
	at := h.L1TableOffset
	table := binary.BigEndian.Uint64(c.file[at:]) & L1E_OFFSET_MASK
	if entry%8 != 0 && table != 0 && table < uint64(len(c.file)) {
		words := ceilDiv(h.Size, 1<<h.ClusterBits) + 1
		if h.Version == QCOW2_VERSION_3 && h.IncompatibleFeatures&QCOW2_INCOMPAT_EXTL2 != 0 {
			words *= 2
		}
		at = table + min(uint64(entry/8)%words, (1<<h.ClusterBits)/8-1)*8
	}
	c.flip(at, flip)
}

// flipWord changes eight bytes among those where header, extensions and names
// are.
func (c *trial) flipWord(at uint16, flip uint64) { c.flip(uint64(at)%(1<<MIN_CLUSTER_BITS), flip) }

func (c *trial) flip(at, flip uint64) {
	if at+8 <= uint64(len(c.file)) {
		binary.BigEndian.PutUint64(c.file[at:], binary.BigEndian.Uint64(c.file[at:])^flip)
	}
}

// fuzzedDisk is how much of a disk is compared. Of a larger one it is whether
// the image opens.
const fuzzedDisk = 1 << 24

// run compares.
func (c *trial) run(t *testing.T, tool string) {
	dir := t.TempDir()
	c.beside["disk"] = c.file
	for name, content := range c.beside {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c.opts.AllowDirs = []string{dir}
	c.im, c.ours = Open(filepath.Join(dir, "disk"), &c.opts)
	h := c.header()
	if c.ours == nil {
		defer c.im.Close()
		h.Size = c.im.header.Size
	}
	large := h.Size > fuzzedDisk
	var got []byte
	if c.ours == nil && !large {
		got = make([]byte, h.Size&^511) // QEMU knows no parts of sectors
		_, c.ours = c.im.ReadAt(got, 0)
	}
	if c.ours != nil && !isTyped(c.ours) {
		t.Fatalf("%s: %v", c.what, c.ours)
	}
	if !c.ask(t, tool, dir, large) {
		return
	}
	if (c.ours == nil) != (c.theirs == nil) {
		if c.known() == "" {
			t.Fatalf("%s: %v; QEMU: %v", c.what, c.ours, c.theirs)
		}
		return
	}
	if c.ours != nil || large {
		return
	}
	if want, err := os.ReadFile(filepath.Join(dir, "raw")); err != nil {
		t.Fatal(err)
	} else if !bytes.Equal(got, want) {
		t.Fatalf("%s: byte %d differs from QEMU's", c.what, differ(got, want))
	}
}

// ask has qemu-img copy the disk, or where that is large open the image, and
// reports whether it came to a verdict: it may crash, and lists of thousands of
// snapshots take it a time that is quadratic in their number.
func (c *trial) ask(t *testing.T, tool, dir string, large bool) bool {
	t.Helper()
	if n := c.header().NbSnapshots; 1000 < n && n <= QCOW_MAX_SNAPSHOTS {
		return false
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second) // the fuzzer gives up on all of it after 10
	defer cancel()
	image := []string{"-f", "qcow2", "disk"}
	if method := map[uint32]string{QCOW_CRYPT_AES: "aes", QCOW_CRYPT_LUKS: "luks"}[c.header().CryptMethod]; method != "" && len(c.opts.Password) > 0 {
		image = []string{"--object", "secret,id=s,data=" + string(c.opts.Password),
			"--image-opts", "driver=qcow2,encrypt.format=" + method + ",encrypt.key-secret=s,file.driver=file,file.filename=disk"}
	}
	args := append([]string{"info"}, image...)
	if !large {
		args = append(append([]string{"convert", "-O", "raw"}, image...), "raw")
	}
	cmd := exec.CommandContext(ctx, tool, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return false
	}
	c.opens = err == nil || bytes.Contains(out, []byte("error while reading"))
	if err != nil {
		c.theirs = errors.New(string(out))
	}
	exit, failed := errors.AsType[*exec.ExitError](err)
	return !failed || exit.Exited()
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
