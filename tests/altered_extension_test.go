package tests

import (
	"math"
	"slices"
	"strings"

	"cstructgen/qcow2"
)

// extensionAlterations change the header extensions.
func extensionAlterations() []alteration {
	const plain = "v3-plain"
	unknown := func(n int) extension { return extension{0xabcdef01, strings.Repeat("u", n)} }
	format := func(name string) extension { return extension{qcow2.QCOW2_EXT_MAGIC_BACKING_FORMAT, name} }
	crypto := func(length int) extension {
		return extension{qcow2.QCOW2_EXT_MAGIC_CRYPTO_HEADER, strings.Repeat("\x00", length)}
	}
	// replaced has these extensions in place of its own.
	replaced := func(extra uint32, list ...extension) func(*editor) {
		return func(e *editor) { e.extensions(extra, list...) }
	}
	return slices.Concat(
		about("extensions/area", plain,
			alteration{name: "none", alter: replaced(0)},
			alteration{name: "longer than the area", alter: replaced(4096, unknown(8)), open: qcow2.ErrCorrupt},
			alteration{name: "longest length", alter: replaced(math.MaxUint32-8, unknown(8)), open: qcow2.ErrCorrupt},
			alteration{name: "up to the end, no END", alter: replaced(0, unknown(4096-qcow2.SizeofQCowHeader-qcow2.SizeofQCowExtension))},
			alteration{name: "END with a length", alter: replaced(100, extension{qcow2.QCOW2_EXT_MAGIC_END, ""})},
			alteration{name: "after END anything", alter: replaced(math.MaxUint32-8, extension{qcow2.QCOW2_EXT_MAGIC_END, ""}, unknown(8))},
			alteration{name: "backing name inside the header: none", alter: func(e *editor) {
				e.extensions(4096, unknown(8))
				e.u64(qcow2.OffsetofQCowHeader_BackingFileOffset, 8)
			}},
			alteration{name: "ends at the backing name", image: "chain", alter: func(e *editor) {
				h := e.header()
				e.u32(int64(h.HeaderLength)+qcow2.OffsetofQCowExtension_Magic, 0xabcdef01)
				e.u32(int64(h.HeaderLength)+qcow2.OffsetofQCowExtension_Len, uint32(h.BackingFileOffset)-h.HeaderLength-7)
			}, open: qcow2.ErrCorrupt},
		),
		about("extensions/unknown-ones-are-passed-over", plain,
			alteration{name: "of every padding", alter: replaced(0, unknown(0), unknown(1), unknown(7), unknown(8), unknown(9))},
			alteration{name: "before one that is known", image: "chain", alter: func(e *editor) {
				h := e.header()
				file := string(e.b[h.BackingFileOffset:][:h.BackingFileSize])
				e.extensions(0, unknown(3), format("qcow2"), unknown(5))
				e.backing(file)
			}},
		),
		about("extensions/backing-format", plain,
			alteration{name: "of 15 bytes", alter: replaced(0, format("123456789012345"))},
			alteration{name: "of 16 bytes", alter: replaced(0, format("1234567890123456")), open: qcow2.ErrCorrupt},
		),
		about("extensions/the-last-of-a-kind-counts", "chain",
			alteration{name: "raw, then qcow2", alter: func(e *editor) {
				h := e.header()
				file := string(e.b[h.BackingFileOffset:][:h.BackingFileSize])
				e.extensions(0, format("raw"), format("qcow2"))
				e.backing(file)
			}},
			alteration{name: "qcow2, then raw", alter: func(e *editor) {
				h := e.header()
				file := string(e.b[h.BackingFileOffset:][:h.BackingFileSize])
				e.extensions(0, format("qcow2"), format("raw"))
				e.backing(file)
			}},
		),
		about("extensions/feature-names", plain,
			alteration{name: "a part of an entry", alter: replaced(0, extension{qcow2.QCOW2_EXT_MAGIC_FEATURE_TABLE, strings.Repeat("n", 50)})},
			alteration{name: "a name of all bytes", alter: replaced(0, extension{qcow2.QCOW2_EXT_MAGIC_FEATURE_TABLE, strings.Repeat("n", 48)})},
		),
		about("extensions/crypto-header-goes-with-luks", "luks-metadata",
			alteration{name: "without encryption", image: plain, alter: replaced(0, crypto(16)), open: qcow2.ErrCorrupt},
			alteration{name: "LUKS without it", image: plain, alter: set32(qcow2.OffsetofQCowHeader_CryptMethod, qcow2.QCOW_CRYPT_LUKS), open: qcow2.ErrCorrupt},
			alteration{name: "with AES", alter: set32(qcow2.OffsetofQCowHeader_CryptMethod, qcow2.QCOW_CRYPT_AES), open: qcow2.ErrCorrupt},
			alteration{name: "of 15 bytes", alter: func(e *editor) { e.u32(e.find(qcow2.QCOW2_EXT_MAGIC_CRYPTO_HEADER)-4, 15) }, open: qcow2.ErrCorrupt},
			alteration{name: "unaligned", alter: func(e *editor) {
				e.u64(e.find(qcow2.QCOW2_EXT_MAGIC_CRYPTO_HEADER)+qcow2.OffsetofQcow2CryptoHeaderExtension_Offset, 0x40200)
			}, open: qcow2.ErrCorrupt},
		),
		about("data-file/is-named-by-an-extension", "data-file",
			alteration{name: "a name without the feature", image: plain, alter: replaced(0, extension{qcow2.QCOW2_EXT_MAGIC_DATA_FILE, "nowhere.raw"})},
			alteration{name: "no name", alter: replaced(0), read: qcow2.ErrReference, unlike: tablesAlone, check: checkGoesOn},
			alteration{name: "a file that is not there", alter: func(e *editor) {
				copy(e.b[e.find(qcow2.QCOW2_EXT_MAGIC_DATA_FILE):], "lost")
			}, read: qcow2.ErrReference, unlike: tablesAlone, check: checkGoesOn},
		),
		about("backing/the-format-binds", "chain",
			alteration{name: "raw over qcow2 stays raw", alter: func(e *editor) {
				h := e.header()
				file := string(e.b[h.BackingFileOffset:][:h.BackingFileSize])
				e.extensions(0, format("raw"))
				e.backing(file)
			}},
			alteration{name: "qcow2 over raw", alter: func(e *editor) {
				e.extensions(0, format("qcow2"))
				e.backing("base.raw")
			}, open: qcow2.ErrFormat, unlike: wholeChain, check: checkGoesOn},
			alteration{name: "unknown format", alter: func(e *editor) {
				copy(e.b[e.find(qcow2.QCOW2_EXT_MAGIC_BACKING_FORMAT):], "qcow9")
			}, read: qcow2.ErrReference, check: checkGoesOn},
		),
		about("backing/a-format-is-named", "chain",
			alteration{name: "none", alter: func(e *editor) {
				h := e.header()
				file := string(e.b[h.BackingFileOffset:][:h.BackingFileSize])
				e.extensions(0)
				e.backing(file)
			}, read: qcow2.ErrReference, unlike: notGuessed},
		),
		about("backing/names-are-paths", plain,
			alteration{name: "a file that is not there", alter: func(e *editor) {
				e.extensions(0, format("raw"))
				e.backing("nowhere.raw")
			}, read: qcow2.ErrReference, check: checkGoesOn},
			alteration{name: "a directory", image: plain, alter: func(e *editor) {
				e.extensions(0, format("raw"))
				e.backing(".")
			}, read: qcow2.ErrReference, check: checkGoesOn},
			alteration{name: "a protocol", image: "chain", alter: func(e *editor) {
				e.extensions(0, format("qcow2"))
				e.backing("file:middle.qcow2")
			}, read: qcow2.ErrReference, unlike: noProtocols},
			alteration{name: "options", image: "chain", alter: func(e *editor) {
				e.extensions(0, format("qcow2"))
				e.backing(`json:{"driver":"qcow2","file":{"driver":"file","filename":"middle.qcow2"}}`)
			}, read: qcow2.ErrReference, unlike: noProtocols},
			alteration{name: "null-co, which needs no file", image: "chain", alter: func(e *editor) {
				e.extensions(0, format("raw"))
				e.backing("null-co://")
			}, read: qcow2.ErrReference, unlike: noProtocols},
		),
		about("backing/names-are-whole", plain,
			alteration{name: "a NUL", image: "chain", alter: func(e *editor) {
				e.extensions(0, format("qcow2"))
				e.backing("middle.qcow2\x00and more")
			}, read: qcow2.ErrReference, unlike: wholeNames},
			alteration{name: "a NUL in a format", image: "chain", alter: func(e *editor) {
				e.extensions(0, format("qcow2\x00"))
				e.backing("middle.qcow2")
			}, read: qcow2.ErrReference, unlike: wholeNames},
		),
		about("backing/no-loops", plain,
			alteration{name: "the image itself", alter: func(e *editor) {
				e.extensions(0, format("qcow2"))
				e.backing(diskName)
			}, open: qcow2.ErrCorrupt, noQEMU: "it follows the loop for ever"},
		),
	)
}

// bitmapAlterations break bitmaps. The disk reads all the same.
func bitmapAlterations() []alteration {
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
	all := slices.Concat(
		about("bitmaps/extension", "bitmaps",
			alteration{name: "of 23 bytes", alter: func(e *editor) { e.u32(e.find(qcow2.QCOW2_EXT_MAGIC_BITMAPS)-4, 23) }, bitmaps: qcow2.ErrCorrupt},
			alteration{name: "reserved word", alter: ext(qcow2.OffsetofQcow2BitmapHeaderExt_Reserved32, 1), bitmaps: qcow2.ErrCorrupt},
			alteration{name: "no bitmaps", alter: ext(qcow2.OffsetofQcow2BitmapHeaderExt_NbBitmaps, 0), bitmaps: qcow2.ErrCorrupt},
			alteration{name: "too many bitmaps", alter: ext(qcow2.OffsetofQcow2BitmapHeaderExt_NbBitmaps, qcow2.QCOW2_MAX_BITMAPS+1), bitmaps: qcow2.ErrLimit},
			alteration{name: "directory unaligned", alter: ext(qcow2.OffsetofQcow2BitmapHeaderExt_BitmapDirectoryOffset, 4096+8), bitmaps: qcow2.ErrCorrupt},
			alteration{name: "directory past 2^63", alter: ext(qcow2.OffsetofQcow2BitmapHeaderExt_BitmapDirectoryOffset, 1<<63), bitmaps: qcow2.ErrCorrupt},
			alteration{name: "directory past the end", alter: ext(qcow2.OffsetofQcow2BitmapHeaderExt_BitmapDirectoryOffset, 1<<40), bitmaps: qcow2.ErrTruncated},
			alteration{name: "directory too long", alter: ext(qcow2.OffsetofQcow2BitmapHeaderExt_BitmapDirectorySize, qcow2.QCOW2_MAX_BITMAP_DIRECTORY_SIZE+8), bitmaps: qcow2.ErrLimit},
		),
		about("bitmaps/stale-ones-are-no-bitmaps", "bitmaps",
			alteration{name: "the autoclear bit is clear", alter: func(e *editor) {
				ext(qcow2.OffsetofQcow2BitmapHeaderExt_BitmapDirectoryOffset, 8)(e)
				e.u64(qcow2.OffsetofQCowHeader_AutoclearFeatures, 0)
			}},
		),
		about("bitmaps/directory-is-filled-exactly", "bitmaps",
			alteration{name: "fewer bitmaps than there are", alter: ext(qcow2.OffsetofQcow2BitmapHeaderExt_NbBitmaps, 2), bitmaps: qcow2.ErrCorrupt},
			alteration{name: "more bitmaps than there are", alter: ext(qcow2.OffsetofQcow2BitmapHeaderExt_NbBitmaps, 4), bitmaps: qcow2.ErrCorrupt},
			alteration{name: "too short", alter: ext(qcow2.OffsetofQcow2BitmapHeaderExt_BitmapDirectorySize, 8), bitmaps: qcow2.ErrCorrupt},
			alteration{name: "8 bytes longer", alter: func(e *editor) {
				at := e.find(qcow2.QCOW2_EXT_MAGIC_BITMAPS) + qcow2.OffsetofQcow2BitmapHeaderExt_BitmapDirectorySize
				e.u64(at, e.get64(at)+8)
				e.b = append(e.b, make([]byte, e.cluster())...)
			}, bitmaps: qcow2.ErrCorrupt},
			alteration{name: "name past its end", alter: entry(func(e *editor, at int64) {
				e.u16(at+qcow2.OffsetofQcow2BitmapDirEntry_NameSize, 1000)
			}), bitmaps: qcow2.ErrCorrupt},
			alteration{name: "extra data past its end", alter: entry(func(e *editor, at int64) {
				e.u32(at+qcow2.OffsetofQcow2BitmapDirEntry_ExtraDataSize, math.MaxUint32)
			}), bitmaps: qcow2.ErrCorrupt},
		),
		about("bitmaps/entries", "bitmaps",
			alteration{name: "reserved flags", alter: entry(func(e *editor, at int64) {
				e.u32(at+qcow2.OffsetofQcow2BitmapDirEntry_Flags, 1<<3)
			}), bitmaps: qcow2.ErrCorrupt},
			alteration{name: "type 2", alter: entry(func(e *editor, at int64) { e.u8(at+qcow2.OffsetofQcow2BitmapDirEntry_Type, 2) }), bitmaps: qcow2.ErrUnsupported},
			alteration{name: "granularity 2^8", alter: entry(func(e *editor, at int64) {
				e.u8(at+qcow2.OffsetofQcow2BitmapDirEntry_GranularityBits, 8)
			}), bitmaps: qcow2.ErrCorrupt},
			alteration{name: "granularity 2^32", alter: entry(func(e *editor, at int64) {
				e.u8(at+qcow2.OffsetofQcow2BitmapDirEntry_GranularityBits, 32)
			}), bitmaps: qcow2.ErrCorrupt},
			alteration{name: "no name", alter: entry(func(e *editor, at int64) {
				e.u16(at+qcow2.OffsetofQcow2BitmapDirEntry_NameSize, 0)
			}), bitmaps: qcow2.ErrCorrupt},
		),
		about("bitmaps/tables-cover-the-disk", "bitmaps",
			alteration{name: "unaligned", alter: entry(func(e *editor, at int64) {
				e.u64(at+qcow2.OffsetofQcow2BitmapDirEntry_BitmapTableOffset, 4096+8)
			}), bitmaps: qcow2.ErrCorrupt},
			alteration{name: "too long", alter: entry(func(e *editor, at int64) {
				e.u32(at+qcow2.OffsetofQcow2BitmapDirEntry_BitmapTableSize, qcow2.BME_MAX_TABLE_SIZE+1)
			}), bitmaps: qcow2.ErrLimit},
			alteration{name: "of no entries", alter: entry(func(e *editor, at int64) {
				e.u32(at+qcow2.OffsetofQcow2BitmapDirEntry_BitmapTableSize, 0)
			}), bitmaps: qcow2.ErrCorrupt},
		),
	)
	for i := range all {
		if all[i].bitmaps != nil {
			all[i].unlike = onlyPart
		}
	}
	return append(all, about("bitmaps/with-extra-data-are-listed", "bitmaps",
		alteration{name: "the flag that allows it", alter: entry(func(e *editor, at int64) {
			e.u32(at+qcow2.OffsetofQcow2BitmapDirEntry_Flags, qcow2.BME_FLAG_EXTRA_DATA_COMPATIBLE)
		}), unlike: extraData},
		alteration{name: "3 bytes of what was the name", alter: entry(func(e *editor, at int64) {
			e.u32(at+qcow2.OffsetofQcow2BitmapDirEntry_ExtraDataSize, 3)
			e.u16(at+qcow2.OffsetofQcow2BitmapDirEntry_NameSize, 1) // of "fine"
		}), unlike: extraData},
	)...)
}

// snapshotAlterations break the snapshot table. The disk reads all the same.
func snapshotAlterations() []alteration {
	entry := func(edit func(e *editor, at int64)) func(e *editor) {
		return func(e *editor) { edit(e, int64(e.header().SnapshotsOffset)) }
	}
	all := slices.Concat(
		about("snapshots/table", "snapshots",
			alteration{name: "too many", alter: set32(qcow2.OffsetofQCowHeader_NbSnapshots, qcow2.QCOW_MAX_SNAPSHOTS+1), snapshots: qcow2.ErrLimit},
			alteration{name: "unaligned", alter: func(e *editor) { e.or(qcow2.OffsetofQCowHeader_SnapshotsOffset, 8) }, snapshots: qcow2.ErrCorrupt},
			alteration{name: "past 2^63", alter: set64(qcow2.OffsetofQCowHeader_SnapshotsOffset, 1<<63), snapshots: qcow2.ErrCorrupt},
			alteration{name: "past the end", alter: set64(qcow2.OffsetofQCowHeader_SnapshotsOffset, 1<<40), snapshots: qcow2.ErrTruncated, check: pastEnd},
			alteration{name: "as many as allowed, past the end", alter: func(e *editor) {
				e.b = append(e.b, make([]byte, e.cluster()-int64(len(e.b))%e.cluster())...)
				e.u64(qcow2.OffsetofQCowHeader_SnapshotsOffset, uint64(len(e.b)))
				e.u32(qcow2.OffsetofQCowHeader_NbSnapshots, qcow2.QCOW_MAX_SNAPSHOTS)
			}, snapshots: qcow2.ErrTruncated, noQEMU: "it lists 65,536 snapshots of nothing, for seconds"},
		),
		about("snapshots/entries", "snapshots",
			alteration{name: "extra data of 1025 bytes", alter: entry(func(e *editor, at int64) {
				e.u32(at+qcow2.OffsetofQCowSnapshotHeader_ExtraDataSize, qcow2.QCOW_MAX_SNAPSHOT_EXTRA_DATA+1)
			}), snapshots: qcow2.ErrLimit},
		),
	)
	for i := range all {
		if all[i].snapshots != qcow2.ErrTruncated { // QEMU finds zeros there
			all[i].unlike = onlyPart
		}
	}
	// What follows QEMU opens, too.
	all = append(all, about("snapshots/extra-data-grew-over-time", "snapshots",
		alteration{name: "none", alter: snapshotExtra(0)},
		alteration{name: "8 bytes: the VM state's size", alter: snapshotExtra(8)},
		alteration{name: "15 bytes", alter: snapshotExtra(15)},
		alteration{name: "16 bytes: the disk's size", alter: snapshotExtra(16)},
		alteration{name: "24 bytes: the instruction count", alter: snapshotExtra(24)},
		alteration{name: "1024 bytes", alter: snapshotExtra(qcow2.QCOW_MAX_SNAPSHOT_EXTRA_DATA)},
		alteration{name: "1025 bytes", alter: snapshotExtra(qcow2.QCOW_MAX_SNAPSHOT_EXTRA_DATA + 1), snapshots: qcow2.ErrLimit, unlike: onlyPart},
	)...)
	return append(all, about("snapshots/own-l1-table", "snapshots",
		alteration{name: "unaligned", alter: entry(func(e *editor, at int64) {
			e.or(at+qcow2.OffsetofQCowSnapshotHeader_L1TableOffset, 8)
		}), snapshot: qcow2.ErrCorrupt},
		alteration{name: "past its limit", alter: entry(func(e *editor, at int64) {
			e.u32(at+qcow2.OffsetofQCowSnapshotHeader_L1Size, qcow2.QCOW_MAX_L1_SIZE/qcow2.L1E_SIZE+1)
		}), snapshot: qcow2.ErrLimit},
		alteration{name: "an L2 table unaligned", alter: entry(func(e *editor, at int64) {
			e.or(int64(e.get64(at+qcow2.OffsetofQCowSnapshotHeader_L1TableOffset)), 1<<55)
		}), snapshot: qcow2.ErrTruncated, unlike: pastEnd},
	)...)
}

// snapshotExtra writes the snapshot table anew, behind everything else, with n
// bytes of extra data in each entry.
func snapshotExtra(n int) func(*editor) {
	return func(e *editor) {
		h := e.header()
		var table []byte
		at := int64(h.SnapshotsOffset)
		for range h.NbSnapshots {
			var s qcow2.QCowSnapshotHeader
			s.Decode((*[qcow2.SizeofQCowSnapshotHeader]byte)(e.b[at:]))
			extra := make([]byte, n)
			names := at + qcow2.SizeofQCowSnapshotHeader + int64(s.ExtraDataSize)
			copy(extra, e.b[at+qcow2.SizeofQCowSnapshotHeader:names])
			end := names + int64(s.IdStrSize) + int64(s.NameSize)
			s.ExtraDataSize = uint32(n)
			s.VmStateSize = 77
			table, _ = s.AppendBinary(table) // it never fails
			table = append(append(table, extra...), e.b[names:end]...)
			table = append(table, make([]byte, -len(table)&(qcow2.QCOW2_ALIGNMENT-1))...)
			at = (end + qcow2.QCOW2_ALIGNMENT - 1) &^ (qcow2.QCOW2_ALIGNMENT - 1)
		}
		e.b = append(e.b, make([]byte, -int64(len(e.b))&(e.cluster()-1))...)
		e.u64(qcow2.OffsetofQCowHeader_SnapshotsOffset, uint64(len(e.b)))
		e.b = append(e.b, table...)
	}
}
