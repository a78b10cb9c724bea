package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// The same definitions give the same bytes, from wherever they are named and
// whatever the machine calls a line end, a language and a time.
func TestSameBytes(t *testing.T) {
	const header = "#include \"inner.h\"\n" +
		"/* A constant,\n   on two lines. */\n#define N \\\n\t3 // three\n" +
		"struct s { struct inner in; union { int a; char b[4]; } u; /* a\n\tunion */ int tail[]; };\n" +
		"enum e { A, B /* b */ };\n#pragma cstructgen flags e\n"
	const inner = "struct inner { int x; /* of the\n * inner struct */ };\n"
	inDir(t, map[string]string{
		"defs/a.h": header, "defs/inner.h": inner,
		"crlf/a.h": strings.ReplaceAll(header, "\n", "\r\n"), "crlf/inner.h": strings.ReplaceAll(inner, "\n", "\r\n"),
		"cr/a.h": strings.ReplaceAll(header, "\n", "\r"), "cr/inner.h": strings.ReplaceAll(inner, "\n", "\r"),
		"bom/a.h": "\ufeff" + header, "bom/inner.h": "\ufeff" + inner,
		"elsewhere/x": "",
	})
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	produce := func(out, in string) (code, tests string) {
		t.Helper()
		r := call("--package", "p", "--endian", "both", "--test", "-o", out, in)
		if r != (result{}) {
			t.Fatalf("%s: %+v", in, r)
		}
		return read(t, out), read(t, strings.TrimSuffix(out, ".go")+"_test.go")
	}
	code, tests := produce("defs_gen.go", "defs/a.h")
	if strings.Contains(code+tests, here) || strings.Contains(code, "defs/") {
		t.Errorf("the output names a directory:\n%s", code)
	}
	for _, c := range []struct{ what, dir, out, in, env, value string }{
		{what: "again", out: "defs_gen.go", in: "defs/a.h"},
		{what: "an absolute path", out: filepath.Join(here, "abs_gen.go"), in: filepath.Join(here, "defs", "a.h")},
		{what: "a roundabout path", out: "./round_gen.go", in: ".//crlf/../defs/./a.h"},
		{what: "another directory", dir: "elsewhere", out: "x_gen.go", in: "../defs/a.h"},
		{what: "the header's directory", dir: "defs", out: "x_gen.go", in: "a.h"},
		{what: "CRLF", out: "crlf_gen.go", in: "crlf/a.h"},
		{what: "CR", out: "cr_gen.go", in: "cr/a.h"},
		{what: "a byte order mark", out: "bom_gen.go", in: "bom/a.h"},
		{what: "another language", out: "lang_gen.go", in: "defs/a.h", env: "LC_ALL", value: "tr_TR.UTF-8"},
		{what: "another time zone", out: "tz_gen.go", in: "defs/a.h", env: "TZ", value: "Asia/Kathmandu"},
		{what: "another machine", out: "arch_gen.go", in: "defs/a.h", env: "GOARCH", value: "s390x"},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Chdir(filepath.Join(here, c.dir))
			if c.env != "" {
				t.Setenv(c.env, c.value)
			}
			gotCode, gotTests := produce(c.out, c.in)
			if gotCode != code {
				t.Errorf("other code: %s", diff("gen.go", code, gotCode))
			}
			if gotTests != tests {
				t.Errorf("other tests: %s", diff("gen_test.go", tests, gotTests))
			}
		})
	}
}
