package tests

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"cstructgen/gen"
	"cstructgen/internal/cstruct"
	"cstructgen/internal/testseed"
)

// compiled is C whose bytes gcc and generated code must agree on. Its names
// are such that Go's differ in the first letter alone.
const compiled = `
#include <stdint.h>

enum color { RED, GREEN, BLUE, VIOLET = 200 };
enum signs { BELOW = -3, ABOVE = 3 };

struct integers {
    uint8_t a; int16_t b; uint32_t c; int64_t d; int8_t e; char f; _Bool g;
    unsigned short h[3]; long i[2][2]; enum color j; enum signs k; void *l;
};
struct floats { float a; double b; float c[2]; };
struct inner { uint16_t a; uint8_t b; };
struct nested {
    struct inner a[2];
    struct { uint32_t b; uint8_t c; };
    struct { uint16_t x; uint32_t y; } d;
    union { uint32_t e; struct inner f; } u;
    uint8_t z;
};
struct bits {
    unsigned a : 3; int b : 9; _Bool c : 1; enum color d : 8; unsigned : 3; unsigned e : 8;
    unsigned char f : 1, g : 7;
    unsigned short h : 16;
    unsigned long long i : 33; long long j : 31;
    unsigned char : 0;
    unsigned char k : 2;
    int l : 32;
};
struct short_units { unsigned a : 20; unsigned char b; unsigned c : 24; unsigned long long d : 40; };
struct __attribute__((packed)) packed {
    uint8_t a; uint32_t b; uint64_t c;
    unsigned d : 5; unsigned e : 7; unsigned f : 30; long long g : 60; int h : 2;
    uint16_t i;
};
struct __attribute__((packed)) long_run {
    unsigned long long a : 63, b : 63, c : 64; signed char d : 7; long long e : 55;
};
#pragma pack(push, 2)
struct two { uint8_t a; uint32_t b; uint64_t c; unsigned d : 30; unsigned e : 10; };
#pragma pack(pop)
struct __attribute__((aligned(32))) wide { uint8_t a; };
`

// A leaf is a number somewhere in a struct: how C and Go set it.
type leaf struct{ name, c, goStmt string }

// The bytes that generated Encode makes of single fields are those that gcc
// makes of the same assignments, in both byte orders. Emitted tests, which
// decode again, pass as well.
func TestGccAgreesOnBytes(t *testing.T) {
	t.Parallel()
	requireTool(t, "gcc")
	start := testseed.Of(t)
	for _, order := range []gen.Order{gen.Little, gen.Big} {
		for _, both := range []bool{false, true} {
			t.Run(fmt.Sprintf("order %d, both %t", order, both), func(t *testing.T) {
				random := rand.New(rand.NewPCG(start, uint64(order)))
				leaves := leavesOf(t, order, random)
				want := gccBytes(t, order, leaves)
				got := generatedBytes(t, order, both, leaves)
				if len(want) != len(got) || len(want) < 70 {
					t.Fatalf("%d results from gcc, %d from Go", len(want), len(got))
				}
				for i := range want {
					if want[i] != got[i] {
						t.Errorf("gcc: %s\n    Go:  %s", want[i], got[i])
					}
				}
			})
		}
	}
}

// leavesOf lists what can be assigned in the structs of compiled, with a value
// for each, and all of a struct at once.
func leavesOf(t *testing.T, order gen.Order, random *rand.Rand) map[string][]leaf {
	t.Helper()
	cfg := cstruct.Config{Files: []cstruct.Source{{Name: "compiled.h", Text: []byte(compiled)}}}
	if order == gen.Big {
		cfg.Order = cstruct.BigEndian
	}
	model, err := cstruct.Parse(cfg)
	if err != nil {
		t.Fatal(err)
	}
	leaves := make(map[string][]leaf)
	for _, s := range model.Structs {
		if s.Anonymous || s.Tag == "" || !s.Main {
			continue
		}
		var all leaf
		for _, l := range structLeaves(s, "v", "v", order, random) {
			leaves[s.Tag] = append(leaves[s.Tag], l)
			all.c += l.c
			all.goStmt += l.goStmt
		}
		all.name = s.Tag + ", all"
		leaves[s.Tag] = append(leaves[s.Tag], all)
	}
	return leaves
}

func structLeaves(s *cstruct.Struct, c, g string, order gen.Order, random *rand.Rand) []leaf {
	var ls []leaf
	for _, f := range s.Fields {
		if f.Name == "" {
			if in, ok := f.Type.(*cstruct.Struct); ok {
				ls = append(ls, structLeaves(in, c, g, order, random)...)
			}
			continue
		}
		bits := f.Type.Size() * 8
		if f.BitField {
			bits = f.Bits
		}
		goName := strings.ToUpper(f.Name[:1]) + f.Name[1:]
		if s.Union {
			ls = append(ls, unionLeaf(f, c+"."+f.Name, g+".Set"+goName, order, random)...)
			continue
		}
		ls = append(ls, leavesIn(f.Type, bits, c+"."+f.Name, g+"."+goName, order, random)...)
	}
	return ls
}

// unionLeaf sets a member of a union by its setter.
func unionLeaf(f *cstruct.Field, c, setter string, order gen.Order, random *rand.Rand) []leaf {
	if _, ok := f.Type.(*cstruct.Struct); ok {
		return nil
	}
	v := value(f.Type, f.Type.Size()*8, random)
	return []leaf{{c, fmt.Sprintf("%s = %s;", c, v), fmt.Sprintf("%sORDER(%s)\n", setter, v)}}
}

func leavesIn(t cstruct.Type, bits int64, c, g string, order gen.Order, random *rand.Rand) []leaf {
	for {
		td, ok := t.(*cstruct.Typedef)
		if !ok {
			break
		}
		t = td.Type
	}
	switch t := t.(type) {
	case *cstruct.Array:
		var ls []leaf
		for i := range t.Len {
			index := fmt.Sprintf("[%d]", i)
			ls = append(ls, leavesIn(t.Elem, bits/t.Len, c+index, g+index, order, random)...)
		}
		return ls
	case *cstruct.Struct:
		return structLeaves(t, c, g, order, random)
	case *cstruct.Pointer:
		// scalar_storage_order leaves pointers as the machine has them; in
		// data of a big-endian machine they are big-endian like all else.
		if order == gen.Big {
			return nil
		}
		n := random.Uint32()
		return []leaf{{c, fmt.Sprintf("%s = (void *)%dul;", c, n), fmt.Sprintf("%s = %d\n", g, n)}}
	}
	v := value(t, bits, random)
	return []leaf{{c, fmt.Sprintf("%s = %s;", c, v), fmt.Sprintf("%s = %s\n", g, v)}}
}

// value is a random value of a type, spelled the same in C and Go.
func value(t cstruct.Type, bits int64, random *rand.Rand) string {
	for {
		td, ok := t.(*cstruct.Typedef)
		if !ok {
			break
		}
		t = td.Type
	}
	signed := false
	switch t := t.(type) {
	case *cstruct.Basic:
		switch t.Kind {
		case cstruct.Bool:
			return "1==1"
		case cstruct.Float:
			return strconv.FormatFloat(float64(random.Int32())/16, 'f', -1, 64)
		}
		signed = t.Signed
	case *cstruct.Enum:
		signed = t.Under.Signed
	}
	n := random.Uint64() >> (64 - bits)
	if signed {
		// Neither the smallest number, which C cannot spell, nor zero.
		i := int64(n<<(64-bits)) >> (64 - bits)
		if i == -1<<(bits-1) || i == 0 {
			i = -1
		}
		return strconv.FormatInt(i, 10)
	}
	return strconv.FormatUint(max(n, 1), 10)
}

// eachLeaf calls f for every leaf in a fixed order.
func eachLeaf(leaves map[string][]leaf, f func(tag string, l leaf)) {
	for _, tag := range []string{
		"integers", "floats", "inner", "nested", "bits", "short_units", "packed", "long_run", "two", "wide",
	} {
		for _, l := range leaves[tag] {
			f(tag, l)
		}
	}
}

// gccBytes compiles and runs the assignments in C; a result is a name and
// bytes in hexadecimal.
func gccBytes(t *testing.T, order gen.Order, leaves map[string][]leaf) []string {
	t.Helper()
	var b strings.Builder
	b.WriteString("#include <stdio.h>\n#include <string.h>\n")
	if order == gen.Big {
		b.WriteString("#pragma scalar_storage_order big-endian\n")
	}
	b.WriteString(compiled)
	b.WriteString(`
static void dump(const char *name, void *p, unsigned long n)
{
	unsigned char b[4096];
	memcpy(b, p, n);
	printf("%s ", name);
	for (unsigned long i = 0; i < n; i++) printf("%02x", b[i]);
	printf("\n");
}
int main(void) {
`)
	eachLeaf(leaves, func(tag string, l leaf) {
		fmt.Fprintf(&b, "{ struct %s v; memset(&v, 0, sizeof v); %s dump(\"%s %s\", &v, sizeof v); }\n", tag, l.c, tag, l.name)
	})
	b.WriteString("}\n")
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "main.c"), b.String())
	mustTool(t, dir, "gcc", "-w", "-o", "main", "main.c")
	return strings.Split(strings.TrimSpace(string(mustTool(t, dir, filepath.Join(dir, "main")))), "\n")
}

// generatedBytes does the same in Go, after vetting and testing the module
// that was generated.
func generatedBytes(t *testing.T, order gen.Order, both bool, leaves map[string][]leaf) []string {
	t.Helper()
	suffix := ""
	cfg := gen.Config{
		Package: "c", Order: order, Test: true,
		Files: []gen.Source{{Name: "compiled.h", Text: []byte(compiled)}},
	}
	if both {
		cfg.Order = gen.Both
		suffix = map[gen.Order]string{gen.Little: "LE", gen.Big: "BE"}[order]
	}
	files, err := gen.Generate(cfg)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "go.mod"), "module m\n\ngo 1.26\n")
	if err := os.Mkdir(filepath.Join(dir, "c"), 0o777); err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		writeFile(t, filepath.Join(dir, "c", f.Name), string(f.Text))
	}
	var b strings.Builder
	b.WriteString("package main\n\nimport (\n\"fmt\"\n\"m/c\"\n)\n\nfunc main() {\n")
	eachLeaf(leaves, func(tag string, l leaf) {
		typ := ""
		for part := range strings.SplitSeq(tag, "_") {
			typ += strings.ToUpper(part[:1]) + part[1:]
		}
		fmt.Fprintf(&b, "{\nvar v c.%s\n%svar b [c.Sizeof%s]byte\nv.Encode%s(&b)\nfmt.Printf(\"%%s %%x\\n\", %q, b)\n}\n",
			typ, strings.ReplaceAll(l.goStmt, "ORDER", suffix), typ, suffix, tag+" "+l.name)
	})
	b.WriteString("}\n")
	writeFile(t, filepath.Join(dir, "main.go"), b.String())
	if order == gen.Little {
		goTool(t, dir, "vet", "./...")
	}
	goTool(t, dir, "test", "./...")
	return strings.Split(strings.TrimSpace(string(goTool(t, dir, "run", "."))), "\n")
}

// goTool runs the go command in a module outside of this one.
func goTool(t *testing.T, dir string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s%s", strings.Join(args, " "), err, out, stderr.Bytes())
	}
	return out
}
