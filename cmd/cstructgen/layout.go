package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"cstructgen/gen"
	"cstructgen/internal/cstruct"
)

func layoutCommand() *cobra.Command {
	var in inputOptions
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "layout [--json] [flags] FILE.h ...",
		Short: "Print sizes, offsets and values of what C declares",
		Args:  atLeast(1, "the C files to lay out"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return layout(cmd.OutOrStdout(), in, asJSON, args)
		},
	}
	in.addFlags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object, with what included files declare too")
	return cmd
}

// layout parses the named files and prints what they mean.
func layout(w io.Writer, in inputOptions, asJSON bool, args []string) error {
	order, err := in.order()
	if err != nil {
		return err
	}
	if order == gen.Both {
		return usagef("layout has one byte order: --endian little or big")
	}
	model, err := parse(in, order, args)
	if err != nil {
		return err
	}
	if asJSON {
		return layoutJSON(w, model)
	}
	var b bytes.Buffer
	layoutText(&b, model)
	_, err = w.Write(b.Bytes())
	return err
}

// layoutText prints a model for people.
func layoutText(b *bytes.Buffer, m *cstruct.Model) {
	shown := shownTypes(m)
	for _, s := range m.Structs {
		if shown[s] {
			structText(b, s)
		}
	}
	for _, e := range m.Enums {
		if shown[e] {
			enumText(b, e)
		}
	}
	constantsText(b, m)
	if len(m.Skipped) > 0 {
		b.WriteString("not translated\n")
		tab := tabwriter.NewWriter(b, 0, 8, 2, ' ', 0)
		for _, s := range skipped(m) {
			fmt.Fprintf(tab, "    %s\t%s\t%s\n", s.Pos, plain(s.Name), plain(s.Reason))
		}
		tab.Flush()
	}
}

// shownTypes is what the named files declare and the types that this needs.
func shownTypes(m *cstruct.Model) map[cstruct.Type]bool {
	shown := make(map[cstruct.Type]bool)
	var need func(t cstruct.Type)
	need = func(t cstruct.Type) {
		switch t := t.(type) {
		case *cstruct.Typedef:
			need(t.Type)
		case *cstruct.Array:
			need(t.Elem)
		case *cstruct.Enum:
			shown[t] = true
		case *cstruct.Struct:
			if !shown[t] {
				shown[t] = true
				for _, f := range t.Fields {
					need(f.Type)
				}
			}
		}
	}
	for _, s := range m.Structs {
		if s.Main {
			need(s)
		}
	}
	for _, e := range m.Enums {
		if e.Main {
			need(e)
		}
	}
	return shown
}

func kindOf(s *cstruct.Struct) string {
	if s.Union {
		return "union"
	}
	return "struct"
}

// A row is a line of a struct's table.
type row struct{ offset, size, name, typ string }

// structText prints a struct or union as a table, with the bytes that no
// field has.
func structText(b *bytes.Buffer, s *cstruct.Struct) {
	fmt.Fprintf(b, "%s %s  // %d bytes, align %d, %s; %s\n", kindOf(s), plain(s.Name), s.Bytes, s.Aligns, orderName(s.Order), s.Pos)
	rows := structRows(s)
	width := 0
	for _, r := range rows {
		if r.typ != "" {
			width = max(width, utf8.RuneCountInString(r.name))
		}
	}
	fmt.Fprintf(b, "%10s %6s  field\n", "offset", "size")
	for _, r := range rows {
		line := fmt.Sprintf("%10s %6s  %-*s  %s", r.offset, r.size, width, r.name, r.typ)
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	b.WriteByte('\n')
}

// structRows lists fields and gaps. Of bit-fields, and of the bits between
// them, it says the byte and, after a colon, the bit that they begin at.
func structRows(s *cstruct.Struct) []row {
	var rows []row
	bitRow := func(off, n int64, name, typ string) {
		rows = append(rows, row{fmt.Sprintf("%d:%d", off/8, off%8), fmt.Sprintf(":%d", n), name, typ})
	}
	var at int64 // bits of the struct up to here
	gap := func(to int64, name string) {
		if s.Union || to <= at {
			return
		}
		if at%8 != 0 || to-at < 8 {
			byteEnd := min(to, (at/8+1)*8)
			bitRow(at, byteEnd-at, "-- unused bits --", "")
			at = byteEnd
		}
		if whole := (to - at) / 8; whole > 0 {
			rows = append(rows, row{fmt.Sprint(at / 8), fmt.Sprint(whole), "-- " + name + " --", ""})
			at += whole * 8
		}
		if at < to {
			bitRow(at, to-at, "-- unused bits --", "")
			at = to
		}
	}
	for _, f := range s.Fields {
		name := cmp.Or(plain(f.Name), "(anonymous)")
		if f.BitField {
			gap(f.BitOffset, "hole")
			bitRow(f.BitOffset, f.Bits, name, plain(f.Type.String()))
			at = max(at, f.BitOffset+f.Bits)
			continue
		}
		gap(f.Offset*8, "hole")
		rows = append(rows, row{fmt.Sprint(f.Offset), fmt.Sprint(f.Type.Size()), name, plain(f.Type.String()) + ownOrder(f, s)})
		at = max(at, (f.Offset+f.Type.Size())*8)
	}
	gap(s.Bytes*8, "padding")
	return rows
}

// ownOrder notes the byte order of a field that has not the struct's.
func ownOrder(f *cstruct.Field, s *cstruct.Struct) string {
	if f.Order == s.Order || fixedOrder(f.Type) == "" {
		return ""
	}
	return "  (" + orderName(f.Order) + ")"
}

func orderName(o cstruct.ByteOrder) string {
	if o == cstruct.BigEndian {
		return "big-endian"
	}
	return "little-endian"
}

func enumText(b *bytes.Buffer, e *cstruct.Enum) {
	flags := ""
	if e.Flags {
		flags = ", flags"
	}
	fmt.Fprintf(b, "enum %s  // %d bytes, %s%s; %s\n", plain(e.Name), e.Under.Bytes, e.Under.Name, flags, e.Pos)
	tab := tabwriter.NewWriter(b, 0, 8, 1, ' ', 0)
	for _, v := range e.Values {
		fmt.Fprintf(tab, "    %s\t= %s\n", plain(v.Name), v.Value.ExactString())
	}
	tab.Flush()
	b.WriteByte('\n')
}

func constantsText(b *bytes.Buffer, m *cstruct.Model) {
	tab := tabwriter.NewWriter(b, 0, 8, 1, ' ', 0)
	n := 0
	for _, c := range m.Constants {
		if !c.Main {
			continue
		}
		if n++; n == 1 {
			b.WriteString("constants\n")
		}
		_, value := constantValue(c)
		if text := plain(c.Text); text != value {
			value += "  // " + text
		}
		fmt.Fprintf(tab, "    %s\t= %s\n", plain(c.Name), value)
	}
	tab.Flush()
	if n > 0 {
		b.WriteByte('\n')
	}
}

// plain makes text from a header fit for one line of a terminal.
func plain(s string) string {
	var b strings.Builder
	for _, r := range strings.Join(strings.Fields(s), " ") {
		if r == ' ' || unicode.IsPrint(r) {
			b.WriteRune(r)
			continue
		}
		q := strconv.QuoteRuneToASCII(r)
		b.WriteString(q[1 : len(q)-1])
	}
	return b.String()
}

// skipped is what was not translated, in order of position.
func skipped(m *cstruct.Model) []cstruct.Skip {
	return slices.SortedStableFunc(slices.Values(m.Skipped), func(a, b cstruct.Skip) int {
		return cmp.Or(strings.Compare(a.Pos.File, b.Pos.File), cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Col, b.Pos.Col))
	})
}
