package qcow2

import (
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// zstdMaxWindow is the largest window a frame may declare, in bytes. It is
// libzstd's limit for streams (ZSTD_WINDOWLOG_LIMIT_DEFAULT), which QEMU
// keeps. The window is not allocated: a cluster is decoded in one piece.
const zstdMaxWindow = 1 << 27

// zstdFrameSize returns the length in bytes of the frame at the start of src,
// found by walking its block headers without decoding anything, and whether
// it is a skippable frame. What follows the frame is not looked at.
func zstdFrameSize(src []byte) (size int, skippable bool, err error) {
	var h zstd.Header
	if err := h.Decode(src); err != nil {
		return 0, false, fmt.Errorf("frame header: %w", err)
	}
	if h.Skippable {
		size := int64(h.HeaderSize) + int64(h.SkippableSize)
		if size > int64(len(src)) {
			return 0, true, fmt.Errorf("skippable frame: %w", io.ErrUnexpectedEOF)
		}
		return int(size), true, nil
	}
	if h.DictionaryID != 0 {
		return 0, false, fmt.Errorf("frame needs dictionary %d", h.DictionaryID)
	}
	at := h.HeaderSize
	for last := false; !last; {
		if len(src)-at < ZSTD_BLOCK_HEADER_SIZE {
			return 0, false, fmt.Errorf("block header: %w", io.ErrUnexpectedEOF)
		}
		var header uint32
		for i := range ZSTD_BLOCK_HEADER_SIZE {
			header |= uint32(src[at+i]) << (8 * i)
		}
		at += ZSTD_BLOCK_HEADER_SIZE
		last = header&ZSTD_BLOCK_LAST_MASK != 0
		stored := int(header >> ZSTD_BLOCK_SIZE_SHIFT)
		if stored > ZSTD_BLOCK_SIZE_MAX {
			return 0, false, fmt.Errorf("block of %d bytes, limit %d", stored, ZSTD_BLOCK_SIZE_MAX)
		}
		switch ZstdBlockType(header >> ZSTD_BLOCK_TYPE_SHIFT & ZSTD_BLOCK_TYPE_MASK) {
		case ZSTD_BLOCK_RLE:
			stored = 1
		case ZSTD_BLOCK_RESERVED:
			return 0, false, errors.New("block of reserved type")
		}
		if stored > len(src)-at {
			return 0, false, fmt.Errorf("block: %w", io.ErrUnexpectedEOF)
		}
		at += stored
	}
	if h.HasCheckSum {
		if len(src)-at < ZSTD_CONTENT_CHECKSUM_SIZE {
			return 0, false, fmt.Errorf("checksum: %w", io.ErrUnexpectedEOF)
		}
		at += ZSTD_CONTENT_CHECKSUM_SIZE
	}
	return at, false, nil
}
