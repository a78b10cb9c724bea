package qcow2

import "io"

// Options say what an image may use: files, memory, depth. The zero value,
// and nil, open no file but the image and keep within the defaults.
type Options struct {
	// AllowDirs are directories under which backing and data files that an
	// image names are opened. Symbolic links that leave such a directory, and
	// all absolute ones, are refused. Names are resolved against the
	// directory of the file that names them, as text.
	AllowDirs []string
	// AllowDevices opens block devices there, too.
	AllowDevices bool
	// OpenFile, if set, opens what images name, instead of AllowDirs.
	OpenFile func(Reference) (*Source, error)

	// Backing is the image's backing file, ready opened, whatever the image
	// names. What that file names in turn is opened as above.
	Backing *Source
	// DataFile is the image's external data file, ready opened.
	DataFile *Source
	// BackingFormat, "qcow2" or "raw", is the format of a backing file whose
	// overlay names none. Without it such a file is refused: a format is
	// never guessed from the file's content, which a guest may control.
	BackingFormat string

	// Password opens the data of the image if that is encrypted, and of all
	// encrypted layers of its chain; nil: none is given, and such data cannot
	// be read before [Image.Unlock]. It is not kept. A wrong one makes opening
	// fail where LUKS tells; see [Image.Unlock].
	Password []byte
	// PasswordOf, if set, is asked for the password of each encrypted layer,
	// instead of Password. It may return nil for none.
	PasswordOf func(EncryptedLayer) ([]byte, error)
	// MaxIterations is the most work that the LUKS header of a layer may ask
	// for, as luks.Options counts it; 0 means its default.
	MaxIterations uint64

	// Name is the image's file name for New: for messages, and for relative
	// names in the image. Open uses the name it was given.
	Name string

	// MaxDepth is the most layers of a chain, the image included; 0 means 64.
	MaxDepth int
	// MaxVirtualSize refuses larger disks, of snapshots, too; 0 means no limit.
	MaxVirtualSize int64
	// CacheBytes is the memory that tables and decompressed clusters of all
	// layers together may occupy; 0 means 64 MiB. However little it is, a
	// few tables and one cluster are kept. Beside it a read of a compressed
	// cluster needs three clusters at most: two of input, one of output. One of
	// many clusters decodes on all processors, and may need 4 MiB of input and
	// a cluster for each processor.
	CacheBytes int64
	// ZeroFillTruncated reads bytes past the end of an image file as zeros,
	// as QEMU does, instead of failing with ErrTruncated.
	ZeroFillTruncated bool
	// Salvage, if not nil, makes a damaged image readable. The header must be
	// sound; but of the disk what cannot be read, for whatever reason, reads as
	// zeros, and Salvage is told which bytes those are and why. So it is with
	// Extents and broken tables, and a backing file that is not what it should
	// be does not keep the image from being opened. Salvage may be called by
	// several goroutines at once, and of one range more than once.
	Salvage func(Lost)
}

const (
	defaultMaxDepth   = 64
	defaultCacheBytes = 64 << 20
)

// password returns the way to ask for passwords, or nil.
func (o *Options) password() func(EncryptedLayer) ([]byte, error) {
	if o.PasswordOf != nil || o.Password == nil {
		return o.PasswordOf
	}
	return func(EncryptedLayer) ([]byte, error) { return o.Password, nil }
}

// Formats of a backing file.
const (
	formatQcow2 = "qcow2"
	formatRaw   = "raw"
)

// A Source is an opened file for an image to use.
type Source struct {
	Reader io.ReaderAt
	Size   int64  // in bytes
	Name   string // resolved: shown by Extents, base of relative names, identity in loops
	Format string // of a backing file: "qcow2", "raw", or "" for what the overlay says
	// Closer, if not nil, is closed with the image, also when opening fails.
	Closer io.Closer
}

// Kinds of Reference.
const (
	KindBacking = "backing file"
	KindData    = "data file"
)

// A Reference is a file that an image names.
type Reference struct {
	Kind   string // KindBacking or KindData
	Name   string // as the image has it: not to be trusted
	Format string // as the image has it; "" if it says none
	From   string // name of the file that names it, as its Source has it
	Depth  int    // of that file; 0 is the image itself
}
