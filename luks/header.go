// Package luks reads headers of LUKS version 1, which say how the data behind
// them is encrypted. It opens nothing and decrypts nothing: it knows what a
// header says to everybody who has no password.
//
//	592 bytes -> LuksPhdr, as stored -> Header, understood
//
// Specification: LUKS On-Disk Format Specification 1.2.3.
package luks

import (
	"errors"
	"fmt"
	"strings"
)

// What a caller may want to tell apart. Errors of this package wrap one of
// these in an [*Error].
var (
	ErrFormat      = errors.New("not a LUKS header")   // the magic is missing, or the header is cut
	ErrUnsupported = errors.New("unsupported")         // another version
	ErrCorrupt     = errors.New("corrupt LUKS header") // against the specification
)

// An Error says what is wrong with a header.
type Error struct {
	Field  string // name of the field in C
	Offset int    // of the field in the header
	Reason string
	Err    error // one of the sentinels
}

func (e *Error) Error() string {
	return fmt.Sprintf("luks: %s at %#x: %s: %v", e.Field, e.Offset, e.Reason, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

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

// Parse returns what the header at the start of b says. b holds at least
// SizeofLuksPhdr bytes.
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
		offset int
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
	var iv string
	h.Mode, iv, _ = strings.Cut(p.CipherModeText(), "-")
	h.IV, h.IVHash, _ = strings.Cut(iv, ":")
	h.KeyBits = int(p.KeyBytes) * 8
	if h.Mode == "xts" {
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
