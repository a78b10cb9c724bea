package qcow2

import (
	"bytes"
	"fmt"
	"math"
)

// Lengths of the header that versions and features brought.
const (
	headerLengthV2 = OffsetofQCowHeader_IncompatibleFeatures
	headerLengthV3 = OffsetofQCowHeader_CompressionType
)

// headerError returns an *Error about a header field.
func (f *hostFile) headerError(field string, off hostOffset, value uint64, reason string, err error) error {
	return f.errorAt("header field "+field, off, value, reason, err)
}

// readHeader reads and checks the header of f as far as it can be without the
// extensions: version, sizes, and the place of names and of the L1 table. A
// version 2 header comes back as the version 3 header that means the same.
// Specification: "Header".
func readHeader(f *hostFile) (h QCowHeader, err error) {
	var buf [SizeofQCowHeader]byte
	b := buf[:f.clip(0, SizeofQCowHeader)]
	if _, err := f.read("header", b, 0); err != nil {
		return h, err
	}
	if n := min(len(b), len(QCOW2_MAGIC_BYTES)); n == 0 || !bytes.HasPrefix([]byte(QCOW2_MAGIC_BYTES), b[:n]) {
		return h, f.errorAt("magic", 0, 0, "", ErrFormat)
	}
	if err := f.inside("header", 0, headerLengthV2); err != nil {
		return h, err
	}
	h.DecodePrefix(b[:headerLengthV2])
	switch h.Version {
	case QCOW2_VERSION_2:
		h.RefcountOrder = QCOW2_V2_REFCOUNT_ORDER
		h.HeaderLength = headerLengthV2
	case QCOW2_VERSION_3:
		if err := f.inside("header", 0, headerLengthV3); err != nil {
			return h, err
		}
		h.DecodePrefix(b[:headerLengthV3])
	default:
		return h, f.headerError("version", OffsetofQCowHeader_Version, uint64(h.Version), "2 or 3", ErrUnsupported)
	}
	if h.ClusterBits < MIN_CLUSTER_BITS || h.ClusterBits > MAX_CLUSTER_BITS {
		return h, f.headerError("cluster_bits", OffsetofQCowHeader_ClusterBits, uint64(h.ClusterBits),
			fmt.Sprintf("%d to %d", MIN_CLUSTER_BITS, MAX_CLUSTER_BITS), ErrUnsupported)
	}
	if h.Version == QCOW2_VERSION_3 {
		if h.HeaderLength < headerLengthV3 || h.HeaderLength%QCOW2_ALIGNMENT != 0 || h.HeaderLength > 1<<h.ClusterBits {
			return h, f.headerError("header_length", OffsetofQCowHeader_HeaderLength, uint64(h.HeaderLength),
				fmt.Sprintf("a multiple of %d, %d at least, one cluster at most", QCOW2_ALIGNMENT, headerLengthV3), ErrCorrupt)
		}
		if err := f.inside("header", 0, uint64(h.HeaderLength)); err != nil {
			return h, err
		}
		h.DecodePrefix(b[:min(h.HeaderLength, SizeofQCowHeader)])
	}
	return h, nil
}

// checkHeader checks the fields of h that say how the disk is stored. What
// only snapshots, bitmaps or refcounts need is left to who asks for those.
func (f *hostFile) checkHeader(h *QCowHeader) error {
	if h.RefcountOrder > QCOW2_MAX_REFCOUNT_ORDER {
		return f.headerError("refcount_order", OffsetofQCowHeader_RefcountOrder, uint64(h.RefcountOrder),
			fmt.Sprintf("at most %d", QCOW2_MAX_REFCOUNT_ORDER), ErrUnsupported)
	}
	if err := f.checkCompression(h); err != nil {
		return err
	}
	if h.CryptMethod > QCOW_CRYPT_LUKS {
		return f.headerError("crypt_method", OffsetofQCowHeader_CryptMethod, uint64(h.CryptMethod),
			"none, AES or LUKS", ErrUnsupported)
	}
	if h.IncompatibleFeatures&QCOW2_INCOMPAT_EXTL2 != 0 && h.ClusterBits < QCOW2_EXTL2_MIN_CLUSTER_BITS {
		return f.headerError("cluster_bits", OffsetofQCowHeader_ClusterBits, uint64(h.ClusterBits),
			fmt.Sprintf("at least %d with extended L2 entries", QCOW2_EXTL2_MIN_CLUSTER_BITS), ErrUnsupported)
	}
	if h.Size > math.MaxInt64 {
		return f.headerError("size", OffsetofQCowHeader_Size, h.Size, "at most 2^63-1", ErrLimit)
	}
	if err := f.checkBackingName(h); err != nil {
		return err
	}
	g := newGeometry(h.ClusterBits, h.IncompatibleFeatures&QCOW2_INCOMPAT_EXTL2 != 0)
	if need := g.l1Needed(h.Size); need > uint64(h.L1Size) {
		return f.headerError("l1_size", OffsetofQCowHeader_L1Size, uint64(h.L1Size),
			fmt.Sprintf("the disk needs %d entries", need), ErrCorrupt)
	}
	return f.checkL1(&g, "header", OffsetofQCowHeader_L1TableOffset, h.L1TableOffset, OffsetofQCowHeader_L1Size, h.L1Size)
}

// checkL1 checks that the L1 table of which whose speaks is no longer than
// QEMU allows, cluster aligned, and inside the file. at is where its offset is
// found, sizeAt where its length is.
func (f *hostFile) checkL1(g *geometry, whose string, at hostOffset, off uint64, sizeAt hostOffset, entries uint32) error {
	size := uint64(entries) * L1E_SIZE
	switch {
	case size > QCOW_MAX_L1_SIZE:
		return f.errorAt(whose+": length of the L1 table", sizeAt, uint64(entries),
			fmt.Sprintf("entries, at most %d", QCOW_MAX_L1_SIZE/L1E_SIZE), ErrLimit)
	case !g.aligned(hostOffset(off)):
		return f.errorAt(whose+": offset of the L1 table", at, off, "must be cluster aligned", ErrCorrupt)
	case off > math.MaxInt64-size:
		return f.errorAt(whose+": offset of the L1 table", at, off, "the table ends past 2^63", ErrCorrupt)
	case size == 0, f.salvage != nil: // as much of it as there is
		return nil
	}
	return f.require(whatL1, hostOffset(off), size)
}

// checkCompression checks that compression_type, which is there only if the
// header is long enough, agrees with its incompatible feature bit.
func (f *hostFile) checkCompression(h *QCowHeader) error {
	reason, err := "", ErrCorrupt
	marked := h.IncompatibleFeatures&QCOW2_INCOMPAT_COMPRESSION != 0
	switch {
	case h.CompressionType > QCOW2_COMPRESSION_TYPE_ZSTD:
		reason, err = "zlib or zstd", ErrUnsupported
	case marked && h.CompressionType == QCOW2_COMPRESSION_TYPE_ZLIB:
		reason = "zlib, with the feature bit that says it is not"
	case !marked && h.CompressionType != QCOW2_COMPRESSION_TYPE_ZLIB:
		reason = "not zlib, without the feature bit that says so"
	default:
		return nil
	}
	return f.headerError("compression_type", OffsetofQCowHeader_CompressionType, uint64(h.CompressionType), reason, err)
}

// checkBackingName checks that the backing file's name lies in the first
// cluster.
func (f *hostFile) checkBackingName(h *QCowHeader) error {
	cluster := uint64(1) << h.ClusterBits
	switch {
	case h.BackingFileOffset == 0:
		return nil
	case h.BackingFileOffset > cluster:
		return f.headerError("backing_file_offset", OffsetofQCowHeader_BackingFileOffset, h.BackingFileOffset,
			"must lie in the first cluster", ErrCorrupt)
	case h.BackingFileSize > QCOW2_MAX_BACKING_FILE_SIZE || uint64(h.BackingFileSize) > cluster-h.BackingFileOffset:
		return f.headerError("backing_file_size", OffsetofQCowHeader_BackingFileSize, uint64(h.BackingFileSize),
			fmt.Sprintf("at most %d, and inside the first cluster", QCOW2_MAX_BACKING_FILE_SIZE), ErrCorrupt)
	}
	return f.inside("backing file name", hostOffset(h.BackingFileOffset), uint64(h.BackingFileSize))
}
