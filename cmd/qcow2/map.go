package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"cstructgen/qcow2"
)

func mapCommand() *cobra.Command {
	var (
		src        source
		out        output
		start, end sizeFlag
		picture    pictureFlag
	)
	cmd := &cobra.Command{
		Use:   "map IMAGE",
		Short: "Show where the data of an image lies",
		Long: `Show where the data of an image lies: at which offset of which file. For people
that is shown which must be read; --output=json has all of the disk, zeros, what
is compressed, and the depth of the layer that decides (0 is the image).`,
		Example: `  qcow2 map --allow-dir . disk.qcow2
  qcow2 map --output=json --start-offset 1G --max-length 64M disk.qcow2
  qcow2 map --picture - disk.qcow2`,
		Args: exactly(1, "one image file name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			json, err := out.json()
			if err != nil {
				return err
			}
			src.cache = onceCache
			return src.use(args[0], func(d disk) error {
				off := min(int64(start), d.Size())
				n := d.Size() - off
				if cmd.Flags().Changed("max-length") {
					n = min(n, int64(end))
				}
				if picture != "" {
					name := args[0]
					if src.snapshot.given {
						name += ", snapshot " + src.snapshot.text
					}
					return picture.draw(cmd, d, name, off, n)
				}
				return printed(cmd, func(w *bufio.Writer) error {
					if json {
						return mapJSON(cmd.Context(), w, d, int64(start), off, n)
					}
					return mapHuman(cmd.Context(), w, d, off, n)
				})
			})
		},
	}
	src.register(cmd)
	src.registerSnapshot(cmd)
	out.register(cmd)
	cmd.Flags().Var(&start, "start-offset", "begin there")
	cmd.Flags().Var(&end, "max-length", "show at most so many bytes of the disk")
	cmd.Flags().Var(&picture, "picture", "draw it instead: NAME.svg, NAME.png, or - for characters")
	return cmd
}

// mapJSON prints extents as qemu-img does, a line each. What was asked for
// may begin behind the disk.
func mapJSON(ctx context.Context, w io.Writer, d disk, asked, off, n int64) error {
	separator := "["
	var line []byte // fmt takes several times as long
	number := func(name string, n int64) {
		line = append(line, name...)
		line = strconv.AppendInt(line, n, 10)
	}
	truth := func(name string, is bool) {
		line = append(line, name...)
		line = strconv.AppendBool(line, is)
	}
	write := func(e qcow2.Extent) error {
		line = append(line[:0], separator...)
		number(`{ "start": `, e.Start)
		number(`, "length": `, e.Length)
		number(`, "depth": `, int64(e.Depth))
		truth(`, "present": `, e.Present)
		truth(`, "zero": `, e.Zero)
		truth(`, "data": `, e.Data)
		truth(`, "compressed": `, e.Compressed)
		if e.HasOffset {
			number(`, "offset": `, e.Offset)
		}
		separator = ",\n"
		_, err := w.Write(append(line, '}'))
		return err
	}
	for e, err := range d.ExtentsContext(ctx, off, n) {
		if err != nil {
			return err
		}
		if err := write(e); err != nil {
			return err
		}
	}
	if separator == "[" {
		if err := write(qcow2.Extent{Start: asked}); err != nil { // qemu-img has one even then
			return err
		}
	}
	fmt.Fprintln(w, "]")
	return nil
}

// mapHuman prints where the bytes lie that do not read as zeros anyway.
func mapHuman(ctx context.Context, w io.Writer, d disk, off, n int64) error {
	names := map[string]string{}
	for _, f := range d.Files() {
		names[f.Name] = f.Shown
	}
	head := fmt.Sprintf("%-16s%-16s%-16s%s\n", "Offset", "Length", "Mapped to", "File")
	for e, err := range d.ExtentsContext(ctx, off, n) {
		if err != nil {
			return err
		}
		io.WriteString(w, head)
		head = ""
		switch {
		case e.Zero || !e.Data:
		case !e.HasOffset:
			return errors.New("the image holds encrypted or compressed clusters, which --output=json shows")
		default:
			fmt.Fprintf(w, "%-16s%-16s%-16s%s\n", hex(e.Start), hex(e.Length), hex(e.Offset), shown(names[e.File]))
		}
	}
	io.WriteString(w, head)
	return nil
}

// hex is C's %#x, which writes 0 without prefix.
func hex(n int64) string {
	if n == 0 {
		return "0"
	}
	return fmt.Sprintf("%#x", n)
}
