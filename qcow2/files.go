package qcow2

import (
	"io"
	"io/fs"
)

// A File is one of the files that an image was opened with.
type File struct {
	Kind   string // "", KindBacking or KindData
	Depth  int    // of the layer that it belongs to; 0 is the image itself
	Format string // "qcow2" or "raw"
	Name   string // as it was opened; Extents uses the same
	Shown  string // as qemu-img calls it: joined to the name of the file that names it, as text
	Size   int64  // in bytes
	// DiskSize is the size in bytes of the disk that the file is the layer of:
	// of a raw backing file, Size rounded up to whole sectors; of a data file,
	// the size of the disk whose data it holds.
	DiskSize int64
	// Info is what the file's reader says of itself, or nil: of a file it
	// tells identity and kind.
	Info fs.FileInfo
	// Reader is what the file is read with, an *os.File if this package opened
	// it. It is closed with the image, and its position is not the caller's.
	Reader io.ReaderAt
}

// Files returns the image's files, top layer first, each layer's own before
// its data file. Files that were not to be had are not among them.
func (im *Image) Files() []File {
	var list []File
	kind, depth := "", 0
	add := func(kind, format string, f *hostFile, disk uint64) {
		entry := File{
			Kind: kind, Depth: depth, Format: format, Name: f.name, Shown: f.full,
			Size: int64(f.size), DiskSize: int64(disk), Reader: f.r,
		}
		if s, ok := f.r.(interface{ Stat() (fs.FileInfo, error) }); ok {
			if info, err := s.Stat(); err == nil {
				entry.Info = info
			}
		}
		list = append(list, entry)
	}
	for im != nil {
		add(kind, formatQcow2, im.file, uint64(im.Size()))
		if im.data != nil && im.data != im.file {
			add(KindData, formatRaw, im.data, uint64(im.Size()))
		}
		kind, depth = KindBacking, depth+1
		if raw, ok := im.backing.(*rawLayer); ok {
			add(kind, formatRaw, raw.file, raw.size())
		}
		im = im.Backing()
	}
	return list
}
