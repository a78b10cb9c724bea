package gen

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"
)

// patience is for what takes a second on a machine that has nothing else to do.
const patience = 20 * time.Second * slowness

// Go looks up a field by going through all of its struct's, so that the time
// for a struct of n members grows with the square of n: there is an end to it.
func TestManyMembers(t *testing.T) {
	for _, member := range []string{"int f%d; ", "unsigned f%d : 1; ", "struct { int f%d; }; "} {
		var text strings.Builder
		for i := range maxMembers + 1 {
			fmt.Fprintf(&text, member, i)
		}
		start := time.Now()
		_, err := generate("struct wide { "+text.String()+"};", Little)
		var refused *UnsupportedError
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), "members, more than 8192") {
			t.Errorf("%q: %.200v", member, err)
		}
		if took := time.Since(start); took > patience {
			t.Errorf("%q: %v", member, took)
		}
	}
}

// What no Go program can have, or only slowly, is refused at its place.
func TestTooMuchForGo(t *testing.T) {
	long := strings.Repeat("n", 300)
	for _, c := range []struct {
		dialect    Dialect
		text, want string
	}{
		{C, "struct e {}; struct s { struct e a[1LL << 40]; };", "a.h:1:34: an array of 1099511627776 elements, more than 1073741824"},
		{C, "struct s { int a[1LL << 40][0]; };", "a.h:1:16: an array of 1099511627776 elements, more than 1073741824"},
		{C, "struct s { struct { struct { int x; } " + long + "; } " + long + "; };", "a.h:1:39: a Go name of 610 bytes, more than 512"},
		{Dissect, "#define A 1 << 512", "a.h:1:9: macro A has a value of 513 bits; Go's constants have 512"},
		{Dissect, "struct s { uint24 a[1 << 40][0]; };", "a.h:1:19: an array of 1099511627776 elements, more than 1073741824"},
		{Dissect, "struct s { uint8 n; char a[1 << 15][1 << 15][n]; };", "a.h:1:26: an array of arrays of more than 1048576 values of dynamic size"},
		{
			Dissect, "struct a { uint8 n; char x[1 << 10][n]; }; struct b { a x[1 << 10]; };",
			"a.h:1:57: struct b holds more than 1048576 values of dynamic size",
		},
		{
			Dissect, "struct a { union { struct { uint8 n; a x[n]; } b; struct { uint8 m; a y[m]; } c; } u; };",
			"a.h:1:12: anonymous union holds itself in 2 members, all of which are decoded",
		},
		{
			Dissect, doubled(11, "uint8 n; char x[n];"),
			"a.h:12:14: anonymous union makes 2048 values of a byte, more than 1024",
		},
		{
			Dissect, "struct e { char x[EOF]; char y[2][600][EOF]; }; struct t { uint8 n; e x[n]; };",
			"a.h:1:49: struct t makes 1201 values of a byte, more than 1024",
		},
	} {
		_, err := Generate(Config{Files: []Source{{Name: "a.h", Text: []byte(c.text)}}, Dialect: c.dialect, Package: "p"})
		var refused *UnsupportedError
		if !errors.As(err, &refused) || err.Error() != c.want {
			t.Errorf("%.100s\n%v\nwant %s", c.text, err, c.want)
		}
	}
}

// doubled returns n levels of unions of dynamic size, each of which has the one
// before twice.
func doubled(n int, first string) string {
	text := fmt.Sprintf("struct s0 { %s };\n", first)
	for i := range n {
		text += fmt.Sprintf("struct s%d { union { s%d a; s%d b; } u; };\n", i+1, i, i)
	}
	return text
}

// What is decoded of a byte, and what may be, is bounded, and not only what is
// too much is counted.
func TestMuchOfAByte(t *testing.T) {
	for _, text := range []string{
		doubled(10, "uint8 n; char x[n];"),
		"struct e { char x[EOF]; char y[2][500][EOF]; }; struct t { uint8 n; e x[n]; };",
		"struct e { uint8 n[3000]; uleb128 x[3000]; char y[3000][]; }; struct t { uint8 n; e x[n]; };",
		"struct e { uint8 n; union { struct { uint8 n; e x[n]; } s; char y[EOF]; } u; };",
	} {
		if _, err := Generate(Config{Files: []Source{{Name: "a.h", Text: []byte(text)}}, Dialect: Dissect, Package: "p"}); err != nil {
			t.Errorf("%.100s: %v", text, err)
		}
	}
}

// A macro takes about as much memory as a line of its text and of its Go: 1 GiB
// does for as many as a file has room for.
func TestMemoryOfMacros(t *testing.T) {
	const child, macros = "GEN_TEST_MEMORY", 20_000
	if os.Getenv(child) == "" {
		exe, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), exe, "-test.run=^TestMemoryOfMacros$", "-test.v")
		cmd.Env = append(os.Environ(), child+"=1")
		if out, err := cmd.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("PASS: TestMemoryOfMacros")) {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	debug.SetGCPercent(10) // what is in use, and little garbage
	var text strings.Builder
	for i := range macros {
		fmt.Fprintf(&text, "#define M%d 1\n", i)
	}
	if _, err := generate(text.String(), Little); err != nil {
		t.Fatal(err)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	t.Logf("%d KiB", m.HeapSys>>10)
	if most := uint64(12<<20 + macros*1000); m.HeapSys > most {
		t.Errorf("%d bytes for %d macros, more than %d", m.HeapSys, macros, most)
	}
}

// Padding between all members is found as fast as they are counted.
func TestManyGaps(t *testing.T) {
	var text strings.Builder
	for i := range 50_000 {
		fmt.Fprintf(&text, "char a%d; short b%d; ", i, i)
	}
	start := time.Now()
	_, err := generate("struct wide { "+text.String()+"};", Little)
	if err == nil || !strings.Contains(err.Error(), "members, more than 8192") {
		t.Errorf("%.200v", err)
	}
	if took := time.Since(start); took > patience {
		t.Errorf("%v", took)
	}
}

// The output has a limit, as the memory for it has.
func TestManyDeclarations(t *testing.T) {
	repeated := func(n int, format string) string {
		var text strings.Builder
		for i := range n {
			fmt.Fprintf(&text, format, i)
		}
		return text.String()
	}
	for _, c := range []struct{ text, want string }{
		{repeated(maxRecords+1, "struct a%d { };\n"), "structs and unions, more than 16384"},
		{"enum e { " + repeated(maxOutput/1000, "a%d"+strings.Repeat("x", 200)+", ") + "};", "more than 25165824 bytes of Go"},
	} {
		_, err := generate(c.text, Little)
		if !errors.Is(err, ErrLimit) || !errors.Is(err, ErrOutput) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.200v, want %s", err, c.want)
		}
	}
}
