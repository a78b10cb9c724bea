package luks

import (
	"errors"
	"strings"
	"testing"
)

// example returns a header such as cryptsetup and QEMU write.
func example() *LuksPhdr {
	p := &LuksPhdr{Version: LUKS_VERSION, PayloadOffset: 4040, KeyBytes: 64, MkDigestIter: 7557}
	copy(p.Magic[:], LUKS_MAGIC)
	copy(p.CipherName[:], "aes")
	copy(p.CipherMode[:], "xts-plain64")
	copy(p.HashSpec[:], "sha256")
	copy(p.Uuid[:], "5d3095f9-1c6b-443b-a9db-5e3c1291eb7b")
	for i := range p.KeySlots {
		p.KeySlots[i] = LuksKeySlot{Active: LUKS_KEY_DISABLED, KeyMaterialOffset: uint32(8 + 504*i), Stripes: LUKS_STRIPES}
	}
	p.KeySlots[0].Active, p.KeySlots[0].Iterations = LUKS_KEY_ENABLED, 36735
	return p
}

func encoded(p *LuksPhdr) []byte {
	var b [SizeofLuksPhdr]byte
	p.Encode(&b)
	return b[:]
}

func TestParse(t *testing.T) {
	h, err := Parse(append(encoded(example()), "what follows"...))
	if err != nil {
		t.Fatal(err)
	}
	if h.Cipher != "aes" || h.KeyBits != 256 || h.Mode != "xts" || h.IV != "plain64" || h.IVHash != "" || h.Hash != "sha256" ||
		h.UUID != "5d3095f9-1c6b-443b-a9db-5e3c1291eb7b" || h.PayloadOffset != 2068480 || h.Iterations != 7557 {
		t.Errorf("%+v", h)
	}
	for i, s := range h.Slots {
		want := Slot{Stripes: 4000, KeyOffset: int64(4096 + 258048*i)}
		if i == 0 {
			want.Active, want.Iterations = true, 36735
		}
		if s != want {
			t.Errorf("slot %d: %+v, want %+v", i, s, want)
		}
	}
}

func TestParseCipherMode(t *testing.T) {
	for _, tt := range []struct {
		spec             string
		bytes            uint32
		mode, iv, ivHash string
		bits             int
	}{
		{"xts-plain64", 64, "xts", "plain64", "", 256},
		{"xts-plain64", 32, "xts", "plain64", "", 128},
		{"cbc-essiv:sha256", 16, "cbc", "essiv", "sha256", 128},
		{"ecb-plain", 32, "ecb", "plain", "", 256},
		{"ecb", 32, "ecb", "", "", 256},
		{"", 1, "", "", "", 8},
	} {
		p := example()
		p.CipherMode = [32]byte{}
		copy(p.CipherMode[:], tt.spec)
		p.KeyBytes = tt.bytes
		h, err := Parse(encoded(p))
		if err != nil {
			t.Errorf("%q: %v", tt.spec, err)
			continue
		}
		if h.Mode != tt.mode || h.IV != tt.iv || h.IVHash != tt.ivHash || h.KeyBits != tt.bits {
			t.Errorf("%q, %d bytes: %q, %q, %q, %d", tt.spec, tt.bytes, h.Mode, h.IV, h.IVHash, h.KeyBits)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for _, tt := range []struct {
		name  string
		spoil func(p *LuksPhdr)
		want  error
		field string
	}{
		{"another magic", func(p *LuksPhdr) { p.Magic[5]++ }, ErrFormat, "magic"},
		{"LUKS2", func(p *LuksPhdr) { p.Version = 2 }, ErrUnsupported, "version"},
		{"endless cipher", func(p *LuksPhdr) { copy(p.CipherName[:], strings.Repeat("a", 32)) }, ErrCorrupt, "cipher_name"},
		{"endless mode", func(p *LuksPhdr) { copy(p.CipherMode[:], strings.Repeat("a", 32)) }, ErrCorrupt, "cipher_mode"},
		{"endless hash", func(p *LuksPhdr) { copy(p.HashSpec[:], strings.Repeat("a", 32)) }, ErrCorrupt, "hash_spec"},
		{"endless UUID", func(p *LuksPhdr) { copy(p.Uuid[:], strings.Repeat("a", 40)) }, ErrCorrupt, "uuid"},
		{"no key", func(p *LuksPhdr) { p.KeyBytes = 0 }, ErrCorrupt, "key_bytes"},
		{"huge key", func(p *LuksPhdr) { p.KeyBytes = 1<<32 - 1 }, ErrCorrupt, "key_bytes"},
	} {
		p := example()
		tt.spoil(p)
		_, err := Parse(encoded(p))
		var e *Error
		if !errors.Is(err, tt.want) || !errors.As(err, &e) || e.Field != tt.field {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	full := encoded(example())
	for n := range full {
		if _, err := Parse(full[:n]); !errors.Is(err, ErrFormat) {
			t.Fatalf("cut to %d bytes: %v", n, err)
		}
	}
}
