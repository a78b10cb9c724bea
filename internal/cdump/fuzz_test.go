package cdump

import (
	"encoding/json"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/tools/txtar"

	"cstructgen/internal/cstruct"
)

// Whatever C declares and whatever bytes there are, a dump ends, is as long as
// the data allows, holds nothing that moves a terminal's cursor, and is JSON
// where that is asked for.
func FuzzDump(f *testing.F) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		f.Fatalf("no test data: %v", err)
	}
	for _, name := range names {
		ar, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range ar.Files {
			if file.Name == "main.h" {
				f.Add(string(file.Data), []byte("some bytes\x00\xff\x1b[31m and more"))
			}
		}
	}
	f.Add("struct e {}; struct t { struct e a[0x7fffffff]; struct e b[4][4]; char c[0]; int d[]; };", []byte{})
	f.Add("union u { int a : 3; unsigned long long b : 60; char c[0x7fffffff]; };", []byte("\x01\x02"))
	f.Add("struct e { uint8 n; char d[n]; uint16 a:4, b:12; }; union u { e a; uint16 b; }; "+
		"struct t { e es[]; uleb128 n; wchar w[n * 2 - 1]; u x; t ts[n & 1]; uint24 r[EOF]; };", []byte("\x01x\x02\x03\x00\x00\x00\x01aaabc"))
	f.Fuzz(func(t *testing.T, text string, data []byte) {
		for i := range 4 {
			m, err := cstruct.Parse(cstruct.Config{
				Order: cstruct.ByteOrder(i & 1), Dialect: cstruct.Dialect(i >> 1),
				Files: []cstruct.Source{{Name: "main.h", Text: []byte(text)}},
			})
			if err != nil || len(m.Structs) > 20 {
				continue
			}
			d := New(m)
			for _, s := range m.Structs {
				n := d.Root(s, data)
				for _, all := range []bool{false, true} {
					b := &limited{left: 1 << 24}
					if err := WriteText(b, n, Style{All: all, Width: 80}); err != nil {
						t.Fatalf("%s of %d bytes: %v", s, len(data), err)
					}
					for _, r := range b.String() {
						if r != '\n' && r != ' ' && !unicode.IsPrint(r) {
							t.Fatalf("%U is printed:\n%s", r, b.String())
						}
					}
				}
				b := &limited{left: 1 << 24}
				if err := WriteJSON(b, n, 0); err != nil || !json.Valid([]byte(b.String())) {
					t.Fatalf("%v: %s", err, b.String())
				}
				for _, r := range b.String() {
					if r != '\n' && !unicode.IsPrint(r) {
						t.Fatalf("%U is printed:\n%s", r, b.String())
					}
				}
			}
		}
	})
}

// A limited holds so many bytes.
type limited struct {
	strings.Builder
	left int
}

func (l *limited) Write(b []byte) (int, error) {
	if l.left -= len(b); l.left < 0 {
		return 0, io.ErrShortWrite
	}
	return l.Builder.Write(b)
}
