package qcow2

import (
	"bytes"
	"fmt"
)

// An Extension is a header extension, as stored.
type Extension struct {
	Magic  uint32 // QCOW2_EXT_MAGIC_*
	Offset int64  // of Data in the file
	Data   []byte
}

const whatExt = "header extension"

// readExtensions returns the header extensions of f, in their order and
// without the END mark. Where it returns an error it returns those before it,
// too. Specification: "Header extensions".
func readExtensions(f *hostFile, h *QCowHeader) ([]Extension, error) {
	off, end := hostOffset(h.HeaderLength), hostOffset(1)<<h.ClusterBits
	if h.BackingFileOffset != 0 {
		end = hostOffset(h.BackingFileOffset)
	}
	var list []Extension
	c := cursor{file: f}
	for off < end && f.contains(off, 1) { // a file that ends here has no more
		b, err := c.bytes(whatExt, off, SizeofQCowExtension)
		if err != nil {
			return list, err
		}
		var e QCowExtension
		e.Decode((*[SizeofQCowExtension]byte)(b))
		data := off + SizeofQCowExtension
		if data > end || uint64(e.Len) > uint64(end-data) {
			return list, f.errorAt(whatExt, off, uint64(e.Len), "its length leaves the extension area", ErrCorrupt)
		}
		if e.Magic == QCOW2_EXT_MAGIC_END {
			break
		}
		b, err = c.bytes(whatExt, data, uint64(e.Len))
		if err != nil {
			return list, err
		}
		list = append(list, Extension{Magic: e.Magic, Offset: int64(data), Data: bytes.Clone(b)})
		off = alignUp(data + hostOffset(e.Len))
	}
	return list, nil
}

// find returns the last extension of the given magic, which is the one that
// counts, or nil.
func find(list []Extension, magic uint32) *Extension {
	for i := len(list) - 1; i >= 0; i-- {
		if list[i].Magic == magic {
			return &list[i]
		}
	}
	return nil
}

// checkExtensions checks the extensions that say how the disk is stored.
func (f *hostFile) checkExtensions(h *QCowHeader, list []Extension) error {
	for _, x := range list {
		if n := len(x.Data); x.Magic == QCOW2_EXT_MAGIC_BACKING_FORMAT && n > QCOW2_MAX_BACKING_FORMAT_SIZE {
			return f.errorAt("backing format", hostOffset(x.Offset), uint64(n),
				fmt.Sprintf("length at most %d", QCOW2_MAX_BACKING_FORMAT_SIZE), ErrCorrupt)
		}
	}
	x := find(list, QCOW2_EXT_MAGIC_CRYPTO_HEADER)
	if x == nil {
		if h.CryptMethod == QCOW_CRYPT_LUKS {
			return f.headerError("crypt_method", OffsetofQCowHeader_CryptMethod, QCOW_CRYPT_LUKS,
				"LUKS, without the extension that says where its header is", ErrCorrupt)
		}
		return nil
	}
	if h.CryptMethod != QCOW_CRYPT_LUKS {
		return f.errorAt("crypto header extension", hostOffset(x.Offset), uint64(h.CryptMethod),
			"the image is not encrypted with LUKS", ErrCorrupt)
	}
	if len(x.Data) != SizeofQcow2CryptoHeaderExtension {
		return f.errorAt("crypto header extension", hostOffset(x.Offset), uint64(len(x.Data)),
			fmt.Sprintf("length must be %d", SizeofQcow2CryptoHeaderExtension), ErrCorrupt)
	}
	var e Qcow2CryptoHeaderExtension
	e.Decode((*[SizeofQcow2CryptoHeaderExtension]byte)(x.Data))
	g := newGeometry(h.ClusterBits, false)
	if !g.aligned(hostOffset(e.Offset)) {
		return f.errorAt("LUKS header offset", hostOffset(x.Offset), e.Offset, "must be cluster aligned", ErrCorrupt)
	}
	return nil
}
