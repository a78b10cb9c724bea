package cdump

import (
	"encoding/hex"
	"encoding/json"
	"flag"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"cstructgen/internal/cstruct"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// rootOf returns the node of the type "t" of C text over data.
func rootOf(t *testing.T, order cstruct.ByteOrder, text string, data []byte) Node {
	t.Helper()
	return rootIn(t, cstruct.DialectC, order, text, data)
}

// rootIn is rootOf with text of a dialect.
func rootIn(t *testing.T, dialect cstruct.Dialect, order cstruct.ByteOrder, text string, data []byte) Node {
	t.Helper()
	m, err := cstruct.Parse(cstruct.Config{
		Dialect: dialect, Order: order, Files: []cstruct.Source{{Name: "main.h", Text: []byte(text)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	typ, err := Find(m, "t")
	if err != nil {
		t.Fatal(err)
	}
	return New(m).Root(typ, data)
}

// Each file of testdata has a type "t" in main.h, data in hexadecimal with
// comments after #, and what is printed. Its comment may have
// the options [big], [all] and [dissect].
func TestGolden(t *testing.T) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no test data: %v", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			ar, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			has := func(option string) bool { return strings.Contains(string(ar.Comment), "["+option+"]") }
			order := cstruct.LittleEndian
			if has("big") {
				order = cstruct.BigEndian
			}
			dialect := cstruct.DialectC
			if has("dissect") {
				dialect = cstruct.DialectDissect
			}
			n := rootIn(t, dialect, order, string(section(t, ar, "main.h").Data), unhex(t, section(t, ar, "data").Data))
			var text, asJSON strings.Builder
			if err := WriteText(&text, n, Style{Base: 0x1000, All: has("all")}); err != nil {
				t.Fatal(err)
			}
			if err := WriteJSON(&asJSON, n, 0x1000); err != nil {
				t.Fatal(err)
			}
			asJSON.WriteString("\n")
			if !json.Valid([]byte(asJSON.String())) {
				t.Errorf("not JSON: %s", asJSON.String())
			}
			for section, got := range map[*txtar.File]string{section(t, ar, "want.txt"): text.String(), section(t, ar, "want.json"): asJSON.String()} {
				if *update {
					section.Data = []byte(got)
				} else if got != string(section.Data) {
					t.Errorf("%s: got\n%s\nwant\n%s", section.Name, got, section.Data)
				}
			}
			if *update {
				if err := os.WriteFile(name, txtar.Format(ar), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func section(t *testing.T, ar *txtar.Archive, name string) *txtar.File {
	t.Helper()
	for i := range ar.Files {
		if ar.Files[i].Name == name {
			return &ar.Files[i]
		}
	}
	t.Fatalf("no section %s", name)
	return nil
}

func unhex(t *testing.T, text []byte) []byte {
	t.Helper()
	var digits strings.Builder
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, "#")
		digits.WriteString(strings.Join(strings.Fields(line), ""))
	}
	b, err := hex.DecodeString(digits.String())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestFloats(t *testing.T) {
	quad, _, _ := big.ParseFloat("-1.5", 10, 113, big.ToNearestEven)
	extended, _, _ := big.ParseFloat("1", 10, 64, big.ToNearestEven)
	for _, c := range []struct {
		typ, data string // most significant byte first
		want      any
	}{
		{"_Float16", "3c00", float32(1)},
		{"_Float16", "c000", float32(-2)},
		{"_Float16", "0001", float32(5.9604645e-08)},
		{"_Float16", "7bff", float32(65504)},
		{"_Float16", "fc00", float32(math.Inf(-1))},
		{"float", "3fc00000", float32(1.5)},
		{"double", "7ff0000000000000", math.Inf(1)},
		{"double", "3ff8000000000000", 1.5},
		{"long double", "000000000000" + "3fff8000000000000000", extended},
		{"long double", "000000000000" + "7fff8000000000000000", math.Inf(1)},
		{"__float128", "bfff8000000000000000000000000000", quad},
	} {
		n := rootOf(t, cstruct.BigEndian, "typedef "+c.typ+" t;", unhex(t, []byte(c.data)))
		got := n.Value()
		if f, ok := got.(*big.Float); ok {
			if w, ok := c.want.(*big.Float); !ok || f.Cmp(w) != 0 {
				t.Errorf("%s %s: %v, want %v", c.typ, c.data, f, c.want)
			}
		} else if got != c.want {
			t.Errorf("%s %s: %v, want %v", c.typ, c.data, got, c.want)
		}
	}
}

// Names come from comments only where they fit the value.
func TestSymbolsFromComments(t *testing.T) {
	const constants = `
#define MODE_A 1
#define MODE_B 2
#define OPEN_FLAG_X 1
#define OPEN_FLAG_Y 4
#define HAS_READ 2
#define HAS_LINK 16
#define SECTOR 512
#define MAGIC 0x41424344
#define NAME "XY"
`
	for _, c := range []struct {
		field, data, want string
	}{
		{"unsigned char x; /* MODE_A or MODE_B */", "02", "MODE_B"},
		{"unsigned char x; /* MODE_A or _B */", "02", "MODE_B"},
		{"unsigned char x; /* one of MODE_* */", "01", "MODE_A"},
		{"unsigned char x; /* one of MODE_* */", "03", ""},
		{"unsigned char x; /* OPEN_FLAG_* */", "05", "OPEN_FLAG_X|OPEN_FLAG_Y"},
		{"unsigned char x; /* OPEN_FLAG_* */", "0c", "OPEN_FLAG_Y|0x8"},
		{"unsigned char x; /* OPEN_FLAG_* */", "08", ""},
		{"unsigned char x; /* OPEN_FLAG_* */", "00", ""},
		{"unsigned char x; /* HAS_* */", "13", "HAS_LINK|HAS_READ|0x1"},
		{"unsigned short x; /* in units of SECTOR bytes */", "0003", ""},
		{"unsigned char x[4]; /* MAGIC */", "41424344", "MAGIC"},
		{"unsigned char x[4]; /* MAGIC */", "44434241", "MAGIC"},
		{"unsigned char x[4]; /* MAGIC */", "41424345", ""},
		{"unsigned x; /* MAGIC */", "44434241", "MAGIC"},
		{"unsigned x; /* MAGIC */", "41424344", "MAGIC in the other byte order"},
		{"char x[4]; /* NAME */", "58590000", "NAME"},
		{"char x[4]; /* NAME */", "58595a00", ""},
		{"unsigned char x;", "01", ""},
	} {
		n := rootOf(t, cstruct.LittleEndian, constants+"struct t { "+c.field+"\n};", unhex(t, []byte(c.data)))
		for f := range n.Children() {
			if got := f.Symbol(); got != c.want {
				t.Errorf("%s of %s: %q, want %q", c.field, c.data, got, c.want)
			}
		}
	}
}

// Comments are cut so that lines fit a terminal.
func TestWidth(t *testing.T) {
	n := rootOf(t, cstruct.LittleEndian, "struct t { int x; /* a comment that is far too long for the line */\n};", make([]byte, 4))
	for _, width := range []int{1, 40, 60, 70, 200} {
		var b strings.Builder
		if err := WriteText(&b, n, Style{Width: width}); err != nil {
			t.Fatal(err)
		}
		line := strings.TrimSuffix(b.String(), "\n")
		if len(line) > max(width, len("00000000  00 00 00 00              x  0")) {
			t.Errorf("width %d: %q", width, line)
		}
		if strings.Contains(line, "line */") || width == 200 && !strings.Contains(line, "for the line") {
			t.Errorf("width %d: %q", width, line)
		}
	}
}

// Whatever length a header declares, dumping costs as much as there is data.
func TestHugeArrays(t *testing.T) {
	n := rootOf(t, cstruct.LittleEndian, "struct t { long x[0x10000000000][4]; };", make([]byte, 100))
	for _, all := range []bool{false, true} {
		var b strings.Builder
		if err := WriteText(&b, n, Style{All: all}); err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(b.String(), "\n"); got > 30 {
			t.Errorf("%d lines", got)
		}
		if !strings.Contains(b.String(), "x[3][0]") || !strings.Contains(b.String(), "data ends: 4 of 8 bytes") {
			t.Errorf("got\n%s", b.String())
		}
	}
	var b strings.Builder
	if err := WriteJSON(&b, n, 0); err != nil || !strings.Contains(b.String(), `"x[2]"`) || strings.Contains(b.String(), `"x[3]"`) {
		t.Errorf("%v, %s", err, b.String())
	}
}
