package qcow2

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
)

// An opener opens the files of a chain, one layer after another, and gives up
// everything it opened if one of them is not what it should be.
type opener struct {
	opts     Options
	gate     *gate // nil: opens nothing
	chain    *chain
	pages    *pageCache
	decoded  *clusterCache
	opened   []identity
	nextSeed uint64
	extended uint64 // bytes of memory that extensions take
}

// An identity tells whether two sources are one and the same file.
type identity struct {
	info fs.FileInfo // nil if the reader has none
	name string
}

func (a identity) same(b identity) bool {
	if a.info != nil && b.info != nil {
		return os.SameFile(a.info, b.info)
	}
	return a.name != "" && a.name == b.name
}

// newImage opens the image in s and its chain. It closes what it was given if
// it fails.
func newImage(s *Source, opts Options) (_ *Image, err error) {
	o := &opener{opts: opts, chain: &chain{maxIterations: opts.MaxIterations}}
	for _, s := range []*Source{s, opts.Backing, opts.DataFile} {
		o.own(s)
	}
	defer func() {
		if err != nil {
			closeAll(o.chain.closers)
		}
	}()
	// A quarter is for decoded clusters: they are needed again soon or not
	// at all, while every read needs tables.
	o.pages = newPageCache(opts.CacheBytes - opts.CacheBytes/4)
	o.decoded = newClusterCache(opts.CacheBytes / 4)
	if opts.OpenFile == nil && len(opts.AllowDirs) > 0 {
		if o.gate, err = newGate(opts.AllowDirs, opts.AllowDevices); err != nil {
			return nil, err
		}
		defer o.gate.Close()
	}
	im, err := o.image(s, opts.Name, opts.Name, 0)
	if err != nil {
		return nil, err
	}
	o.chain.maxSize = math.MaxInt64
	if opts.MaxVirtualSize > 0 {
		o.chain.maxSize = uint64(opts.MaxVirtualSize)
	}
	if im.diskSize > o.chain.maxSize {
		return nil, im.file.headerError("size", OffsetofQCowHeader_Size, im.diskSize,
			fmt.Sprintf("the caller's limit is %d bytes", o.chain.maxSize), ErrLimit)
	}
	im.owner = true
	return im, nil
}

// own makes the chain close s.
func (o *opener) own(s *Source) {
	if s != nil && s.Closer != nil {
		o.chain.closers = append(o.chain.closers, s.Closer)
	}
}

// closeAll closes cs, last first.
func closeAll(cs []io.Closer) error {
	var errs []error
	for i := len(cs) - 1; i >= 0; i-- {
		errs = append(errs, cs[i].Close())
	}
	return errors.Join(errs...)
}

// admit makes a file of s, which messages call shown and qemu-img full, and
// refuses one that is part of the chain already.
func (o *opener) admit(s *Source, shown, full string) (*hostFile, error) {
	f, err := newHostFile(s, shown, full, o.opts.ZeroFillTruncated)
	if err != nil {
		return nil, err
	}
	id := identity{name: absolute(s.Name)}
	if st, ok := s.Reader.(interface{ Stat() (fs.FileInfo, error) }); ok {
		if info, err := st.Stat(); err == nil {
			id.info = info
		}
	}
	for _, other := range o.opened {
		if id.same(other) {
			return nil, f.errorAt("backing chain", 0, 0, "the file is part of the chain already", ErrCorrupt)
		}
	}
	o.opened = append(o.opened, id)
	o.nextSeed += pageSeed
	f.seed = o.nextSeed
	f.salvage = o.opts.Salvage
	f.holes = holeFinderOf(s.Reader)
	return f, nil
}

// pageSeed, odd and with bits everywhere, spreads the files of a chain over
// the page cache.
const pageSeed = 0xd1342543de82ef95

// image opens the image in s and what it refers to. The names are as in admit.
func (o *opener) image(s *Source, shown, full string, depth int) (*Image, error) {
	f, err := o.admit(s, shown, full)
	if err != nil {
		return nil, err
	}
	im := &Image{chain: o.chain, file: f, decoded: o.decoded}
	if err := im.readMetadata(o.pages); err != nil {
		return nil, err
	}
	if err := o.keepExtensions(im); err != nil {
		return nil, err
	}
	o.pages.cover(f, im.header.ClusterBits)
	if err := o.openData(im, depth); err != nil {
		return nil, err
	}
	if im.crypt = newEncryption(im, depth); im.crypt != nil {
		o.chain.closers = append(o.chain.closers, im.crypt)
		if err := im.unlock(context.Background(), o.opts.password()); err != nil {
			return nil, err
		}
	}
	if err := o.openBacking(im, depth); err != nil {
		return nil, err
	}
	return im, nil
}

// maxExtensions is how many bytes of memory the header extensions of all layers
// may take. Our limit: it is more than any one image can have, and thousands of
// times what QEMU writes; but a chain could have 64 times as much.
const maxExtensions = 16 << 20

// extensionOverhead is about what an extension takes beside its data, in bytes.
const extensionOverhead = 40

// keepExtensions counts the extensions of im, and returns an error if there is
// too much of them in the chain.
func (o *opener) keepExtensions(im *Image) error {
	for _, x := range im.extensions {
		o.extended += uint64(len(x.Data)) + extensionOverhead
	}
	if o.extended > maxExtensions {
		return im.file.errorAt(whatExt, hostOffset(im.header.HeaderLength), o.extended,
			fmt.Sprintf("bytes with those of the layers above, at most %d", maxExtensions), ErrLimit)
	}
	return nil
}

// readMetadata reads and checks what is fatal if it is wrong: header,
// extensions, names, the place of the L1 table.
func (im *Image) readMetadata(pages *pageCache) error {
	f := im.file
	h, err := readHeader(f)
	if err != nil {
		return err
	}
	exts, extErr := readExtensions(f, &h)
	im.header, im.extensions, im.diskSize = h, exts, h.Size
	// The names of unknown features are read first, to refuse them by name.
	if err := f.checkFeatures(&h, im.FeatureNames()); err != nil {
		return err
	}
	if err := f.checkHeader(&h); err != nil {
		return err
	}
	if extErr != nil {
		return extErr
	}
	if err := f.checkExtensions(&h, exts); err != nil {
		return err
	}
	if h.BackingFileOffset != 0 {
		name := make([]byte, h.BackingFileSize)
		if _, err := f.read("backing file name", name, hostOffset(h.BackingFileOffset)); err != nil {
			return err
		}
		im.backingName = string(name)
	}
	extended := h.IncompatibleFeatures&QCOW2_INCOMPAT_EXTL2 != 0
	im.active = mapping{
		geometry:   newGeometry(h.ClusterBits, extended),
		classifier: classifier{extended: extended, dataFile: h.IncompatibleFeatures&QCOW2_INCOMPAT_DATA_FILE != 0},
		tables:     tables{file: f, cache: pages},
		version2:   h.Version == QCOW2_VERSION_2,
		l1Offset:   hostOffset(h.L1TableOffset),
		l1Size:     uint64(h.L1Size),
	}
	return nil
}

// BackingFile returns name and format of the backing file as the image has
// them, not to be trusted; the format is "" if it names none.
func (im *Image) BackingFile() (name, format string, ok bool) {
	if x := find(im.extensions, QCOW2_EXT_MAGIC_BACKING_FORMAT); x != nil {
		format = string(x.Data)
	}
	return im.backingName, format, im.backingName != ""
}

// Backing returns the layer below the image if that is a qcow2 image and was
// opened, else nil.
func (im *Image) Backing() *Image {
	b, _ := im.backing.(*Image)
	return b
}

// BackingError returns why the backing file that the image names is not open,
// a [*ReferenceError], or nil if it is open or the image names none. It is
// about this layer alone: Backing leads to the next.
func (im *Image) BackingError() error { return im.backingErr }

// openBacking opens the backing file of im. Only what was opened and is wrong
// is an error; a file that is not to be had is left to reads that need it.
func (o *opener) openBacking(im *Image, depth int) error {
	name, format, ok := im.BackingFile()
	given := o.opts.Backing
	if depth > 0 {
		given = nil
	}
	if !ok && given == nil {
		return nil
	}
	ref := Reference{Kind: KindBacking, Name: name, Format: format, From: im.file.name, Depth: depth}
	refuse := func(reason error) error {
		im.backingErr = &ReferenceError{ref, im.file.shown, reason}
		return nil
	}
	if format == "" {
		format = o.opts.BackingFormat
	}
	switch {
	case !o.mayOpen(given):
		return refuse(errNotAllowed)
	case format == "" && given == nil && o.opts.OpenFile == nil:
		return refuse(errNoFormat) // nobody else can tell; nothing is opened
	case depth+1 >= o.opts.MaxDepth:
		return im.file.errorAt("backing chain", 0, uint64(depth+2),
			fmt.Sprintf("layers, at most %d", o.opts.MaxDepth), ErrLimit)
	}
	s, err := o.open(im, given, ref)
	if err != nil {
		return refuse(err)
	}
	if s.Format != "" {
		format = s.Format
	}
	switch format {
	case formatQcow2:
		below, err := o.image(s, name, im.fullName(name, s), depth+1)
		if err != nil {
			return o.miss(&im.backingErr, err)
		}
		im.backing = below
		return nil
	case formatRaw:
		f, err := o.admit(s, name, im.fullName(name, s))
		if err != nil {
			return o.miss(&im.backingErr, err)
		}
		im.backing = &rawLayer{f}
		return nil
	case "":
		return refuse(errNoFormat)
	}
	return refuse(fmt.Errorf("format %q: %w", format, ErrUnsupported))
}

// miss returns err, why a file that an image refers to cannot be used. To
// salvage what there is it is put aside instead, for reads that need the file.
func (o *opener) miss(aside *error, err error) error {
	if o.opts.Salvage == nil {
		return err
	}
	*aside = err
	return nil
}

// Reasons of a ReferenceError. One text stands for missing and for forbidden.
var (
	errNotAllowed = errors.New("opening files that the image names is not allowed")
	errNoFormat   = errors.New("the image does not say its format, and a format is never guessed")
	errNoName     = errors.New("the image does not name it")
)

// mayOpen reports whether there is a way to get at a file that an image names.
func (o *opener) mayOpen(given *Source) bool {
	return given != nil || o.opts.OpenFile != nil || o.gate != nil
}

// open returns the file for ref, which im names: given, or else whatever the
// caller's way of opening files yields. Its error is the reason for a
// ReferenceError.
func (o *opener) open(im *Image, given *Source, ref Reference) (*Source, error) {
	switch {
	case given != nil:
		return given, nil
	case o.opts.OpenFile != nil:
		s, err := o.opts.OpenFile(ref)
		if err != nil {
			return nil, err
		}
		if s == nil {
			return nil, errNotAllowed
		}
		o.own(s)
		return s, nil
	case o.gate != nil:
		f, name, err := o.gate.open(absolute(im.file.name), ref.Name)
		if err != nil {
			return nil, err
		}
		s := &Source{Reader: f, Name: name, Closer: f}
		o.own(s)
		if s.Size, err = f.Seek(0, io.SeekEnd); err != nil {
			return nil, errGate
		}
		return s, nil
	}
	return nil, errNotAllowed
}
