package cdump

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"cstructgen/internal/cstruct"
)

// nested returns n levels of structs, each of which has the one before twice.
func nested(n int, first, format string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "struct s0 { %s };\n", first)
	for i := range n {
		fmt.Fprintf(&b, format+"\n", i+1, i, i)
	}
	return b.String() + fmt.Sprintf("struct t { struct s%d x; };", n)
}

// Definitions that make more and more of a few bytes get a dump that ends.
func TestDefinitionsThatMultiply(t *testing.T) {
	const pair = "struct s%d { struct s%d a; struct s%d b; };"
	const either = "struct s%d { union { struct s%d a; struct s%d b; } u; };"
	for _, test := range []struct {
		name    string
		dialect cstruct.Dialect
		text    string
		data    []byte
	}{
		{"unions of two", cstruct.DialectC, nested(40, "char x;", either), []byte{1}},
		{"nothing, twice", cstruct.DialectC, nested(40, "", pair), nil},
		{"unions of dynamic size", cstruct.DialectDissect, nested(40, "uint8 n; uint8 d[n];", either), []byte{1, 1}},
		{"what is left, twice", cstruct.DialectDissect, nested(40, "uint8 d[EOF];", pair), []byte{1, 1}},
		{
			"long comments", cstruct.DialectC,
			"struct e { int x; /* " + strings.Repeat("word ", 1<<14) + "*/ int y; }; struct t { struct e a[100]; };", make([]byte, 800),
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			n := rootIn(t, test.dialect, cstruct.LittleEndian, test.text, test.data)
			n.root.work.free = 1 << 10
			var out bytes.Buffer
			if err := WriteText(&out, n, Style{All: true, Width: 100}); !isWorkError(err) || out.Len() == 0 && test.dialect == cstruct.DialectC {
				t.Errorf("%d bytes, %v", out.Len(), err)
			}
			out.Reset()
			if err := WriteJSON(&out, n, 0); !isWorkError(err) || !json.Valid(out.Bytes()) {
				t.Errorf("%d bytes, %v", out.Len(), err)
			}
			if out.Len() > 1<<21 {
				t.Errorf("%d bytes of JSON", out.Len())
			}
		})
	}
}

func isWorkError(err error) bool {
	_, ok := errors.AsType[*WorkError](err)
	return ok
}

// Elements without bytes take no time, however many there are; what comes
// behind them is found.
func TestElementsWithoutBytes(t *testing.T) {
	n := rootIn(t, cstruct.DialectDissect, cstruct.LittleEndian,
		"struct e { uint8 x[EOF]; }; struct t { uint8 n; e a[n][1000000000]; e b[1 << 30]; };", []byte{3, 7, 8, 9})
	var out bytes.Buffer
	if err := WriteText(&out, n, Style{}); err != nil || n.Size != 4 {
		t.Errorf("%d bytes, %v", n.Size, err)
	}
	for _, want := range []string{"a[0][0].x", "07 08 09", "2 more", "999999999 more", "b[0]", "1073741823 more"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

// A count that is computed by way of huge numbers is none.
func TestCountsOutOfProportion(t *testing.T) {
	for _, test := range []struct {
		count string
		whole bool
	}{
		{"(n << 1000) >> 1000", true},
		{"(n << 4000) >> 4000", false},
		{"((((n << 500) << 500) << 500) >> 1500)", false},
		{"n * n * n * n / (n * n * n)", true},
		{"n" + strings.Repeat(" * (n << 200)", 6), false},
	} {
		text := "struct t { uint8 n; uint8 d[" + test.count + "]; };"
		if n := rootIn(t, cstruct.DialectDissect, cstruct.LittleEndian, text, []byte{2, 3, 4}); n.Whole() != test.whole || test.whole && n.Size != 3 {
			t.Errorf("%s: %d bytes, whole: %v", test.count, n.Size, n.Whole())
		}
	}
}

// A comment may name as many constants as there are, and as often.
func TestCommentsThatNameMuch(t *testing.T) {
	var b strings.Builder
	for i := range 500 {
		fmt.Fprintf(&b, "#define A_%d %d\n", i, i)
	}
	fmt.Fprintf(&b, "struct e { unsigned short x; /* %s */ };\nstruct t { struct e a[2000]; };", strings.Repeat("A_* ", 1000))
	data := bytes.Repeat([]byte{7, 1}, 2000)
	n := rootOf(t, cstruct.LittleEndian, b.String(), data)
	var out bytes.Buffer
	if err := WriteText(&out, n, Style{Width: 80}); err != nil || !strings.Contains(out.String(), "263 (0x107)  A_263") {
		t.Errorf("%v, %s", err, out.String())
	}
	out.Reset()
	if err := WriteJSON(&out, n, 0); err != nil || strings.Count(out.String(), `"symbol":"A_263"`) != 2000 {
		t.Errorf("%v, %.300s", err, out.String())
	}
}

// A long text is written in pieces, and is one.
func TestLongText(t *testing.T) {
	text := strings.Repeat("\u00e4\u20ac\U0001f600\x01\"x", 2000)
	n := rootOf(t, cstruct.LittleEndian, fmt.Sprintf("struct t { char x[%d]; };", len(text)), []byte(text))
	var out bytes.Buffer
	if err := WriteJSON(&out, n, 0); err != nil {
		t.Fatal(err)
	}
	var got struct{ Fields []struct{ Value string } }
	if err := json.Unmarshal(out.Bytes(), &got); err != nil || got.Fields[0].Value != text {
		t.Errorf("%v, %.300s", err, out.String())
	}
}
