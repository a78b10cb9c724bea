package qcow2

import (
	"bytes"
	"encoding/binary"
	"testing"

	"cstructgen/luks"
)

// fuzzRoom is how many bytes of a structure are fuzzed at a time.
const fuzzRoom = 4096

// room appends clusters that begin with content, as far as there is room for
// it, and returns where.
func (b *builder) room(content []byte) (off hostOffset, n int) {
	b.t.Helper()
	content = content[:min(len(content), fuzzRoom)]
	off = b.alloc()
	for uint64(len(b.file))-uint64(off) < fuzzRoom {
		b.alloc()
	}
	return off, copy(b.file[off:], content)
}

// FuzzSnapshots lists, and reads, the snapshots of any table. L1 tables may lie
// anywhere, that of the disk is at the second cluster.
func FuzzSnapshots(f *testing.F) {
	table := func(list ...testSnapshot) []byte {
		b := newBuilder(f, recipe{bits: 9, size: 4096})
		b.data(0, text(512, 1))
		addSnapshots(b, list...)
		file := b.bytes()
		return file[b.header.SnapshotsOffset:]
	}
	f.Add(uint32(1), table(testSnapshot{id: "1", name: "s", size: 4096, extra: SizeofQCowSnapshotExtraData}))
	f.Add(uint32(2), table(testSnapshot{id: "1", size: 512, extra: 16}, testSnapshot{id: "2", name: "state", extra: 8}))
	f.Add(uint32(3), table(testSnapshot{}, testSnapshot{extra: 1024}, testSnapshot{id: "1", name: "1", size: 1 << 62, extra: 40}))
	f.Add(uint32(1<<16), []byte{})
	f.Fuzz(func(t *testing.T, count uint32, table []byte) {
		b := newBuilder(t, recipe{bits: 9, size: 4096, backing: "b", format: formatRaw})
		b.data(0, text(512, 1))
		b.compressed(1, text(512, 2))
		off, _ := b.room(table)
		b.header.NbSnapshots, b.header.SnapshotsOffset = count, uint64(off)
		exercise(t, b.bytes(), fuzzOptions())
	})
}

// FuzzBitmaps lists the bitmaps of any directory, and scans them. What of it
// does not name a table of its own gets the one that is there.
func FuzzBitmaps(f *testing.F) {
	for _, list := range [][]testBitmap{
		{{name: "m", granularity: 9}},
		{{name: "one", granularity: 16}, {name: "two", granularity: 9, extra: "more"}},
		{{name: "in use", granularity: 9, change: func(e *Qcow2BitmapDirEntry) { e.Flags = BME_FLAG_IN_USE }}},
	} {
		b := newBuilder(f, recipe{bits: 9, size: 1 << 20})
		x := addBitmaps(b, list...)
		directory := bytes.Clone(b.file[x.BitmapDirectoryOffset:][:x.BitmapDirectorySize])
		f.Add(uint32(len(list)), uint64(x.BitmapDirectorySize), directory, []byte{0, 0, 0, 0, 0, 0, 0, 1}, []byte{5}, true)
		f.Add(uint32(len(list)), uint64(x.BitmapDirectorySize), directory, []byte{0, 0, 0, 0, 0, 0, 2, 0}, []byte{0xff, 0, 0x81}, true)
	}
	f.Fuzz(func(t *testing.T, count uint32, size uint64, directory, table, bits []byte, ours bool) {
		b := newBuilder(t, recipe{bits: 9, size: 1 << 20})
		data, _ := b.room(bits)
		at, n := b.room(table)
		if n >= SizeofQcow2BitmapTableEntry { // the cluster that is there, with the flags that are given
			entry := binary.BigEndian.Uint64(b.file[at:])
			if entry&BME_TABLE_ENTRY_OFFSET_MASK == 512 {
				binary.BigEndian.PutUint64(b.file[at:], uint64(data)|entry&^BME_TABLE_ENTRY_OFFSET_MASK)
			}
		}
		off, n := b.room(directory)
		if ours && n >= SizeofQcow2BitmapDirEntry {
			binary.BigEndian.PutUint64(b.file[off+OffsetofQcow2BitmapDirEntry_BitmapTableOffset:], uint64(at))
		}
		x := Qcow2BitmapHeaderExt{NbBitmaps: count, BitmapDirectorySize: size, BitmapDirectoryOffset: uint64(off)}
		content, _ := x.MarshalBinary()
		b.extend(QCOW2_EXT_MAGIC_BITMAPS, content)
		b.header.AutoclearFeatures |= QCOW2_AUTOCLEAR_BITMAPS
		exercise(t, b.bytes(), fuzzOptions())
	})
}

// FuzzEncrypted opens an image with any LUKS header over key material that is
// sound, with and without the password: it is refused, or reads as the plain
// reader reads it. No header but the right one has the right digest.
func FuzzEncrypted(f *testing.F) {
	all := seeds(f)
	for _, s := range all {
		if s.luks {
			im := open(f, s.file, s.options())
			off, _ := im.luksArea()
			header := s.file[off:][:luks.SizeofLuksPhdr]
			f.Add(header, s.password != "")
			for _, mode := range []string{"ecb", "cbc-plain", "cbc-essiv:sha256", "xts-plain64", "ctr-plain64"} {
				var p luks.LuksPhdr
				p.Decode((*[luks.SizeofLuksPhdr]byte)(header))
				clear(p.CipherMode[:])
				copy(p.CipherMode[:], mode)
				other, _ := p.MarshalBinary()
				f.Add(other, s.password != "")
			}
		}
	}
	f.Fuzz(func(t *testing.T, header []byte, unlock bool) {
		for _, s := range all {
			if s.luks && (s.password != "") == unlock {
				im := open(t, s.file, nil)
				off, _ := im.luksArea()
				file := bytes.Clone(s.file)
				copy(file[off:][:luks.SizeofLuksPhdr], header)
				s.exercise(t, file, true)
			}
		}
	})
}
