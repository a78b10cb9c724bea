package qcow2

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// An Image is an opened qcow2 image: the disk as its chain of files gives it.
// All methods may be called concurrently.
type Image struct {
	chain *chain
	owner bool // Close closes the chain

	file       *hostFile
	diskSize   uint64
	header     QCowHeader
	extensions []Extension
	active     mapping

	backingName string // as the image has it

	backing    layer       // nil: none, or backingErr
	backingErr error       // why the backing file cannot be read
	data       *hostFile   // of clusters that are not compressed: file, or the data file
	dataErr    error       // why data is nil
	readErr    error       // why nothing of the disk can be read
	crypt      *encryption // of that data; nil: none
	decoded    *clusterCache
	prealloc   preallocation
}

// A chain is what the layers of an image share.
type chain struct {
	mu            sync.RWMutex // held for reading while a read is under way
	closed        bool
	closers       []io.Closer
	maxSize       uint64 // of disks in bytes
	maxIterations uint64 // as in Options
}

// enter begins an operation that reads files. The caller must call leave if
// there is no error.
func (c *chain) enter() error {
	c.mu.RLock()
	if c.closed {
		c.mu.RUnlock()
		return fs.ErrClosed
	}
	return nil
}

func (c *chain) leave() { c.mu.RUnlock() }

// close waits for what is under way and closes the files.
func (c *chain) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return fs.ErrClosed
	}
	c.closed = true
	return closeAll(c.closers)
}

// Open opens the image file, or block device, of the given name for reading.
// Files that it names are opened only as opts allows; nil allows none.
// Where a file it names may not be opened, or is not there, Open succeeds and
// reads that need it return a [*ReferenceError]; one that is opened and is
// not what it should be makes Open fail.
func Open(name string, opts *Options) (*Image, error) {
	f, size, err := openFile(name)
	if err != nil {
		return nil, err
	}
	o := optionsOf(opts)
	o.Name = name
	return newImage(&Source{Reader: f, Size: size, Name: name, Closer: f}, o)
}

// New opens the image of size bytes that r reads. It is like [Open], except
// that closing the image leaves r alone. If r is an *os.File, which can be
// asked for its holes, Extents may move its position.
func New(r io.ReaderAt, size int64, opts *Options) (*Image, error) {
	o := optionsOf(opts)
	return newImage(&Source{Reader: r, Size: size, Name: o.Name}, o)
}

func optionsOf(opts *Options) Options {
	var o Options
	if opts != nil {
		o = *opts
	}
	if o.MaxDepth <= 0 {
		o.MaxDepth = defaultMaxDepth
	}
	if o.CacheBytes <= 0 {
		o.CacheBytes = defaultCacheBytes
	}
	return o
}

// openFile opens a regular file or block device and finds its size.
func openFile(name string) (*os.File, int64, error) {
	// Opening can be an act in itself, so the kind of file is asked first, and
	// once more of what was opened, which may have been put there since.
	info, err := os.Stat(name)
	if err == nil {
		err = checkKind(name, info)
	}
	if err != nil {
		return nil, 0, err
	}
	return openNow(name)
}

// openNow is openFile, whatever the file was when it was asked about before. A
// FIFO is not waited for.
func openNow(name string) (*os.File, int64, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return nil, 0, err
	}
	size := int64(0)
	info, err := f.Stat()
	if err == nil {
		err = checkKind(name, info)
	}
	if err == nil {
		size, err = f.Seek(0, io.SeekEnd)
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, size, nil
}

// checkKind returns an error unless info is that of a regular file or a block
// device.
func checkKind(name string, info fs.FileInfo) error {
	if t := info.Mode().Type(); t != 0 && t != fs.ModeDevice {
		return fmt.Errorf("qcow2: %q is not a regular file or block device: %w", name, fs.ErrInvalid)
	}
	return nil
}

// Close closes the files that opening the image opened, and the Closers of
// the sources it was given, and overwrites keys. Reads that are under way finish first; later ones
// return [fs.ErrClosed]. Closing an image that Backing returned does nothing.
func (im *Image) Close() error {
	if !im.owner {
		return nil
	}
	return im.chain.close()
}

// Size returns the length of the disk in bytes.
func (im *Image) Size() int64 { return int64(im.diskSize) }

// ClusterSize returns the size of a cluster in bytes.
func (im *Image) ClusterSize() int64 { return int64(im.active.clusterSize()) }

// Header returns the header as stored, in the form of version 3: that of a
// version 2 image has no features, refcount_order 4 and header_length 72.
func (im *Image) Header() QCowHeader { return im.header }

// Extensions returns the header extensions in their order, unknown ones too,
// without the END mark. The caller must not change their data.
func (im *Image) Extensions() []Extension { return im.extensions }

// FeatureNames returns the names that the image gives to feature bits.
func (im *Image) FeatureNames() []Feature {
	if x := find(im.extensions, QCOW2_EXT_MAGIC_FEATURE_TABLE); x != nil {
		return parseFeatures(x.Data)
	}
	return nil
}

// absolute returns name as an absolute one, or "" for none.
func absolute(name string) string {
	if name == "" {
		return ""
	}
	abs, err := filepath.Abs(name)
	if err != nil {
		return ""
	}
	return abs
}
