package luks

import (
	"crypto/cipher"
	"encoding/binary"
	"fmt"
)

// IVs of sectors, by their names in cipher_mode.
const (
	ivPlain   = "plain"
	ivPlain64 = "plain64"
	ivESSIV   = "essiv"
)

// An ivMaker makes the IV of a sector from its number.
type ivMaker struct {
	mask  uint64       // of the number
	essiv cipher.Block // encrypts it; nil: nothing does
}

// newIVMaker returns the IVs of the given kind for a cipher that newBlock
// makes. key is the whole key of the data.
func newIVMaker(iv, ivHash string, key []byte, newBlock func(key []byte) (cipher.Block, error)) (ivMaker, error) {
	switch iv {
	case ivPlain:
		return ivMaker{mask: 1<<32 - 1}, nil
	case ivPlain64:
		return ivMaker{mask: 1<<64 - 1}, nil
	case ivESSIV:
		newHash, ok := hashes[ivHash]
		if !ok {
			return ivMaker{}, modeError(fmt.Sprintf("hash %q of the IV", ivHash), ErrUnsupported)
		}
		h := newHash()
		h.Write(key)
		salt := h.Sum(nil)
		defer clear(salt)
		block, err := newBlock(salt)
		if err != nil {
			return ivMaker{}, modeError(fmt.Sprintf("hash %q of the IV: the cipher has no key of %d bytes", ivHash, len(salt)), ErrUnsupported)
		}
		return ivMaker{mask: 1<<64 - 1, essiv: block}, nil
	}
	return ivMaker{}, modeError(fmt.Sprintf("IV %q", iv), ErrUnsupported)
}

// put makes iv, which is as long as a block, that of the given sector.
func (m *ivMaker) put(iv []byte, sector uint64) {
	clear(iv)
	binary.LittleEndian.PutUint64(iv, sector&m.mask)
	if m.essiv != nil {
		m.essiv.Encrypt(iv, iv)
	}
}

func modeError(reason string, err error) error {
	return &Error{"cipher_mode", OffsetofLuksPhdr_CipherMode, reason, err}
}
