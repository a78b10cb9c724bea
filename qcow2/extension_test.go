package qcow2

import (
	"bytes"
	"errors"
	"math"
	"testing"
)

func TestExtensionRules(t *testing.T) {
	small := recipe{size: 1 << 20, bits: 12}
	add := func(magic uint32, n int) func(b *builder) {
		return func(b *builder) { b.extend(magic, make([]byte, n)) }
	}
	luks := func(n int, offset uint64) func(b *builder) {
		return func(b *builder) {
			b.header.CryptMethod = QCOW_CRYPT_LUKS
			data, _ := (&Qcow2CryptoHeaderExtension{Offset: offset, Length: 592}).MarshalBinary()
			b.extend(QCOW2_EXT_MAGIC_CRYPTO_HEADER, append(data, make([]byte, max(0, n-len(data)))...)[:n])
		}
	}
	runOpenCases(t, []openCase{
		{name: "unknown extension", recipe: small, change: add(0x12345678, 5)},
		{name: "extension of no length", recipe: small, change: add(0x12345678, 0)},
		{name: "extension that fills the cluster", recipe: small, change: add(0x12345678, 4096-112-8)},
		{name: "backing format of 15 bytes", recipe: small, change: add(QCOW2_EXT_MAGIC_BACKING_FORMAT, 15)},
		{"backing format of 16 bytes", small, add(QCOW2_EXT_MAGIC_BACKING_FORMAT, 16), ErrCorrupt, "backing format"},
		{"backing format of 16 bytes before a good one", small, func(b *builder) {
			add(QCOW2_EXT_MAGIC_BACKING_FORMAT, 16)(b)
			add(QCOW2_EXT_MAGIC_BACKING_FORMAT, 3)(b)
		}, ErrCorrupt, "backing format"},
		{name: "LUKS", recipe: small, change: luks(16, 1<<12)},
		{"LUKS header that is not aligned", small, luks(16, 1<<12+512), ErrCorrupt, "LUKS header"},
		{"crypto header of 15 bytes", small, luks(15, 0), ErrCorrupt, "crypto header"},
		{"crypto header of 24 bytes", small, luks(24, 0), ErrCorrupt, "crypto header"},
		{"crypto header without LUKS", small, add(QCOW2_EXT_MAGIC_CRYPTO_HEADER, 16), ErrCorrupt, "crypto header"},
		{"LUKS without crypto header", small, func(b *builder) { b.header.CryptMethod = QCOW_CRYPT_LUKS }, ErrCorrupt, "crypt_method"},
		{name: "bitmaps extension of any length: for Bitmaps to refuse", recipe: small, change: add(QCOW2_EXT_MAGIC_BITMAPS, 3)},
	})
}

// The area ends where the backing name begins, else with the cluster; the END
// mark ends it earlier, and is not needed.
func TestExtensionArea(t *testing.T) {
	const clusterSize = 512
	word := func(magic, length uint32) []byte {
		b, _ := (&QCowExtension{Magic: magic, Len: length}).MarshalBinary()
		return b
	}
	for _, c := range []struct {
		name    string
		area    []byte
		backing uint64 // backing_file_offset
		count   int
		err     error
	}{
		{name: "END first", area: word(0, 0)},
		{name: "END hides the rest", area: append(word(0, 0), word(0x11, math.MaxUint32)...)},
		{name: "padding to 8", area: append(append(word(0x11, 1), make([]byte, 8)...), word(0x12, 0)...), count: 2},
		{name: "as long as the area", area: word(0x11, clusterSize-112-8), count: 1},
		{name: "longer than the area", area: word(0x11, clusterSize-112-7), err: ErrCorrupt},
		{name: "longest", area: word(0x11, math.MaxUint32), err: ErrCorrupt},
		{name: "END with a length that leaves the area", area: word(0, math.MaxUint32), err: ErrCorrupt},
		{name: "no END before the backing name", area: word(0x11, 0), backing: 120, count: 1},
		{name: "into the backing name", area: word(0x11, 1), backing: 120, err: ErrCorrupt},
		{name: "half a header before the backing name", area: word(0x11, 0), backing: 116, err: ErrCorrupt},
		{name: "backing name right after the header", area: word(0x11, math.MaxUint32), backing: 112},
		{name: "backing name in the header", area: word(0x11, math.MaxUint32), backing: 72},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBuilder(t, recipe{bits: 9})
			b.header.BackingFileOffset = c.backing
			file := b.bytes()
			clear(file[112:clusterSize])
			copy(file[112:], c.area)
			im, err := New(bytes.NewReader(file), int64(len(file)), nil)
			if !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
				t.Fatalf("error %v, want %v", err, c.err)
			}
			if err == nil && len(im.Extensions()) != c.count {
				t.Errorf("extensions %v, want %d", im.Extensions(), c.count)
			}
		})
	}
}

func TestExtensions(t *testing.T) {
	b := newBuilder(t, recipe{size: 1, version: QCOW2_VERSION_2, backing: "base"})
	b.extend(0xabcdef01, []byte("seven b"))
	b.extend(QCOW2_EXT_MAGIC_BACKING_FORMAT, []byte("vmdk"))
	b.extend(QCOW2_EXT_MAGIC_BACKING_FORMAT, []byte("raw")) // the last counts
	im := b.image(nil)
	got := im.Extensions()
	if len(got) != 3 || got[0].Magic != 0xabcdef01 || string(got[0].Data) != "seven b" || got[0].Offset != headerLengthV2+8 ||
		got[1].Offset != headerLengthV2+24 {
		t.Errorf("Extensions() = %+v", got)
	}
	if name, format, ok := im.BackingFile(); name != "base" || format != "raw" || !ok {
		t.Errorf("BackingFile() = %q, %q, %v", name, format, ok)
	}
}

// A file may end before its first cluster does, where nothing is left to read.
func TestExtensionAreaPastTheEndOfTheFile(t *testing.T) {
	b := newBuilder(t, recipe{})
	b.header.L1TableOffset = 0
	b.extend(0x11, []byte("12345678"))
	file := b.bytes()
	for n, want := range map[int]error{112: nil, 113: ErrTruncated, 119: ErrTruncated, 120: ErrTruncated, 127: ErrTruncated, 128: nil, 136: nil} {
		if _, err := New(bytes.NewReader(file), int64(n), nil); !errors.Is(err, want) {
			t.Errorf("%d bytes: %v, want %v", n, err, want)
		}
	}
}
