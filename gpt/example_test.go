package gpt_test

import (
	"fmt"
	"log"
	"os"

	"cstructgen/gpt"
)

// The disk is a file here. It may be anything that reads, such as an image
// opened by package qcow2.
func Example() {
	f, err := os.Open("testdata/disk.img")
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		log.Fatal(err)
	}
	table, err := gpt.Read(f, info.Size(), nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(table.Scheme, table.ID)
	for _, p := range table.Partitions {
		fmt.Printf("%d: %d bytes at %d, %s, %q\n", p.Number, p.Length, p.Start, p.TypeName(), p.Name)
	}
	root := table.Partitions[1] // an io.SectionReader
	text := make([]byte, 11)
	n, err := root.ReadAt(text, 0)
	fmt.Printf("%q %d %v\n", text, n, err)
	// Output:
	// gpt 5D3095F9-1C6B-443B-A9DB-5E3C1291EB7B
	// 1: 8192 bytes at 20480, EFI system, "EFI system"
	// 2: 16384 bytes at 28672, Linux filesystem, "root"
	// "hello, root" 11 <nil>
}
