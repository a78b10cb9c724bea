package qcow2_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log"
	"time"

	"cstructgen/qcow2"
)

func Example() {
	img, err := qcow2.Open("../testdata/demo/disk.qcow2", &qcow2.Options{AllowDirs: []string{"../testdata/demo"}})
	if err != nil {
		log.Fatal(err)
	}
	defer img.Close()
	p := make([]byte, 10)
	n, err := img.ReadAt(p, 0) // an io.ReaderAt
	fmt.Printf("%d bytes; the first %d are %q, %v\n", img.Size(), n, p, err)
	for e, err := range img.Extents(0, 1<<17+4096) { // what qemu-img map shows
		fmt.Println(e.Start, e.Length, e.Depth, e.Data, e.Zero, e.Compressed, err)
	}
	// Output:
	// 4194304 bytes; the first 10 are "line 00000", <nil>
	// 0 65536 1 true false true <nil>
	// 65536 1024 0 true false false <nil>
	// 66560 512 0 true false false <nil>
	// 67072 512 0 true false false <nil>
	// 67584 63488 1 true false true <nil>
	// 131072 4096 0 false true false <nil>
}

// The whole disk, in order, decompressed on all processors.
func ExampleImage_WriteTo() {
	img, err := qcow2.Open("../testdata/demo/disk.qcow2", &qcow2.Options{AllowDirs: []string{"../testdata/demo"}})
	if err != nil {
		log.Fatal(err)
	}
	defer img.Close()
	sum := sha256.New()
	n, err := img.WriteTo(sum)
	fmt.Printf("%d %v %x\n", n, err, sum.Sum(nil))
	// Output:
	// 4194304 <nil> f3eecbd236cd700c3784f0de9075d61ca5afda4b30f5545bd7a42a495c1e0d35
}

// An image opens no file by itself. What it names can be looked at, and its
// own bytes can be read; what needs the other file is an error, never zeros.
func ExampleReferenceError() {
	img, err := qcow2.Open("../testdata/demo/disk.qcow2", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer img.Close()
	_, err = img.ReadAt(make([]byte, 512), 0)
	var ref *qcow2.ReferenceError
	if errors.As(err, &ref) {
		fmt.Printf("needs the %s %q of format %q\n", ref.Kind, ref.Name, ref.Format)
	}
	p := make([]byte, 4)
	_, err = img.ReadAt(p, 3<<20)
	fmt.Printf("%q %v\n", p, err)
	// Output:
	// needs the backing file "base.qcow2" of format "qcow2"
	// "BBBB" <nil>
}

// Whether the structures of an image agree, and what is wrong where they do
// not.
func ExampleImage_Check() {
	img, err := qcow2.Open("../testdata/demo/disk.qcow2", nil) // the file alone is enough
	if err != nil {
		log.Fatal(err)
	}
	defer img.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	result, err := img.Check(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.Clean(), result.Corruptions, result.Leaks)
	fmt.Println(result.AllocatedClusters, "of", result.TotalClusters, "clusters allocated")
	for _, f := range result.Findings {
		fmt.Println(f.Offset, f)
	}
	// Output:
	// true 0 0
	// 6 of 8192 clusters allocated
}

// What there is to be known of an image from a stranger, before anything opens
// it.
func ExampleImage_Safety() {
	img, err := qcow2.Open("../testdata/demo/disk.qcow2", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer img.Close()
	report, err := img.Safety(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.Safe(), report.Safe(qcow2.SafetyBacking)) // the second: but for its backing file
	for _, c := range report.Checks {
		if !c.Passed {
			fmt.Printf("%s: %s\n", c.Name, c.Detail)
		}
	}
	// Output:
	// false true
	// backing_file: the image names a backing file, "base.qcow2" of format "qcow2"
}

// A snapshot is a disk like any other.
func ExampleImage_OpenSnapshot() {
	img, err := qcow2.Open("../testdata/demo/disk.qcow2", &qcow2.Options{AllowDirs: []string{"../testdata/demo"}})
	if err != nil {
		log.Fatal(err)
	}
	defer img.Close()
	list, err := img.Snapshots()
	if err != nil {
		log.Fatal(err)
	}
	before, err := img.OpenSnapshot(list[0].ID)
	if err != nil {
		log.Fatal(err)
	}
	now, then := make([]byte, 1), make([]byte, 1)
	img.ReadAt(now, 65<<10)
	before.ReadAt(then, 65<<10)
	fmt.Printf("%q: %q became %q\n", list[0].Name, then, now)
	// Output:
	// "before the upgrade": "A" became "C"
}
