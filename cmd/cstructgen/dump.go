package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"cstructgen/gen"
	"cstructgen/internal/cdump"
	"cstructgen/internal/cstruct"
)

// dumpOptions are the flags of dump alone.
type dumpOptions struct {
	typ    string
	offset string
	count  int64
	all    bool
	json   bool
	color  string
}

func dumpCommand() *cobra.Command {
	var in inputOptions
	var opts dumpOptions
	cmd := &cobra.Command{
		Use:   "dump --type T [--offset N] [--count K] [flags] FILE.h ... DATA",
		Short: "Show bytes as a struct: offsets, fields, values, names, comments",
		Args:  atLeast(2, "the C files and the data"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return dump(cmd, in, opts, args[:len(args)-1], args[len(args)-1])
		},
	}
	in.addFlags(cmd)
	flags := cmd.Flags()
	flags.StringVarP(&opts.typ, "type", "t", "", "C `type` to read: a tag, \"struct tag\" or a typedef (required)")
	flags.StringVar(&opts.offset, "offset", "0", "where in DATA it begins, in `bytes`; 0x10 and 4K are fine too")
	flags.Int64Var(&opts.count, "count", 1, "how many of them lie there one after another")
	flags.BoolVar(&opts.all, "all", false, "do not shorten long arrays")
	flags.BoolVar(&opts.json, "json", false, "print JSON")
	flags.StringVar(&opts.color, "color", "auto", "colours: auto, always or never")
	return cmd
}

// maxDump is how much of the data dump reads into memory at a time.
const maxDump = 32 << 20

// maxOffset leaves room to count on from.
const maxOffset = 1 << 62

// dump prints count structs of the data file.
func dump(cmd *cobra.Command, in inputOptions, opts dumpOptions, headers []string, name string) error {
	order, err := in.order()
	if err != nil {
		return err
	}
	offset, ok := parseSize(opts.offset)
	switch {
	case order == gen.Both:
		return usagef("dump has one byte order: --endian little or big")
	case opts.typ == "":
		return usagef("--type is required")
	case !ok || offset > maxOffset:
		return usagef("--offset %q: want a number of bytes", opts.offset)
	case opts.count < 1:
		return usagef("--count %d: want 1 or more", opts.count)
	case opts.color != "auto" && opts.color != "always" && opts.color != "never":
		return usagef("--color %q: want auto, always or never", opts.color)
	}
	model, err := parse(in, order, headers)
	if err != nil {
		return err
	}
	typ, err := cdump.Find(model, opts.typ)
	if err != nil {
		return err
	}
	if typ.Size() > maxDump {
		return fmt.Errorf("%s has %d bytes, more than %d", opts.typ, typ.Size(), int64(maxDump))
	}
	data, err := openData(cmd.InOrStdin(), name, offset)
	if err != nil {
		return err
	}
	defer data.Close()
	d := &dumping{
		w: cmd.OutOrStdout(), opts: opts, name: name, offset: offset, typ: typ,
		style: cdump.Style{All: opts.all},
		of:    cdump.New(model),
	}
	d.style.Color, d.style.Width = terminal(d.w, opts.color)
	return d.run(data)
}

// parse reads the C files.
func parse(in inputOptions, order gen.Order, headers []string) (*cstruct.Model, error) {
	files, err := in.open(headers)
	if err != nil {
		return nil, err
	}
	defer files.Close()
	cfg := cstruct.Config{
		Files: files.sources, Include: files.include, Defines: in.defines,
		Dialect: in.language(), Aligned: in.aligned, PointerSize: int64(in.pointer),
	}
	if order == gen.Big {
		cfg.Order = cstruct.BigEndian
	}
	return cstruct.Parse(cfg)
}

// openData opens the data for reading from offset on; "-" is stdin.
func openData(stdin io.Reader, name string, offset int64) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(stdin), skip(stdin, offset)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		// A pipe is read from its start.
		if err := skip(f, offset); err != nil {
			f.Close()
			return nil, err
		}
	}
	return f, nil
}

// skip reads n bytes. That there are fewer is found out by what reads on.
func skip(r io.Reader, n int64) error {
	_, err := io.CopyN(io.Discard, r, n)
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// A dumping is one run of dump.
type dumping struct {
	w      io.Writer
	opts   dumpOptions
	name   string
	offset int64
	typ    cstruct.Type
	style  cdump.Style
	of     *cdump.Dumper
}

// run prints one struct after another. Of one that the data does not hold it
// prints what is there, and returns an error that wraps io.ErrUnexpectedEOF.
func (d *dumping) run(data io.Reader) (err error) {
	if d.opts.json {
		io.WriteString(d.w, "[")
		defer func() {
			_, e := io.WriteString(d.w, "]\n")
			err = errors.Join(err, e)
		}()
	}
	if cstruct.Dynamic(d.typ) {
		return d.runDynamic(data)
	}
	size := d.typ.Size()
	for i := range d.opts.count {
		// No more memory than the data has bytes, whatever the type says.
		b, err := io.ReadAll(io.LimitReader(data, size))
		if err != nil {
			return err
		}
		have := int64(len(b))
		if cdump.HasTail(d.typ) && i == d.opts.count-1 {
			tail, err := io.ReadAll(io.LimitReader(data, cdump.TailBytes))
			if err != nil {
				return err
			}
			b = append(b, tail...)
		}
		base := d.offset + i*size
		if err := d.print(i, base, d.of.Root(d.typ, b)); err != nil {
			return err
		}
		if have < size {
			return fmt.Errorf("%s: %s at offset %d has %d bytes, and the data ends after %d of them: %w",
				d.name, d.typ, base, size, have, io.ErrUnexpectedEOF)
		}
	}
	return nil
}

// runDynamic is run for structs of dynamic size, of which the first maxDump
// bytes of the data hold as many as asked for.
func (d *dumping) runDynamic(data io.Reader) error {
	b, err := io.ReadAll(io.LimitReader(data, maxDump+1))
	if err != nil {
		return err
	}
	more := len(b) > maxDump
	if more && cdump.ToEnd(d.typ) {
		return fmt.Errorf("%s: %s goes on to the end of the data, which is more than %d bytes from offset %d", d.name, d.typ, maxDump, d.offset)
	}
	b = b[:min(len(b), maxDump)]
	base := d.offset
	for i := range d.opts.count {
		n := d.of.Root(d.typ, b)
		if err := d.print(i, base, n); err != nil {
			return err
		}
		if !n.Whole() && more {
			return fmt.Errorf("%s: %s at offset %d goes on for more than the %d bytes from offset %d that are read", d.name, d.typ, base, maxDump, d.offset)
		}
		if !n.Whole() {
			return fmt.Errorf("%s: %s at offset %d: the data ends after %d bytes of it: %w",
				d.name, d.typ, base, len(b), io.ErrUnexpectedEOF)
		}
		b = b[n.Size:]
		base += n.Size
	}
	return nil
}

// print prints the struct number i, which lies at base.
func (d *dumping) print(i, base int64, n cdump.Node) error {
	if d.opts.json {
		if i > 0 {
			io.WriteString(d.w, ",\n")
		}
		return cdump.WriteJSON(d.w, n, base)
	}
	if i > 0 {
		io.WriteString(d.w, "\n")
	}
	d.style.Base = base
	title := d.typ.String()
	if d.opts.count > 1 {
		title += fmt.Sprintf(" %d of %d", i+1, d.opts.count)
	}
	fmt.Fprintf(d.w, "%s: %d bytes at offset %d (%#x) of %s, %s\n", title, n.Size, base, base, plain(d.name), orderName(n.Order))
	return cdump.WriteText(d.w, n, d.style)
}

// terminal says whether to print colours to w, and how wide its lines are, 0
// if it is no terminal. See no-color.org for NO_COLOR.
func terminal(w io.Writer, color string) (colored bool, width int) {
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		width, _, _ = term.GetSize(int(f.Fd()))
		colored = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	}
	switch color {
	case "always":
		colored = true
	case "never":
		colored = false
	}
	return colored, width
}

// units are what a size may end with, as qemu-img has them.
var units = map[byte]int64{'K': 1 << 10, 'M': 1 << 20, 'G': 1 << 30, 'T': 1 << 40}

// parseSize reads a number of bytes: 512, 0x200, 4K.
func parseSize(s string) (n int64, ok bool) {
	unit := int64(1)
	if s != "" && units[s[len(s)-1]&^0x20] > 0 {
		unit = units[s[len(s)-1]&^0x20]
		s = s[:len(s)-1]
	}
	n, err := strconv.ParseInt(s, 0, 64)
	if err != nil || n < 0 || n > (1<<63-1)/unit {
		return 0, false
	}
	return n * unit, true
}
