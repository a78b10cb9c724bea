package luks

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
)

// FuzzOpen opens whatever claims to be a volume, with the right password for
// those it began as: an error with a type, in bounded time, or a volume that
// reads the same bytes twice.
func FuzzOpen(f *testing.F) {
	plain := plainData(3*512 + 96)
	sound := build(f, recipe{}, plain)
	short := build(f, recipe{cipher: "cast5", mode: "cbc-plain64", keyBytes: 16, hash: "sha1"}, plain)
	f.Add(sound[:SizeofLuksPhdr], true)
	f.Add(sound[:100], true)
	f.Add(short[:SizeofLuksPhdr], false)
	for _, change := range []func(p *LuksPhdr){
		func(p *LuksPhdr) { p.PayloadOffset = 1<<32 - 1 },
		func(p *LuksPhdr) { p.MkDigestIter = 1<<32 - 1 },
		func(p *LuksPhdr) { p.KeySlots[0].Iterations = 1<<32 - 1 },
		func(p *LuksPhdr) { p.KeySlots[0].KeyMaterialOffset = 1<<32 - 1 },
		func(p *LuksPhdr) { p.KeySlots[0].Stripes = 1<<32 - 1 },
		func(p *LuksPhdr) { p.KeyBytes = 1<<32 - 1 },
		func(p *LuksPhdr) { p.CipherMode = [32]byte{'e', 'c', 'b'} },
		func(p *LuksPhdr) {
			p.CipherMode = [32]byte{'x', 't', 's', '-', 'e', 's', 's', 'i', 'v', ':', 's', 'h', 'a', '1'}
		},
	} {
		f.Add(changed(sound, change)[:SizeofLuksPhdr], true)
		f.Add(changed(short, change)[:SizeofLuksPhdr], false)
	}
	f.Fuzz(func(t *testing.T, head []byte, aes bool) {
		// The rest of a volume is too long to be mutated, and need not be.
		file := bytes.Clone(short)
		if aes {
			file = bytes.Clone(sound)
		}
		copy(file, head)
		if len(head) < SizeofLuksPhdr/2 {
			file = head
		}
		v, err := Open(context.Background(), bytes.NewReader(file), int64(len(file)), []byte(testPassword), &Options{MaxIterations: 1000})
		if err != nil {
			var e *Error
			if v != nil || !errors.As(err, &e) {
				t.Fatalf("an error of no type: %v", err)
			}
			return
		}
		defer v.Close()
		a, b := make([]byte, v.Size()), make([]byte, v.Size())
		n, err := v.ReadAt(a, 0)
		if n != len(a) || err != nil && err != io.EOF {
			t.Fatalf("%d bytes of %d, %v", n, len(a), err)
		}
		for at := 0; at < len(b); at += 100 {
			if _, err := v.ReadAt(b[at:min(at+100, len(b))], int64(at)); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(a, b) {
			t.Fatal("read again, the volume holds something else")
		}
	})
}

// FuzzMerge splits keys and merges them again, whatever their length.
func FuzzMerge(f *testing.F) {
	for i, name := range []string{"sha1", "sha256", "sha512", "ripemd160"} {
		f.Add(plainData(16*(i+1)), name)
	}
	f.Fuzz(func(t *testing.T, key []byte, hash string) {
		newHash, ok := hashes[hash]
		if !ok || len(key) > maxKeyBytes {
			return
		}
		pieces := split(hash, key, newRandom(byte(len(key))))
		if got := merge(pieces, newHash()); !bytes.Equal(got, key) {
			t.Errorf("%x split and merged with %s is %x", key, hash, got)
		}
	})
}
