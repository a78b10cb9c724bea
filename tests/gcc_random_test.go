package tests

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cstructgen/internal/cstruct"
	"cstructgen/internal/testseed"
)

var gccCount = flag.Int("gcc-count", 1, "how many random C texts of each kind are compared with gcc")

// compareText compares what we say of a C text with what gcc says.
func compareText(t *testing.T, text string) {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "random.h")
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	m, err := cstruct.Parse(cstruct.Config{Files: []cstruct.Source{{Name: path, Text: []byte(text)}}})
	if err != nil {
		t.Fatalf("%s", cstruct.Format(err))
	}
	got := modelFacts(m)
	g := &gccOracle{gcc: requireTool(t, "gcc"), dir: dir, text: fmt.Sprintf("#include %q\n", path)}
	want, err := g.facts(t.Context(), got)
	if err != nil {
		t.Fatal(err)
	}
	diff := compareFacts(got, want).diff
	for _, line := range diff[:min(len(diff), 20)] {
		t.Error(line)
	}
	if len(diff) > 0 {
		name, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(diff[0], "struct "), "macro "), ":")
		name, _, _ = strings.Cut(name, ".")
		t.Logf("the first of them:\n%s", excerpt(text, name))
	}
	if len(want) == 0 {
		t.Fatal("gcc says nothing")
	}
}

// excerpt returns the lines of text that mention name, or follow one that does.
func excerpt(text, name string) string {
	var b strings.Builder
	for block := range strings.SplitSeq(text, "\n\n") {
		if strings.Contains(block+" ", name+" ") {
			b.WriteString(block + "\n")
		}
	}
	return b.String()
}

// TestGCCRandomStructs compares the layout of random structs and unions:
// bit-fields of all types and widths, packed and aligned in all places,
// #pragma pack, nesting, enums, typedefs, _Atomic, both storage orders.
func TestGCCRandomStructs(t *testing.T) {
	t.Parallel()
	for _, order := range []string{"little-endian", "big-endian"} {
		t.Run(order, func(t *testing.T) {
			r := testseed.Rand(t)
			for range *gccCount {
				compareText(t, randomStructs(r, order))
			}
		})
	}
}

// randomStructs returns a text with 400 structs. Those of the other storage
// order are among them.
func randomStructs(r *rand.Rand, order string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "#pragma scalar_storage_order %s\n", order)
	b.WriteString("typedef int a8 __attribute__((aligned(8)));\ntypedef long long a4 __attribute__((aligned(4)));\n" +
		"typedef int a2 __attribute__((aligned(2)));\ntypedef short v8 __attribute__((vector_size(8)));\n" +
		"typedef char c3[3] __attribute__((aligned(2)));\ntypedef _Bool flag;\ntypedef struct { char a; int b; } t1;\n" +
		"typedef struct { char a; short b; } __attribute__((packed)) t2;\ntypedef t2 t3 __attribute__((aligned(8)));\n" +
		"struct words { char a[8]; };\n" +
		"enum e { E = 3 }; enum n { N = -1 }; enum p { P = 1 } __attribute__((packed));\n" +
		"enum w { W = 0x100000000 }; enum q { Q1 = -1, Q2 = 200 } __attribute__((packed));\n\n")
	depth := 0 // of #pragma pack(push)
	for i := range 400 {
		switch r.IntN(14) {
		case 0, 1:
			fmt.Fprintf(&b, "#pragma pack(%d)\n", 1<<r.IntN(5))
		case 2:
			b.WriteString("#pragma pack()\n")
		case 3:
			fmt.Fprintf(&b, "#pragma pack(push, %d)\n", 1<<r.IntN(5))
			depth++
		case 4:
			if depth > 0 {
				b.WriteString("#pragma pack(pop)\n")
				depth--
			}
		case 5:
			fmt.Fprintf(&b, "#pragma scalar_storage_order %s\n", pick(r, "big-endian", "little-endian", "default", order))
		}
		b.WriteString(randomRecord(r, fmt.Sprintf("s%d", i), i, 0) + ";\n")
		if r.IntN(4) == 0 {
			fmt.Fprintf(&b, "typedef struct s%d y%d%s;\nstruct z%d { char a; y%d b; char c; };\n", i, i, randomAligned(r), i, i)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func pick(r *rand.Rand, words ...string) string { return words[r.IntN(len(words))] }

func randomAttribute(r *rand.Rand) string {
	switch r.IntN(8) {
	case 0:
		return " __attribute__((packed))"
	case 1:
		return fmt.Sprintf(" __attribute__((aligned(%d)))", 1<<r.IntN(6))
	case 2:
		return fmt.Sprintf(" __attribute__((packed, aligned(%d)))", 1<<r.IntN(5))
	}
	return ""
}

func randomAligned(r *rand.Rand) string {
	if r.IntN(2) == 0 {
		return ""
	}
	return fmt.Sprintf(" __attribute__((aligned(%d)))", 1<<r.IntN(6))
}

// randomRecord returns a struct or union with the tag; earlier is how many
// structs s0, s1, ... there are to use.
func randomRecord(r *rand.Rand, tag string, earlier, depth int) string {
	var b strings.Builder
	kind := pick(r, "struct", "struct", "struct", "union")
	if strings.HasPrefix(tag, "s") {
		kind = "struct" // what is used again must be known by kind
	}
	fmt.Fprintf(&b, "%s %s {\n", kind, tag)
	for range 1 + r.IntN(7) {
		indent := strings.Repeat("\t", depth+1)
		name := fmt.Sprintf("m%d", r.Uint32()) // anonymous members share their parent's names
		switch n := r.IntN(20); {
		case n < 11:
			b.WriteString(indent + randomBitField(r, name) + ";\n")
		case n < 15:
			t := pick(r, "char", "short", "int", "long", "long long", "double", "long double", "float",
				"_Bool", "__int128", "void *", "a8", "a4", "a2", "v8", "enum e", "enum p", "_Complex float", "c3", "t1", "t2", "t3",
				"enum w", "enum q", "_Float16", "_Float128", "_Complex double", "_Atomic struct words", "_Atomic(t2)", "_Atomic short",
				"struct { }", "_Alignas(8) char", "_Alignas(long double) short")
			dims := pick(r, "", "", "", "[3]", "[2][2]", "[0]")
			if t == "a8" || t == "c3" || t == "t3" || strings.HasPrefix(t, "_Atomic") {
				dims = "" // gcc has no arrays of what is aligned beyond its size, debug/dwarf none of _Atomic
			}
			fmt.Fprintf(&b, "%s%s %s%s%s;\n", indent, t, name, dims, randomAttribute(r))
		case n < 17 && earlier > 0:
			fmt.Fprintf(&b, "%sstruct s%d %s%s%s;\n", indent, r.IntN(earlier), name, pick(r, "", "", "[2]"), randomAttribute(r))
		case n < 19 && depth < 2:
			fmt.Fprintf(&b, "%s%s %s%s;\n", indent, randomRecord(r, "", earlier, depth+1), pick(r, "", name), randomAttribute(r))
		default:
			fmt.Fprintf(&b, "%schar %s;\n", indent, name)
		}
	}
	fmt.Fprintf(&b, "%s}%s", strings.Repeat("\t", depth), randomAttribute(r))
	return b.String()
}

func randomBitField(r *rand.Rand, name string) string {
	types := []struct {
		name string
		bits int
	}{
		{"char", 8}, {"unsigned char", 8}, {"short", 16}, {"unsigned", 32}, {"int", 32}, {"long", 64}, {"unsigned long long", 64},
		{"_Bool", 1}, {"enum e", 32}, {"enum n", 32}, {"enum p", 8}, {"__int128", 128}, {"a8", 32}, {"a4", 64}, {"a2", 32},
		{"flag", 1}, {"enum w", 64}, {"enum q", 16}, {"signed char", 8}, {"unsigned __int128", 128}, {"unsigned short", 16},
	}
	t := types[r.IntN(len(types))]
	width := 1 + r.IntN(t.bits)
	switch r.IntN(10) {
	case 0:
		width = t.bits
	case 1:
		width = min(t.bits, 8<<r.IntN(4))
	}
	switch r.IntN(8) {
	case 0:
		return fmt.Sprintf("%s : 0", t.name)
	case 1:
		return fmt.Sprintf("%s : %d", t.name, width)
	}
	attribute := ""
	if r.IntN(3) == 0 {
		attribute = randomAttribute(r)
	}
	return fmt.Sprintf("%s %s : %d%s", t.name, name, width, attribute)
}

// TestGCCRandomExpressions compares values and types of random constant
// expressions.
func TestGCCRandomExpressions(t *testing.T) {
	t.Parallel()
	r := testseed.Rand(t)
	for range *gccCount {
		var b strings.Builder
		b.WriteString("struct s { char a; int b : 5; long c[3]; };\nenum e { E1 = 1, E2 = 0x80000000, E3 };\n\n")
		for i := range 600 {
			fmt.Fprintf(&b, "#define M%d %s\n\n", i, randomExpression(r, 4))
		}
		compareText(t, b.String())
	}
}

// TestGCCRandomConditions compares which groups of random #if lines are live.
func TestGCCRandomConditions(t *testing.T) {
	t.Parallel()
	r := testseed.Rand(t)
	for range *gccCount {
		var b strings.Builder
		b.WriteString("#define E1 1\n#define CALL(x, y) ((x) - (y))\n\n")
		for i := range 600 {
			fmt.Fprintf(&b, "#if %s\n#define M%d 1\n#else\n#define M%d 0\n#endif\n\n", randomCondition(r, 4), i, i)
		}
		compareText(t, b.String())
	}
}

// randomCondition returns an expression of #if.
func randomCondition(r *rand.Rand, depth int) string {
	if depth == 0 || r.IntN(6) == 0 {
		return pick(r, "0", "1", "7", "255", "0x7fffffff", "0x80000000", "2147483648", "0xffffffffffffffff", "0x7fffffffffffffff",
			"1u", "3UL", "5LL", "12uLL", "'a'", "'\\377'", "'ab'", "L'x'", "u'y'", "U'z'", "012", "0b101", "E1", "UNDEFINED",
			"defined E1", "defined(UNDEFINED)", "CALL(3, 5)", "CALL(1u, 2)", "__has_include(<no.h>)")
	}
	x, y := randomCondition(r, depth-1), randomCondition(r, depth-1)
	switch r.IntN(8) {
	case 0:
		return fmt.Sprintf("(%s(%s))", pick(r, "-", "+", "!", "~"), x)
	case 1:
		return fmt.Sprintf("((%s) ? (%s) : (%s))", randomCondition(r, depth-1), x, y)
	case 2:
		return fmt.Sprintf("((%s) %s ((%s) & 63))", x, pick(r, "<<", ">>"), y)
	case 3: // never by zero
		return fmt.Sprintf("((%s) %s %s)", x, pick(r, "/", "%"), pick(r, "3", "7u", "(-2)", "10", "'a'"))
	case 4:
		return fmt.Sprintf("((%s) %s (%s))", x, pick(r, "&&", "||"), y)
	}
	return fmt.Sprintf("((%s) %s (%s))", x, pick(r, "+", "-", "*", "==", "!=", "<", ">", "<=", ">=", "&", "|", "^"), y)
}

func randomExpression(r *rand.Rand, depth int) string {
	if depth == 0 || r.IntN(6) == 0 {
		return pick(r, "0", "1", "7", "-1", "255", "0x7fffffff", "0x80000000", "2147483648", "0xffffffff", "0xffffffffffffffff",
			"0x7fffffffffffffffL", "1u", "3UL", "5LL", "12uLL", "'a'", "'\\377'", "'ab'", "L'x'", "u'y'", "U'z'", "E1", "E2", "E3", "012", "0b101",
			"sizeof(int)", "sizeof(struct s)", "_Alignof(long)", "sizeof \"abc\"", "__builtin_offsetof(struct s, c[2])",
			"(char)200", "(unsigned char)-1", "(short)70000", "(_Bool)5", "(enum e)7", "1.5", "2.5f", "1e10L", "sizeof(E3)", "sizeof(1 ? 'a' : 2L)",
			"(unsigned long)&((struct s *)0)->c[1]")
	}
	x, y := randomExpression(r, depth-1), randomExpression(r, depth-1)
	switch r.IntN(12) {
	case 0:
		return fmt.Sprintf("(%s(%s))", pick(r, "-", "+", "!", "- -"), x)
	case 1:
		return fmt.Sprintf("(~(%s)(%s))", pick(r, "int", "unsigned", "long", "unsigned char"), x)
	case 2:
		return fmt.Sprintf("((%s) ? (%s) : (%s))", randomExpression(r, depth-1), x, y)
	case 3:
		return fmt.Sprintf("((%s)(%s) %s ((int)(%s) & 31))", pick(r, "int", "unsigned", "long", "unsigned long", "short"), x, pick(r, "<<", ">>"), y)
	case 4:
		return fmt.Sprintf("((%s)(%s) %s (%s)(%s))", pick(r, "int", "unsigned", "long", "long long"), x,
			pick(r, "&", "|", "^"), pick(r, "int", "unsigned", "unsigned long"), y)
	case 7: // never by zero
		return fmt.Sprintf("((%s)(%s) / %s)", pick(r, "int", "unsigned", "long", "double"), x, pick(r, "3", "7u", "-2", "10L", "'a'", "E1"))
	case 8:
		return fmt.Sprintf("((%s)(%s) %% %s)", pick(r, "int", "unsigned", "long"), x, pick(r, "3", "7u", "-2", "10L", "'a'", "E1"))
	case 5:
		return fmt.Sprintf("((%s)(%s))", pick(r, "char", "signed char", "unsigned char", "short", "unsigned short", "int", "unsigned",
			"long", "unsigned long", "long long", "unsigned long long", "_Bool", "enum e", "double", "float"), x)
	case 6:
		return fmt.Sprintf("((%s) %s (%s))", x, pick(r, "&&", "||"), y)
	}
	return fmt.Sprintf("((%s) %s (%s))", x, pick(r, "+", "-", "*", "==", "!=", "<", ">", "<=", ">="), y)
}
