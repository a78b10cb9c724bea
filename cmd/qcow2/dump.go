package main

import (
	"bufio"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

// dumpParts are what "dump" shows, in the order of showing.
var dumpParts = []string{"header", "extensions", "l1", "l2", "refcounts", "snapshots", "bitmaps"}

func dumpCommand() *cobra.Command {
	var (
		out    output
		asJSON bool
		what   []string
	)
	cmd := &cobra.Command{
		Use:   "dump IMAGE",
		Short: "Show the structures of an image byte by byte",
		Long: `Show the structures of an image byte by byte: where each field lies, its
bytes, its value, what that means, and what the field is. The image need not be
sound: what can be found is shown, and what is wrong is said.

Entries of tables that go on with each other are one line. An L2 table is shown
by the index of its L1 entry, a refcount block by that of its entry in the
refcount table; without an index it is the first that there is.`,
		Example: `  qcow2 dump disk.qcow2 | less -S
  qcow2 dump --what header,l2=3 disk.qcow2
  qcow2 dump --json --what snapshots disk.qcow2`,
		Args: exactly(1, "one image file name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			json, err := out.json()
			if err != nil {
				return err
			}
			selected, err := parseDumpParts(what)
			if err != nil {
				return err
			}
			f, err := openRaw(args[0])
			if err != nil {
				return err
			}
			defer f.Close()
			return printed(cmd, func(w *bufio.Writer) error {
				d := &dumper{file: f, size: uint64(f.size), name: args[0]}
				if json || asJSON {
					d.to = &jsonDump{w: w}
				} else {
					d.to = &textDump{w: w}
				}
				return d.dump(selected)
			})
		},
	}
	out.register(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "the same as --output=json")
	cmd.Flags().StringSliceVar(&what, "what", nil,
		"`part` of the image: header, extensions, l1, l2[=INDEX], refcounts[=INDEX], snapshots, bitmaps; may be repeated (default all)")
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	return cmd
}

// A dumpPart is a part that was asked for.
type dumpPart struct {
	name  string
	index int64 // of the table, -1: the first there is
}

// parseDumpParts reads the values of --what.
func parseDumpParts(what []string) ([]dumpPart, error) {
	if len(what) == 0 {
		what = dumpParts
	}
	var list []dumpPart
	for _, word := range what {
		name, number, indexed := strings.Cut(word, "=")
		p := dumpPart{name, -1}
		if !slices.Contains(dumpParts, name) || indexed && name != "l2" && name != "refcounts" {
			return nil, usageError{fmt.Errorf("%q is no part of an image that can be shown", word)}
		}
		if indexed {
			n, err := strconv.ParseUint(number, 0, 32)
			if err != nil {
				return nil, usageError{fmt.Errorf("%q: %q is not an index", word, number)}
			}
			p.index = int64(n)
		}
		list = append(list, p)
	}
	return list, nil
}
