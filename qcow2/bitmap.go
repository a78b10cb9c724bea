package qcow2

import (
	"errors"
	"fmt"
	"math"
)

// A Bitmap is an entry of the bitmap directory: a record of what a guest
// wrote since some time.
type Bitmap struct {
	Name        string // not to be trusted
	Granularity uint64 // bytes of the disk for each bit
	InUse       bool   // was not saved properly: its content means nothing
	Auto        bool   // records every write
	// Unusable is set if the bitmap has extra data, which this package, and
	// QEMU, does not understand.
	Unusable bool

	Entry  Qcow2BitmapDirEntry // as stored
	Offset int64               // of the entry in the file
}

// Bitmaps returns the image's bitmaps in the order of the directory: none if
// the image has no directory, or one that is stale, because something that
// knows no bitmaps wrote to the image. A broken directory makes the list fail,
// not the disk. Specification: "Bitmaps".
func (im *Image) Bitmaps() ([]Bitmap, error) {
	if err := im.chain.enter(); err != nil {
		return nil, err
	}
	defer im.chain.leave()
	x := find(im.extensions, QCOW2_EXT_MAGIC_BITMAPS)
	if x == nil || im.header.AutoclearFeatures&QCOW2_AUTOCLEAR_BITMAPS == 0 {
		return nil, nil
	}
	dir, err := im.bitmapDirectory(x)
	if err != nil {
		return nil, err
	}
	var list []Bitmap
	c := cursor{file: im.file}
	off, end := hostOffset(dir.BitmapDirectoryOffset), hostOffset(dir.BitmapDirectoryOffset+dir.BitmapDirectorySize)
	for off < end {
		if len(list) == int(dir.NbBitmaps) {
			return nil, im.file.errorAt(whatBitmaps, off, uint64(dir.NbBitmaps), "entries announced, there are more", ErrCorrupt)
		}
		b, size, err := im.bitmap(&c, off, end)
		if err != nil {
			return nil, err
		}
		list = append(list, b)
		off = alignUp(off + hostOffset(size))
	}
	if off != end || len(list) != int(dir.NbBitmaps) {
		return nil, im.file.errorAt(whatBitmaps, off, uint64(len(list)),
			fmt.Sprintf("entries, %d announced", dir.NbBitmaps), ErrCorrupt)
	}
	return list, nil
}

const whatBitmaps = "bitmap directory"

// maxBitmapEntry is the longest entry of the bitmap directory that is read, in
// bytes. Our limit: of extra data, which has no meaning yet, this leaves 64 KiB.
const maxBitmapEntry = 1<<16 + MinSizeofQcow2BitmapEntry + BME_MAX_NAME_SIZE + QCOW2_ALIGNMENT

// bitmapDirectory decodes and checks the bitmaps extension.
func (im *Image) bitmapDirectory(x *Extension) (dir Qcow2BitmapHeaderExt, err error) {
	f := im.file
	fail := func(value uint64, reason string, err error) (Qcow2BitmapHeaderExt, error) {
		return dir, f.errorAt("bitmaps extension", hostOffset(x.Offset), value, reason, err)
	}
	if len(x.Data) != SizeofQcow2BitmapHeaderExt {
		return fail(uint64(len(x.Data)), fmt.Sprintf("length must be %d", SizeofQcow2BitmapHeaderExt), ErrCorrupt)
	}
	dir.Decode((*[SizeofQcow2BitmapHeaderExt]byte)(x.Data))
	off, size := dir.BitmapDirectoryOffset, dir.BitmapDirectorySize
	switch {
	case dir.Reserved32 != 0:
		return fail(uint64(dir.Reserved32), "reserved, must be 0", ErrCorrupt)
	case dir.NbBitmaps == 0:
		return fail(0, "bitmaps, at least 1", ErrCorrupt)
	case dir.NbBitmaps > QCOW2_MAX_BITMAPS:
		return fail(uint64(dir.NbBitmaps), fmt.Sprintf("bitmaps, at most %d", QCOW2_MAX_BITMAPS), ErrLimit)
	case size > QCOW2_MAX_BITMAP_DIRECTORY_SIZE:
		return fail(size, fmt.Sprintf("directory of at most %d bytes", QCOW2_MAX_BITMAP_DIRECTORY_SIZE), ErrLimit)
	case size < uint64(dir.NbBitmaps)*SizeofQcow2BitmapDirEntry:
		return fail(size, fmt.Sprintf("directory too small for %d bitmaps", dir.NbBitmaps), ErrCorrupt)
	case !im.active.aligned(hostOffset(off)) || off > math.MaxInt64-size:
		return fail(off, "directory must be cluster aligned, and end below 2^63", ErrCorrupt)
	}
	return dir, f.inside(whatBitmaps, hostOffset(off), size)
}

// bitmap returns the bitmap whose directory entry begins at off, and the size
// of that entry. The directory ends at end.
func (im *Image) bitmap(c *cursor, off, end hostOffset) (b Bitmap, size uint64, err error) {
	var entry Qcow2BitmapEntry
	left := uint64(end - off)
	size, err = c.decode(whatBitmaps, off, min(left, maxBitmapEntry), &entry)
	if cut, ok := errors.AsType[*Qcow2TablesError](err); ok {
		if left > maxBitmapEntry {
			return b, 0, im.file.errorAt(whatBitmaps, off, maxBitmapEntry, "bytes, the longest entry that is read", ErrLimit)
		}
		return b, 0, im.file.errorAt(whatBitmaps, off+hostOffset(cut.Offset), left, "bytes left in the directory, too few for the "+cut.Field, ErrCorrupt)
	}
	if err != nil {
		return b, 0, err
	}
	b.Entry = entry.Header
	e := &b.Entry
	if err := im.checkBitmap(e, off); err != nil {
		return b, 0, err
	}
	b.Name, b.Offset = string(entry.Name), int64(off)
	b.Granularity = 1 << e.GranularityBits
	b.InUse = e.Flags&BME_FLAG_IN_USE != 0
	b.Auto = e.Flags&BME_FLAG_AUTO != 0
	b.Unusable = e.ExtraDataSize > 0 || e.Flags&BME_FLAG_EXTRA_DATA_COMPATIBLE != 0
	return b, size, nil
}

// checkBitmap checks a directory entry, found at off, as QEMU does
// (check_dir_entry), and the length of its table, as QEMU does when it loads
// the bitmap (load_bitmap_data).
func (im *Image) checkBitmap(e *Qcow2BitmapDirEntry, off hostOffset) error {
	fail := func(field hostOffset, value uint64, reason string, err error) error {
		return im.file.errorAt(whatBitmaps, off+field, value, reason, err)
	}
	entries := uint64(e.BitmapTableSize)
	size := entries * im.active.clusterSize()
	switch {
	case e.Flags&BME_RESERVED_FLAGS != 0:
		return fail(OffsetofQcow2BitmapDirEntry_Flags, uint64(e.Flags), "reserved flags", ErrCorrupt)
	case e.Type != BT_DIRTY_TRACKING_BITMAP:
		return fail(OffsetofQcow2BitmapDirEntry_Type, uint64(e.Type), "unknown type of bitmap", ErrUnsupported)
	case e.GranularityBits < BME_MIN_GRANULARITY_BITS || e.GranularityBits > BME_MAX_GRANULARITY_BITS:
		return fail(OffsetofQcow2BitmapDirEntry_GranularityBits, uint64(e.GranularityBits),
			fmt.Sprintf("granularity_bits %d to %d", BME_MIN_GRANULARITY_BITS, BME_MAX_GRANULARITY_BITS), ErrCorrupt)
	case e.NameSize == 0 || e.NameSize > BME_MAX_NAME_SIZE:
		return fail(OffsetofQcow2BitmapDirEntry_NameSize, uint64(e.NameSize),
			fmt.Sprintf("name of 1 to %d bytes", BME_MAX_NAME_SIZE), ErrCorrupt)
	case entries > BME_MAX_TABLE_SIZE || size > BME_MAX_PHYS_SIZE:
		return fail(OffsetofQcow2BitmapDirEntry_BitmapTableSize, entries,
			fmt.Sprintf("entries, at most %d, for %d bytes", BME_MAX_TABLE_SIZE, BME_MAX_PHYS_SIZE), ErrLimit)
	case entries == 0:
		return fail(OffsetofQcow2BitmapDirEntry_BitmapTableSize, entries, "entries, at least 1", ErrCorrupt)
	case entries != im.bitmapTableEntries(e.GranularityBits) && e.Flags&BME_FLAG_IN_USE == 0:
		return fail(OffsetofQcow2BitmapDirEntry_BitmapTableSize, entries,
			fmt.Sprintf("entries, the disk needs %d", im.bitmapTableEntries(e.GranularityBits)), ErrCorrupt)
	case e.BitmapTableOffset == 0 || !im.active.aligned(hostOffset(e.BitmapTableOffset)) || e.BitmapTableOffset > math.MaxInt64:
		return fail(OffsetofQcow2BitmapDirEntry_BitmapTableOffset, e.BitmapTableOffset,
			"the table must be cluster aligned and below 2^63", ErrCorrupt)
	}
	return im.file.inside("bitmap table", hostOffset(e.BitmapTableOffset), entries*SizeofQcow2BitmapTableEntry)
}

// bitmapTableEntries returns how many clusters the bits for the whole disk
// fill.
func (im *Image) bitmapTableEntries(granularityBits uint8) uint64 {
	bits := ceilDiv(im.header.Size, 1<<granularityBits)
	return ceilDiv(ceilDiv(bits, 8), im.active.clusterSize())
}
