package tests

import (
	"math"
	"strings"
	"testing"

	"cstructgen/qcow2"
)

// TestAlteredExtensions changes the header extensions.
func TestAlteredExtensions(t *testing.T) {
	const plain = "v3-plain"
	unknown := func(n int) extension { return extension{0xabcdef01, strings.Repeat("u", n)} }
	formatOf := func(e *editor, formats ...string) {
		var list []extension
		for _, f := range formats {
			list = append(list, extension{qcow2.QCOW2_EXT_MAGIC_BACKING_FORMAT, f})
		}
		e.extensions(0, list...)
	}
	crypto := func(length int) extension {
		return extension{qcow2.QCOW2_EXT_MAGIC_CRYPTO_HEADER, strings.Repeat("\x00", length)}
	}
	runAlterations(t, []alteration{
		{name: "none", image: plain, alter: func(e *editor) { e.extensions(0) }},
		{name: "unknown ones of every padding", image: plain, alter: func(e *editor) {
			e.extensions(0, unknown(0), unknown(1), unknown(7), unknown(8), unknown(9))
		}},
		{name: "longer than the area", image: plain, alter: func(e *editor) { e.extensions(4096, unknown(8)) }, open: qcow2.ErrCorrupt},
		{name: "longest length", image: plain, alter: func(e *editor) { e.extensions(math.MaxUint32-8, unknown(8)) }, open: qcow2.ErrCorrupt},
		{name: "up to the end, no END", image: plain, alter: func(e *editor) {
			e.extensions(0, unknown(4096-qcow2.SizeofQCowHeader-qcow2.SizeofQCowExtension))
		}},
		{name: "END with a length", image: plain, alter: func(e *editor) {
			e.extensions(100, extension{qcow2.QCOW2_EXT_MAGIC_END, ""})
		}},
		{name: "after END anything", image: plain, alter: func(e *editor) {
			e.extensions(math.MaxUint32-8, extension{qcow2.QCOW2_EXT_MAGIC_END, ""}, unknown(8))
		}},
		{name: "backing name inside the header: no extensions", image: plain, alter: func(e *editor) {
			e.extensions(4096, unknown(8))
			e.u64(qcow2.OffsetofQCowHeader_BackingFileOffset, 8)
		}},
		{name: "ends at the backing name", image: "chain", alter: func(e *editor) {
			h := e.header()
			e.u32(int64(h.HeaderLength)+qcow2.OffsetofQCowExtension_Magic, 0xabcdef01)
			e.u32(int64(h.HeaderLength)+qcow2.OffsetofQCowExtension_Len, uint32(h.BackingFileOffset)-h.HeaderLength-7)
		}, open: qcow2.ErrCorrupt},
		{name: "backing format of 15 bytes", image: plain, alter: func(e *editor) { formatOf(e, "123456789012345") }},
		{name: "backing format of 16 bytes", image: plain, alter: func(e *editor) { formatOf(e, "1234567890123456") }, open: qcow2.ErrCorrupt},
		{name: "unknown backing format", image: "chain", alter: func(e *editor) {
			copy(e.b[e.find(qcow2.QCOW2_EXT_MAGIC_BACKING_FORMAT):], "qcow9")
		}, read: qcow2.ErrReference},
		{name: "raw over qcow2 stays raw", image: "chain", alter: func(e *editor) {
			name := e.header()
			file := string(e.b[name.BackingFileOffset:][:name.BackingFileSize])
			formatOf(e, "raw")
			e.backing(file)
		}},
		{name: "of two backing formats the last", image: "chain", alter: func(e *editor) {
			name := e.header()
			file := string(e.b[name.BackingFileOffset:][:name.BackingFileSize])
			formatOf(e, "raw", "qcow2")
			e.backing(file)
		}},
		{name: "crypto header without encryption", image: plain, alter: func(e *editor) { e.extensions(0, crypto(16)) }, open: qcow2.ErrCorrupt},
		{name: "crypto header of 15 bytes", image: "luks-metadata", alter: func(e *editor) {
			e.u32(e.find(qcow2.QCOW2_EXT_MAGIC_CRYPTO_HEADER)-4, 15)
		}, open: qcow2.ErrCorrupt},
		{name: "crypto header unaligned", image: "luks-metadata", alter: func(e *editor) {
			e.u64(e.find(qcow2.QCOW2_EXT_MAGIC_CRYPTO_HEADER)+qcow2.OffsetofQcow2CryptoHeaderExtension_Offset, 0x40200)
		}, open: qcow2.ErrCorrupt},
		{name: "feature table of a part of an entry", image: plain, alter: func(e *editor) {
			e.extensions(0, extension{qcow2.QCOW2_EXT_MAGIC_FEATURE_TABLE, strings.Repeat("n", 50)})
		}},
		{name: "data file's name without the feature", image: plain, alter: func(e *editor) {
			e.extensions(0, extension{qcow2.QCOW2_EXT_MAGIC_DATA_FILE, "nowhere.raw"})
		}},
		{name: "data file that is not there", image: "data-file", alter: func(e *editor) {
			copy(e.b[e.find(qcow2.QCOW2_EXT_MAGIC_DATA_FILE):], "lost")
		}, read: qcow2.ErrReference},
	})
}

// TestAlteredBitmaps breaks bitmaps. The disk reads all the same.
func TestAlteredBitmaps(t *testing.T) {
	// ext sets a field of the extension, entry one of the first entry.
	ext := func(field int64, v uint64) func(e *editor) {
		return func(e *editor) {
			at := e.find(qcow2.QCOW2_EXT_MAGIC_BITMAPS) + field
			if field == qcow2.OffsetofQcow2BitmapHeaderExt_NbBitmaps || field == qcow2.OffsetofQcow2BitmapHeaderExt_Reserved32 {
				e.u32(at, uint32(v))
			} else {
				e.u64(at, v)
			}
		}
	}
	entry := func(edit func(e *editor, at int64)) func(e *editor) {
		return func(e *editor) {
			at := e.find(qcow2.QCOW2_EXT_MAGIC_BITMAPS) + qcow2.OffsetofQcow2BitmapHeaderExt_BitmapDirectoryOffset
			edit(e, int64(e.get64(at)))
		}
	}
	all := []alteration{
		{name: "extension of 23 bytes", alter: func(e *editor) { e.u32(e.find(qcow2.QCOW2_EXT_MAGIC_BITMAPS)-4, 23) }, bitmaps: qcow2.ErrCorrupt},
		{name: "reserved word", alter: ext(qcow2.OffsetofQcow2BitmapHeaderExt_Reserved32, 1), bitmaps: qcow2.ErrCorrupt},
		{name: "no bitmaps", alter: ext(qcow2.OffsetofQcow2BitmapHeaderExt_NbBitmaps, 0), bitmaps: qcow2.ErrCorrupt},
		{name: "too many bitmaps", alter: ext(qcow2.OffsetofQcow2BitmapHeaderExt_NbBitmaps, qcow2.QCOW2_MAX_BITMAPS+1), bitmaps: qcow2.ErrLimit},
		{name: "fewer than there are", alter: ext(qcow2.OffsetofQcow2BitmapHeaderExt_NbBitmaps, 2), bitmaps: qcow2.ErrCorrupt},
		{name: "more than there are", alter: ext(qcow2.OffsetofQcow2BitmapHeaderExt_NbBitmaps, 4), bitmaps: qcow2.ErrCorrupt},
		{name: "directory unaligned", alter: ext(qcow2.OffsetofQcow2BitmapHeaderExt_BitmapDirectoryOffset, 4096+8), bitmaps: qcow2.ErrCorrupt},
		{name: "directory past 2^63", alter: ext(qcow2.OffsetofQcow2BitmapHeaderExt_BitmapDirectoryOffset, 1<<63), bitmaps: qcow2.ErrCorrupt},
		{name: "directory past the end", alter: ext(qcow2.OffsetofQcow2BitmapHeaderExt_BitmapDirectoryOffset, 1<<40), bitmaps: qcow2.ErrTruncated},
		{name: "directory too long", alter: ext(qcow2.OffsetofQcow2BitmapHeaderExt_BitmapDirectorySize, qcow2.QCOW2_MAX_BITMAP_DIRECTORY_SIZE+8), bitmaps: qcow2.ErrLimit},
		{name: "directory too short", alter: ext(qcow2.OffsetofQcow2BitmapHeaderExt_BitmapDirectorySize, 8), bitmaps: qcow2.ErrCorrupt},
		{name: "directory 8 bytes longer", alter: func(e *editor) {
			at := e.find(qcow2.QCOW2_EXT_MAGIC_BITMAPS) + qcow2.OffsetofQcow2BitmapHeaderExt_BitmapDirectorySize
			e.u64(at, e.get64(at)+8)
			e.b = append(e.b, make([]byte, e.cluster())...)
		}, bitmaps: qcow2.ErrCorrupt},
		{name: "reserved flags", alter: entry(func(e *editor, at int64) {
			e.u32(at+qcow2.OffsetofQcow2BitmapDirEntry_Flags, 1<<3)
		}), bitmaps: qcow2.ErrCorrupt},
		{name: "type 2", alter: entry(func(e *editor, at int64) { e.u8(at+qcow2.OffsetofQcow2BitmapDirEntry_Type, 2) }), bitmaps: qcow2.ErrUnsupported},
		{name: "granularity 2^8", alter: entry(func(e *editor, at int64) {
			e.u8(at+qcow2.OffsetofQcow2BitmapDirEntry_GranularityBits, 8)
		}), bitmaps: qcow2.ErrCorrupt},
		{name: "granularity 2^32", alter: entry(func(e *editor, at int64) {
			e.u8(at+qcow2.OffsetofQcow2BitmapDirEntry_GranularityBits, 32)
		}), bitmaps: qcow2.ErrCorrupt},
		{name: "name past the directory", alter: entry(func(e *editor, at int64) {
			e.u16(at+qcow2.OffsetofQcow2BitmapDirEntry_NameSize, 1000)
		}), bitmaps: qcow2.ErrCorrupt},
		{name: "extra data past the directory", alter: entry(func(e *editor, at int64) {
			e.u32(at+qcow2.OffsetofQcow2BitmapDirEntry_ExtraDataSize, math.MaxUint32)
		}), bitmaps: qcow2.ErrCorrupt},
		{name: "table unaligned", alter: entry(func(e *editor, at int64) {
			e.u64(at+qcow2.OffsetofQcow2BitmapDirEntry_BitmapTableOffset, 4096+8)
		}), bitmaps: qcow2.ErrCorrupt},
		{name: "table too long", alter: entry(func(e *editor, at int64) {
			e.u32(at+qcow2.OffsetofQcow2BitmapDirEntry_BitmapTableSize, qcow2.BME_MAX_TABLE_SIZE+1)
		}), bitmaps: qcow2.ErrLimit},
		{name: "stale: the autoclear bit is clear", alter: func(e *editor) {
			ext(qcow2.OffsetofQcow2BitmapHeaderExt_BitmapDirectoryOffset, 8)(e)
			e.u64(qcow2.OffsetofQCowHeader_AutoclearFeatures, 0)
		}},
	}
	for i := range all {
		all[i].image = "bitmaps"
		if all[i].bitmaps != nil {
			all[i].unlike = onlyPart
		}
	}
	runAlterations(t, all)
}

// TestAlteredSnapshots breaks the snapshot table. The disk reads all the same.
func TestAlteredSnapshots(t *testing.T) {
	entry := func(edit func(e *editor, at int64)) func(e *editor) {
		return func(e *editor) { edit(e, int64(e.header().SnapshotsOffset)) }
	}
	all := []alteration{
		{name: "too many", alter: set32(qcow2.OffsetofQCowHeader_NbSnapshots, qcow2.QCOW_MAX_SNAPSHOTS+1), snapshots: qcow2.ErrLimit},
		{name: "table unaligned", alter: func(e *editor) { e.or(qcow2.OffsetofQCowHeader_SnapshotsOffset, 8) }, snapshots: qcow2.ErrCorrupt},
		{name: "table past 2^63", alter: set64(qcow2.OffsetofQCowHeader_SnapshotsOffset, 1<<63), snapshots: qcow2.ErrCorrupt},
		{name: "table past the end", alter: set64(qcow2.OffsetofQCowHeader_SnapshotsOffset, 1<<40), snapshots: qcow2.ErrTruncated},
		{name: "as many as allowed, past the end", alter: func(e *editor) {
			e.b = append(e.b, make([]byte, e.cluster()-int64(len(e.b))%e.cluster())...)
			e.u64(qcow2.OffsetofQCowHeader_SnapshotsOffset, uint64(len(e.b)))
			e.u32(qcow2.OffsetofQCowHeader_NbSnapshots, qcow2.QCOW_MAX_SNAPSHOTS)
		}, snapshots: qcow2.ErrTruncated, noQEMU: "it lists 65,536 snapshots of nothing, for seconds"},
		{name: "extra data of 1025 bytes", alter: entry(func(e *editor, at int64) {
			e.u32(at+qcow2.OffsetofQCowSnapshotHeader_ExtraDataSize, qcow2.QCOW_MAX_SNAPSHOT_EXTRA_DATA+1)
		}), snapshots: qcow2.ErrLimit},
	}
	for i := range all {
		all[i].image = "snapshots"
		if all[i].snapshots != qcow2.ErrTruncated { // QEMU finds zeros there
			all[i].unlike = onlyPart
		}
	}
	runAlterations(t, all)
}
