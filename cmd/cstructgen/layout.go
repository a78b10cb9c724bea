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

// layoutText prints a model for people: what the named files declare and the
// types that this needs. What of included files is not translated is counted.
func layoutText(b *bytes.Buffer, m *cstruct.Model) {
	shown := shownTypes(m)
	inner := nestedTypes(m)
	for _, s := range m.Structs {
		if shown[s] && !inner[s] {
			structText(b, s)
		}
	}
	for _, e := range m.Enums {
		if shown[e] {
			enumText(b, e)
		}
	}
	constantsText(b, m)
	skippedText(b, m)
}

// skippedText lists what the named files hold that is not translated.
func skippedText(b *bytes.Buffer, m *cstruct.Model) {
	if len(m.Skipped) == 0 {
		return
	}
	b.WriteString("not translated\n")
	tab := tabwriter.NewWriter(b, 0, 8, 2, ' ', 0)
	included := 0
	for _, s := range skipped(m) {
		if !s.Main {
			included++
			continue
		}
		fmt.Fprintf(tab, "    %s\t%s\t%s\n", s.Pos, plain(s.Name), plain(s.Reason))
	}
	tab.Flush()
	if included > 0 {
		fmt.Fprintf(b, "    and %d names of included files; --json lists them\n", included)
	}
}

// nestedTypes is the structs and unions without a name that are shown inside
// of others.
func nestedTypes(m *cstruct.Model) map[cstruct.Type]bool {
	nested := make(map[cstruct.Type]bool)
	for _, s := range m.Structs {
		for _, f := range s.Fields {
			if in, _ := nestedIn(f); in != nil {
				nested[in] = true
			}
		}
	}
	return nested
}

// nestedIn returns the struct without a name that f is, or has elements of,
// nil for others; and its dimensions as C writes them.
func nestedIn(f *cstruct.Field) (s *cstruct.Struct, dims string) {
	elem := f.Type
	for {
		a, ok := elem.(*cstruct.Array)
		if !ok {
			break
		}
		elem = a.Elem
	}
	if s, ok := elem.(*cstruct.Struct); ok && s.Anonymous {
		return s, strings.TrimPrefix(f.Type.String(), s.String())
	}
	return nil, ""
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

// structText prints a struct or union as a table, with the bytes that no
// field has, and what they add up to.
func structText(b *bytes.Buffer, s *cstruct.Struct) {
	size := fmt.Sprintf("%d bytes", s.Bytes)
	if s.Dynamic {
		size = fmt.Sprintf("dynamic, at least %d bytes", cstruct.MinSize(s))
	}
	fmt.Fprintf(b, "%s %s  // %s, align %d, %s; %s\n", kindOf(s), plain(s.Name), size, s.Aligns, orderName(s.Order), s.Pos)
	var t structTable
	if s.Dynamic {
		t.addDynamic(s)
	} else {
		t.add(s, 0, "")
	}
	width := 0
	for _, r := range t.rows {
		if r.typ != "" {
			width = max(width, utf8.RuneCountInString(r.name))
		}
	}
	fmt.Fprintf(b, "%10s %6s  field\n", "offset", "size")
	for _, r := range t.rows {
		line := fmt.Sprintf("%10s %6s  %-*s  %s", r.offset, r.size, width, r.name, r.typ)
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	if sum := t.summary(); sum != "" {
		fmt.Fprintf(b, "%19s%s\n", "", sum)
	}
	b.WriteByte('\n')
}

// A structTable is the lines of a struct's table.
type structTable struct {
	rows      []tableRow
	holes     int
	holeBytes int64
	padding   int64
	unused    int64 // bits
}

type tableRow struct{ offset, size, name, typ string }

// add lists fields and gaps of s, which lies at base, in bits. Of bit-fields,
// and of the bits between them, a row says the byte and, after a colon, the
// bit that they begin at. A struct without a name follows its field, of an
// array the first element.
func (t *structTable) add(s *cstruct.Struct, base int64, indent string) {
	at := base // bits of the struct up to here
	gap := func(to int64, padding bool) {
		if !s.Union && to > at {
			t.gap(at, to, padding, indent)
		}
	}
	for _, f := range s.Fields {
		name := indent + cmp.Or(plain(f.Name), "(anonymous)")
		if f.BitField {
			from := base + f.BitOffset
			gap(from, false)
			t.bits(from, f.Bits, name, plain(f.Type.String()))
			at = max(at, from+f.Bits)
			continue
		}
		from := base + f.Offset*8
		gap(from, false)
		in, dims := nestedIn(f)
		typ := plain(f.Type.String()) + ownOrder(f, s)
		if in != nil {
			typ = kindOf(in) + dims
		}
		t.rows = append(t.rows, tableRow{fmt.Sprint(from / 8), fmt.Sprint(f.Type.Size()), name, typ})
		if in != nil {
			t.add(in, from, indent+"    ")
		}
		at = max(at, from+f.Type.Size()*8)
	}
	gap(base+s.Bytes*8, true)
}

func (t *structTable) bits(from, n int64, name, typ string) {
	t.rows = append(t.rows, tableRow{fmt.Sprintf("%d:%d", from/8, from%8), fmt.Sprintf(":%d", n), name, typ})
}

// gap lists the bits from at to to: whole bytes together, others apart.
func (t *structTable) gap(at, to int64, padding bool, indent string) {
	spare := func(end int64) {
		t.bits(at, end-at, indent+"-- unused bits --", "")
		t.unused += end - at
		at = end
	}
	if at%8 != 0 || to-at < 8 {
		spare(min(to, (at/8+1)*8))
	}
	if whole := (to - at) / 8; whole > 0 {
		name := "hole"
		if padding {
			name = "padding"
			t.padding += whole
		} else {
			t.holes++
			t.holeBytes += whole
		}
		t.rows = append(t.rows, tableRow{fmt.Sprint(at / 8), fmt.Sprint(whole), indent + "-- " + name + " --", ""})
		at += whole * 8
	}
	if at < to {
		spare(to)
	}
}

// summary says how much of the struct no field has.
func (t *structTable) summary() string {
	var parts []string
	if t.holes > 0 {
		parts = append(parts, plural(int64(t.holes), "hole")+" of "+plural(t.holeBytes, "byte"))
	}
	if t.padding > 0 {
		parts = append(parts, plural(t.padding, "byte")+" of padding")
	}
	if t.unused > 0 {
		parts = append(parts, plural(t.unused, "unused bit"))
	}
	return strings.Join(parts, ", ")
}

func plural(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// addDynamic lists the fields of a struct of dynamic size. What lies behind a
// field without a size has offsets from there on, with a "+".
func (t *structTable) addDynamic(s *cstruct.Struct) {
	for i, p := range s.Parts {
		behind := ""
		if i > 0 && !s.Union {
			behind = "+"
		}
		if p.Align > 1 {
			t.rows = append(t.rows, tableRow{behind, "", fmt.Sprintf("-- to a multiple of %d --", p.Align), ""})
		}
		if p.Dynamic {
			f := p.Fields[0]
			at := behind
			if !f.Behind {
				at = fmt.Sprint(f.Offset)
			}
			t.rows = append(t.rows, tableRow{at, "-", cmp.Or(plain(f.Name), "(anonymous)"), plain(f.Type.String())})
			continue
		}
		first := len(t.rows)
		t.add(&cstruct.Struct{Fields: p.Fields, Bytes: p.Bytes, Order: s.Order, Union: s.Union}, 0, "")
		for i := range t.rows[first:] {
			t.rows[first+i].offset = behind + t.rows[first+i].offset
		}
	}
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

// longestText is how much of a macro's C text is worth showing.
const longestText = 80

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
		if text := []rune(plain(c.Text)); string(text) != value {
			if len(text) > longestText {
				text = append(text[:longestText], []rune(" ...")...)
			}
			value += "  // " + string(text)
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
