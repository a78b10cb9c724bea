package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"slices"
)

// A destination is where the disk is written to.
type destination struct {
	name     string // "-": standard output
	existing bool   // it is there, and is written in place
	zero     bool   // it is known to read as zeros
	unsafe   bool   // a new file is not forced to disk
}

// convert writes what c reads to the target.
func convert(ctx context.Context, c *copier, to destination, stdout io.Writer) error {
	switch to.name {
	case "":
		return usageError{errors.New("the target has no name")}
	case "-":
		if err := notOnto(stdout, c.src); err != nil {
			return err
		}
		return stream(meter{stdout, c.done}, c.src, 0, c.src.Size())
	}
	info, err := os.Stat(to.name) // through a symbolic link
	switch {
	case errors.Is(err, fs.ErrNotExist) && !to.existing:
		return convertToFile(ctx, c, to, nil)
	case err != nil:
		return err
	}
	if err := notFrom(c.src, fmt.Sprintf("target %q", to.name), info); err != nil {
		return err
	}
	switch info.Mode().Type() {
	case 0:
		if to.existing {
			return convertInPlace(ctx, c, to)
		}
		return convertToFile(ctx, c, to, info)
	case fs.ModeDevice:
		return convertInPlace(ctx, c, to)
	case fs.ModeNamedPipe, fs.ModeDevice | fs.ModeCharDevice:
		f, err := os.OpenFile(to.name, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		return errors.Join(stream(meter{f, c.done}, c.src, 0, c.src.Size()), f.Close())
	}
	return fmt.Errorf("target %q is neither a file nor a device nor a pipe", to.name)
}

// notFrom returns an error if d is read from the file that info describes, which
// is to be written.
func notFrom(d disk, what string, info fs.FileInfo) error {
	for _, f := range d.Files() {
		if f.Info != nil && os.SameFile(f.Info, info) {
			return fmt.Errorf("%s is a file that the image is read from; choose another", what)
		}
	}
	return nil
}

// notOnto returns an error if d is read from the file that w, standard output,
// writes to.
func notOnto(w io.Writer, d disk) error {
	f, ok := w.(*os.File)
	if !ok {
		return nil
	}
	info, err := f.Stat()
	if err != nil {
		return nil // writing will tell
	}
	return notFrom(d, "standard output", info)
}

// convertToFile writes a new file, and puts it in the place of the target when
// it is whole. There lies a file that info describes, or none if that is nil.
func convertToFile(ctx context.Context, c *copier, to destination, info fs.FileInfo) (err error) {
	ctx, stop := untilSignal(ctx)
	defer stop()
	t, err := newReplacement(to.name, info)
	if err != nil {
		return err
	}
	beside := t.file.Name()
	defer func() {
		// Nobody knows the name that the file has meanwhile.
		if e, ok := errors.AsType[*fs.PathError](err); ok && e.Path == beside {
			err = fmt.Errorf("cannot write target %q: %w", to.name, e.Err)
		}
		err = errors.Join(err, t.discard())
	}()
	if c.sparse > 0 {
		allowHoles(t.file)
	}
	if err := t.file.Truncate(c.src.Size()); err != nil {
		return err
	}
	c.dst, c.zeroed = t.file, true
	if c.sparse == 0 {
		// All of it is to be occupied. If the file system can promise that,
		// zeros need no writing.
		if c.zeroed, err = allocate(t.file, c.src.Size()); err != nil {
			return fmt.Errorf("no room for %d bytes: %w", c.src.Size(), err)
		}
	}
	if err = c.copy(ctx); err == nil {
		err = t.commit(ctx, !to.unsafe || info != nil)
	}
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("interrupted; target %q is as it was", to.name)
	}
	return err
}

// untilSignal returns a context that ends with a signal that asks to stop. One
// that whoever started us had ignored, as nohup does, does not ask.
func untilSignal(ctx context.Context) (context.Context, context.CancelFunc) {
	signals := slices.DeleteFunc(slices.Clone(stopSignals), signal.Ignored)
	if len(signals) == 0 { // which NotifyContext takes for all there are
		return context.WithCancel(ctx)
	}
	return signal.NotifyContext(ctx, signals...)
}

// convertInPlace writes a file or block device that is there. What lies in it
// behind the disk stays.
func convertInPlace(ctx context.Context, c *copier, to destination) error {
	f, err := os.OpenFile(to.name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err == nil && size < c.src.Size() {
		err = fmt.Errorf("target %q has %d bytes, the disk %d", to.name, size, c.src.Size())
	}
	if err == nil {
		c.dst, c.zeroed = f, to.zero
		c.zero = zeroer(f, c.sparse > 0)
		err = c.copy(ctx)
	}
	if err == nil && !to.unsafe {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// A meter counts what is written.
type meter struct {
	io.Writer
	done func(n int64)
}

func (m meter) Write(p []byte) (int, error) {
	n, err := m.Writer.Write(p)
	m.done(int64(n))
	return n, err
}
