package luks

import (
	"bytes"
	"context"
	"crypto/cipher"
	"crypto/pbkdf2"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestUnlock(t *testing.T) {
	plain := plainData(3 * 512)
	list := []recipe{
		{cipher: "aes", mode: "cbc-essiv:sha256", keyBytes: 24}, // key material that ends inside a sector
		{cipher: "aes", mode: "xts-essiv:sha256", keyBytes: 48},
		{cipher: "aes", mode: "ecb", keyBytes: 16},
		{cipher: "twofish", mode: "xts-plain", keyBytes: 64},
		{cipher: "cast5", mode: "cbc-plain64", keyBytes: 16},
	}
	for hash := range hashes {
		list = append(list, recipe{cipher: "aes", mode: "xts-plain64", keyBytes: 64, hash: hash})
	}
	for _, r := range list {
		v := openVolume(t, build(t, r, plain), testPassword)
		got := make([]byte, len(plain))
		if n, err := v.ReadAt(got, 0); n != len(got) || err != nil || !bytes.Equal(got, plain) || v.Size() != int64(len(plain)) {
			t.Errorf("%v, %s: %d bytes of %d, %v", r, r.hash, n, v.Size(), err)
		}
	}
}

// Each slot opens with its own password, and with no other.
func TestUnlockSlots(t *testing.T) {
	passwords := map[int]string{1: "first", 4: "", 7: "not\x00UTF-8 \xff and rather long, " + strings.Repeat("x", 500)}
	file := build(t, recipe{passwords: passwords}, plainData(512))
	for i, password := range passwords {
		if v := openVolume(t, file, password); v.Slot() != i {
			t.Errorf("password %q opens slot %d", password, v.Slot())
		}
	}
	for _, password := range []string{"second", "first\n", "firs", "\x00"} {
		// What ends with NULs is the same to HMAC as what does not.
		v, err := unlock(file, password, nil)
		if password == "\x00" {
			if err != nil || v.Slot() != 4 {
				t.Errorf("password %q: %v", password, err)
			}
			continue
		}
		if v != nil || !errors.Is(err, ErrPassword) {
			t.Errorf("password %q: %v", password, err)
		}
	}
	none := build(t, recipe{passwords: map[int]string{}}, nil)
	if _, err := unlock(none, "", nil); !errors.Is(err, ErrPassword) {
		t.Errorf("no slot is active: %v", err)
	}
}

func unlock(file []byte, password string, opts *Options) (*Volume, error) {
	return Open(context.Background(), bytes.NewReader(file), int64(len(file)), []byte(password), opts)
}

// What a header may not say.
func TestUnlockBroken(t *testing.T) {
	sound := build(t, recipe{}, plainData(512))
	for _, tt := range []struct {
		name  string
		spoil func(p *LuksPhdr)
		want  error
		field string
		value string
	}{
		{"digest of no iterations", func(p *LuksPhdr) { p.MkDigestIter = 0 }, ErrCorrupt, "mk_digest_iter", "0"},
		{"slot of no iterations", func(p *LuksPhdr) { p.KeySlots[0].Iterations = 0 }, ErrCorrupt, "key_slots[0].iterations", "0"},
		{"one stripe less", func(p *LuksPhdr) { p.KeySlots[0].Stripes-- }, ErrCorrupt, "key_slots[0].stripes", "3999"},
		{"many stripes", func(p *LuksPhdr) { p.KeySlots[0].Stripes = 1<<32 - 1 }, ErrCorrupt, "key_slots[0].stripes", "4294967295"},
		{"stripes of an inactive slot", func(p *LuksPhdr) { p.KeySlots[3].Stripes = 0 }, ErrCorrupt, "key_slots[3].stripes", "0"},
		{"state", func(p *LuksPhdr) { p.KeySlots[7].Active = 1 }, ErrCorrupt, "key_slots[7].active", "0x1"},
		{"key in the header", func(p *LuksPhdr) { p.KeySlots[0].KeyMaterialOffset = 1 }, ErrCorrupt, "key_slots[0].key_material_offset", "header"},
		{"key at the start", func(p *LuksPhdr) { p.KeySlots[6].KeyMaterialOffset = 0 }, ErrCorrupt, "key_slots[6].key_material_offset", "header"},
		{"keys in one place", func(p *LuksPhdr) { p.KeySlots[4].KeyMaterialOffset = p.KeySlots[2].KeyMaterialOffset }, ErrCorrupt, "key_slots[4].key_material_offset", "slot 2"},
		{"the end of a key in another", func(p *LuksPhdr) { p.KeySlots[2].KeyMaterialOffset = p.KeySlots[3].KeyMaterialOffset - 1 }, ErrCorrupt, "key_slots[3].key_material_offset", "slot 2"},
		{"key in the payload", func(p *LuksPhdr) { p.KeySlots[7].KeyMaterialOffset = p.PayloadOffset - 1 }, ErrCorrupt, "key_slots[7].key_material_offset", "payload"},
		{"key behind the payload", func(p *LuksPhdr) { p.KeySlots[0].KeyMaterialOffset = 1<<32 - 1 }, ErrCorrupt, "key_slots[0].key_material_offset", "payload"},
		{"key and payload behind the end", func(p *LuksPhdr) {
			p.KeySlots[0].KeyMaterialOffset, p.PayloadOffset = 1<<31, 1<<32-1
		}, ErrTruncated, "payload_offset", "4294967295"},
		{"payload in the header", func(p *LuksPhdr) { p.PayloadOffset = 1 }, ErrCorrupt, "payload_offset", "1 sector"},
		{"payload at the start", func(p *LuksPhdr) { p.PayloadOffset = 0 }, ErrCorrupt, "payload_offset", "0 sector"},
		{"payload in a key", func(p *LuksPhdr) { p.PayloadOffset -= 8 }, ErrCorrupt, "key_slots[7].key_material_offset", "payload"},
		{"payload behind the end", func(p *LuksPhdr) { p.PayloadOffset += 2 }, ErrTruncated, "payload_offset", "sectors"},
		{"key too long", func(p *LuksPhdr) { p.KeyBytes = 65 }, ErrCorrupt, "key_bytes", "65"},
		{"key too short", func(p *LuksPhdr) { p.KeyBytes = 1 }, ErrCorrupt, "key_bytes", "1"},
		{"cipher", func(p *LuksPhdr) { p.CipherName = [32]byte{'s', 'e', 'r', 'p', 'e', 'n', 't'} }, ErrUnsupported, "cipher_name", `"serpent"`},
		{"mode", func(p *LuksPhdr) { p.CipherMode = [32]byte{'c', 't', 'r', '-', 'p', 'l', 'a', 'i', 'n'} }, ErrUnsupported, "cipher_mode", `"ctr"`},
		{"hash", func(p *LuksPhdr) { p.HashSpec = [32]byte{'m', 'd', '5'} }, ErrUnsupported, "hash_spec", `"md5"`},
		{"digest", func(p *LuksPhdr) { p.MkDigest[19]++ }, ErrPassword, "key_slots", ""},
		{"salt", func(p *LuksPhdr) { p.KeySlots[0].Salt[0]++ }, ErrPassword, "key_slots", ""},
	} {
		v, err := unlock(changed(sound, tt.spoil), testPassword, nil)
		var e *Error
		if v != nil || !errors.Is(err, tt.want) || !errors.As(err, &e) || e.Field != tt.field || !strings.Contains(e.Reason, tt.value) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// Key material that the file does not hold is missed only where it is needed.
func TestUnlockCut(t *testing.T) {
	file := build(t, recipe{}, nil)
	h, err := Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	end := h.Slots[0].KeyOffset + h.splitSize()
	for _, tt := range []struct {
		size int64
		want error
	}{{end - 1, ErrTruncated}, {end, nil}} {
		c, err := h.Unlock(context.Background(), bytes.NewReader(file[:tt.size]), tt.size, []byte(testPassword), nil)
		if !errors.Is(err, tt.want) || (c == nil) != (err != nil) {
			t.Errorf("%d bytes: %v", tt.size, err)
		}
		// Of a file that shrinks later.
		if _, err := h.Unlock(context.Background(), bytes.NewReader(file[:tt.size]), int64(len(file)), []byte(testPassword), nil); !errors.Is(err, tt.want) {
			t.Errorf("shrunk to %d bytes: %v", tt.size, err)
		}
	}
}

// A header asks for work without end, and gets what the caller allows.
func TestUnlockLimit(t *testing.T) {
	one, two := build(t, recipe{}, plainData(512)), build(t, recipe{passwords: map[int]string{0: "zero", 5: "five"}}, plainData(512))
	endless := func(p *LuksPhdr) { p.KeySlots[0].Iterations = 1<<32 - 1 }
	for _, tt := range []struct {
		name     string
		file     []byte
		max      uint64
		password string
		want     error
		field    string
	}{
		{"slot", changed(one, endless), 0, testPassword, ErrLimit, "key_slots[0].iterations"},
		{"digest", changed(one, func(p *LuksPhdr) { p.MkDigestIter = 1<<32 - 1 }), 0, testPassword, ErrLimit, "mk_digest_iter"},
		{"the other slot opens", changed(two, endless), 0, "five", nil, ""},
		{"no other slot opens", changed(two, endless), 0, "six", ErrLimit, "key_slots[0].iterations"},
		// Each iteration counts twice, for a key of two blocks.
		{"a little more than is usual", changed(one, func(p *LuksPhdr) { p.KeySlots[0].Iterations = 100_000_001 }), 0, testPassword, ErrLimit, "key_slots[0].iterations"},
		// 3 iterations for each of two blocks, 2 for the digest.
		{"just enough", one, 8, testPassword, nil, ""},
		{"just too few", one, 7, testPassword, ErrLimit, "mk_digest_iter"},
		{"too few for the key", one, 5, testPassword, ErrLimit, "key_slots[0].iterations"},
		{"used up by the first slot", two, 15, "five", ErrLimit, "mk_digest_iter"},
		{"enough for both", two, 16, "five", nil, ""},
		{"enough for both, and wrong", two, 16, "six", ErrPassword, "key_slots"},
	} {
		v, err := unlock(tt.file, tt.password, &Options{MaxIterations: tt.max})
		var e *Error
		if !errors.Is(err, tt.want) || (v == nil) != (err != nil) || err != nil && (!errors.As(err, &e) || e.Field != tt.field) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestUnlockCancel(t *testing.T) {
	file := changed(build(t, recipe{}, nil), func(p *LuksPhdr) { p.KeySlots[0].Iterations = 1<<32 - 1 })
	gone, cancel := context.WithCancelCause(t.Context())
	reason := errors.New("nobody waits")
	cancel(reason)
	soon, stop := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer stop()
	for want, ctx := range map[error]context.Context{reason: gone, context.DeadlineExceeded: soon} {
		v, err := Open(ctx, bytes.NewReader(file), int64(len(file)), []byte(testPassword), &Options{MaxIterations: 1 << 62})
		var e *Error
		if v != nil || !errors.Is(err, want) || !errors.As(err, &e) {
			t.Errorf("%v, want %v", err, want)
		}
	}
}

func TestDerive(t *testing.T) {
	salt := plainData(LUKS_SALTSIZE)
	for name, newHash := range hashes {
		for _, n := range []int{1, 16, 20, 64, 200} {
			for _, iterations := range []uint32{1, 2, 50, heartbeat + 1} {
				if iterations > heartbeat && name != "sha1" {
					continue
				}
				want, err := pbkdf2.Key(newHash, testPassword, salt, int(iterations), n)
				if err != nil {
					t.Fatal(err)
				}
				got := make([]byte, n)
				d := derivations{left: 1e6}
				if err := d.derive(t.Context(), newHash, got, []byte(testPassword), salt, iterations); err != nil || !bytes.Equal(got, want) {
					t.Errorf("%s, %d bytes, %d iterations: %x, want %x, %v", name, n, iterations, got, want, err)
				}
				if used := 1e6 - d.left; used != cost(newHash, iterations, n) || used < uint64(iterations) {
					t.Errorf("%s, %d bytes, %d iterations: %d counted", name, n, iterations, used)
				}
			}
		}
	}
}

// What was secret is overwritten when unlocking ends, with a key or without:
// key material, keys derived from passwords, the master key.
func TestSecretsAreOverwritten(t *testing.T) {
	aes := blockCiphers["aes"]
	defer func() { blockCiphers["aes"] = aes }()
	file := build(t, recipe{passwords: map[int]string{0: "zero", 3: "three"}}, nil)
	// Mode xts has two keys. Each slot that is tried has key material and two
	// keys, and so has the master key, and a try with no key before all.
	for password, want := range map[string]int{"zero": 2 + 3 + 2, "three": 2 + 3 + 3 + 2, "none": 2 + 3 + 3} {
		var secrets [][]byte
		spy := aes
		spy.new = func(key []byte) (cipher.Block, error) {
			secrets = append(secrets, key)
			return aes.new(key)
		}
		blockCiphers["aes"] = spy
		h, err := Parse(file)
		if err != nil {
			t.Fatal(err)
		}
		c, err := h.Unlock(t.Context(), readerFunc(func(p []byte, off int64) (int, error) {
			secrets = append(secrets, p)
			return bytes.NewReader(file).ReadAt(p, off)
		}), int64(len(file)), []byte(password), nil)
		if (c == nil) != (password == "none") {
			t.Fatal(err)
		}
		if len(secrets) != want {
			t.Errorf("password %q: %d secrets, want %d", password, len(secrets), want)
		}
		for i, secret := range secrets {
			if bytes.Count(secret, []byte{0}) != len(secret) {
				t.Errorf("password %q: secret %d of %d, of %d bytes, is left", password, i, len(secrets), len(secret))
			}
		}
	}
}

type readerFunc func(p []byte, off int64) (int, error)

func (f readerFunc) ReadAt(p []byte, off int64) (int, error) { return f(p, off) }
