package qcow2

import (
	"bytes"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

const benchSize = 64 << 20

// benchImages are the ways to store a disk that are measured, each against
// the same reads of a raw file.
var benchImages = []struct {
	name string
	recipe
	packed    bool
	encrypted bool // and hold other bytes
}{
	{"plain", recipe{}, false, false},
	{"extended", recipe{extended: true}, false, false},
	{"zlib", recipe{}, true, false},
	{"zstd", recipe{zstd: true}, true, false},
	{"luks", recipe{}, false, true},
}

// benchFile writes a file and opens it.
func benchFile(b *testing.B, content []byte) *os.File {
	b.Helper()
	name := filepath.Join(b.TempDir(), "disk")
	if err := os.WriteFile(name, content, 0o600); err != nil {
		b.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { f.Close() })
	return f
}

// benchDisk returns the content of the measured disks: half of it noise.
func benchDisk() []byte {
	disk := text(benchSize, 1)
	rnd := rand.NewChaCha8([32]byte{1})
	for i := 0; i < len(disk); i += 512 {
		rnd.Read(disk[i : i+160])
	}
	return disk
}

// benchReaders calls f with a raw file and with images that hold the same.
func benchReaders(b *testing.B, f func(b *testing.B, r io.ReaderAt)) {
	disk := benchDisk()
	b.Run("raw", func(b *testing.B) { f(b, benchFile(b, disk)) })
	for _, image := range benchImages {
		image.size = benchSize
		build := newBuilder(b, image.recipe)
		if image.encrypted {
			encryptLUKS(build).Close()
		}
		size := int(build.geometry.clusterSize())
		for i := range benchSize / size {
			build.slot(uint64(i))
		}
		for i := range benchSize / size {
			if content := disk[i*size:][:size]; image.packed {
				build.compressed(uint64(i), content)
			} else {
				build.data(uint64(i), content)
			}
		}
		file := build.bytes()
		b.Run(image.name, func(b *testing.B) {
			im, err := New(benchFile(b, file), int64(len(file)), &Options{Password: []byte(luksPassword)})
			if err != nil {
				b.Fatal(err)
			}
			f(b, im)
		})
	}
}

func benchReadAt(b *testing.B, r io.ReaderAt, size int, next func() int64) {
	p := make([]byte, size)
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.ReadAt(p, next()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadAtRandom4K(b *testing.B) {
	benchReaders(b, func(b *testing.B, r io.ReaderAt) {
		rnd := rand.New(rand.NewPCG(1, 2))
		benchReadAt(b, r, 4096, func() int64 { return rnd.Int64N(benchSize/4096) * 4096 })
	})
}

func BenchmarkReadAtSequential1M(b *testing.B) {
	benchReaders(b, func(b *testing.B, r io.ReaderAt) {
		off := int64(-1 << 20)
		benchReadAt(b, r, 1<<20, func() int64 { off = (off + 1<<20) % benchSize; return off })
	})
}

func BenchmarkWriteTo(b *testing.B) {
	benchReaders(b, func(b *testing.B, r io.ReaderAt) {
		b.SetBytes(benchSize)
		for b.Loop() {
			if im, ok := r.(*Image); ok {
				if n, err := im.WriteTo(io.Discard); n != benchSize || err != nil {
					b.Fatal(n, err)
				}
			} else if _, err := io.Copy(io.Discard, io.NewSectionReader(r, 0, benchSize)); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkLookup measures what finding a place costs, without any file.
func BenchmarkLookup(b *testing.B) {
	build := newBuilder(b, recipe{size: benchSize})
	for i := range uint64(benchSize >> 16) {
		build.data(i, nil)
	}
	file := build.bytes()
	im, err := New(bytes.NewReader(file), int64(len(file)), nil)
	if err != nil {
		b.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for b.Loop() {
		if _, err := im.active.lookup(guestOffset(rnd.Int64N(benchSize/4096)*4096), 4096); err != nil {
			b.Fatal(err)
		}
	}
}
