package tests

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"cstructgen/gen"
	"cstructgen/internal/cdump"
	"cstructgen/internal/cstruct"
	"cstructgen/internal/testseed"
)

// goName is the one rule by which generated code names types and fields.
func goName(c string) string {
	var b strings.Builder
	if strings.Contains(c, "_") && strings.ToUpper(c) == c {
		c = strings.ToLower(c) // EFI_GUID
	}
	for part := range strings.SplitSeq(c, "_") {
		if part != "" {
			b.WriteRune(unicode.ToUpper(rune(part[0])))
			b.WriteString(part[1:])
		}
	}
	return b.String()
}

func parseText(t *testing.T, name, text string, order cstruct.ByteOrder) *cstruct.Model {
	t.Helper()
	m, err := cstruct.Parse(cstruct.Config{Order: order, Files: []cstruct.Source{{Name: name, Text: []byte(text)}}})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// What dump reads from the model is, field by field, what generated code
// decodes: for every struct and union of every format, on random bytes.
func TestDumpAgreesWithGeneratedCode(t *testing.T) {
	t.Parallel()
	random := testseed.Rand(t)
	p := newPrinting(t)
	for i, f := range formatsOf(t) {
		text, err := os.ReadFile(f.header)
		if err != nil {
			t.Fatal(err)
		}
		code, err := os.ReadFile(f.output)
		if err != nil {
			t.Fatal(err)
		}
		m, err := cstruct.Parse(cstruct.Config{
			Order: f.order, Files: []cstruct.Source{{Name: f.header, Text: text}},
			Dialect: map[string]cstruct.Dialect{"dissect": cstruct.DialectDissect}[f.dialect],
		})
		if err != nil {
			t.Fatal(err)
		}
		p.add(fmt.Sprint("p", i), string(code), m, 5, random)
	}
	p.compare(500)
}

// The same for C of all kinds, in both byte orders: what Go prints of each
// field, by an expression made from its path, is what dump says.
func TestDumpAgreesOnEveryConstruct(t *testing.T) {
	t.Parallel()
	start := testseed.Of(t)
	text := compiled + `
enum access { ACCESS_READ = 1, ACCESS_WRITE = 2, ACCESS_ALL = 3, ACCESS_HIDDEN = 0x40 };
#pragma cstructgen flags access
struct flags { enum access a; enum access b[2]; char text[4]; unsigned __int128 huge; long double ld; _Complex float cf; };
`
	p := newPrinting(t)
	for pkg, order := range map[string]gen.Order{"little": gen.Little, "big": gen.Big} {
		files, err := gen.Generate(gen.Config{
			Package: pkg, Order: order, Files: []gen.Source{{Name: "compiled.h", Text: []byte(text)}},
		})
		if err != nil {
			t.Fatal(err)
		}
		m := parseText(t, "compiled.h", text, map[gen.Order]cstruct.ByteOrder{gen.Big: cstruct.BigEndian}[order])
		p.add(pkg, string(files[0].Text), m, 3, rand.New(rand.NewPCG(start, uint64(order))))
	}
	p.compare(400)
}

// A printing is a Go program that decodes bytes with generated code and prints
// what it finds, and what dump finds in the same bytes.
type printing struct {
	t       *testing.T
	dir     string
	imports []string
	body    strings.Builder
	want    []string
}

func newPrinting(t *testing.T) *printing {
	p := &printing{t: t, dir: t.TempDir()}
	writeFile(t, filepath.Join(p.dir, "go.mod"), "module m\n\ngo 1.26\n")
	return p
}

var packageClause = regexp.MustCompile(`(?m)^package \w+$`)

// add adds the generated code of m as a package, and decodes each of its types
// so many times.
func (p *printing) add(pkg, code string, m *cstruct.Model, times int, random *rand.Rand) {
	p.t.Helper()
	if err := os.Mkdir(filepath.Join(p.dir, pkg), 0o777); err != nil {
		p.t.Fatal(err)
	}
	writeFile(p.t, filepath.Join(p.dir, pkg, "gen.go"), packageClause.ReplaceAllString(code, "package "+pkg))
	used := false
	for _, s := range m.Structs {
		if s.Anonymous || !s.Main {
			continue
		}
		used = true
		before := len(p.want)
		for range times {
			if s.Dynamic {
				p.addDynamic(pkg, s, m, random)
			}
		}
		if s.Dynamic {
			continue
		}
		for range max(1, min(times, times*1024/max(1, int(s.Bytes)))) {
			b := randomBytes(random, int(s.Bytes))
			fmt.Fprintf(&p.body, "{\nvar v %s.%s\nv.Decode((*[%d]byte)([]byte(%q)))\n", pkg, goName(s.Name), s.Bytes, b)
			printLeaves(&p.body, &p.want, cdump.New(m).Root(s, b), "v")
			p.body.WriteString("}\n")
		}
		if len(p.want) == before && s.Bytes > 0 {
			p.t.Errorf("%s: nothing to compare", s)
		}
	}
	if used {
		p.imports = append(p.imports, fmt.Sprintf("%q", "m/"+pkg))
	}
}

// addDynamic adds a value of a struct of dynamic size: bytes, small ones so
// that lengths do not exceed them, of which dump finds all that it needs.
func (p *printing) addDynamic(pkg string, s *cstruct.Struct, m *cstruct.Model, random *rand.Rand) {
	p.t.Helper()
	for range 10000 {
		b := randomBytes(random, 16+random.IntN(400))
		zeros := byte(random.IntN(16)) // how many, in sixteenths
		for i := range b {
			if b[i]>>4 <= zeros {
				b[i] = 0
			}
			b[i] &= 7
		}
		n := cdump.New(m).Root(s, b)
		if !n.Whole() {
			continue
		}
		x := "v"
		fmt.Fprintf(&p.body, "{\nvar v %s.%s\nn, err := v.Decode([]byte(%q))\nfmt.Fprintln(out, n, err)\n", pkg, goName(s.Name), b)
		p.want = append(p.want, fmt.Sprintf("%d <nil>", n.Size))
		printLeaves(&p.body, &p.want, n, x)
		p.body.WriteString("}\n")
		return
	}
	p.t.Errorf("%s: no bytes have all of one", s)
}

// compare runs the program: there are at least so many values.
func (p *printing) compare(least int) {
	p.t.Helper()
	writeFile(p.t, filepath.Join(p.dir, "main.go"), "package main\n\nimport (\n\"bufio\"\n\"fmt\"\n\"os\"\n"+strings.Join(p.imports, "\n")+
		"\n)\n\nfunc main() {\nout := bufio.NewWriter(os.Stdout)\ndefer out.Flush()\n"+p.body.String()+"}\n")
	got := strings.Split(strings.TrimSpace(string(goTool(p.t, p.dir, "run", "."))), "\n")
	if len(got) != len(p.want) || len(got) < least {
		p.t.Fatalf("%d values from Go, %d from dump", len(got), len(p.want))
	}
	for i := range got {
		if got[i] != p.want[i] {
			p.t.Errorf("generated code: %s\n              dump: %s", got[i], p.want[i])
		}
	}
}

// manyLeaves is the length of an array of numbers that is printed at once.
const manyLeaves = 64

// printLeaves writes Go that prints the leaves of n, which Go calls x, and
// what dump says of them.
func printLeaves(w *strings.Builder, want *[]string, n cdump.Node, x string) {
	printMembers(w, want, n, x, false)
}

// printMembers is printLeaves of n, whose members have getters because it is
// part of a union.
func printMembers(w *strings.Builder, want *[]string, n cdump.Node, x string, getters bool) {
	leaf := func(format, value string) {
		fmt.Fprintf(w, "fmt.Fprintf(out, \"%%s \"+%q+\"\\n\", %q, %s)\n", format, x, x)
		*want = append(*want, x+" "+value)
	}
	switch n.Kind() {
	case cdump.Struct:
		unions := 0
		getters = getters || n.Union() != nil && !cstruct.Dynamic(n.Type)
		for c := range n.Children() {
			switch {
			case c.Kind() == cdump.Padding || c.Field.Name == "_":
			case c.Field.Name == "" && c.Union() != nil && n.Union() == nil && !getters:
				printLeaves(w, want, c, fmt.Sprintf("%s.Anon%d", x, unions))
				unions++
			case c.Field.Name == "":
				printMembers(w, want, c, x, getters)
			case getters:
				printLeaves(w, want, c, x+"."+goName(c.Field.Name)+"()")
			default:
				printLeaves(w, want, c, x+"."+goName(c.Field.Name))
			}
		}
	case cdump.Array:
		if n.Len() > manyLeaves {
			var values []string
			for i := range n.Len() {
				if n.Elem(i).Kind() == cdump.Number {
					values = append(values, fmt.Sprint(n.Elem(i).Value()))
				}
			}
			if len(values) > 0 {
				leaf("%v", "["+strings.Join(values, " ")+"]")
				return
			}
		}
		for i := range n.Len() {
			printLeaves(w, want, n.Elem(i), fmt.Sprintf("%s[%d]", x, i))
		}
	case cdump.Text, cdump.Bytes:
		b := n.Bytes()
		a, ok := n.Type.(*cstruct.Array)
		if ok && a.Length != nil && a.Length.Kind == cstruct.Terminated {
			b = b[:len(b)-int(a.Elem.Size())] // the NUL is none of them
		}
		if ok && a.Elem.Size() == 2 {
			units := []uint16{}
			for ; len(b) > 0; b = b[2:] {
				if n.Order == cstruct.BigEndian {
					units = append(units, binary.BigEndian.Uint16(b))
				} else {
					units = append(units, binary.LittleEndian.Uint16(b))
				}
			}
			leaf("%d", fmt.Sprint(units))
			return
		}
		leaf("%x", fmt.Sprintf("%x", b))
	case cdump.Number:
		switch v := n.Value().(type) {
		case float32, float64:
			// A NaN has one spelling.
			leaf("%v", fmt.Sprint(v))
		case [2]any:
			leaf("%v", fmt.Sprintf("[%v %v]", v[0], v[1]))
		case int64, uint64:
			leaf("%d", fmt.Sprint(v))
			t := n.Type
			for td, ok := t.(*cstruct.Typedef); ok; td, ok = t.(*cstruct.Typedef) {
				t = td.Type
			}
			if s := n.Symbol(); s != "" && isEnum(t) {
				leaf("%v", s)
			}
		case bool:
			leaf("%v", fmt.Sprint(v))
		default:
			leaf("%x", fmt.Sprintf("%x", n.Bytes()))
		}
	}
}

func isEnum(t cstruct.Type) bool {
	_, ok := t.(*cstruct.Enum)
	return ok
}

// Bytes of an infinity or a NaN stay what they are.
func TestDumpOfSpecialFloats(t *testing.T) {
	m := parseText(t, "f.h", "struct t { double d; };", cstruct.LittleEndian)
	for _, f := range []float64{math.Inf(1), math.Inf(-1), math.NaN(), math.Copysign(0, -1), math.SmallestNonzeroFloat64} {
		b := make([]byte, 8)
		for i := range b {
			b[i] = byte(math.Float64bits(f) >> (8 * i))
		}
		for c := range cdump.New(m).Root(m.Structs[0], b).Children() {
			if got, ok := c.Value().(float64); !ok || math.Float64bits(got) != math.Float64bits(f) {
				t.Errorf("%v: %v", f, got)
			}
		}
	}
}
