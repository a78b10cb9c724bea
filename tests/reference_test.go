package tests

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"testing"

	"cstructgen/internal/testseed"
	"cstructgen/qcow2"
)

// referenceLimit is the largest disk, in bytes, that the reference reads.
const referenceLimit = 16 << 20

// filesIn are the files of a directory, by name.
func filesIn(t testing.TB, dir string) map[string][]byte {
	t.Helper()
	files := make(map[string][]byte)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if files[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// openFiles opens the image in files with our reader; what it names is there.
func openFiles(files map[string][]byte) (*qcow2.Image, error) {
	disk := files[diskName]
	return qcow2.New(bytes.NewReader(disk), int64(len(disk)), &qcow2.Options{
		Name: diskName, ZeroFillTruncated: true,
		OpenFile: func(r qcow2.Reference) (*qcow2.Source, error) {
			name := path.Base(r.Name)
			b, ok := files[name]
			if !ok {
				return nil, fs.ErrNotExist
			}
			return &qcow2.Source{Reader: bytes.NewReader(b), Size: int64(len(b)), Name: name}, nil
		},
	})
}

// typed is whether err says as what it is, in one of the reader's types.
func typed(err error) bool {
	var broken *qcow2.Error
	var named *qcow2.ReferenceError
	return errors.As(err, &broken) || errors.As(err, &named)
}

// compareReference compares each guest cluster as our reader and the reference
// have it, both of which see zeros past the ends of files: the same bytes, or
// both an error.
func compareReference(files map[string][]byte) error {
	im, err := openFiles(files)
	if err != nil {
		if !typed(err) {
			return fmt.Errorf("open: %v is of no type", err)
		}
		return nil
	}
	defer im.Close()
	if h := im.Header(); h.CryptMethod != qcow2.QCOW_CRYPT_NONE || im.Size() > referenceLimit {
		return nil
	}
	slow, below := openSlow(files, diskName)
	got := make([]byte, im.ClusterSize())
	for at := int64(0); at < im.Size(); at += im.ClusterSize() {
		got := got[:min(im.ClusterSize(), im.Size()-at)]
		_, err := im.ReadAt(got, at)
		if errors.Is(err, io.EOF) {
			err = nil
		}
		want, wantErr := slow.read(uint64(at / im.ClusterSize()))
		switch {
		case below != nil:
			// The reference reads backing files from end to end, and so does
			// not know which clusters need one that is broken, nor in how many
			// ways it is.
			if err != nil && !typed(err) {
				return fmt.Errorf("at %#x: %v is of no type; below: %v", at, err, below)
			}
		case errors.Is(err, qcow2.ErrReference):
			return nil // as it should be, where a name was altered
		case (err == nil) != (wantErr == nil):
			return fmt.Errorf("at %#x: %v; the reference: %v", at, err, wantErr)
		case err == nil && !bytes.Equal(got, want[:len(got)]):
			i := firstDifference(got, want)
			return fmt.Errorf("at %#x: byte %#x is %#02x, the reference has %#02x", at, i, got[i], want[i])
		case err != nil && !errors.Is(err, qcow2.ErrCorrupt) && !errors.Is(err, qcow2.ErrTruncated):
			return fmt.Errorf("at %#x: %v is neither corrupt nor truncated", at, err)
		}
	}
	return nil
}

// TestReferenceReadsCommitted holds the reference itself against QEMU, by the
// manifest.
func TestReferenceReadsCommitted(t *testing.T) {
	t.Parallel()
	for _, r := range committedRecipes() {
		if r.noData || r.password != "" {
			continue
		}
		t.Run(r.name, func(t *testing.T) {
			files := filesIn(t, unpackCommitted(t, r.name))
			disk, err := readSlow(files, diskName)
			if err != nil {
				t.Fatal(err)
			}
			if sum, want := bytesSum(disk), readExpectation(t, r.name).SHA256; sum != want {
				t.Errorf("digest %s, manifest %s", sum, want)
			}
			if err := compareReference(files); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestReferenceOnHostile writes anything anywhere into images: our reader and
// the reference must agree on each cluster all the same.
func TestReferenceOnHostile(t *testing.T) {
	t.Parallel()
	rounds := randomRounds(150, 600)
	for _, r := range committedRecipes() {
		if r.noData || r.password != "" {
			continue
		}
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			random := testseed.Rand(t)
			good := filesIn(t, unpackCommitted(t, r.name))
			for round := range rounds {
				files := make(map[string][]byte)
				for name, b := range good {
					files[name] = b
				}
				// Mostly the top layer, now and then one below.
				name := diskName
				if random.IntN(5) == 0 {
					for other := range good {
						name = other
					}
				}
				files[name] = damaged(random, good[name])
				if err := compareReference(files); err != nil {
					t.Fatalf("round %d: %v", round, err)
				}
			}
		})
	}
}

// damaged is an image with something written into it: bits, bytes, words that
// look like entries; in its tables mostly.
func damaged(r *rand.Rand, good []byte) []byte {
	e := &editor{b: bytes.Clone(good)}
	if len(e.b) < qcow2.SizeofQCowHeader {
		return e.b
	}
	h := e.header()
	cluster := int64(4096)
	tables := []int64{0}
	if h.Magic == qcow2.QCOW2_MAGIC && h.ClusterBits <= qcow2.MAX_CLUSTER_BITS {
		cluster = e.cluster()
		for i := range int64(h.L1Size) {
			if at := e.l1(i); at+8 <= int64(len(e.b)) {
				tables = append(tables, at&^(cluster-1), int64(e.get64(at)&qcow2.L1E_OFFSET_MASK))
			}
		}
	}
	for range 1 + r.IntN(6) {
		at := r.Int64N(int64(len(e.b)))
		if table := tables[r.IntN(len(tables))]; table > 0 && r.IntN(4) > 0 {
			at = table + r.Int64N(cluster)/8*8
			if r.IntN(2) == 0 {
				at = table + r.Int64N(64)*8 // where there are entries, even of small disks
			}
		}
		if at+8 > int64(len(e.b)) {
			continue
		}
		switch r.IntN(4) {
		case 0:
			e.b[at] ^= 1 << r.IntN(8)
		case 1:
			e.b[at] = byte(r.Uint32())
		case 2:
			entry := uint64(r.Int64N(int64(len(e.b))/cluster+2) * cluster)
			if r.IntN(3) == 0 {
				entry |= qcow2.QCOW_OFLAG_COPIED
			}
			if r.IntN(6) == 0 {
				entry |= uint64(r.Int64N(cluster)) | qcow2.QCOW_OFLAG_COMPRESSED
			}
			e.u64(at, entry)
		case 3:
			e.u64(at, r.Uint64()&r.Uint64())
		}
	}
	if r.IntN(10) == 0 {
		e.b = e.b[:r.IntN(len(e.b))+1]
	}
	return e.b
}
