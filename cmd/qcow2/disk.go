package main

import (
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
	Extents(off, n int64) iter.Seq2[qcow2.Extent, error]
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
}

func (s *source) register(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVarP(&s.format, "format", "f", formatQcow2, "`format` of the image: qcow2 or raw; never guessed")
	f.StringArrayVar(&s.allowDirs, "allow-dir", nil, "open files that the image names if they lie under `dir`; may be repeated")
	f.StringVar(&s.backingFormat, "backing-format", "", "`format` of backing files where the image names none: qcow2 or raw")
	f.BoolP("force-share", "U", false, "accepted for qemu-img's sake: images are never locked")
	if err := f.MarkHidden("force-share"); err != nil {
		panic(err)
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
}

// open opens the image called name.
func (s *source) open(name string) (disk, error) {
	switch s.backingFormat {
	case "", formatQcow2, formatRaw:
	default:
		return nil, usageError{fmt.Errorf("unknown backing format %q", s.backingFormat)}
	}
	switch s.format {
	case formatQcow2:
		im, err := qcow2.Open(name, &qcow2.Options{AllowDirs: s.allowDirs, BackingFormat: s.backingFormat})
		if err != nil {
			return nil, err
		}
		return im, nil
	case formatRaw:
		return openRaw(name)
	}
	return nil, usageError{fmt.Errorf("unknown format %q", s.format)}
}

// use opens the image called name, and closes it after do.
func (s *source) use(name string, do func(disk) error) error {
	d, err := s.open(name)
	if err != nil {
		return err
	}
	defer d.Close()
	return do(d)
}

// A rawDisk is a raw image: its bytes are the disk's.
type rawDisk struct {
	*os.File
	size int64
}

func openRaw(name string) (*rawDisk, error) {
	info, err := os.Stat(name) // asked first, as a FIFO would wait for its writer
	if err != nil {
		return nil, err
	}
	if t := info.Mode().Type(); t != 0 && t != os.ModeDevice {
		return nil, fmt.Errorf("%q is not a regular file or block device", name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	size, err := f.Seek(0, io.SeekEnd)
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
	f := qcow2.File{Format: formatRaw, Name: d.Name(), Size: d.size}
	if info, err := d.Stat(); err == nil {
		f.Info = info
	}
	return []qcow2.File{f}
}

// Extents yields data and holes as the file system tells them.
func (d *rawDisk) Extents(off, n int64) iter.Seq2[qcow2.Extent, error] {
	return func(yield func(qcow2.Extent, error) bool) {
		for end := off + n; off < end; {
			length, hole := dataOrHole(d.File, off, end-off)
			if hole {
				// Behind the end of a file that has shrunk is no hole either.
				if now, err := d.Seek(0, io.SeekEnd); err != nil || now < off+length {
					yield(qcow2.Extent{}, endedAt(now, err))
					return
				}
			}
			if !yield(qcow2.Extent{
				Start: off, Length: length, Present: true, Zero: hole, Data: !hole,
				HasOffset: true, Offset: off, File: d.Name(),
			}, nil) {
				return
			}
			off += length
		}
	}
}
