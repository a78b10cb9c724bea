package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"cstructgen/internal/diskmap"
	"cstructgen/qcow2"
)

// A pictureFlag is where a picture of the disk goes: a file, whose name says
// of what kind, or "-" for characters on standard output.
type pictureFlag string

func (f *pictureFlag) Set(s string) error {
	switch strings.ToLower(filepath.Ext(s)) {
	case ".svg", ".png":
	default:
		if s != "-" {
			return fmt.Errorf("%q is neither NAME.svg nor NAME.png nor -", s)
		}
	}
	*f = pictureFlag(s)
	return nil
}

func (f *pictureFlag) String() string { return string(*f) }
func (f *pictureFlag) Type() string   { return "file" }

// draw draws the n bytes of d from off on. name is what the user calls the
// image, and its snapshot if it is one of that.
func (f *pictureFlag) draw(cmd *cobra.Command, d disk, name string, off, n int64) error {
	rows := diskmap.PictureRows
	if *f == "-" {
		rows = diskmap.TextRows
	} else if info, err := os.Stat(string(*f)); err == nil {
		if err := notFrom(d, fmt.Sprintf("picture %q", string(*f)), info); err != nil {
			return err
		}
	}
	p := newProgress(cmd.ErrOrStderr(), n, false, false)
	m, err := diskMap(cmd.Context(), d, name, off, n, rows, p)
	p.stop()
	if err != nil {
		return err
	}
	write := m.WritePNG
	switch {
	case *f == "-":
		stdout := cmd.OutOrStdout()
		return m.WriteText(stdout, isTerminal(stdout))
	case strings.EqualFold(filepath.Ext(string(*f)), ".svg"):
		write = m.WriteSVG
	}
	return writeFile(cmd.Context(), string(*f), write)
}

// diskMap divides the n bytes of d from off on into a map of so many rows at
// most.
func diskMap(ctx context.Context, d disk, name string, off, n int64, rows int, p *progress) (*diskmap.Map, error) {
	m := diskmap.New(off, n, rows)
	m.Title = shown(name)
	m.Subtitle = fmt.Sprintf("virtual size %s (%d bytes)", humanSize(uint64(d.Size())), d.Size())
	if off > 0 || n < d.Size() {
		m.Subtitle += fmt.Sprintf(", %d bytes from %d on", n, off)
	}
	for _, file := range d.Files() {
		if file.Kind != qcow2.KindData {
			m.Layers = append(m.Layers, shown(file.Shown))
		}
	}
	if layers := len(m.Layers); layers > 1 {
		m.Subtitle += fmt.Sprintf(", %d layers", layers)
	}
	for e, err := range d.ExtentsContext(ctx, off, n) {
		if err != nil {
			return nil, err
		}
		m.Add(e.Start, e.Length, kindOf(&e), e.Depth)
		p.add(e.Length)
	}
	return m, nil
}

// kindOf returns what a picture shows of an extent.
func kindOf(e *qcow2.Extent) diskmap.Kind {
	switch {
	case !e.Present:
		return diskmap.Unallocated
	case e.Zero:
		return diskmap.Zero
	case e.Compressed:
		return diskmap.Compressed
	}
	return diskmap.Data
}

// isTerminal reports whether somebody may be looking at w.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// writeFile makes the regular file called name, or replaces it, by what write
// writes.
func writeFile(ctx context.Context, name string, write func(io.Writer) error) error {
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		info = nil
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%q is not a regular file", name)
	}
	r, err := newReplacement(name, info)
	if err != nil {
		return err
	}
	err = write(r.file)
	if err == nil {
		err = r.commit(ctx, true)
	}
	if discardErr := r.discard(); err == nil {
		err = discardErr
	}
	return err
}
