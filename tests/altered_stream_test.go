package tests

import (
	"bytes"
	"compress/flate"
	"compress/zlib"
	"encoding/binary"
	"slices"

	"github.com/klauspost/compress/zstd"

	"cstructgen/qcow2"
)

// streamAlterations replace the compressed data of guest cluster 1, of 4 KiB,
// by streams that QEMU's own compressors do not write.
func streamAlterations() []alteration {
	const size = 4096
	data := text(2*size, 9)
	whole, half := data[:size], data[:size/2]
	deflated := func(p []byte) []byte { return deflate(p, flate.BestCompression) }
	// What zlib.NewWriter puts around a deflate stream.
	var wrapped bytes.Buffer
	z := zlib.NewWriter(&wrapped)
	_, _ = z.Write(whole)
	_ = z.Close()

	frame := func(p []byte, options ...zstd.EOption) []byte {
		w, err := zstd.NewWriter(nil, append([]zstd.EOption{zstd.WithEncoderConcurrency(1)}, options...)...)
		if err != nil {
			panic(err) // the options are ours
		}
		return w.EncodeAll(p, nil)
	}
	checked, plain := frame(whole, zstd.WithEncoderCRC(true)), frame(whole, zstd.WithEncoderCRC(false))
	badSum := slices.Clone(checked)
	badSum[len(badSum)-1] ^= 1
	// A frame to be skipped: magic, length, that many bytes (RFC 8878, 3.1.2).
	skippable := binary.LittleEndian.AppendUint32(nil, 0x184d2a53)
	skippable = append(binary.LittleEndian.AppendUint32(skippable, 5), "extra"...)

	return slices.Concat(
		about("compressed/deflate-fills-the-cluster", "v3-deflate",
			alteration{name: "stored blocks", alter: stream(deflate(whole, flate.NoCompression))},
			alteration{name: "matches over the whole window", alter: stream(deflated(whole))},
			alteration{name: "no final block", alter: stream(unfinished(whole)), unlike: fullCluster},
			alteration{name: "garbage behind", alter: stream(append(deflated(whole), "garbage"...))},
			alteration{name: "more than a cluster", alter: stream(deflated(data))},
			alteration{name: "half a cluster", alter: stream(deflated(half)), read: qcow2.ErrCorrupt},
			alteration{name: "a zlib header", alter: stream(wrapped.Bytes()), read: qcow2.ErrCorrupt},
			alteration{name: "an empty stream", alter: stream(deflated(nil)), read: qcow2.ErrCorrupt},
			alteration{name: "a reserved kind of block", alter: stream([]byte{0xff, 0xff, 0xff}), read: qcow2.ErrCorrupt},
		),
		about("compressed/zstd-frames-fill-the-cluster", "v3-zstd",
			alteration{name: "a checksum", alter: stream(checked)},
			alteration{name: "a wrong checksum", alter: stream(badSum), read: qcow2.ErrCorrupt},
			alteration{name: "two frames", alter: stream(append(frame(half), frame(whole[size/2:])...))},
			alteration{name: "a frame that is skipped", alter: stream(append(slices.Clone(skippable), plain...))},
			alteration{name: "an empty frame first", alter: stream(append(frame(nil, zstd.WithZeroFrames(true)), plain...))},
			alteration{name: "garbage behind", alter: stream(append(slices.Clone(plain), "garbage"...))},
			alteration{name: "a window of 8 MiB", alter: stream(frame(whole, zstd.WithWindowSize(8<<20), zstd.WithSingleSegment(false)))},
			alteration{name: "half a cluster", alter: stream(frame(half)), read: qcow2.ErrCorrupt},
			alteration{name: "more than a cluster", alter: stream(frame(data)), read: qcow2.ErrCorrupt},
			alteration{name: "a frame that is cut", alter: stream(plain[:len(plain)/2]), read: qcow2.ErrCorrupt},
		),
	)
}

// deflate is p as a raw deflate stream.
func deflate(p []byte, level int) []byte {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, level)
	if err != nil {
		panic(err) // the level is ours
	}
	_, _ = w.Write(p)
	_ = w.Close()
	return b.Bytes()
}

// unfinished is p as a deflate stream without its final block.
func unfinished(p []byte) []byte {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.BestCompression) // the level exists
	_, _ = w.Write(p)
	_ = w.Flush()
	return b.Bytes()
}

// stream puts compressed data behind everything else, and makes it that of
// guest cluster 1. What follows it up to the end of its sector is zeros.
func stream(data []byte) func(*editor) {
	return func(e *editor) {
		off := uint64(len(e.b))
		e.b = append(e.b, data...)
		last := (off+uint64(len(data))-1)/qcow2.QCOW2_COMPRESSED_SECTOR_SIZE - off/qcow2.QCOW2_COMPRESSED_SECTOR_SIZE
		e.b = append(e.b, make([]byte, -len(e.b)&(qcow2.QCOW2_COMPRESSED_SECTOR_SIZE-1))...)
		e.u64(e.l2(1), qcow2.QCOW_OFLAG_COMPRESSED|e.sectors(last)|off)
	}
}
