package main

import (
	"fmt"
	"strings"
	"time"

	"cstructgen/qcow2"
)

func (d *dumper) showHeader() {
	h := &d.header
	d.part("header", 0)
	b, _ := d.read("header", 0, uint64(d.headerFields()))
	d.fields(b, 0, qcow2.LayoutOfQCowHeader, d.headerMeaning)
	if h.HeaderLength > qcow2.SizeofQCowHeader {
		rest, _ := d.read("header", qcow2.SizeofQCowHeader, uint64(h.HeaderLength-qcow2.SizeofQCowHeader))
		d.row(&dumpRow{offset: qcow2.SizeofQCowHeader, bytes: rest, name: "(unknown)", meaning: fmt.Sprintf("%d bytes more", len(rest))})
	}
	if h.BackingFileOffset != 0 {
		d.part("backing file name", h.BackingFileOffset)
		d.text("name", h.BackingFileOffset, uint64(h.BackingFileSize))
	}
}

// headerMeaning returns what a value of a header field means.
func (d *dumper) headerMeaning(field string, v uint64) string {
	h := &d.header
	switch field {
	case "magic":
		return "QCOW2_MAGIC"
	case "backing_file_offset":
		if v == 0 {
			return "no backing file"
		}
	case "cluster_bits":
		if v < 64 {
			return "clusters of " + humanSize(1<<v)
		}
	case "size":
		return humanSize(v)
	case "crypt_method":
		return nameOf(v, []string{"QCOW_CRYPT_NONE", "QCOW_CRYPT_AES", "QCOW_CRYPT_LUKS"})
	case "l1_table_offset":
		return d.place(v, uint64(h.L1Size)*qcow2.L1E_SIZE)
	case "refcount_table_offset":
		return d.place(v, 1)
	case "refcount_table_clusters":
		if h.ClusterBits <= qcow2.MAX_CLUSTER_BITS {
			return fmt.Sprintf("%d entries", v*d.clusterSize()/qcow2.REFTABLE_ENTRY_SIZE)
		}
	case "snapshots_offset":
		if h.NbSnapshots > 0 {
			return d.place(v, 1)
		}
	case "incompatible_features":
		return bitNames(v, []bitName{
			{qcow2.QCOW2_INCOMPAT_DIRTY, "QCOW2_INCOMPAT_DIRTY"}, {qcow2.QCOW2_INCOMPAT_CORRUPT, "QCOW2_INCOMPAT_CORRUPT"},
			{qcow2.QCOW2_INCOMPAT_DATA_FILE, "QCOW2_INCOMPAT_DATA_FILE"},
			{qcow2.QCOW2_INCOMPAT_COMPRESSION, "QCOW2_INCOMPAT_COMPRESSION"}, {qcow2.QCOW2_INCOMPAT_EXTL2, "QCOW2_INCOMPAT_EXTL2"},
		})
	case "compatible_features":
		return bitNames(v, []bitName{{qcow2.QCOW2_COMPAT_LAZY_REFCOUNTS, "QCOW2_COMPAT_LAZY_REFCOUNTS"}})
	case "autoclear_features":
		return bitNames(v, []bitName{
			{qcow2.QCOW2_AUTOCLEAR_BITMAPS, "QCOW2_AUTOCLEAR_BITMAPS"},
			{qcow2.QCOW2_AUTOCLEAR_DATA_FILE_RAW, "QCOW2_AUTOCLEAR_DATA_FILE_RAW"},
		})
	case "header_length":
		if v < qcow2.OffsetofQCowHeader_CompressionType {
			return fmt.Sprintf("LESS THAN %d", qcow2.OffsetofQCowHeader_CompressionType)
		}
	case "refcount_order":
		if v <= qcow2.QCOW2_MAX_REFCOUNT_ORDER {
			return fmt.Sprintf("refcounts of %d bits", 1<<v)
		}
	case "compression_type":
		return nameOf(v, []string{"QCOW2_COMPRESSION_TYPE_ZLIB", "QCOW2_COMPRESSION_TYPE_ZSTD"})
	default:
		return ""
	}
	return ""
}

// nameOf returns the name of v, of those that count from 0 on.
func nameOf(v uint64, names []string) string {
	if v < uint64(len(names)) {
		return names[v]
	}
	return "unknown"
}

type bitName struct {
	bit  uint64
	name string
}

// bitNames returns the names of the bits in v.
func bitNames(v uint64, names []bitName) string {
	var words []string
	for _, n := range names {
		if v&n.bit != 0 {
			words = append(words, n.name)
			v &^= n.bit
		}
	}
	if v != 0 {
		words = append(words, fmt.Sprintf("%#x unknown", v))
	}
	return strings.Join(words, "|")
}

// place returns what is to be said of n bytes at off.
func (d *dumper) place(off, n uint64) string {
	size := d.clusterSize()
	var words []string
	if d.header.ClusterBits <= qcow2.MAX_CLUSTER_BITS {
		words = append(words, fmt.Sprintf("cluster %d", off/size))
		if off%size != 0 {
			words = append(words, "NOT ALIGNED")
		}
	}
	if off > d.size || n > d.size-off {
		words = append(words, "BEHIND THE END OF THE FILE")
	}
	return strings.Join(words, ", ")
}

// extensionNames are the known extensions.
var extensionNames = map[uint32]string{
	qcow2.QCOW2_EXT_MAGIC_END:            "QCOW2_EXT_MAGIC_END",
	qcow2.QCOW2_EXT_MAGIC_BACKING_FORMAT: "QCOW2_EXT_MAGIC_BACKING_FORMAT",
	qcow2.QCOW2_EXT_MAGIC_FEATURE_TABLE:  "QCOW2_EXT_MAGIC_FEATURE_TABLE",
	qcow2.QCOW2_EXT_MAGIC_CRYPTO_HEADER:  "QCOW2_EXT_MAGIC_CRYPTO_HEADER",
	qcow2.QCOW2_EXT_MAGIC_BITMAPS:        "QCOW2_EXT_MAGIC_BITMAPS",
	qcow2.QCOW2_EXT_MAGIC_DATA_FILE:      "QCOW2_EXT_MAGIC_DATA_FILE",
}

// eachExtension calls show for each header extension, the END mark, too, until
// it returns false.
func (d *dumper) eachExtension(show func(e *extension) bool) {
	const what = "header extensions"
	if !d.clustered(what) {
		return
	}
	off, end := uint64(d.header.HeaderLength), d.clusterSize()
	if d.header.BackingFileOffset != 0 {
		end = min(end, d.header.BackingFileOffset)
	}
	for off < end && off < d.size {
		b, whole := d.read(what, off, qcow2.SizeofQCowExtension)
		if !whole {
			return
		}
		e := extension{offset: off, data: off + qcow2.SizeofQCowExtension}
		e.Decode((*[qcow2.SizeofQCowExtension]byte)(b))
		if e.data > end || uint64(e.Len) > end-e.data {
			e.Len = 0
			d.fields(b, off, qcow2.LayoutOfQCowExtension, func(string, uint64) string { return "" })
			d.fail("%s: the one at %#x leaves their area, which ends at %#x", what, off, end)
			return
		}
		if !show(&e) || e.Magic == qcow2.QCOW2_EXT_MAGIC_END {
			return
		}
		off = (e.data + uint64(e.Len) + qcow2.QCOW2_ALIGNMENT - 1) / qcow2.QCOW2_ALIGNMENT * qcow2.QCOW2_ALIGNMENT
	}
}

func (d *dumper) showExtensions() {
	d.part("header extensions", uint64(d.header.HeaderLength))
	d.eachExtension(func(e *extension) bool {
		b, _ := d.read("header extension", e.offset, qcow2.SizeofQCowExtension)
		d.part("header extension", e.offset)
		d.fields(b, e.offset, qcow2.LayoutOfQCowExtension, func(field string, v uint64) string {
			if name, ok := extensionNames[uint32(v)]; field == "magic" && ok {
				return name
			}
			return ""
		})
		data, _ := d.read("header extension", e.data, uint64(e.Len))
		d.showExtension(e, data)
		return true
	})
}

// showExtension shows the data of an extension.
func (d *dumper) showExtension(e *extension, data []byte) {
	switch {
	case e.Magic == qcow2.QCOW2_EXT_MAGIC_BACKING_FORMAT, e.Magic == qcow2.QCOW2_EXT_MAGIC_DATA_FILE:
		d.row(&dumpRow{offset: e.data, bytes: data, name: "data", value: string(data)})
	case e.Magic == qcow2.QCOW2_EXT_MAGIC_FEATURE_TABLE:
		for i := 0; i+qcow2.SizeofQcow2Feature <= len(data); i += qcow2.SizeofQcow2Feature {
			d.fields(data[i:i+qcow2.SizeofQcow2Feature], e.data+uint64(i), qcow2.LayoutOfQcow2Feature, func(field string, v uint64) string {
				if field == "type" {
					return nameOf(v, []string{"QCOW2_FEAT_TYPE_INCOMPATIBLE", "QCOW2_FEAT_TYPE_COMPATIBLE", "QCOW2_FEAT_TYPE_AUTOCLEAR"})
				}
				return ""
			})
		}
	case e.Magic == qcow2.QCOW2_EXT_MAGIC_CRYPTO_HEADER:
		d.fields(data, e.data, qcow2.LayoutOfQcow2CryptoHeaderExtension, d.offsetMeaning)
	case e.Magic == qcow2.QCOW2_EXT_MAGIC_BITMAPS:
		d.fields(data, e.data, qcow2.LayoutOfQcow2BitmapHeaderExt, d.offsetMeaning)
	case len(data) > 0:
		d.row(&dumpRow{offset: e.data, bytes: data, name: "data", meaning: fmt.Sprintf("%d bytes", len(data))})
	}
}

// offsetMeaning returns what is to be said of fields that are places.
func (d *dumper) offsetMeaning(field string, v uint64) string {
	if strings.HasSuffix(field, "offset") {
		return d.place(v, 1)
	}
	return ""
}

func (d *dumper) showSnapshots() {
	h := &d.header
	d.part("snapshot table", h.SnapshotsOffset)
	off := h.SnapshotsOffset
	for i := range h.NbSnapshots {
		what := fmt.Sprintf("snapshot %d", i)
		b, whole := d.read(what, off, qcow2.SizeofQCowSnapshotHeader)
		if len(b) == 0 {
			return
		}
		d.part(what, off)
		d.fields(b, off, qcow2.LayoutOfQCowSnapshotHeader, d.snapshotMeaning)
		if !whole {
			return
		}
		var s qcow2.QCowSnapshotHeader
		s.Decode((*[qcow2.SizeofQCowSnapshotHeader]byte)(b))
		at := off + qcow2.SizeofQCowSnapshotHeader
		if s.ExtraDataSize > qcow2.QCOW_MAX_SNAPSHOT_EXTRA_DATA {
			d.fail("%s: %d bytes of extra data, at most %d", what, s.ExtraDataSize, qcow2.QCOW_MAX_SNAPSHOT_EXTRA_DATA)
			return
		}
		extra, whole := d.read(what, at, uint64(s.ExtraDataSize))
		d.fields(extra, at, qcow2.LayoutOfQCowSnapshotExtraData, d.snapshotMeaning)
		if n := len(extra); n > qcow2.SizeofQCowSnapshotExtraData {
			d.row(&dumpRow{offset: at + qcow2.SizeofQCowSnapshotExtraData, bytes: extra[qcow2.SizeofQCowSnapshotExtraData:], name: "(unknown)"})
		}
		if !whole {
			return
		}
		at += uint64(s.ExtraDataSize)
		d.text("id", at, uint64(s.IdStrSize))
		d.text("name", at+uint64(s.IdStrSize), uint64(s.NameSize))
		at += uint64(s.IdStrSize) + uint64(s.NameSize)
		off = (at + qcow2.QCOW2_ALIGNMENT - 1) / qcow2.QCOW2_ALIGNMENT * qcow2.QCOW2_ALIGNMENT
	}
	if h.NbSnapshots == 0 {
		d.note("no snapshots")
	}
}

// snapshotMeaning returns what a value of a snapshot's field means.
func (d *dumper) snapshotMeaning(field string, v uint64) string {
	switch field {
	case "l1_table_offset":
		return d.place(v, 1)
	case "date_sec":
		return time.Unix(int64(v), 0).UTC().Format(time.RFC3339)
	case "vm_clock_nsec":
		return time.Duration(v & (1<<63 - 1)).String()
	case "vm_state_size_large", "disk_size":
		return humanSize(v)
	case "icount":
		if v == 1<<64-1 {
			return "unknown"
		}
	}
	return ""
}
