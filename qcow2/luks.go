package qcow2

import (
	"fmt"

	"cstructgen/luks"
)

const whatLUKS = "LUKS header"

// LUKS returns what the image's LUKS header says, which takes no password, or
// nil if the image is not encrypted with LUKS. Specification: "Full disk
// encryption header pointer".
func (im *Image) LUKS() (*luks.Header, error) {
	if find(im.extensions, QCOW2_EXT_MAGIC_CRYPTO_HEADER) == nil {
		return nil, nil
	}
	if err := im.chain.enter(); err != nil {
		return nil, err
	}
	defer im.chain.leave()
	return im.readLUKS()
}

// luksArea returns where the LUKS header of im and its key material lie, and
// how many bytes they have. The image has one.
func (im *Image) luksArea() (off hostOffset, n uint64) {
	var e Qcow2CryptoHeaderExtension
	x := find(im.extensions, QCOW2_EXT_MAGIC_CRYPTO_HEADER)
	e.Decode((*[SizeofQcow2CryptoHeaderExtension]byte)(x.Data)) // its length was checked
	return hostOffset(e.Offset), e.Length
}

// readLUKS is LUKS for an image that has a LUKS header.
func (im *Image) readLUKS() (*luks.Header, error) {
	off, n := im.luksArea()
	if n < luks.SizeofLuksPhdr {
		x := find(im.extensions, QCOW2_EXT_MAGIC_CRYPTO_HEADER)
		return nil, im.file.errorAt(whatLUKS, hostOffset(x.Offset), n, fmt.Sprintf("bytes, a header has %d", luks.SizeofLuksPhdr), ErrCorrupt)
	}
	var b [luks.SizeofLuksPhdr]byte
	if _, err := im.file.read(whatLUKS, b[:], off); err != nil {
		return nil, err
	}
	h, err := luks.Parse(b[:])
	if err != nil {
		return nil, im.luksError(err)
	}
	return h, nil
}
