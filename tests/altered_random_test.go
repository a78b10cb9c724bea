package tests

import (
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"cstructgen/qcow2"
)

// TestAlteredRandomTables writes random entries over L1 and L2 tables: places
// inside the file and just outside, aligned and not, every flag. Read with
// ZeroFillTruncated the image must be to us what it is to QEMU, byte by byte
// and refusal by refusal. The seeds are fixed: what fails fails everywhere.
func TestAlteredRandomTables(t *testing.T) {
	t.Parallel()
	requireTool(t, "qemu-img")
	images := []string{"v2-plain", "v3-plain", "v3-deflate", "v3-zstd", "extended-l2", "zero-clusters", "data-file", "refcount-width-1"}
	count := randomRounds(5, 40)
	for _, image := range images {
		for seed := range uint64(count) {
			t.Run(fmt.Sprintf("%s,seed=%d", image, seed), func(t *testing.T) {
				t.Parallel()
				dir := unpackCommitted(t, image)
				editImage(t, dir, func(e *editor) { e.scramble(rand.New(rand.NewPCG(seed, 3))) })
				compareScrambled(t, dir)
			})
		}
	}
}

// compareScrambled compares each cluster with QEMU: one that is refused there
// is refused here.
func compareScrambled(t *testing.T, dir string) {
	t.Helper()
	im, err := qcow2.Open(filepath.Join(dir, diskName), &qcow2.Options{AllowDirs: []string{dir}, ZeroFillTruncated: true})
	if err != nil {
		t.Fatal(err) // nothing that opening looks at was changed
	}
	defer im.Close()
	theirs := askVerdict(t, dir)
	_, err = im.WriteTo(io.Discard)
	if (err == nil) != theirs.reads {
		t.Fatalf("%v; QEMU: %s", err, theirs.says)
	}
	if err == nil {
		compareContents(t, im, theirs.raw)
		if theirs.mapped {
			compareMap(t, im, theirs.mapping)
		}
		return
	}
	checkError(t, "read", err, qcow2.ErrCorrupt)
}

// scramble replaces one to four entries of L2 tables.
func (e *editor) scramble(r *rand.Rand) {
	h := e.header()
	clusters := int64(h.Size+uint64(e.cluster())-1) / e.cluster()
	for range 1 + r.IntN(4) {
		guest := r.Int64N(clusters)
		perTable := e.cluster() / qcow2.L2E_SIZE_NORMAL
		if e.extended() {
			perTable = e.cluster() / qcow2.L2E_SIZE_EXTENDED
			if r.IntN(2) == 0 && e.get64(e.l1(guest/perTable)) != 0 {
				// Mostly a bitmap that does not contradict itself.
				zero := r.Uint64() & r.Uint64()
				alloc := r.Uint64() &^ zero
				e.u64(e.bitmap(guest), zero<<qcow2.QCOW_L2_BITMAP_ZERO_SHIFT|alloc<<32>>32)
				continue
			}
		}
		if e.get64(e.l1(guest/perTable))&qcow2.L1E_OFFSET_MASK == 0 {
			continue
		}
		entry := uint64(r.Int64N(int64(len(e.b))/e.cluster()+2)) * uint64(e.cluster())
		if r.IntN(12) == 0 {
			entry |= 512 // which is aligned where clusters are that small
		}
		for _, flag := range []uint64{qcow2.QCOW_OFLAG_COPIED, qcow2.QCOW_OFLAG_ZERO, 0x3f00000000000000, 1 << 5} {
			if r.IntN(3) == 0 {
				entry |= flag
			}
		}
		if r.IntN(10) == 0 {
			entry |= qcow2.QCOW_OFLAG_COMPRESSED
		}
		e.u64(e.l2(guest), entry)
	}
	// In case that all choices were none.
	e.u32(qcow2.OffsetofQCowHeader_Padding+3, 1)
}
