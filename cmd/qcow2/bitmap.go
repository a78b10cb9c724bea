package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"cstructgen/qcow2"
)

func bitmapCommand() *cobra.Command {
	var (
		src  source
		out  output
		name string
	)
	cmd := &cobra.Command{
		Use:   "bitmap IMAGE",
		Short: "List the bitmaps of an image, or what one marks as dirty",
		Long: `List the bitmaps of an image as info does, or, with --name, the parts of the
disk that were written to since that bitmap was made. A bitmap that was not
saved properly is listed as in-use, and its content is refused. Bitmaps are
never changed.`,
		Example: `  qcow2 bitmap disk.qcow2
  qcow2 bitmap --name daily --output=json disk.qcow2`,
		Args: exactly(1, "one image file name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			json, err := out.json()
			if err != nil {
				return err
			}
			return src.use(args[0], func(d disk) error {
				im, ok := d.(*qcow2.Image)
				if !ok {
					return errors.New("raw images have no bitmaps")
				}
				bitmaps, err := im.Bitmaps()
				if err != nil {
					return err
				}
				return printed(cmd, func(w *bufio.Writer) error {
					if cmd.Flags().Changed("name") {
						return printDirty(w, im, bitmaps, name, json)
					}
					printBitmaps(w, bitmaps, json)
					return nil
				})
			})
		},
	}
	src.register(cmd)
	out.register(cmd)
	cmd.Flags().StringVar(&name, "name", "", "show the dirty ranges of the bitmap of this `name`")
	return cmd
}

// printBitmaps lists bitmaps as info does, without the rest.
func printBitmaps(w *bufio.Writer, bitmaps []qcow2.Bitmap, json bool) {
	l := eachOf(bitmaps, bitmapObject)
	switch {
	case json:
		writeJSON(w, l)
	case len(bitmaps) > 0:
		writeHuman(w, object{{"bitmaps", l}}, "")
	}
}

// printDirty writes the dirty ranges of the bitmap called name, in bytes of the
// disk, as map writes extents.
func printDirty(w io.Writer, im *qcow2.Image, bitmaps []qcow2.Bitmap, name string, json bool) error {
	i := slices.IndexFunc(bitmaps, func(b qcow2.Bitmap) bool { return b.Name == name })
	if i < 0 {
		return fmt.Errorf("the image has no bitmap %q", name)
	}
	if json {
		separator := "["
		for r, err := range im.DirtyRanges(&bitmaps[i]) {
			if err != nil {
				return err
			}
			fmt.Fprintf(w, `%s{ "start": %d, "length": %d}`, separator, r.Start, r.Length)
			separator = ",\n"
		}
		if separator == "[" { // nothing is dirty
			io.WriteString(w, separator)
		}
		fmt.Fprintln(w, "]")
		return nil
	}
	head := fmt.Sprintf("%-16s%s\n", "Offset", "Length")
	for r, err := range im.DirtyRanges(&bitmaps[i]) {
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%s%-16s%s\n", head, hex(r.Start), hex(r.Length))
		head = ""
	}
	io.WriteString(w, head)
	return nil
}
