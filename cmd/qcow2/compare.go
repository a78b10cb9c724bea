package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"cstructgen/qcow2"
)

// Exit codes of compare, which are qemu-img's. It ends with 1 for a wrong
// command line, too; here that is not "different".
const (
	exitDifferent = 1
	exitNotOpen   = 2
	exitNoStatus  = 3
	exitNotRead   = 4
)

func compareCommand() *cobra.Command {
	var (
		src                     source
		format2                 string
		strict, progress, quiet bool
	)
	notCompared := func(err error) error { return &exitError{exitNotOpen, err} }
	cmd := &cobra.Command{
		Use:   "compare [-s] IMAGE1 IMAGE2",
		Short: "Tell whether two images hold the same disk",
		Long: `Tell whether two images hold the same disk: the same bytes, whatever the
format and however they are stored. Where one disk is longer, the rest of it
must be zeros. What is known to be zeros in both is not read.

The exit code is 0 if they are the same, 1 if not; 2 if the command line is
wrong, or an image, or a file or password that it needs, is missing; 3 if a
table of an image cannot be read, 4 if its data cannot.`,
		Example: `  qcow2 compare --allow-dir . disk.qcow2 copy.qcow2
  qcow2 compare -F raw disk.qcow2 disk.raw`,
		Args: func(cmd *cobra.Command, args []string) error {
			if err := exactly(2, "two image file names")(cmd, args); err != nil {
				return notCompared(err)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			src.cache = onceCache
			second := src
			second.format = format2
			d1, err := src.open(args[0])
			if err != nil {
				return notCompared(err)
			}
			defer d1.Close()
			d2, err := second.open(args[1])
			if err != nil {
				return notCompared(err)
			}
			defer d2.Close()
			c := newComparison(d1, d2, strict)
			bar := newProgress(cmd.ErrOrStderr(), c.size(), progress && !quiet, quiet)
			c.done = bar.add
			f := c.run(cmd.Context())
			bar.stop()
			out := cmd.OutOrStdout()
			if quiet {
				out = io.Discard
			}
			return printVerdict(out, c, f)
		},
	}
	src.register(cmd)
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return notCompared(usageError{err}) })
	f := cmd.Flags()
	f.Lookup("format").Usage = "`format` of the first image: qcow2 or raw; never guessed"
	f.StringVarP(&format2, "second-format", "F", formatQcow2, "`format` of the second image")
	f.BoolVarP(&strict, "strict", "s", false, "they must have the same size, and clusters allocated in the same places")
	f.BoolVarP(&progress, "progress", "p", false, "show progress on the terminal at once, not after a second")
	f.BoolVarP(&quiet, "quiet", "q", false, "print nothing but errors")
	return cmd
}

// printVerdict prints what c found, nil if nothing differs, and returns how
// the command ends.
func printVerdict(w io.Writer, c *comparison, f *finding) error {
	if c.one.size != c.two.size && !c.strict && (f == nil || f.off >= min(c.one.size, c.two.size)) {
		fmt.Fprintln(w, "Warning: Image size mismatch!")
	}
	switch {
	case f == nil:
		_, err := fmt.Fprintln(w, "Images are identical.")
		if err != nil {
			return &exitError{exitNotRead, err}
		}
		return nil
	case f.err == nil:
		fmt.Fprintln(w, f.text)
		return &exitError{code: exitDifferent}
	case errors.Is(f.err, qcow2.ErrReference), errors.Is(f.err, qcow2.ErrPassword):
		return &exitError{exitNotOpen, f.err}
	case f.status:
		return &exitError{exitNoStatus, f.err}
	}
	return &exitError{exitNotRead, f.err}
}
