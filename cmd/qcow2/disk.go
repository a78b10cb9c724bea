package main

import (
	"context"
	"fmt"
	"io"
	"iter"
	"os"

	"github.com/spf13/cobra"

	"cstructgen/qcow2"
)

// A disk is an opened image, of whatever format.
type disk interface {
	io.ReaderAt
	io.WriterTo
	io.Closer
	Size() int64
	ExtentsContext(ctx context.Context, off, n int64) iter.Seq2[qcow2.Extent, error]
	Files() []qcow2.File
}

// Formats of images.
const (
	formatQcow2 = "qcow2"
	formatRaw   = "raw"
)

// source holds the flags that say how an image is opened.
type source struct {
	format        string
	allowDirs     []string
	backingFormat string
	snapshot      selector
	maxSize       sizeFlag         // of disks, in bytes; 0: no limit
	zeroFill      bool             // no flag: bytes past the end of the file are zeros
	salvage       func(qcow2.Lost) // nil: damage is an error
	cache         int64            // the library's budget, in bytes; 0: its own
	secrets       *secrets         // shared by the images of one command line
}

func (s *source) register(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVarP(&s.format, "format", "f", formatQcow2, "`format` of the image: qcow2 or raw; never guessed")
	f.StringArrayVar(&s.allowDirs, "allow-dir", nil, "open files that the image names if they lie under `dir`; may be repeated")
	f.StringVar(&s.backingFormat, "backing-format", "", "`format` of backing files where the image names none: qcow2 or raw")
	f.Var(&s.maxSize, "max-virtual-size", "refuse a disk, or a snapshot's, that is larger: a `SIZE` as 100G (default: no limit)")
	s.secrets = registerSecrets(cmd)
	f.BoolP("force-share", "U", false, "accepted for qemu-img's sake: images are never locked")
	if err := f.MarkHidden("force-share"); err != nil {
		panic(err)
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
}

// registerSnapshot adds the flag that chooses a snapshot.
func (s *source) registerSnapshot(cmd *cobra.Command) {
	cmd.Flags().VarP(&s.snapshot, "snapshot", "l", "the disk as `SNAPSHOT` holds it: an ID or name, or snapshot.id=ID,snapshot.name=NAME")
}

// open opens the image called name, whatever snapshot is asked for.
func (s *source) open(name string) (disk, error) {
	switch s.backingFormat {
	case "", formatQcow2, formatRaw:
	default:
		return nil, usageError{fmt.Errorf("unknown backing format %q", s.backingFormat)}
	}
	switch s.format {
	case formatQcow2:
		opts := &qcow2.Options{
			AllowDirs: s.allowDirs, BackingFormat: s.backingFormat, ZeroFillTruncated: s.zeroFill,
			MaxVirtualSize: int64(s.maxSize), Salvage: s.salvage, CacheBytes: s.cache,
		}
		if err := s.secrets.options(opts); err != nil {
			return nil, err
		}
		im, err := qcow2.Open(name, opts)
		if err != nil {
			return nil, err
		}
		return im, nil
	case formatRaw:
		d, err := openRaw(name)
		if err == nil && s.maxSize > 0 && d.size > int64(s.maxSize) {
			d.Close()
			return nil, fmt.Errorf("%q: size %d: the caller's limit is %d bytes: %w", name, d.size, s.maxSize, qcow2.ErrLimit)
		}
		return d, err
	}
	return nil, usageError{fmt.Errorf("unknown format %q", s.format)}
}

// use opens the image called name, or the snapshot in it that is asked for,
// and closes it after do.
func (s *source) use(name string, do func(disk) error) error {
	d, err := s.open(name)
	if err != nil {
		return err
	}
	defer d.Close()
	if d, err = s.snapshot.open(d); err != nil {
		return err
	}
	return do(d)
}

// A rawDisk is a raw image: its bytes are the disk's.
type rawDisk struct {
	*os.File
	size int64
}

// openRaw opens a regular file or block device. Its kind is asked before, as
// opening can be an act in itself, and of what was opened, as another file may
// have taken its place.
func openRaw(name string) (*rawDisk, error) {
	check := func(info os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		if t := info.Mode().Type(); t != 0 && t != os.ModeDevice {
			return fmt.Errorf("%q is not a regular file or block device", name)
		}
		return nil
	}
	if err := check(os.Stat(name)); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(name, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return nil, err
	}
	size := int64(0)
	if err = check(f.Stat()); err == nil {
		size, err = f.Seek(0, io.SeekEnd)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return &rawDisk{f, size}, nil
}

func (d *rawDisk) Size() int64 { return d.size }

func (d *rawDisk) WriteTo(w io.Writer) (int64, error) {
	return io.Copy(w, io.NewSectionReader(d.File, 0, d.size))
}

func (d *rawDisk) Files() []qcow2.File {
	f := qcow2.File{Format: formatRaw, Name: d.Name(), Shown: d.Name(), Size: d.size, DiskSize: d.size, Reader: d.File}
	if info, err := d.Stat(); err == nil {
		f.Info = info
	}
	return []qcow2.File{f}
}

func (d *rawDisk) ExtentsContext(ctx context.Context, off, n int64) iter.Seq2[qcow2.Extent, error] {
	all := qcow2.RawExtents(&qcow2.Source{Reader: d.File, Size: d.size, Name: d.Name()}, off, n)
	return func(yield func(qcow2.Extent, error) bool) {
		for e, err := range all {
			if ctx.Err() != nil {
				e, err = qcow2.Extent{}, ctx.Err()
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}
