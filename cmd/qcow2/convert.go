package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"syscall"

	"github.com/spf13/cobra"
)

// Limits of qemu-img's flags.
const (
	sectorSize = 512
	maxSparse  = 16 << 20
	maxWorkers = 16
)

func convertCommand() *cobra.Command {
	var (
		src      source
		format   string
		workers  int
		sparse   = sizeFlag(4096)
		progress bool
		quiet    bool
	)
	cmd := &cobra.Command{
		Use:   "convert -O raw IMAGE TARGET",
		Short: "Write the disk of an image to a raw file",
		Long: `Write the disk of an image to a raw file, or with "-" to standard output.

A target that is a file, or not there yet, is written beside its place under
another name and put there when it is whole: after an error or an interrupt
nothing has changed. Through a symbolic link that is the file it leads to;
another hard link to it keeps what it had. A block device, and a pipe, is
written in place.`,
		Args: exactly(2, "an image file name and a target"),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case format != formatRaw:
				return usageError{fmt.Errorf("cannot write format %q, only raw", format)}
			case workers < 0 || workers > maxWorkers:
				return usageError{fmt.Errorf("-m %d: from 1 to %d", workers, maxWorkers)}
			case sparse%sectorSize != 0 || sparse > maxSparse:
				return usageError{fmt.Errorf("-S %d: a multiple of %d up to %d, or 0", sparse, sectorSize, maxSparse)}
			}
			if workers == 0 {
				workers = min(max(4, runtime.GOMAXPROCS(0)), maxWorkers)
			}
			return src.use(args[0], func(d disk) error {
				bar := newProgress(cmd.ErrOrStderr(), d.Size(), progress, quiet)
				defer bar.stop()
				c := copier{src: d, sparse: int(sparse), workers: workers, done: bar.add}
				return convert(cmd.Context(), &c, args[1], cmd.OutOrStdout())
			})
		},
	}
	src.register(cmd)
	src.registerSnapshot(cmd)
	f := cmd.Flags()
	f.StringVarP(&format, "target-format", "O", formatRaw, "`format` of the target: raw")
	f.IntVarP(&workers, "parallel", "m", 0, "how many `parts` are read and written at once, 1 to 16 (default: as there are processors)")
	f.VarP(&sparse, "sparse", "S", "leave holes where so many bytes are zeros; 0: none, occupy all of the target")
	f.BoolVarP(&progress, "progress", "p", false, "show progress on the terminal at once, not after a second")
	f.BoolVarP(&quiet, "quiet", "q", false, "show no progress")
	return cmd
}

// convert writes what c reads to the target of the given name.
func convert(ctx context.Context, c *copier, name string, stdout io.Writer) error {
	switch name {
	case "":
		return usageError{errors.New("the target has no name")}
	case "-":
		return stream(meter{stdout, c.done}, c.src, 0, c.src.Size())
	}
	info, err := os.Stat(name) // through a symbolic link
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return convertToFile(ctx, c, name, nil)
	case err != nil:
		return err
	}
	for _, f := range c.src.Files() {
		if f.Info != nil && os.SameFile(f.Info, info) {
			return fmt.Errorf("target %q is a file that the image is read from; choose another", name)
		}
	}
	switch info.Mode().Type() {
	case 0:
		return convertToFile(ctx, c, name, info)
	case fs.ModeDevice:
		return convertToDevice(ctx, c, name)
	case fs.ModeNamedPipe, fs.ModeDevice | fs.ModeCharDevice:
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		return errors.Join(stream(meter{f, c.done}, c.src, 0, c.src.Size()), f.Close())
	}
	return fmt.Errorf("target %q is neither a file nor a device nor a pipe", name)
}

// convertToFile writes a new file, and puts it in the place of name when it is
// whole. There lies a file that info describes, or none if that is nil.
func convertToFile(ctx context.Context, c *copier, name string, info fs.FileInfo) (err error) {
	ctx, stop := untilSignal(ctx)
	defer stop()
	t, err := newReplacement(name, info)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.discard()) }()
	if err := t.file.Truncate(c.src.Size()); err != nil {
		return err
	}
	c.dst, c.zeroed = t.file, true
	if err := c.copy(ctx); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("interrupted; target %q is as it was", name)
		}
		return err
	}
	return t.commit()
}

// untilSignal returns a context that ends with a signal that asks to stop. One
// that whoever started us had ignored, as nohup does, does not ask.
func untilSignal(ctx context.Context) (context.Context, context.CancelFunc) {
	signals := slices.DeleteFunc([]os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}, signal.Ignored)
	if len(signals) == 0 { // which NotifyContext takes for all there are
		return context.WithCancel(ctx)
	}
	return signal.NotifyContext(ctx, signals...)
}

// convertToDevice writes a block device in place.
func convertToDevice(ctx context.Context, c *copier, name string) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err == nil && size < c.src.Size() {
		err = fmt.Errorf("device %q has %d bytes, the disk %d", name, size, c.src.Size())
	}
	if err == nil {
		c.dst = f
		err = c.copy(ctx)
	}
	if err == nil {
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
