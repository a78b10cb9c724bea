package qcow2

import "strings"

// A Description is what "qemu-img info" says of an image.
type Description struct {
	Filename    string // as it was opened; of a layer below as FullBackingFilename above
	Format      string // "qcow2"
	VirtualSize int64
	ClusterSize int64
	FileSize    int64 // length of the image file; not what it occupies
	Dirty       bool
	Encrypted   bool

	HasBacking          bool
	BackingFilename     string // as the image has it, not to be trusted
	FullBackingFilename string // joined to the image's directory, as text
	BackingFormat       string // "" if the image says none

	Snapshots      []Snapshot
	SnapshotsError error // why Snapshots cannot be listed
	Bitmaps        []Bitmap
	BitmapsError   error // why Bitmaps cannot be listed

	Compat          string // "0.10" for version 2, "1.1" for version 3
	CompressionType string // "zlib" or "zstd"
	LazyRefcounts   bool
	RefcountBits    int
	Corrupt         bool
	ExtendedL2      bool
	HasDataFile     bool
	DataFile        string // as the image has it, also where HasDataFile is false; not to be trusted
	DataFileRaw     bool
	Encryption      string // "", "aes" or "luks"
}

// Describe returns what "qemu-img info" says of the image. It looks at the
// image file alone.
func (im *Image) Describe() Description {
	h := &im.header
	d := Description{
		Filename:        im.file.full,
		Format:          formatQcow2,
		VirtualSize:     im.Size(),
		ClusterSize:     im.ClusterSize(),
		FileSize:        int64(im.file.size),
		Dirty:           h.IncompatibleFeatures&QCOW2_INCOMPAT_DIRTY != 0,
		Encrypted:       h.CryptMethod != QCOW_CRYPT_NONE,
		Compat:          "1.1",
		CompressionType: "zlib",
		LazyRefcounts:   h.CompatibleFeatures&QCOW2_COMPAT_LAZY_REFCOUNTS != 0,
		RefcountBits:    1 << h.RefcountOrder,
		Corrupt:         h.IncompatibleFeatures&QCOW2_INCOMPAT_CORRUPT != 0,
		ExtendedL2:      h.IncompatibleFeatures&QCOW2_INCOMPAT_EXTL2 != 0,
		DataFileRaw:     h.AutoclearFeatures&QCOW2_AUTOCLEAR_DATA_FILE_RAW != 0,
	}
	if h.Version == QCOW2_VERSION_2 {
		d.Compat = "0.10"
	}
	if h.CompressionType == QCOW2_COMPRESSION_TYPE_ZSTD {
		d.CompressionType = "zstd"
	}
	d.Encryption = im.encryptionMethod()
	_, d.HasDataFile = im.DataFile()
	if x := find(im.extensions, QCOW2_EXT_MAGIC_DATA_FILE); x != nil && h.Version != QCOW2_VERSION_2 {
		d.DataFile = string(x.Data) // QEMU tells it without the feature, too
	}
	if d.BackingFilename, d.BackingFormat, d.HasBacking = im.BackingFile(); d.HasBacking {
		d.FullBackingFilename = joinBacking(im.file.full, d.BackingFilename)
	}
	d.Snapshots, d.SnapshotsError = im.Snapshots()
	d.Bitmaps, d.BitmapsError = im.Bitmaps()
	return d
}

// fullName returns what qemu-img calls the file s that im calls name.
func (im *Image) fullName(name string, s *Source) string {
	if name == "" {
		return s.Name // given by the caller, unasked
	}
	return joinBacking(im.file.full, name)
}

// joinBacking returns name, found in the image file from, as QEMU shows it in
// full: relative to the directory of from, not cleaned (path_combine).
func joinBacking(from, name string) string {
	protocol := strings.IndexAny(name, ":/")
	if strings.HasPrefix(name, "/") || protocol >= 0 && name[protocol] == ':' {
		return name
	}
	return from[:strings.LastIndexByte(from, '/')+1] + name
}
