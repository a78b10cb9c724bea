package qcow2_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"os"
	"path/filepath"

	"cstructgen/qcow2"
)

// unpacked returns an image of the package's test data.
func unpacked(name string) []byte {
	f, err := os.Open(filepath.Join("testdata/images", name, "disk.qcow2.gz"))
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	r, err := gzip.NewReader(f)
	if err != nil {
		log.Fatal(err)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		log.Fatal(err)
	}
	return data
}

// An image may be any io.ReaderAt: a file that is open already, bytes in
// memory, an object in a store that is read by ranges.
func ExampleNew() {
	file := unpacked("v3-plain")
	img, err := qcow2.New(bytes.NewReader(file), int64(len(file)), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer img.Close()
	// The disk is an io.ReaderAt, too: what reads files reads disks.
	disk := io.NewSectionReader(img, 0, img.Size())
	n, err := io.Copy(io.Discard, disk)
	fmt.Println(img.Size(), n, err)
	fmt.Println("version", img.Header().Version, "clusters of", img.ClusterSize())
	// Output:
	// 524288 524288 <nil>
	// version 3 clusters of 4096
}

// How much of a disk comes from which file of its chain.
func ExampleImage_Extents() {
	img, err := qcow2.Open("../testdata/demo/disk.qcow2", &qcow2.Options{AllowDirs: []string{"../testdata/demo"}})
	if err != nil {
		log.Fatal(err)
	}
	defer img.Close()
	stored := make(map[int]int64) // by depth: 0 is the image itself
	var zeros int64
	for e, err := range img.Extents(0, img.Size()) {
		switch {
		case err != nil:
			log.Fatal(err)
		case e.Zero: // nothing needs to be read to know that
			zeros += e.Length
		default:
			stored[e.Depth] += e.Length
		}
	}
	for _, f := range img.Files() {
		fmt.Printf("%d: %s, %d bytes\n", f.Depth, filepath.Base(f.Name), stored[f.Depth])
	}
	fmt.Printf("zeros: %d bytes\n", zeros)
	// Output:
	// 0: disk.qcow2, 3072 bytes
	// 1: base.qcow2, 518144 bytes
	// zeros: 3673088 bytes
}

// Files that an image names may come from anywhere: here from a file system
// that the caller chose. What the function refuses is as good as not there.
func ExampleOptions_openFile() {
	store := os.DirFS("../testdata/demo") // or an embed.FS, an archive, a bucket
	opts := &qcow2.Options{
		OpenFile: func(ref qcow2.Reference) (*qcow2.Source, error) {
			// The name is the image's: it is looked at before it is used.
			if ref.Kind != qcow2.KindBacking || !fs.ValidPath(ref.Name) {
				return nil, fs.ErrPermission
			}
			data, err := fs.ReadFile(store, ref.Name)
			if err != nil {
				return nil, err
			}
			fmt.Printf("opened %s as %s\n", ref.Name, ref.Format)
			return &qcow2.Source{Reader: bytes.NewReader(data), Size: int64(len(data)), Name: ref.Name}, nil
		},
	}
	img, err := qcow2.Open("../testdata/demo/disk.qcow2", opts)
	if err != nil {
		log.Fatal(err)
	}
	defer img.Close()
	p := make([]byte, 10)
	_, err = img.ReadAt(p, 0)
	fmt.Printf("%q %v\n", p, err)
	// Output:
	// opened base.qcow2 as qcow2
	// "line 00000" <nil>
}

// A copy of the disk in a file. Bytes that are known to be zeros are not
// written: the file has holes there.
func ExampleImage_ReadAt() {
	img, err := qcow2.Open("../testdata/demo/disk.qcow2", &qcow2.Options{AllowDirs: []string{"../testdata/demo"}})
	if err != nil {
		log.Fatal(err)
	}
	defer img.Close()
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	out, err := os.Create(filepath.Join(dir, "disk.raw"))
	if err != nil {
		log.Fatal(err)
	}
	if err := out.Truncate(img.Size()); err != nil {
		log.Fatal(err)
	}
	for e, err := range img.Extents(0, img.Size()) {
		if err != nil {
			log.Fatal(err)
		}
		if e.Zero {
			continue
		}
		piece := io.NewSectionReader(img, e.Start, e.Length)
		if _, err := io.Copy(io.NewOffsetWriter(out, e.Start), piece); err != nil {
			log.Fatal(err)
		}
	}
	if err := out.Close(); err != nil { // an error here is one of writing
		log.Fatal(err)
	}
	info, err := os.Stat(out.Name())
	fmt.Println(info.Size(), err)
	// Output:
	// 4194304 <nil>
}

// An encrypted image opens without its password, to be looked at. Its data
// takes the password: in Options, or later.
func ExampleImage_Unlock() {
	file := unpacked("luks")
	img, err := qcow2.New(bytes.NewReader(file), int64(len(file)), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer img.Close()
	p := make([]byte, 8)
	_, err = img.ReadAt(p, 0)
	fmt.Println(img.Describe().Encryption, errors.Is(err, qcow2.ErrPassword))

	err = img.Unlock(context.Background(), func(layer qcow2.EncryptedLayer) ([]byte, error) {
		return []byte("open sesame"), nil // layer says which file of the chain is asked about
	})
	if err != nil {
		log.Fatal(err)
	}
	n, err := img.ReadAt(p, 0)
	fmt.Printf("%d bytes, %x, %v\n", n, p, err)
	// Output:
	// luks true
	// 8 bytes, 0101010101010101, <nil>
}

// What was written to since a bitmap was made: all that an incremental backup
// has to copy.
func ExampleImage_DirtyRanges() {
	file := unpacked("bitmaps")
	img, err := qcow2.New(bytes.NewReader(file), int64(len(file)), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer img.Close()
	bitmaps, err := img.Bitmaps()
	if err != nil {
		log.Fatal(err)
	}
	b := &bitmaps[0]
	fmt.Println(b.Name, b.Granularity, b.InUse)
	for r, err := range img.DirtyRanges(b) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(r.Start, r.Length)
	}
	// Output:
	// fine 4096 false
	// 65536 16384
	// 524288 4096
	// 921600 4096
}
