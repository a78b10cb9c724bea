package qcow2

import (
	"bytes"
	"compress/flate"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// A recipe describes an image to build. The zero value of every field means
// what is usual.
type recipe struct {
	version  uint32 // 3
	bits     uint32 // cluster_bits: 16
	size     uint64
	extended bool
	zstd     bool
	dataFile string // name; "-" has the feature bit and no name
	backing  string
	format   string // of the backing file
	l1Size   uint32 // entries, if more than needed
}

// A builder makes an image in memory, cluster after cluster. It keeps no
// refcounts: reading needs none.
type builder struct {
	t          testing.TB
	header     QCowHeader
	geometry   geometry
	extensions []Extension
	backing    string
	file       []byte // from the first cluster on

	// Between comp and compEnd is room for compressed clusters.
	comp, compEnd int
}

func newBuilder(t testing.TB, r recipe) *builder {
	t.Helper()
	if r.version == 0 {
		r.version = QCOW2_VERSION_3
	}
	if r.bits == 0 {
		r.bits = 16
	}
	b := &builder{t: t, backing: r.backing, geometry: newGeometry(r.bits, r.extended)}
	h := &b.header
	h.Magic, h.Version, h.ClusterBits, h.Size = QCOW2_MAGIC, r.version, r.bits, r.size
	h.RefcountOrder, h.HeaderLength = QCOW2_V2_REFCOUNT_ORDER, SizeofQCowHeader
	if r.extended {
		h.IncompatibleFeatures |= QCOW2_INCOMPAT_EXTL2
	}
	if r.zstd {
		h.IncompatibleFeatures |= QCOW2_INCOMPAT_COMPRESSION
		h.CompressionType = QCOW2_COMPRESSION_TYPE_ZSTD
	}
	if r.dataFile != "" {
		h.IncompatibleFeatures |= QCOW2_INCOMPAT_DATA_FILE
		if r.dataFile != "-" {
			b.extend(QCOW2_EXT_MAGIC_DATA_FILE, []byte(r.dataFile))
		}
	}
	if r.format != "" {
		b.extend(QCOW2_EXT_MAGIC_BACKING_FORMAT, []byte(r.format))
	}
	b.alloc() // the header's
	h.L1Size = max(r.l1Size, uint32(b.geometry.l1Needed(r.size)))
	for range ceilDiv(uint64(h.L1Size)*L1E_SIZE, b.geometry.clusterSize()) {
		if off := b.alloc(); h.L1TableOffset == 0 {
			h.L1TableOffset = uint64(off)
		}
	}
	return b
}

func (b *builder) extend(magic uint32, data []byte) {
	b.extensions = append(b.extensions, Extension{Magic: magic, Data: data})
}

// alloc appends a cluster of zeros to the file.
func (b *builder) alloc() hostOffset {
	off := len(b.file)
	b.file = append(b.file, make([]byte, b.geometry.clusterSize())...)
	return hostOffset(off)
}

// put appends a cluster that begins with content.
func (b *builder) put(content []byte) hostOffset {
	off := b.alloc()
	if n := copy(b.file[off:], content); n < len(content) {
		b.t.Fatalf("content of %d bytes, clusters of %d", len(content), n)
	}
	return off
}

// slot returns where the L2 entry of a guest cluster is, having allocated its
// table if there was none.
func (b *builder) slot(cluster uint64) hostOffset {
	g := &b.geometry
	off := guestOffset(cluster << g.clusterBits)
	at := b.header.L1TableOffset + g.l1Index(off)*L1E_SIZE
	e := QCow2L1Entry{Entry: uint64(l1Entry(b.file[at:]))}
	if e.Entry == 0 {
		e.Entry = uint64(b.alloc()) | QCOW_OFLAG_COPIED
		e.Encode((*[SizeofQCow2L1Entry]byte)(b.file[at:]))
	}
	return hostOffset(e.Entry&L1E_OFFSET_MASK + g.l2Index(off)<<g.entryBits)
}

// entry sets the L2 entry of a guest cluster; bitmap matters with extended L2.
func (b *builder) entry(cluster, entry, bitmap uint64) {
	at := b.slot(cluster)
	if 1<<b.geometry.entryBits == L2E_SIZE_EXTENDED {
		e := QCow2L2EntryExtended{Entry: entry, Bitmap: bitmap}
		e.Encode((*[SizeofQCow2L2EntryExtended]byte)(b.file[at:]))
		return
	}
	e := QCow2L2Entry{Entry: entry}
	e.Encode((*[SizeofQCow2L2Entry]byte)(b.file[at:]))
}

// data allocates a guest cluster and fills it with content.
func (b *builder) data(cluster uint64, content []byte) hostOffset {
	b.slot(cluster) // tables come first, so that data of neighbours lies together
	off := b.put(content)
	b.entry(cluster, uint64(off)|QCOW_OFLAG_COPIED, QCOW_L2_BITMAP_ALL_ALLOC)
	return off
}

// compressed stores a guest cluster compressed, right behind the one before.
func (b *builder) compressed(cluster uint64, content []byte) (entry uint64) {
	plain := make([]byte, b.geometry.clusterSize())
	copy(plain, content)
	return b.stored(cluster, compress(b.t, b.header.CompressionType, plain))
}

// stored makes packed the compressed bytes of a guest cluster.
func (b *builder) stored(cluster uint64, packed []byte) (entry uint64) {
	b.slot(cluster)
	if b.compEnd != len(b.file) && b.compEnd-b.comp < len(packed) {
		b.comp, b.compEnd = len(b.file), len(b.file) // something else lies behind
	}
	for b.compEnd-b.comp < len(packed) {
		b.alloc()
		b.compEnd = len(b.file)
	}
	copy(b.file[b.comp:], packed)
	entry = b.descriptor(hostOffset(b.comp), uint64(len(packed)))
	b.entry(cluster, entry, 0)
	b.comp += len(packed)
	return entry
}

// descriptor returns the L2 entry of a compressed cluster.
func (b *builder) descriptor(off hostOffset, size uint64) uint64 {
	shift := 62 - (b.geometry.clusterBits - QCOW2_COMPRESSED_SIZE_BITS_BASE)
	sectors := (uint64(off)%QCOW2_COMPRESSED_SECTOR_SIZE + size - 1) / QCOW2_COMPRESSED_SECTOR_SIZE
	return QCOW_OFLAG_COMPRESSED | sectors<<shift | uint64(off)
}

// bytes returns the finished file.
func (b *builder) bytes() []byte {
	h := b.header
	length := int(h.HeaderLength)
	if h.Version == QCOW2_VERSION_2 {
		length = headerLengthV2
	}
	var area []byte
	for _, x := range append(b.extensions, Extension{Magic: QCOW2_EXT_MAGIC_END}) {
		area, _ = (&QCowExtension{Magic: x.Magic, Len: uint32(len(x.Data))}).AppendBinary(area)
		area = append(area, x.Data...)
		area = append(area, make([]byte, -len(x.Data)&(QCOW2_ALIGNMENT-1))...)
	}
	if b.backing != "" {
		h.BackingFileOffset = uint64(length + len(area))
		h.BackingFileSize = uint32(len(b.backing))
		area = append(area, b.backing...)
	}
	file := bytes.Clone(b.file)
	head, _ := h.MarshalBinary()
	n := copy(file, head[:min(length, len(head))])
	if first := file[:b.geometry.clusterSize()]; max(n, length) < len(first) {
		copy(first[max(n, length):], area)
	}
	return file
}

// image opens the finished file.
func (b *builder) image(opts *Options) *Image {
	b.t.Helper()
	return open(b.t, b.bytes(), opts)
}

// open opens an image in memory, which must be sound.
func open(t testing.TB, file []byte, opts *Options) *Image {
	t.Helper()
	im, err := New(bytes.NewReader(file), int64(len(file)), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { im.Close() })
	return im
}

// source returns a file in memory as a Source.
func source(name string, file []byte) *Source {
	return &Source{Reader: bytes.NewReader(file), Size: int64(len(file)), Name: name}
}

// compress packs a cluster by the given method.
func compress(t testing.TB, method uint8, plain []byte) []byte {
	t.Helper()
	if method == QCOW2_COMPRESSION_TYPE_ZSTD {
		e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
		if err != nil {
			t.Fatal(err)
		}
		return e.EncodeAll(plain, nil)
	}
	var buf bytes.Buffer
	w := deflateWriters.Get().(*flate.Writer) // costs a megabyte each
	defer deflateWriters.Put(w)
	w.Reset(&buf)
	w.Write(plain)
	w.Close()
	return buf.Bytes()
}

var deflateWriters = sync.Pool{New: func() any {
	w, _ := flate.NewWriter(nil, flate.DefaultCompression)
	return w
}}

// text returns n bytes that compress well and tell where they are from.
func text(n int, seed byte) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(i/97) ^ byte(i>>9)*31 + seed
	}
	return p
}
