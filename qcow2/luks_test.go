package qcow2

import (
	"errors"
	"testing"

	"cstructgen/luks"
)

// luksImage returns an image with a LUKS header.
func luksImage(t *testing.T, change func(p *luks.LuksPhdr, e *Qcow2CryptoHeaderExtension)) *Image {
	t.Helper()
	p := luks.LuksPhdr{Version: luks.LUKS_VERSION, KeyBytes: 64, PayloadOffset: 4096}
	copy(p.Magic[:], luks.LUKS_MAGIC)
	copy(p.CipherName[:], "aes")
	copy(p.CipherMode[:], "xts-plain64")
	copy(p.HashSpec[:], "sha256")
	b := newBuilder(t, recipe{size: 1 << 20})
	b.header.CryptMethod = QCOW_CRYPT_LUKS
	e := Qcow2CryptoHeaderExtension{Offset: uint64(b.alloc()), Length: luks.SizeofLuksPhdr}
	at := e.Offset
	change(&p, &e)
	stored, _ := p.MarshalBinary()
	copy(b.file[at:], stored)
	data, _ := e.MarshalBinary()
	b.extend(QCOW2_EXT_MAGIC_CRYPTO_HEADER, data)
	return b.image(nil)
}

func TestLUKS(t *testing.T) {
	h, err := luksImage(t, func(*luks.LuksPhdr, *Qcow2CryptoHeaderExtension) {}).LUKS()
	if err != nil || h.Cipher != "aes" || h.Mode != "xts" || h.KeyBits != 256 || h.PayloadOffset != 4096*512 {
		t.Errorf("%+v, %v", h, err)
	}
	if h, err := newBuilder(t, recipe{size: 512}).image(nil).LUKS(); h != nil || err != nil {
		t.Errorf("not encrypted: %v, %v", h, err)
	}
}

// A broken header is this package's kind of error, and still that of luks.
func TestLUKSBroken(t *testing.T) {
	for name, c := range map[string]struct {
		change     func(p *luks.LuksPhdr, e *Qcow2CryptoHeaderExtension)
		err, below error
	}{
		"magic":     {func(p *luks.LuksPhdr, _ *Qcow2CryptoHeaderExtension) { p.Magic[0] = 0 }, ErrCorrupt, luks.ErrFormat},
		"version 2": {func(p *luks.LuksPhdr, _ *Qcow2CryptoHeaderExtension) { p.Version = 2 }, ErrUnsupported, luks.ErrUnsupported},
		"key":       {func(p *luks.LuksPhdr, _ *Qcow2CryptoHeaderExtension) { p.KeyBytes = 0 }, ErrCorrupt, luks.ErrCorrupt},
		"short":     {func(_ *luks.LuksPhdr, e *Qcow2CryptoHeaderExtension) { e.Length-- }, ErrCorrupt, nil},
		"elsewhere": {func(_ *luks.LuksPhdr, e *Qcow2CryptoHeaderExtension) { e.Offset = 1 << 40 }, ErrTruncated, nil},
	} {
		h, err := luksImage(t, c.change).LUKS()
		if h != nil || !errors.Is(err, c.err) || !isTyped(err) || c.below != nil && !errors.Is(err, c.below) {
			t.Errorf("%s: %v, %v", name, h, err)
		}
	}
}
