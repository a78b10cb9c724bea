package luks

import (
	"bytes"
	"crypto/cipher"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"golang.org/x/crypto/xts"
)

// combinations are all ciphers that this package reads.
func combinations() []recipe {
	var list []recipe
	for _, c := range []struct {
		name  string
		bytes []int
	}{{"aes", []int{16, 24, 32}}, {"twofish", []int{16, 24, 32}}, {"cast5", []int{16}}} {
		for _, n := range c.bytes {
			for _, iv := range []string{"", "-plain", "-plain64", "-essiv:sha256"} {
				if c.name == "cast5" && iv == "-essiv:sha256" {
					continue // its keys are shorter than the digest
				}
				list = append(list, recipe{cipher: c.name, mode: "ecb" + iv, keyBytes: n})
				if iv == "" {
					continue
				}
				list = append(list, recipe{cipher: c.name, mode: "cbc" + iv, keyBytes: n})
				if c.name != "cast5" {
					list = append(list, recipe{cipher: c.name, mode: "xts" + iv, keyBytes: 2 * n})
				}
			}
		}
	}
	return list
}

func (r recipe) String() string { return fmt.Sprintf("%s-%s-%d", r.cipher, r.mode, r.keyBytes*8) }

func TestCipher(t *testing.T) {
	plain := plainData(5*512 + 16)
	for _, r := range combinations() {
		key := plainData(r.keyBytes)
		c, err := NewCipher(r.cipher, r.mode, key)
		if err != nil {
			t.Errorf("%v: %v", r, err)
			continue
		}
		p := encrypt(t, r, key, plain)
		if bytes.Equal(p, plain) {
			t.Fatalf("%v: not encrypted", r)
		}
		c.decrypt(p, 0)
		if !bytes.Equal(p, plain) {
			t.Errorf("%v: decrypted to something else", r)
		}
	}
}

// Sectors far out, where plain and plain64 part, and the same as x/crypto has.
func TestCipherXTS(t *testing.T) {
	key := plainData(64)
	for _, name := range []string{"aes", "twofish"} {
		other, err := xts.NewCipher(blockCiphers[name].new, key)
		if err != nil {
			t.Fatal(err)
		}
		for mode, mask := range map[string]uint64{"xts-plain64": 1<<64 - 1, "xts-plain": 1<<32 - 1, "xts-plain:sha1": 1<<32 - 1} {
			c, err := NewCipher(name, mode, key)
			if err != nil {
				t.Fatal(err)
			}
			for _, number := range []uint64{0, 1, 1<<32 - 1, 1 << 32, 1<<40 + 12345, 1<<55 - 1} {
				want, got := plainData(1024), plainData(1024)
				other.Decrypt(want[:512], want[:512], number&mask)
				other.Decrypt(want[512:], want[512:], (number+1)&mask)
				if err := c.Decrypt(got, number); err != nil || !bytes.Equal(got, want) {
					t.Errorf("%s, %s, sector %d: differs from x/crypto, %v", name, mode, number, err)
				}
			}
		}
	}
}

// IEEE 1619-2007, annex B, vector 4: the first blocks of a sector of 512.
func TestCipherVector(t *testing.T) {
	key, _ := hex.DecodeString("2718281828459045235360287471352631415926535897932384626433832795")
	text, _ := hex.DecodeString("27a7479befa1d476489f308cd4cfa6e2a96e4bbe3208ff25287dd3819616e89cc78cf7f5e543445f8333d8fa7f560000")
	c, err := NewCipher("aes", "xts-plain64", key)
	if err != nil {
		t.Fatal(err)
	}
	c.decrypt(text, 0)
	for i, b := range text {
		if b != byte(i) {
			t.Fatalf("byte %d is %#x", i, b)
		}
	}
}

func TestCipherRefused(t *testing.T) {
	for _, tt := range []struct {
		cipher, mode string
		keyBytes     int
		want         error
		field        string
		names        string
	}{
		{"serpent", "xts-plain64", 64, ErrUnsupported, "cipher_name", `"serpent"`},
		{"", "xts-plain64", 64, ErrUnsupported, "cipher_name", `""`},
		{"AES", "xts-plain64", 64, ErrUnsupported, "cipher_name", `"AES"`},
		{"aes", "ctr-plain64", 32, ErrUnsupported, "cipher_mode", `"ctr"`},
		{"aes", "", 32, ErrUnsupported, "cipher_mode", `""`},
		{"aes", "cbc", 32, ErrUnsupported, "cipher_mode", `""`},
		{"aes", "cbc-plain64be", 32, ErrUnsupported, "cipher_mode", `"plain64be"`},
		{"aes", "ecb-lmk", 32, ErrUnsupported, "cipher_mode", `"lmk"`},
		{"aes", "cbc-essiv", 32, ErrUnsupported, "cipher_mode", `""`},
		{"aes", "cbc-essiv:md5", 32, ErrUnsupported, "cipher_mode", `"md5"`},
		{"aes", "cbc-essiv:sha1", 32, ErrUnsupported, "cipher_mode", "20"},
		{"cast5", "cbc-essiv:sha256", 16, ErrUnsupported, "cipher_mode", "32"},
		{"cast5", "xts-plain64", 32, ErrUnsupported, "cipher_mode", `"xts"`},
		{"aes", "cbc-plain", 20, ErrCorrupt, "key_bytes", "20"},
		{"aes", "cbc-plain", 0, ErrCorrupt, "key_bytes", "0"},
		{"aes", "cbc-plain", 64, ErrCorrupt, "key_bytes", "64"},
		{"aes", "xts-plain", 16, ErrCorrupt, "key_bytes", "16"},
		{"aes", "xts-plain", 33, ErrCorrupt, "key_bytes", "33"},
		{"twofish", "cbc-plain", 33, ErrCorrupt, "key_bytes", "33"},
		{"cast5", "cbc-plain", 32, ErrCorrupt, "key_bytes", "32"},
	} {
		c, err := NewCipher(tt.cipher, tt.mode, make([]byte, tt.keyBytes))
		var e *Error
		if c != nil || !errors.Is(err, tt.want) || !errors.As(err, &e) || e.Field != tt.field || !strings.Contains(e.Reason, tt.names) {
			t.Errorf("%s, %q, %d bytes: %v", tt.cipher, tt.mode, tt.keyBytes, err)
		}
	}
}

func TestCipherClose(t *testing.T) {
	c, err := NewCipher("aes", "cbc-essiv:sha256", make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Decrypt(make([]byte, 511), 0); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("part of a sector: %v", err)
	}
	block, iv := c.block, c.iv.essiv
	const digits = "123456789"
	if text := fmt.Sprintf("%v", block); !strings.ContainsAny(text, digits) {
		t.Errorf("round keys do not show: %s", text)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	for _, b := range []cipher.Block{block, iv} {
		// Round keys of no rounds: what Go made of the key is not there.
		if text := fmt.Sprintf("%v", b); strings.ContainsAny(text, digits) {
			t.Errorf("round keys are left: %s", text)
		}
	}
	if err := c.Decrypt(make([]byte, 512), 0); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	if _, err := c.ReadSectors(bytes.NewReader(make([]byte, 512)), make([]byte, 512), 0, 0); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	if err := c.Close(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("closed again: %v", err)
	}
}
