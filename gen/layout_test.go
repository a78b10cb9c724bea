package gen

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

// A generatedLayout is what generated code says of a C type.
type generatedLayout struct {
	size int64
	rows map[string]string // by C name: offset, size, bit offset, bits
}

// readLayouts returns the sizes and tables in generated code by Go name. A
// table for each order counts as two types.
func readLayouts(t *testing.T, code []byte) map[string]*generatedLayout {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "code.go", code, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	layouts := make(map[string]*generatedLayout)
	sizes := make(map[string]int64)
	for _, d := range file.Decls {
		d, ok := d.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range d.Specs {
			v, ok := spec.(*ast.ValueSpec)
			if !ok || len(v.Values) != 1 {
				continue
			}
			name, sized := strings.CutPrefix(v.Names[0].Name, "Sizeof")
			if value, ok := v.Values[0].(*ast.BasicLit); ok && sized {
				sizes[name], _ = strconv.ParseInt(value.Value, 0, 64)
			}
			name, table := strings.CutPrefix(v.Names[0].Name, "LayoutOf")
			if value, ok := v.Values[0].(*ast.CompositeLit); ok && table {
				l := &generatedLayout{rows: make(map[string]string)}
				for _, row := range value.Elts {
					var words []string
					for _, e := range row.(*ast.CompositeLit).Elts {
						words = append(words, e.(*ast.BasicLit).Value)
					}
					cname, err := strconv.Unquote(words[0])
					if err != nil {
						t.Fatal(err)
					}
					l.rows[cname] = strings.Join(words[2:6], " ")
				}
				layouts[name] = l
			}
		}
	}
	for name, l := range layouts {
		l.size = sizes[name]
		if of := strings.TrimSuffix(strings.TrimSuffix(name, "LE"), "BE"); l.size == 0 {
			l.size = sizes[of]
		}
	}
	return layouts
}

// checkLayouts compares the layout tables in generated code with those that
// the header's text is given a second time, and returns how many records and
// bit-fields it compared. The numbers are the same in each byte order: that of
// bits counts from the other end then.
func checkLayouts(t *testing.T, header string, code []byte) (records, bitFields int) {
	t.Helper()
	layouts := readLayouts(t, code)
	for _, rec := range readABI(header) {
		for _, order := range []string{"", "LE", "BE"} {
			got, ok := layouts[exported(rec.tag)+order]
			if !ok {
				continue
			}
			records++
			if got.size != rec.bytes {
				t.Errorf("%s has %d bytes, and %d when laid out again", rec.tag, got.size, rec.bytes)
			}
			for _, m := range rec.members {
				want := fmt.Sprint(m.at/8, m.typ.bytes, 0, 0)
				row := got.rows[m.name]
				switch {
				case m.bits > 0:
					bitFields++
					want = fmt.Sprint(m.at/8, (m.at%8+m.bits+7)/8, m.at, m.bits)
				case m.dims: // elements count, too
					row, want = strings.Fields(row + " none")[0], fmt.Sprint(m.at/8)
				}
				if row != want {
					t.Errorf("%s.%s: %q, and when laid out again %q", rec.tag, m.name, row, want)
				}
			}
		}
	}
	return records, bitFields
}

// randomRecords returns a text with records s0, s1, ... that a second
// computation understands: bit-fields of all widths, 0 and without a name too,
// packed and aligned, in unions, in each other, under #pragma pack.
func randomRecords(r *rand.Rand, count int) string {
	pick := func(words ...string) string { return words[r.IntN(len(words))] }
	attribute := func() string {
		return pick("", "", "", "", "", " __attribute__((packed))", fmt.Sprintf(" __attribute__((aligned(%d)))", 1<<r.IntN(6)),
			fmt.Sprintf(" __attribute__((packed, aligned(%d)))", 1<<r.IntN(4)))
	}
	names := 0
	name := func() string { names++; return fmt.Sprint("m", names) }
	var record func(kind, tag string, depth, earlier int) string
	member := func(depth, earlier int) string {
		type scalar struct {
			name string
			bits int
		}
		s := []scalar{
			{"char", 8}, {"unsigned char", 8}, {"short", 16}, {"unsigned short", 16}, {"int", 32}, {"unsigned", 32}, {"long", 64},
			{"unsigned long long", 64}, {"_Bool", 1}, {"enum e", 32}, {"number", 64},
		}[r.IntN(11)]
		switch n := r.IntN(20); {
		case n < 2:
			return s.name + " : 0"
		case n < 4:
			return fmt.Sprintf("%s : %d", s.name, 1+r.IntN(s.bits))
		case n < 12:
			return fmt.Sprintf("%s %s : %s%s", s.name, name(), pick(fmt.Sprint(1+r.IntN(s.bits)), fmt.Sprint(s.bits)), attribute())
		case n < 15:
			return fmt.Sprintf("%s %s%s%s", pick(s.name, "double", "float"), name(), pick("", "", "[3]", "[2][2]"), attribute())
		case n < 16 && earlier > 0:
			return fmt.Sprintf("struct s%d %s%s", r.IntN(earlier), name(), attribute())
		case depth < 2:
			return record(pick("struct", "union"), "", depth+1, earlier) + " " + pick("", name())
		}
		return "char *" + name()
	}
	record = func(kind, tag string, depth, earlier int) string {
		var b strings.Builder
		fmt.Fprintf(&b, "%s %s {", kind, tag)
		for range 2 + r.IntN(5) {
			b.WriteString(" " + member(depth, earlier) + ";")
		}
		return b.String() + " int " + name() + "; }" + attribute() // no record is empty
	}
	var b strings.Builder
	b.WriteString("enum e { FIRST, SECOND };\ntypedef unsigned long number;\n")
	for i := range count {
		if r.IntN(3) == 0 {
			b.WriteString(pick("#pragma pack()\n", "#pragma pack(1)\n", "#pragma pack(push, 2)\n#pragma pack(push, 4)\n#pragma pack(pop)\n", "#pragma pack(8)\n"))
		}
		fmt.Fprintf(&b, "%s;\n", record("struct", fmt.Sprint("s", i), 0, i))
		fmt.Fprintf(&b, "%s;\n", record("union", fmt.Sprint("u", i), 1, i))
	}
	return b.String()
}
