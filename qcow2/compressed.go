package qcow2

import (
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"

	"cstructgen/internal/inflate"
)

// decodeCluster decodes one compressed cluster of the given compression
// method (QCOW2_COMPRESSION_TYPE_ZLIB or _ZSTD) into dst, whose length is the
// cluster size. src holds the compressed bytes and, as the L2 entry counts
// whole sectors, often bytes of a neighbour behind them: those are ignored.
//
// All of dst is written, or an error that wraps [ErrCorrupt] is returned and
// dst holds nothing of use. Bytes behind dst, up to its capacity, may change:
// where it has room for decoderSlack of them zstd needs no memory but dst. It is safe for concurrent use; decoders and
// scratch memory are pooled.
func decodeCluster(method uint8, dst, src []byte) error {
	switch method {
	case QCOW2_COMPRESSION_TYPE_ZLIB:
		return decodeDeflate(dst, src)
	case QCOW2_COMPRESSION_TYPE_ZSTD:
		return decodeZstd(dst, src)
	}
	return fmt.Errorf("compression method %d: %w", method, ErrUnsupported)
}

var inflaters = sync.Pool{New: func() any { return new(inflate.Decoder) }}

// decodeDeflate fills dst from the raw deflate stream (RFC 1951) in src. A
// stream that yields more than dst holds, or that lacks its final block, is
// good as long as dst gets full: QEMU's qcow2_zlib_decompress asks no more.
func decodeDeflate(dst, src []byte) error {
	d := inflaters.Get().(*inflate.Decoder)
	defer inflaters.Put(d)
	if err := d.Decode(dst, src); err != nil {
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return nil
}

// decoderSlack is how much room behind its output zstd.Decoder wants in order
// to copy in blocks of 16 bytes.
const decoderSlack = 16

var zstdDecoder = sync.OnceValue(func() *zstd.Decoder {
	d, err := zstd.NewReader(nil,
		zstd.WithDecoderConcurrency(0),
		zstd.WithDecodeAllCapLimit(true), // never more output than we made room for
		zstd.WithDecoderMaxWindow(zstdMaxWindow))
	if err != nil {
		panic("qcow2: zstd options: " + err.Error())
	}
	return d
})

var zstdScratch = sync.Pool{New: func() any { return new([]byte) }}

// decodeZstd fills dst from the frames at the start of src.
func decodeZstd(dst, src []byte) error {
	size := len(dst) + decoderSlack
	if cap(dst) >= size {
		return decodeFrames(dst[:size:size], src)
	}
	scratch := zstdScratch.Get().(*[]byte)
	defer zstdScratch.Put(scratch)
	if cap(*scratch) < size {
		*scratch = make([]byte, size)
	}
	err := decodeFrames((*scratch)[:size:size], src)
	if err == nil {
		copy(dst, *scratch)
	}
	return err
}

// decodeFrames fills all of room but its last decoderSlack bytes from the
// frames (RFC 8878) at the start of src. They follow one another until it is
// full; the last must end exactly there. Skippable frames between them are
// skipped.
func decodeFrames(room, src []byte) error {
	want := len(room) - decoderSlack
	for n := 0; n < want; {
		size, skip, err := zstdFrameSize(src)
		if err != nil {
			return fmt.Errorf("%w: zstd: %w", ErrCorrupt, err)
		}
		if !skip {
			// The decoder is given one frame without what follows it, and
			// output of its own: a frame must not refer to an earlier one.
			out, err := zstdDecoder().DecodeAll(src[:size:size], room[n:n])
			if err != nil {
				return fmt.Errorf("%w: zstd: %w", ErrCorrupt, err)
			}
			if len(out) > want-n {
				return fmt.Errorf("%w: zstd: more than a cluster", ErrCorrupt)
			}
			n += len(out)
		}
		src = src[size:]
	}
	return nil
}
