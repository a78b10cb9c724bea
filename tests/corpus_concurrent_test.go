package tests

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"cstructgen/internal/testseed"
	"cstructgen/qcow2"
)

const (
	readers        = 64 // goroutines on one image
	readsOfReaders = 25 // of each
)

// TestConcurrentReads reads each committed image from 64 goroutines at random
// places, with the cache it has by default and with the smallest there is,
// where everything is always being thrown out. Run it under -race.
func TestConcurrentReads(t *testing.T) {
	t.Parallel()
	for _, r := range committedRecipes() {
		if r.noData || r.password != "" {
			continue
		}
		for _, cache := range []int64{0, 1} {
			t.Run(fmt.Sprintf("%s,cache=%d", r.name, cache), func(t *testing.T) {
				t.Parallel()
				readConcurrently(t, unpackCommitted(t, r.name), cache, readExpectation(t, r.name).SHA256)
			})
		}
	}
}

// TestConcurrentCorpus does the same with a sample of the corpus: larger
// clusters, more of them, chains.
func TestConcurrentCorpus(t *testing.T) {
	t.Parallel()
	b := newBuilder(t)
	for i, c := range combinations() {
		if i%37 != 0 || c.diskSize() > wholeLimit {
			continue
		}
		r := c.recipe()
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			withImage(t, b, &r, func(dir string) {
				raw := filepath.Join(t.TempDir(), "raw")
				mustTool(t, dir, "qemu-img", "convert", "-f", "qcow2", "-O", "raw", diskName, raw)
				readConcurrently(t, dir, 1, fileSum(t, raw))
			})
		})
	}
}

// readConcurrently reads the image in dir, whose contents have the digest sum.
// The first reads are the very first on the image: nothing is cached yet.
func readConcurrently(t *testing.T, dir string, cache int64, sum string) {
	opts := &qcow2.Options{AllowDirs: []string{dir}, CacheBytes: cache}
	want := rawContents(t, dir, opts, sum)
	im, err := qcow2.Open(filepath.Join(dir, diskName), opts)
	if err != nil {
		t.Fatal(err)
	}
	defer im.Close()
	start := testseed.Of(t)
	errs := make(chan error, readers)
	var wg sync.WaitGroup
	for g := range readers {
		wg.Go(func() {
			if err := readRandomly(im, want, rand.New(rand.NewPCG(start, uint64(g)))); err != nil {
				errs <- err
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		t.Fatal(err)
	}
}

// readRandomly compares reads with the contents: short ones, and ones that
// span many clusters, all over the disk and, half of them, in one place that
// all goroutines want.
func readRandomly(im *qcow2.Image, want []byte, r *rand.Rand) error {
	if len(want) == 0 {
		return nil
	}
	got, other, size := make([]byte, 96<<10), make([]byte, 96<<10), int64(len(want))
	raw := bytes.NewReader(want)
	for range readsOfReaders {
		at := r.Int64N(size)
		if r.IntN(2) == 0 {
			at = r.Int64N(min(size, 2*im.ClusterSize()))
		}
		n := 1 + r.IntN(len(got))
		if r.IntN(2) == 0 {
			n = 1 + r.IntN(700)
		}
		n = int(min(int64(n), size-at))
		if err := differs(im, raw, got[:n], other[:n], at); err != nil {
			return err
		}
	}
	return nil
}

// rawContents reads the whole disk and checks its digest.
func rawContents(t *testing.T, dir string, opts *qcow2.Options, sum string) []byte {
	t.Helper()
	im, err := qcow2.Open(filepath.Join(dir, diskName), opts)
	if err != nil {
		t.Fatal(err)
	}
	defer im.Close()
	var raw bytes.Buffer
	if _, err := im.WriteTo(&raw); err != nil {
		t.Fatal(err)
	}
	if got := sha256.Sum256(raw.Bytes()); hex.EncodeToString(got[:]) != sum {
		t.Fatalf("digest %x, want %s", got, sum)
	}
	return raw.Bytes()
}

// TestConcurrentFirstReads opens images anew again and again, so that many
// goroutines make the same first steps at once.
func TestConcurrentFirstReads(t *testing.T) {
	t.Parallel()
	const name = "v3-deflate"
	dir := unpackCommitted(t, name)
	want := rawContents(t, dir, nil, readExpectation(t, name).SHA256)
	file, err := os.ReadFile(filepath.Join(dir, diskName))
	if err != nil {
		t.Fatal(err)
	}
	for range 30 {
		im, err := qcow2.New(bytes.NewReader(file), int64(len(file)), nil)
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		start := make(chan struct{})
		for range readers {
			wg.Go(func() {
				<-start
				got := make([]byte, len(want))
				if _, err := im.ReadAt(got, 0); err != nil || !bytes.Equal(got, want) {
					t.Errorf("%v, or other bytes", err)
				}
			})
		}
		close(start)
		wg.Wait()
		if err := im.Close(); err != nil {
			t.Error(err)
		}
	}
}
