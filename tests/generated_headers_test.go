package tests

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"cstructgen/gen"
)

var generateAll = flag.Bool("generate-headers", false, "generate from every kernel header, not from a few")

// Of the headers that the kernel gives to programs, nearly all become Go.
// Those that do not are refused with a reason: they include what is not
// installed, or name two things that Go cannot tell apart, or describe with
// --endian both things that are not the same in both orders. Never does
// Generate refuse its own output.
func TestKernelHeaders(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("/usr/include/linux/*.h")
	if err != nil || len(names) == 0 {
		if inCI() {
			t.Fatalf("no kernel headers: %v", err)
		}
		t.Skip("no kernel headers are installed")
	}
	cfg := gen.Config{Package: "p", Test: true}
	for _, d := range systemDirs {
		cfg.Include = append(cfg.Include, gen.Dir{Name: d, FS: os.DirFS(d)})
	}
	var refused []error
	tried := 0
	for i, name := range names {
		if i%8 != 0 && !*generateAll {
			continue
		}
		tried++
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Order = gen.Order(tried % 3)
		cfg.Files = []gen.Source{{
			Name: name, Text: text, Dir: gen.Dir{Name: "/usr/include", FS: os.DirFS("/usr/include")},
			Path: "linux/" + filepath.Base(name),
		}}
		files, err := gen.Generate(cfg)
		if _, ok := errors.AsType[gen.ErrorList](err); ok {
			refused = append(refused, err)
			continue
		}
		if err != nil || len(files) != 2 {
			t.Errorf("%s: %d files, %v", name, len(files), err)
		}
	}
	t.Logf("%d of %d headers are refused", len(refused), tried)
	if len(refused)*20 > tried {
		t.Errorf("more than one in twenty: %v", errors.Join(refused...))
	}
}
