package luks

import (
	"bytes"
	"context"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/subtle"
	"math/rand/v2"
	"testing"
)

// A recipe describes a volume to build. The zero value of every field means
// what is usual.
type recipe struct {
	cipher, mode, hash string // aes, xts-plain64, sha256
	keyBytes           int    // 64
	iterations         uint32 // 3
	digestIterations   uint32 // 2
	passwords          map[int]string
}

const testPassword = "open sesame"

// build returns a volume that holds the plain data, encrypted by code that
// shares nothing with this package but the block ciphers.
func build(t testing.TB, r recipe, plain []byte) []byte {
	t.Helper()
	if r.cipher == "" {
		r.cipher, r.mode, r.keyBytes = "aes", "xts-plain64", 64
	}
	if r.hash == "" {
		r.hash = "sha256"
	}
	if r.iterations == 0 {
		r.iterations = 3
	}
	if r.digestIterations == 0 {
		r.digestIterations = 2
	}
	if r.passwords == nil {
		r.passwords = map[int]string{0: testPassword}
	}
	rnd := newRandom(7)
	master := make([]byte, r.keyBytes)
	rnd.Read(master)

	area := (r.keyBytes*LUKS_STRIPES + 4095) / 4096 * 4096
	payload := 4096 + LUKS_NUMKEYS*area
	file := make([]byte, payload, payload+len(plain))
	p := &LuksPhdr{Version: LUKS_VERSION, PayloadOffset: uint32(payload / 512), KeyBytes: uint32(r.keyBytes), MkDigestIter: r.digestIterations}
	copy(p.Magic[:], LUKS_MAGIC)
	copy(p.CipherName[:], r.cipher)
	copy(p.CipherMode[:], r.mode)
	copy(p.HashSpec[:], r.hash)
	copy(p.Uuid[:], "5d3095f9-1c6b-443b-a9db-5e3c1291eb7b")
	rnd.Read(p.MkDigestSalt[:])
	copy(p.MkDigest[:], pbkdf2Key(t, r.hash, string(master), p.MkDigestSalt[:], r.digestIterations, LUKS_DIGESTSIZE))
	for i := range p.KeySlots {
		s := &p.KeySlots[i]
		*s = LuksKeySlot{Active: LUKS_KEY_DISABLED, KeyMaterialOffset: uint32((4096 + i*area) / 512), Stripes: LUKS_STRIPES}
		password, ok := r.passwords[i]
		if !ok {
			continue
		}
		s.Active, s.Iterations = LUKS_KEY_ENABLED, r.iterations
		rnd.Read(s.Salt[:])
		key := pbkdf2Key(t, r.hash, password, s.Salt[:], s.Iterations, r.keyBytes)
		copy(file[4096+i*area:], encrypt(t, r, key, split(r.hash, master, rnd)))
	}
	p.Encode((*[SizeofLuksPhdr]byte)(file))
	return append(file, encrypt(t, r, master, plain)...)
}

// changed returns a volume with another header.
func changed(file []byte, change func(p *LuksPhdr)) []byte {
	if change == nil {
		return file
	}
	file = bytes.Clone(file)
	b := (*[SizeofLuksPhdr]byte)(file)
	var p LuksPhdr
	p.Decode(b)
	change(&p)
	p.Encode(b)
	return file
}

func pbkdf2Key(t testing.TB, hash, password string, salt []byte, iterations uint32, n int) []byte {
	t.Helper()
	key, err := pbkdf2.Key(hashes[hash], password, salt, int(iterations), n)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// split is the specification's AFsplit.
func split(hash string, key []byte, rnd *rand.ChaCha8) []byte {
	pieces := make([]byte, len(key)*LUKS_STRIPES)
	sum := make([]byte, len(key))
	for i := range LUKS_STRIPES - 1 {
		piece := pieces[i*len(key):][:len(key)]
		rnd.Read(piece)
		subtle.XORBytes(sum, sum, piece)
		for j, n := 0, uint32(0); j < len(sum); n++ {
			h := hashes[hash]()
			h.Write([]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
			h.Write(sum[j:min(len(sum), j+h.Size())])
			j += copy(sum[j:], h.Sum(nil))
		}
	}
	subtle.XORBytes(pieces[len(pieces)-len(key):], sum, key)
	return pieces
}

// encrypt encrypts sectors, the last of which may be short, from number 0 on.
func encrypt(t testing.TB, r recipe, key, plain []byte) []byte {
	t.Helper()
	mode, iv, ivHash := cutMode(r.mode)
	kind := blockCiphers[r.cipher]
	block := func(key []byte) cipher.Block {
		b, err := kind.new(key)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	out := make([]byte, len(plain))
	for at := 0; at < len(plain); at += 512 {
		number := uint64(at / 512)
		if iv == "plain" {
			number &= 0xffffffff
		}
		v := make([]byte, kind.blockSize)
		for i := range 8 {
			v[i] = byte(number >> (8 * i))
		}
		if iv == "essiv" {
			h := hashes[ivHash]()
			h.Write(key)
			block(h.Sum(nil)).Encrypt(v, v)
		}
		src := plain[at:min(len(plain), at+512)]
		dst := out[at : at+len(src)]
		switch mode {
		case "ecb":
			data := block(key)
			for i := 0; i < len(src); i += kind.blockSize {
				data.Encrypt(dst[i:], src[i:])
			}
		case "cbc":
			cipher.NewCBCEncrypter(block(key), v).CryptBlocks(dst, src)
		case "xts":
			data := block(key[:len(key)/2])
			block(key[len(key)/2:]).Encrypt(v, v)
			for i := 0; i < len(src); i += 16 {
				subtle.XORBytes(dst[i:i+16], src[i:i+16], v)
				data.Encrypt(dst[i:i+16], dst[i:i+16])
				subtle.XORBytes(dst[i:i+16], dst[i:i+16], v)
				carry := byte(0)
				for j := range v {
					v[j], carry = v[j]<<1|carry, v[j]>>7
				}
				v[0] ^= carry * 0x87
			}
		default:
			t.Fatalf("mode %q", r.mode)
		}
	}
	return out
}

// plainData returns n bytes that differ from sector to sector.
func plainData(n int) []byte {
	p := make([]byte, n)
	newRandom(1).Read(p)
	return p
}

// openVolume opens a volume in memory, which must be sound.
func openVolume(t testing.TB, file []byte, password string) *Volume {
	t.Helper()
	v, err := Open(context.Background(), bytes.NewReader(file), int64(len(file)), []byte(password), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close() })
	return v
}

func newRandom(seed byte) *rand.ChaCha8 { return rand.NewChaCha8([32]byte{seed}) }
