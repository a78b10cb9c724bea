package qcow2

import (
	"errors"
	"fmt"

	"cstructgen/luks"
)

// LUKS returns what the image's LUKS header says, which takes no password, or
// nil if the image is not encrypted with LUKS. Specification: "Full disk
// encryption header pointer".
func (im *Image) LUKS() (*luks.Header, error) {
	x := find(im.extensions, QCOW2_EXT_MAGIC_CRYPTO_HEADER)
	if x == nil {
		return nil, nil
	}
	if err := im.chain.enter(); err != nil {
		return nil, err
	}
	defer im.chain.leave()
	var e Qcow2CryptoHeaderExtension
	e.Decode((*[SizeofQcow2CryptoHeaderExtension]byte)(x.Data)) // its length was checked
	const what = "LUKS header"
	off := hostOffset(e.Offset)
	if e.Length < luks.SizeofLuksPhdr {
		return nil, im.file.errorAt(what, hostOffset(x.Offset), e.Length, fmt.Sprintf("bytes, a header has %d", luks.SizeofLuksPhdr), ErrCorrupt)
	}
	var b [luks.SizeofLuksPhdr]byte
	if _, err := im.file.read(what, b[:], off); err != nil {
		return nil, err
	}
	h, err := luks.Parse(b[:])
	if err != nil {
		kind := ErrCorrupt
		if errors.Is(err, luks.ErrUnsupported) {
			kind = ErrUnsupported
		}
		return nil, im.file.errorAt(what, off, 0, "", fmt.Errorf("%w: %w", kind, err))
	}
	return h, nil
}
