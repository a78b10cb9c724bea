package luks

import (
	"fmt"
	"io"
	"strings"
)

// A Header is what a LUKS header says. Its strings are not to be trusted.
type Header struct {
	Cipher        string // of cipher_name, such as "aes"
	KeyBits       int    // of one key of the cipher; in mode xts there are two
	Mode          string // of cipher_mode, the part before '-', such as "xts"
	IV            string // of cipher_mode, the part after that, such as "plain64"
	IVHash        string // of cipher_mode, the part after ':'; "" if there is none
	Hash          string // of PBKDF2
	UUID          string
	PayloadOffset int64 // of the encrypted data from the start of the header, in bytes
	Iterations    uint32
	Slots         [LUKS_NUMKEYS]Slot

	Stored LuksPhdr // the header as stored
}

// A Slot is a place for a key that opens the master key.
type Slot struct {
	Active     bool
	Iterations uint32 // of PBKDF2
	Stripes    uint32
	KeyOffset  int64 // of the key material from the start of the header, in bytes
}

// ReadHeader returns what the header at the start of r says, which is of size
// bytes.
func ReadHeader(r io.ReaderAt, size int64) (*Header, error) {
	var b [SizeofLuksPhdr]byte
	p := b[:min(max(size, 0), SizeofLuksPhdr)]
	if n, err := readFull(r, p, 0); err != nil {
		return nil, &Error{"magic", int64(n), "reading the header", err}
	}
	return Parse(p)
}

// Parse returns what the header at the start of b says. b holds at least
// SizeofLuksPhdr bytes. It checks what can be told without a password and
// without the size of the volume, except the key slots, which [Header.Unlock]
// checks: a header with broken slots can still be looked at.
func Parse(b []byte) (*Header, error) {
	if len(b) < SizeofLuksPhdr {
		return nil, &Error{"magic", 0, fmt.Sprintf("%d bytes, a header has %d", len(b), SizeofLuksPhdr), ErrFormat}
	}
	h := new(Header)
	p := &h.Stored
	p.Decode((*[SizeofLuksPhdr]byte)(b))
	if string(p.Magic[:]) != LUKS_MAGIC {
		return nil, &Error{"magic", OffsetofLuksPhdr_Magic, fmt.Sprintf("%q", p.Magic), ErrFormat}
	}
	if p.Version != LUKS_VERSION {
		return nil, &Error{"version", OffsetofLuksPhdr_Version, fmt.Sprintf("%d, only %d is known", p.Version, LUKS_VERSION), ErrUnsupported}
	}
	for _, text := range []struct {
		name   string
		offset int64
		bytes  []byte
	}{
		{"cipher_name", OffsetofLuksPhdr_CipherName, p.CipherName[:]},
		{"cipher_mode", OffsetofLuksPhdr_CipherMode, p.CipherMode[:]},
		{"hash_spec", OffsetofLuksPhdr_HashSpec, p.HashSpec[:]},
		{"uuid", OffsetofLuksPhdr_Uuid, p.Uuid[:]},
	} {
		if strings.IndexByte(string(text.bytes), 0) < 0 {
			return nil, &Error{text.name, text.offset, "no NUL ends it", ErrCorrupt}
		}
	}
	if p.KeyBytes == 0 || p.KeyBytes > maxKeyBytes {
		return nil, &Error{"key_bytes", OffsetofLuksPhdr_KeyBytes, fmt.Sprintf("%d, from 1 to %d", p.KeyBytes, maxKeyBytes), ErrCorrupt}
	}
	h.fill()
	return h, nil
}

// maxKeyBytes is our limit: more than any cipher's key, twice.
const maxKeyBytes = 1024

// fill sets the fields of h from what is stored.
func (h *Header) fill() {
	p := &h.Stored
	h.Cipher, h.Hash, h.UUID = p.CipherNameText(), p.HashSpecText(), p.UuidText()
	h.Mode, h.IV, h.IVHash = cutMode(p.CipherModeText())
	h.KeyBits = int(p.KeyBytes) * 8
	if h.Mode == modeXTS {
		h.KeyBits /= 2
	}
	h.PayloadOffset = int64(p.PayloadOffset) * LUKS_SECTOR_SIZE
	h.Iterations = p.MkDigestIter
	for i, s := range p.KeySlots {
		h.Slots[i] = Slot{
			Active:     s.Active == LUKS_KEY_ENABLED,
			Iterations: s.Iterations,
			Stripes:    s.Stripes,
			KeyOffset:  int64(s.KeyMaterialOffset) * LUKS_SECTOR_SIZE,
		}
	}
}

// cutMode cuts a cipher mode such as "cbc-essiv:sha256" into its parts.
func cutMode(spec string) (mode, iv, ivHash string) {
	mode, iv, _ = strings.Cut(spec, "-")
	iv, ivHash, _ = strings.Cut(iv, ":")
	return mode, iv, ivHash
}

// slotError returns an *Error about a field of key slot i. at is the field's
// offset in the slot.
func slotError(i int, field string, at int64, reason string, err error) error {
	return &Error{
		Field:  fmt.Sprintf("key_slots[%d].%s", i, field),
		Offset: OffsetofLuksPhdr_KeySlots + int64(i)*SizeofLuksKeySlot + at,
		Reason: reason, Err: err,
	}
}

// splitSize returns the length of a slot's key material in bytes.
func (h *Header) splitSize() int64 { return int64(h.Stored.KeyBytes) * LUKS_STRIPES }

// check checks what unlocking relies on, in all slots: header, key material
// and payload do not overlap, what will be read lies within size bytes,
// nothing is iterated zero times.
func (h *Header) check(size int64) error {
	p := &h.Stored
	if p.MkDigestIter == 0 {
		return &Error{"mk_digest_iter", OffsetofLuksPhdr_MkDigestIter, "0 iterations", ErrCorrupt}
	}
	if h.PayloadOffset < SizeofLuksPhdr {
		return &Error{"payload_offset", OffsetofLuksPhdr_PayloadOffset,
			fmt.Sprintf("%d sectors: the payload overlaps the header", p.PayloadOffset), ErrCorrupt}
	}
	for i := range p.KeySlots {
		s := &p.KeySlots[i]
		start := h.Slots[i].KeyOffset
		end := start + h.splitSize()
		overlaps := func(what string) error {
			return slotError(i, "key_material_offset", OffsetofLuksKeySlot_KeyMaterialOffset,
				fmt.Sprintf("%d sectors: the key material, of %d bytes, overlaps %s", s.KeyMaterialOffset, end-start, what), ErrCorrupt)
		}
		switch {
		case s.Active != LUKS_KEY_ENABLED && s.Active != LUKS_KEY_DISABLED:
			return slotError(i, "active", OffsetofLuksKeySlot_Active, fmt.Sprintf("%#x, neither active nor inactive", s.Active), ErrCorrupt)
		case s.Stripes != LUKS_STRIPES:
			return slotError(i, "stripes", OffsetofLuksKeySlot_Stripes, fmt.Sprintf("%d, must be %d", s.Stripes, LUKS_STRIPES), ErrCorrupt)
		case h.Slots[i].Active && s.Iterations == 0:
			return slotError(i, "iterations", OffsetofLuksKeySlot_Iterations, "0 iterations", ErrCorrupt)
		case start < SizeofLuksPhdr:
			return overlaps("the header")
		case end > h.PayloadOffset:
			return overlaps("the payload")
		}
		for j := range i {
			if other := h.Slots[j].KeyOffset; start < other+h.splitSize() && other < end {
				return overlaps(fmt.Sprintf("that of slot %d", j))
			}
		}
		if h.Slots[i].Active && end > size {
			return slotError(i, "key_material_offset", OffsetofLuksKeySlot_KeyMaterialOffset,
				fmt.Sprintf("%d sectors: the key material ends at %#x, the file at %#x", s.KeyMaterialOffset, end, size), ErrTruncated)
		}
	}
	return nil
}
