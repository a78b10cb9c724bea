package qcow2

import "io/fs"

// A File is one of the files that an image was opened with.
type File struct {
	Kind   string // "", KindBacking or KindData
	Depth  int    // of the layer that it belongs to; 0 is the image itself
	Format string // "qcow2" or "raw"
	Name   string // as it was opened; Extents uses the same
	Shown  string // as qemu-img calls it: joined to the name of the file that names it, as text
	Size   int64  // in bytes
	// Info is what the file's reader says of itself, or nil: of a file it
	// tells identity and kind.
	Info fs.FileInfo
}

// Files returns the image's files, top layer first, each layer's own before
// its data file. Files that were not to be had are not among them.
func (im *Image) Files() []File {
	var list []File
	kind, depth := "", 0
	add := func(kind, format string, f *hostFile) {
		entry := File{Kind: kind, Depth: depth, Format: format, Name: f.name, Shown: f.full, Size: int64(f.size)}
		if s, ok := f.r.(interface{ Stat() (fs.FileInfo, error) }); ok {
			if info, err := s.Stat(); err == nil {
				entry.Info = info
			}
		}
		list = append(list, entry)
	}
	for im != nil {
		add(kind, formatQcow2, im.file)
		if im.data != nil && im.data != im.file {
			add(KindData, formatRaw, im.data)
		}
		kind, depth = KindBacking, depth+1
		if raw, ok := im.backing.(*rawLayer); ok {
			add(kind, formatRaw, raw.file)
		}
		im = im.Backing()
	}
	return list
}
