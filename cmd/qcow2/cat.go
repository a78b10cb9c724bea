package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

func catCommand() *cobra.Command {
	var (
		src         source
		off, length sizeFlag
	)
	cmd := &cobra.Command{
		Use:   "cat IMAGE",
		Short: "Write the disk, or a part of it, to standard output",
		Args:  exactly(1, "one image file name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return src.use(args[0], func(d disk) error {
				if int64(off) > d.Size() {
					return fmt.Errorf("offset %d lies behind the end of the disk, %d", off, d.Size())
				}
				n := d.Size() - int64(off)
				if cmd.Flags().Changed("length") {
					n = min(n, int64(length))
				}
				return stream(cmd.OutOrStdout(), d, int64(off), n)
			})
		},
	}
	src.register(cmd)
	cmd.Flags().Var(&off, "offset", "begin there")
	cmd.Flags().Var(&length, "length", "write at most so many bytes; the end of the disk ends it sooner")
	return cmd
}

// stream writes n bytes of d from off on to w.
func stream(w io.Writer, d disk, off, n int64) error {
	var written int64
	var err error
	if off == 0 && n == d.Size() {
		written, err = d.WriteTo(w) // decompresses in parallel
	} else {
		part := io.NewSectionReader(d, off, n)
		written, err = io.CopyBuffer(struct{ io.Writer }{w}, part, make([]byte, min(n+1, pieceSize)))
	}
	if err == nil && written < n {
		return endedAt(off+written, nil)
	}
	return err
}
