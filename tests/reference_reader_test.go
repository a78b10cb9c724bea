package tests

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"io"
	"path"
	"sync"

	"github.com/klauspost/compress/zstd"

	"cstructgen/qcow2"
)

// A slowImage is a reader of qcow2 written to be read: cluster by cluster,
// entry by entry, out of memory, with no cache and nothing merged. It is the
// third opinion beside our reader and QEMU, also on images of which QEMU
// refuses the whole for a part. What lies past the end of a file is zeros. It
// knows no encryption, and opens what opens: headers are not its business.
type slowImage struct {
	file    []byte
	header  qcow2.QCowHeader
	cluster uint64
	backing []byte // the whole disk below; empty if there is none
	data    []byte // where guest data is: file, or the data file
}

// openSlow opens the image called name among files.
func openSlow(files map[string][]byte, name string) (*slowImage, error) {
	s := &slowImage{file: files[name]}
	h := &s.header
	h.DecodePrefix(s.file[:min(len(s.file), qcow2.SizeofQCowHeader)])
	extensions := uint64(h.HeaderLength)
	if h.Version == qcow2.QCOW2_VERSION_2 {
		h.IncompatibleFeatures, h.AutoclearFeatures, h.CompressionType = 0, 0, qcow2.QCOW2_COMPRESSION_TYPE_ZLIB
		extensions = qcow2.OffsetofQCowHeader_IncompatibleFeatures
	} else if h.HeaderLength <= qcow2.OffsetofQCowHeader_CompressionType {
		h.CompressionType = qcow2.QCOW2_COMPRESSION_TYPE_ZLIB
	}
	s.cluster, s.data = 1<<h.ClusterBits, s.file
	end := s.cluster
	if h.BackingFileOffset != 0 {
		end = h.BackingFileOffset
	}
	var format, dataFile string
	for at := extensions; at+qcow2.SizeofQCowExtension <= end; {
		var x qcow2.QCowExtension
		x.Decode((*[qcow2.SizeofQCowExtension]byte)(s.at(s.file, at, qcow2.SizeofQCowExtension)))
		if x.Magic == qcow2.QCOW2_EXT_MAGIC_END {
			break
		}
		at += qcow2.SizeofQCowExtension
		body := string(s.at(s.file, at, uint64(x.Len)))
		switch x.Magic {
		case qcow2.QCOW2_EXT_MAGIC_BACKING_FORMAT:
			format = body
		case qcow2.QCOW2_EXT_MAGIC_DATA_FILE:
			dataFile = body
		}
		at += (uint64(x.Len) + qcow2.QCOW2_ALIGNMENT - 1) / qcow2.QCOW2_ALIGNMENT * qcow2.QCOW2_ALIGNMENT
	}
	if s.has(qcow2.QCOW2_INCOMPAT_DATA_FILE) {
		s.data = files[dataFile]
	}
	if h.BackingFileOffset == 0 || h.BackingFileSize == 0 {
		return s, nil
	}
	below := path.Base(string(s.at(s.file, h.BackingFileOffset, uint64(h.BackingFileSize))))
	var err error
	if s.backing = files[below]; format == "qcow2" {
		s.backing, err = readSlow(files, below)
	}
	return s, err
}

// readSlow is the whole disk, of referenceLimit bytes at most.
func readSlow(files map[string][]byte, name string) ([]byte, error) {
	s, err := openSlow(files, name)
	if err != nil {
		return nil, err
	}
	if h := s.header; h.ClusterBits > qcow2.MAX_CLUSTER_BITS || h.Size > referenceLimit {
		return nil, fmt.Errorf("%s: clusters of 1<<%d bytes in a disk of %d", name, h.ClusterBits, h.Size)
	}
	disk := make([]byte, 0, s.header.Size+s.cluster)
	for uint64(len(disk)) < s.header.Size {
		c, err := s.read(uint64(len(disk)) / s.cluster)
		if err != nil {
			return nil, err
		}
		disk = append(disk, c...)
	}
	return disk[:s.header.Size], nil
}

func (s *slowImage) has(feature uint64) bool { return s.header.IncompatibleFeatures&feature != 0 }

// at is n bytes of file from off on, with zeros where it has none.
func (s *slowImage) at(file []byte, off, n uint64) []byte {
	b := make([]byte, n)
	if off < uint64(len(file)) {
		copy(b, file[off:])
	}
	return b
}

func (s *slowImage) word(off uint64) uint64 { return binary.BigEndian.Uint64(s.at(s.file, off, 8)) }

// read is the whole guest cluster of that number, over the end of the disk too.
func (s *slowImage) read(number uint64) ([]byte, error) {
	fail := func(what string, value uint64) ([]byte, error) {
		return nil, fmt.Errorf("guest cluster %d: %s %#x", number, what, value)
	}
	if s.header.AutoclearFeatures&qcow2.QCOW2_AUTOCLEAR_DATA_FILE_RAW != 0 && !s.has(qcow2.QCOW2_INCOMPAT_DATA_FILE) {
		return fail("autoclear features", s.header.AutoclearFeatures)
	}
	extended := s.has(qcow2.QCOW2_INCOMPAT_EXTL2)
	entrySize, parts := uint64(qcow2.L2E_SIZE_NORMAL), uint64(1)
	if extended {
		entrySize, parts = qcow2.L2E_SIZE_EXTENDED, qcow2.QCOW_EXTL2_SUBCLUSTERS_PER_CLUSTER
	}
	perTable := s.cluster / entrySize
	var entry, bitmap uint64
	if index := number / perTable; index < uint64(s.header.L1Size) {
		table := s.word(s.header.L1TableOffset+index*qcow2.L1E_SIZE) & qcow2.L1E_OFFSET_MASK
		if table%s.cluster != 0 {
			return fail("L2 table", table)
		}
		if table != 0 {
			entry = s.word(table + number%perTable*entrySize)
			if extended {
				bitmap = s.word(table + number%perTable*entrySize + qcow2.OffsetofQCow2L2EntryExtended_Bitmap)
			}
		}
	}
	if entry&qcow2.QCOW_OFLAG_COMPRESSED != 0 {
		if s.has(qcow2.QCOW2_INCOMPAT_DATA_FILE) {
			return fail("compressed, with a data file", entry)
		}
		return s.decompress(entry)
	}
	host := entry & qcow2.L2E_OFFSET_MASK
	dataAtZero := s.has(qcow2.QCOW2_INCOMPAT_DATA_FILE) && entry&qcow2.QCOW_OFLAG_COPIED != 0
	allocated := host != 0 || dataAtZero
	alloc, zero := uint32(bitmap>>qcow2.QCOW_L2_BITMAP_ALLOC_SHIFT), uint32(bitmap>>qcow2.QCOW_L2_BITMAP_ZERO_SHIFT)
	if !extended { // as one subcluster
		alloc, zero = 0, uint32(entry&qcow2.QCOW_OFLAG_ZERO)
		if zero == 0 && allocated {
			alloc = 1
		}
		if zero != 0 && s.header.Version == qcow2.QCOW2_VERSION_2 {
			return fail("zero cluster in version 2", entry)
		}
		allocated = host != 0 || dataAtZero && zero == 0
	}
	switch {
	case alloc&zero != 0, alloc != 0 && !allocated:
		return fail("bitmap", bitmap)
	case allocated && host%s.cluster != 0:
		return fail("host offset", host)
	case allocated && s.has(qcow2.QCOW2_INCOMPAT_DATA_FILE) && host != number*s.cluster:
		return fail("host offset in the data file", host)
	}
	out, part := []byte{}, s.cluster/parts
	for i := range parts {
		switch {
		case zero>>i&1 != 0:
			out = append(out, make([]byte, part)...)
		case alloc>>i&1 != 0:
			out = append(out, s.at(s.data, host+i*part, part)...)
		default:
			out = append(out, s.at(s.backing, number*s.cluster+i*part, part)...)
		}
	}
	return out, nil
}

// decompress is the compressed cluster of that L2 entry.
func (s *slowImage) decompress(entry uint64) ([]byte, error) {
	entry &= qcow2.L2E_COMPRESSED_OFFSET_SIZE_MASK
	offsetBits := 62 - (s.header.ClusterBits - qcow2.QCOW2_COMPRESSED_SIZE_BITS_BASE)
	off, sectors := entry&(1<<offsetBits-1), entry>>offsetBits+1
	packed := bytes.NewReader(s.at(s.file, off, sectors*qcow2.QCOW2_COMPRESSED_SECTOR_SIZE-off%qcow2.QCOW2_COMPRESSED_SECTOR_SIZE))
	out := make([]byte, s.cluster)
	if s.header.CompressionType == qcow2.QCOW2_COMPRESSION_TYPE_ZLIB {
		_, err := io.ReadFull(flate.NewReader(packed), out)
		return out, err
	}
	src, _ := io.ReadAll(packed)
	out = out[:0]
	for uint64(len(out)) < s.cluster {
		frame, err := frameLength(src)
		if err != nil {
			return nil, err
		}
		if out, err = decoder().DecodeAll(src[:frame], out); err != nil {
			return nil, err
		}
		src = src[frame:]
	}
	if uint64(len(out)) > s.cluster {
		return nil, fmt.Errorf("zstd: %d bytes", len(out))
	}
	return out, nil
}

var decoder = sync.OnceValue(func() *zstd.Decoder {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(128<<20), zstd.WithDecoderMaxMemory(1<<26))
	if err != nil {
		panic(err) // the options are ours
	}
	return d
})

// frameLength is the length of the Zstandard frame at the start of src (RFC
// 8878, section 3.1): header, blocks up to the last, checksum.
func frameLength(src []byte) (int, error) {
	var h zstd.Header
	if err := h.Decode(src); err != nil {
		return 0, err
	}
	at := h.HeaderSize
	if h.Skippable {
		at += int(h.SkippableSize)
	}
	for last := h.Skippable; !last; {
		if at+qcow2.ZSTD_BLOCK_HEADER_SIZE > len(src) {
			return 0, io.ErrUnexpectedEOF
		}
		block := int(src[at]) | int(src[at+1])<<8 | int(src[at+2])<<16
		at += qcow2.ZSTD_BLOCK_HEADER_SIZE
		last = block&1 != 0
		if block>>1&3 == 1 { // one byte, to be repeated
			at++
		} else {
			at += block >> 3
		}
	}
	if h.HasCheckSum {
		at += 4
	}
	if at > len(src) {
		return 0, io.ErrUnexpectedEOF
	}
	return at, nil
}
