package gen

import (
	"errors"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// asDissect is the bit of FuzzGenerate's number that asks for dialect dissect.
const asDissect = 64

// FuzzGenerate: any text gives errors with positions inside it, or code that
// repeats byte for byte, and whose sizes, offsets and bit-fields a second
// computation confirms, in either byte order and both. That the code parses,
// type-checks and holds nothing strange is checked by Generate itself, whose
// complaint would be no ErrorList.
func FuzzGenerate(f *testing.F) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		f.Fatalf("no golden files: %v", err)
	}
	for _, name := range names {
		ar, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range ar.Files {
			if strings.HasSuffix(file.Name, ".h") {
				for order := range 3 {
					f.Add(string(file.Data), uint8(order))
					f.Add(string(file.Data), uint8(order)|asDissect)
				}
			}
		}
	}
	for seed := range uint64(9) {
		f.Add(randomRecords(rand.New(rand.NewPCG(seed, 0)), 2), uint8(seed))
	}
	f.Fuzz(func(t *testing.T, text string, order uint8) {
		cfg := Config{
			Package: "p", Order: Order(order % 3), Test: order >= 128,
			Files: []Source{{Name: "in.h", Text: []byte(text)}},
		}
		if order&asDissect != 0 {
			cfg.Dialect, cfg.Order, cfg.Aligned = Dissect, Order(order&^asDissect%3), order&32 != 0
		}
		files, err := Generate(cfg)
		if err != nil {
			list, ok := errors.AsType[ErrorList](err)
			if !ok || len(list) == 0 {
				t.Fatalf("%T: %v", err, err)
			}
			for _, e := range list {
				checkPosition(t, e, strings.Count(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text), "\n")+1)
			}
			if len(files) > 0 {
				t.Fatal("files in spite of errors")
			}
			return
		}
		again, err := Generate(cfg)
		if err != nil || len(again) != len(files) {
			t.Fatalf("second run: %d files, %v", len(again), err)
		}
		for i := range files {
			if string(files[i].Text) != string(again[i].Text) {
				t.Fatalf("second run gives another %s", files[i].Name)
			}
		}
		if cfg.Dialect == C {
			checkSizes(t, text, files[0].Text)
			checkLayouts(t, text, files[0].Text)
		}
	})
}

func checkPosition(t *testing.T, err error, lines int) {
	t.Helper()
	var pos Pos
	switch e := err.(type) {
	case *Error:
		pos = e.Pos
	case *UnsupportedError:
		pos = e.Pos
	default:
		t.Fatalf("%T: %v", err, err)
	}
	if pos.File == "in.h" && (pos.Line < 1 || pos.Line > lines || pos.Col < 1) {
		t.Fatalf("%v: position is outside of the %d lines", err, lines)
	}
}
