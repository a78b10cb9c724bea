package tests

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode"

	"cstructgen/gen"
	"cstructgen/gpt"
	"cstructgen/internal/cdump"
	"cstructgen/internal/cstruct"
	"cstructgen/luks"
)

// formats is every definitions file in the tree: its byte order, as its line
// in generate.go gives it, and a value of each Go struct made from it.
var formats = map[string]struct {
	order   cstruct.ByteOrder
	structs []codec
}{
	"qcow2.h": {cstruct.BigEndian, qcow2Structs},
	"gpt.h": {cstruct.LittleEndian, []codec{
		new(gpt.MasterBootRecord), new(gpt.MBRPartitionRecord), new(gpt.EfiGuid), new(gpt.GPTHeader), new(gpt.GPTPartitionEntry),
	}},
	"luks.h": {cstruct.BigEndian, []codec{new(luks.LuksPhdr), new(luks.LuksKeySlot)}},
	"zstd.h": {cstruct.LittleEndian, nil},
}

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
// decodes: for every struct of every format, on random bytes.
func TestDumpAgreesWithGeneratedCode(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	names, err := filepath.Glob("../defs/*.h")
	if err != nil || len(names) == 0 {
		t.Fatalf("no definitions: %v", err)
	}
	for _, name := range names {
		base := filepath.Base(name)
		format, ok := formats[base]
		if !ok {
			t.Errorf("%s is not in the table of formats", base)
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		m := parseText(t, name, string(text), format.order)
		byName := make(map[string]codec)
		for _, c := range format.structs {
			byName[typeName(c)] = c
		}
		seen := 0
		for _, s := range m.Structs {
			if !s.Main || s.Anonymous {
				continue
			}
			c := byName[goName(s.Name)]
			if c == nil {
				t.Errorf("%s: no Go struct for %s in the table of formats", base, s)
				continue
			}
			seen++
			for range 100 {
				b := randomBytes(random, int(s.Bytes))
				v := blank(c)
				if err := v.UnmarshalBinary(b); err != nil {
					t.Fatal(err)
				}
				w := &walk{t: t}
				w.compare(cdump.New(m).Root(s, b), reflect.ValueOf(v).Elem())
				if w.leaves == 0 || w.fields != len(s.Fields) {
					t.Fatalf("%s: %d values and %d fields of %d compared", s, w.leaves, w.fields, len(s.Fields))
				}
			}
		}
		if seen != len(format.structs) {
			t.Errorf("%s: %d structs, the table has %d", base, seen, len(format.structs))
		}
	}
}

// A walk goes through a dump and a Go value at the same time.
type walk struct {
	t      *testing.T
	fields int // of the outermost struct
	leaves int
}

func (w *walk) compare(n cdump.Node, v reflect.Value) {
	w.t.Helper()
	switch n.Kind() {
	case cdump.Struct:
		pads := 0
		for c := range n.Children() {
			name := ""
			switch {
			case c.Kind() == cdump.Padding:
				name = fmt.Sprint("Pad", pads)
				pads++
			default:
				name = goName(c.Field.Name)
			}
			if !strings.ContainsAny(c.Path, ".[") {
				w.fields++
			}
			w.compare(c, v.FieldByName(name))
		}
	case cdump.Array:
		for i := range n.Len() {
			w.compare(n.Elem(i), v.Index(int(i)))
		}
	case cdump.Text, cdump.Bytes, cdump.Padding:
		w.leaves++
		if !bytes.Equal(n.Bytes(), v.Bytes()) {
			w.t.Errorf("%s: dump %x, generated code %x", n.Path, n.Bytes(), v.Bytes())
		}
	default:
		w.leaves++
		if got := fmt.Sprint(n.Value()); got != fmt.Sprint(v.Interface()) {
			w.t.Errorf("%s: dump %s, generated code %v", n.Path, got, v.Interface())
		}
	}
}

// The same for C of all kinds, in both byte orders: what Go prints of each
// field, by an expression made from its path, is what dump says.
func TestDumpAgreesOnEveryConstruct(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	text := compiled + `
enum access { ACCESS_READ = 1, ACCESS_WRITE = 2, ACCESS_ALL = 3, ACCESS_HIDDEN = 0x40 };
#pragma cstructgen flags access
struct flags { enum access a; enum access b[2]; char text[4]; unsigned __int128 huge; long double ld; _Complex float cf; };
`
	for _, order := range []cstruct.ByteOrder{cstruct.LittleEndian, cstruct.BigEndian} {
		random := rand.New(rand.NewPCG(seed, uint64(order)))
		m := parseText(t, "compiled.h", text, order)
		var program strings.Builder
		var want []string
		program.WriteString("package main\n\nimport (\n\"fmt\"\n\"m/c\"\n)\n\nfunc main() {\n")
		for _, s := range m.Structs {
			if s.Anonymous || !s.Main {
				continue
			}
			for range 3 {
				b := randomBytes(random, int(s.Bytes))
				fmt.Fprintf(&program, "{\nvar v c.%s\nv.Decode((*[%d]byte)([]byte(%q)))\n", goName(s.Tag), s.Bytes, b)
				printLeaves(&program, &want, cdump.New(m).Root(s, b), "v")
				program.WriteString("}\n")
			}
		}
		program.WriteString("}\n")
		genOrder := gen.Little
		if order == cstruct.BigEndian {
			genOrder = gen.Big
		}
		files, err := gen.Generate(gen.Config{
			Package: "c", Order: genOrder, Files: []gen.Source{{Name: "compiled.h", Text: []byte(text)}},
		})
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, "c"), 0o777); err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(dir, "go.mod"), "module m\n\ngo 1.26\n")
		writeFile(t, filepath.Join(dir, "main.go"), program.String())
		writeFile(t, filepath.Join(dir, "c", files[0].Name), string(files[0].Text))
		got := strings.Split(strings.TrimSpace(string(goTool(t, dir, "run", "."))), "\n")
		if len(got) != len(want) || len(got) < 200 {
			t.Fatalf("%d values from Go, %d from dump", len(got), len(want))
		}
		for i := range got {
			if got[i] != want[i] {
				t.Errorf("order %d: generated code: %s\n              dump: %s", order, got[i], want[i])
			}
		}
	}
}

// printLeaves writes Go that prints the leaves of n, which Go calls x, and
// what dump says of them.
func printLeaves(w *strings.Builder, want *[]string, n cdump.Node, x string) {
	leaf := func(format, value string) {
		fmt.Fprintf(w, "fmt.Printf(\"%%s \"+%q+\"\\n\", %q, %s)\n", format, x, x)
		*want = append(*want, x+" "+value)
	}
	switch n.Kind() {
	case cdump.Struct:
		for c := range n.Children() {
			switch {
			case c.Kind() == cdump.Padding:
			case c.Field.Name == "":
				printLeaves(w, want, c, x)
			case n.Union() != nil:
				printLeaves(w, want, c, x+"."+goName(c.Field.Name)+"()")
			default:
				printLeaves(w, want, c, x+"."+goName(c.Field.Name))
			}
		}
	case cdump.Array:
		for i := range n.Len() {
			printLeaves(w, want, n.Elem(i), fmt.Sprintf("%s[%d]", x, i))
		}
	case cdump.Text, cdump.Bytes:
		leaf("%x", fmt.Sprintf("%x", n.Bytes()))
	case cdump.Number:
		switch v := n.Value().(type) {
		case float32, float64:
			// A NaN has one spelling.
			leaf("%v", fmt.Sprint(v))
		case [2]any:
			leaf("%v", fmt.Sprintf("[%v %v]", v[0], v[1]))
		case int64, uint64:
			leaf("%d", fmt.Sprint(v))
			if s := n.Symbol(); s != "" {
				leaf("%v", s)
			}
		case bool:
			leaf("%v", fmt.Sprint(v))
		default:
			leaf("%x", fmt.Sprintf("%x", n.Bytes()))
		}
	}
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
