package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

func catCommand() *cobra.Command {
	var (
		src         source
		off, length sizeFlag
		vmState     bool
	)
	cmd := &cobra.Command{
		Use:   "cat IMAGE",
		Short: "Write the disk, or a part of it, to standard output",
		Long: `Write the disk, or a part of it, to standard output. With --vm-state it is the
state of the machine that a snapshot (-l) holds, as QEMU wrote it.`,
		Example: `  qcow2 cat --offset 0 --length 512 disk.qcow2 | xxd
  qcow2 cat --vm-state -l running disk.qcow2 >state`,
		Args: func(cmd *cobra.Command, args []string) error {
			if vmState && !src.snapshot.given {
				return usageError{errors.New("--vm-state is about a snapshot: choose one with -l")}
			}
			return exactly(1, "one image file name")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			w := cmd.OutOrStdout()
			part := func(of string, size int64) (int64, error) {
				if int64(off) > size {
					return 0, fmt.Errorf("offset %d lies behind the end of the %s, %d", off, of, size)
				}
				n := size - int64(off)
				if cmd.Flags().Changed("length") {
					n = min(n, int64(length))
				}
				return n, nil
			}
			return src.use(args[0], func(d disk) error {
				if err := notOnto(w, d); err != nil {
					return err
				}
				if !vmState {
					n, err := part("disk", d.Size())
					if err != nil {
						return err
					}
					return stream(w, d, int64(off), n)
				}
				im, snapshot, err := src.snapshot.find(d)
				if err != nil {
					return err
				}
				state, err := im.OpenVMState(snapshot)
				if err != nil {
					return err
				}
				n, err := part("VM state", state.Size())
				if err != nil {
					return err
				}
				return streamPart(w, state, int64(off), n)
			})
		},
	}
	src.register(cmd)
	src.registerSnapshot(cmd)
	cmd.Flags().Var(&off, "offset", "begin there")
	cmd.Flags().Var(&length, "length", "write at most so many bytes; the end of the disk ends it sooner")
	cmd.Flags().BoolVar(&vmState, "vm-state", false, "write the VM state of the snapshot, not its disk")
	return cmd
}

// stream writes n bytes of d from off on to w.
func stream(w io.Writer, d disk, off, n int64) error {
	if off > 0 || n < d.Size() {
		return streamPart(w, d, off, n)
	}
	written, err := d.WriteTo(w) // decompresses in parallel
	if err == nil && written < n {
		return endedAt(written, nil)
	}
	return err
}

// streamPart writes n bytes of r from off on to w.
func streamPart(w io.Writer, r io.ReaderAt, off, n int64) error {
	buf := make([]byte, min(n+1, pieceSize))
	written, err := io.CopyBuffer(struct{ io.Writer }{w}, io.NewSectionReader(r, off, n), buf)
	if err == nil && written < n {
		return endedAt(off+written, nil)
	}
	return err
}
