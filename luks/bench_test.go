package luks

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"testing"

	"golang.org/x/crypto/xts"
)

const benchSize = 64 << 10

// BenchmarkSectors compares decrypting sectors with what it cannot beat, the
// same blocks decrypted by crypto/aes one by one, and with what the libraries
// offer for it.
func BenchmarkSectors(b *testing.B) {
	key := plainData(64)
	p := plainData(benchSize)
	iv := make([]byte, aes.BlockSize)
	run := func(name string, work func()) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(benchSize)
			b.ReportAllocs()
			for b.Loop() {
				work()
			}
		})
	}
	block, err := aes.NewCipher(key[:32])
	if err != nil {
		b.Fatal(err)
	}
	run("blocks", func() {
		for at := 0; at < len(p); at += aes.BlockSize {
			block.Decrypt(p[at:at+aes.BlockSize], p[at:at+aes.BlockSize])
		}
	})
	other, err := xts.NewCipher(aes.NewCipher, key)
	if err != nil {
		b.Fatal(err)
	}
	run("x-crypto-xts", func() {
		for at := 0; at < len(p); at += LUKS_SECTOR_SIZE {
			other.Decrypt(p[at:at+LUKS_SECTOR_SIZE], p[at:at+LUKS_SECTOR_SIZE], uint64(at))
		}
	})
	run("crypto-cipher-cbc", func() {
		for at := 0; at < len(p); at += LUKS_SECTOR_SIZE {
			cipher.NewCBCDecrypter(block, iv).CryptBlocks(p[at:at+LUKS_SECTOR_SIZE], p[at:at+LUKS_SECTOR_SIZE])
		}
	})
	for _, r := range []recipe{
		{cipher: "aes", mode: "xts-plain64", keyBytes: 64},
		{cipher: "aes", mode: "cbc-plain64", keyBytes: 32},
		{cipher: "aes", mode: "cbc-essiv:sha256", keyBytes: 32},
		{cipher: "aes", mode: "ecb", keyBytes: 32},
		{cipher: "twofish", mode: "xts-plain64", keyBytes: 64},
		{cipher: "cast5", mode: "cbc-plain64", keyBytes: 16},
	} {
		c, err := NewCipher(r.cipher, r.mode, key[:r.keyBytes])
		if err != nil {
			b.Fatal(err)
		}
		run(r.String(), func() {
			if err := c.Decrypt(p, 0); err != nil {
				b.Fatal(err)
			}
		})
	}
}

func BenchmarkReadAt(b *testing.B) {
	v := openVolume(b, build(b, recipe{}, plainData(1<<20)), testPassword)
	for name, size := range map[string]int{"4K": 4 << 10, "1M": 1 << 20, "100": 100} {
		b.Run(name, func(b *testing.B) {
			p := make([]byte, size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.ReadAt(p, 0); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkDerive measures a thousand iterations of PBKDF2 for one block.
func BenchmarkDerive(b *testing.B) {
	for name, newHash := range hashes {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			key := make([]byte, newHash().Size())
			for b.Loop() {
				d := derivations{left: 1000}
				if err := d.derive(context.Background(), newHash, key, []byte(testPassword), make([]byte, LUKS_SALTSIZE), 1000); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkOpen measures what opening costs beside PBKDF2: one slot, of few
// iterations.
func BenchmarkOpen(b *testing.B) {
	file := build(b, recipe{}, nil)
	for b.Loop() {
		v, err := Open(context.Background(), bytes.NewReader(file), int64(len(file)), []byte(testPassword), nil)
		if err != nil {
			b.Fatal(err)
		}
		v.Close()
	}
}
