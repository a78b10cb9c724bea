package luks_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"

	"cstructgen/luks"
)

// volume returns a volume that "qemu-img create -f luks" made.
func volume() *bytes.Reader {
	f, err := os.Open("testdata/qemu.luks.gz")
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		log.Fatal(err)
	}
	content, err := io.ReadAll(z)
	if err != nil {
		log.Fatal(err)
	}
	return bytes.NewReader(content)
}

// A volume is unlocked with its password, and is then a reader of what was
// written to it.
func ExampleOpen() {
	r := volume() // a file would do
	v, err := luks.Open(context.Background(), r, r.Size(), []byte("open sesame"), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer v.Close() // overwrites the keys
	p := make([]byte, 5)
	n, err := v.ReadAt(p, 1000)
	fmt.Printf("%d bytes, slot %d; %q %d %v\n", v.Size(), v.Slot(), p, n, err)

	_, err = luks.Open(context.Background(), r, r.Size(), []byte("open wheat"), nil)
	fmt.Println(errors.Is(err, luks.ErrPassword), err)
	// Output:
	// 65536 bytes, slot 0; "AAAAA" 5 <nil>
	// true luks: key_slots at 0xd0: no key slot opens: wrong password
}

// What a header says takes no password.
func ExampleReadHeader() {
	r := volume()
	h, err := luks.ReadHeader(r, r.Size())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(h.Cipher, h.KeyBits, h.Mode, h.IV, h.IVHash, h.Hash, h.PayloadOffset)
	for i, s := range h.Slots {
		if s.Active {
			fmt.Println("slot", i, "has a key at", s.KeyOffset)
		}
	}
	// Output:
	// aes 128 cbc essiv sha256 sha256 528384
	// slot 0 has a key at 4096
}

// Sectors are decrypted without any header where the key is known.
func ExampleNewCipher() {
	c, err := luks.NewCipher("aes", "xts-plain64", make([]byte, 64))
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	sector := make([]byte, luks.LUKS_SECTOR_SIZE)
	err = c.Decrypt(sector, 7)
	fmt.Printf("%x %v\n", sector[:8], err)
	// Output:
	// 8a3ae15022155233 <nil>
}
