package tests

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// A gccOracle asks gcc about one C text, in three runs: the preprocessor for
// the names of macros, the parser for what each of them could be, and the
// compiler for debug information and values.
type gccOracle struct {
	gcc  string
	dir  string // for its object files
	text string // that is asked about, usually one #include

	names map[string]bool // of the macros that the text leaves defined
}

// errNotStandalone says that gcc itself refuses the text.
var errNotStandalone = errors.New("gcc does not compile it")

// facts returns all that gcc says: types by its debug information, alignments
// and macros by the values of probes. It is asked for the alignment of the
// types that got has.
func (g *gccOracle) facts(ctx context.Context, got facts) (facts, error) {
	probes, err := g.macros(ctx)
	if err != nil {
		return nil, err
	}
	for key := range got {
		kind, name, _ := strings.Cut(key, " ")
		switch {
		case g.names[name] && kind != "macro":
			// A macro of the name hides the type: gcc cannot be asked.
			got[key], _, _ = strings.Cut(got[key], " align")
		case kind == "typedef":
			probes = append(probes, &probe{kind: 'a', key: key, expr: name})
		case (kind == "struct" || kind == "union") && !strings.ContainsAny(name, ". "):
			probes = append(probes, &probe{kind: 'a', key: key, expr: key})
		}
	}
	object, err := g.object(ctx, probes, "-g", "-gdwarf-5", "-fno-eliminate-unused-debug-types")
	if err != nil {
		return nil, err
	}
	f, err := dwarfFacts(object)
	if err != nil {
		return nil, err
	}
	return f, f.addProbes(object, probes)
}

// macroFacts returns what gcc says of some macros of the text.
func (g *gccOracle) macroFacts(ctx context.Context, names []string) (facts, error) {
	var probes []*probe
	for _, name := range names {
		probes = append(probes, macroProbes(name, "ifsLuU")...)
	}
	object, err := g.object(ctx, probes)
	if err != nil {
		return nil, err
	}
	f := facts{}
	return f, f.addProbes(object, probes)
}

// run runs gcc on a text.
func (g *gccOracle) run(ctx context.Context, text string, args ...string) ([]byte, error) {
	for _, dir := range includeDirs() {
		args = append(args, "-I", dir)
	}
	cmd := exec.CommandContext(ctx, g.gcc, append([]string{"-x", "c", "-O0", "-pipe", "-"}, args...)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.Stdin = strings.NewReader(text)
	return cmd.CombinedOutput()
}

// firstLine returns the first line that says what is wrong.
func firstLine(b []byte) string {
	for line := range strings.Lines(string(b)) {
		if strings.Contains(line, "error: ") {
			return strings.TrimSpace(line)
		}
	}
	return strings.TrimSpace(string(b))
}

// A probe is one thing to ask about, in one of its forms.
type probe struct {
	kind  byte   // of probeForms
	key   string // of the fact
	expr  string
	dead  bool // it does not compile
	shift bool // it shifts beyond its type
}

// probeForms has of each kind of probe what compiles if the question makes
// sense, in a function, for gcc reports an undeclared name once a function;
// and the elements of a constant that hold the answer.
var probeForms = map[byte]struct{ check, elem, answer string }{
	// The alignment of a type.
	'a': {
		"enum { value = _Alignof(%s) };",
		"unsigned long",
		"_Alignof(%s)",
	},
	// The type of an integer constant expression, and its value in 128 bits.
	'i': {
		"enum { value = (%s) };",
		"unsigned long",
		"_Generic((%[1]s), " + generic(integerTypes) + "), (unsigned long)(%[1]s), (unsigned long)((unsigned __int128)(%[1]s) >> 64)",
	},
	// The type of a floating constant, and its value: exact in this type.
	'f': {
		"static const double value = (%s);",
		"_Float128",
		// gcc keeps a constant _Float16 in a float until it is cast.
		"_Generic((%[1]s), " + generic(floatTypes) + "), _Generic((%[1]s), _Float16: (_Float16)(%[1]s), default: (%[1]s))",
	},
	's': {
		"static const char value[] = (%s);",
		"char",
		"(%s)",
	},
	// Strings of wide characters.
	'L': {
		"static const int value[] = (%s);",
		"int",
		"(%s)",
	},
	'u': {
		"static const unsigned short value[] = (%s);",
		"unsigned short",
		"(%s)",
	},
	'U': {
		"static const unsigned value[] = (%s);",
		"unsigned",
		"(%s)",
	},
}

// macroProbes returns the probes of a macro in some forms.
func macroProbes(name, forms string) (probes []*probe) {
	for _, kind := range []byte(forms) {
		probes = append(probes, &probe{kind: kind, key: "macro " + name, expr: name})
	}
	return probes
}

// object compiles the text with all probes that can be, and returns the
// object file. It marks the others as dead.
func (g *gccOracle) object(ctx context.Context, probes []*probe, args ...string) (path string, err error) {
	path = filepath.Join(g.dir, "probes.o")
	for {
		dropped, err := g.check(ctx, probes)
		if err != nil {
			return "", err
		}
		out, err := g.run(ctx, g.text+"\n"+answers(probes), append([]string{"-w", "-c", "-o", path}, args...)...)
		if err == nil {
			return path, nil
		}
		// An error may have hidden another. Where none did, it is the text
		// that only seems to compile.
		if !dropped {
			return "", fmt.Errorf("%w: %s", errNotStandalone, firstLine(out))
		}
	}
}

// chosen yields the probes to answer, with their index: of each macro the
// first form that is alive.
func chosen(probes []*probe) iter.Seq2[int, *probe] {
	return func(yield func(int, *probe) bool) {
		answered := ""
		for i, p := range probes {
			if p.dead || p.key == answered {
				continue
			}
			answered = p.key // the forms of one macro follow each other
			if !yield(i, p) {
				return
			}
		}
	}
}

// answers returns definitions that hold all answers. Numbers of a kind share
// one array: that is much less to do for gcc.
func answers(probes []*probe) string {
	arrays := map[byte]*strings.Builder{'a': {}, 'i': {}, 'f': {}}
	var b strings.Builder
	// There must be debug information where the text has no types, too.
	b.WriteString("int cstructgen;\n")
	for i, p := range chosen(probes) {
		form := probeForms[p.kind]
		if arrays[p.kind] == nil {
			fmt.Fprintf(&b, "const %s cstructgen_%d[] = "+form.answer+";\n", form.elem, i, p.expr)
		} else {
			fmt.Fprintf(arrays[p.kind], form.answer+",\n", p.expr)
		}
	}
	for kind, elements := range arrays {
		fmt.Fprintf(&b, "const %s cstructgen_%c[] = {\n%s};\n", probeForms[kind].elem, kind, elements)
	}
	return b.String()
}

// What gcc complains of lies in the function named last, wherever the text of
// a macro comes from.
var (
	inFunction = regexp.MustCompile(`In function 'cstructgen_(\d+)':`)
	complaint  = regexp.MustCompile(`: (error|fatal error|warning): (.*)`)
)

// check tries the probes that are alive and marks those that do not compile.
// It reports whether there were any.
func (g *gccOracle) check(ctx context.Context, probes []*probe) (dropped bool, err error) {
	var b strings.Builder
	b.WriteString(g.text + "\n")
	for i, p := range probes {
		if !p.dead {
			fmt.Fprintf(&b, "void cstructgen_%d(void) { "+probeForms[p.kind].check+" }\n", i, p.expr)
		}
	}
	out, err := g.run(ctx, b.String(), "-fsyntax-only", "-fmax-errors=0", "-fno-diagnostics-show-caret")
	var at *probe
	for line := range strings.Lines(string(out)) {
		if m := inFunction.FindStringSubmatch(line); m != nil {
			i, err := strconv.Atoi(m[1])
			if err != nil || i >= len(probes) {
				return false, fmt.Errorf("no such probe: %s", line)
			}
			at = probes[i]
			continue
		}
		m := complaint.FindStringSubmatch(line)
		switch {
		case m == nil:
		case m[1] == "warning":
			if at != nil && strings.Contains(m[2], "-Wshift-count-overflow") {
				at.shift = true
			}
		case at == nil:
			return false, fmt.Errorf("%w: %s", errNotStandalone, strings.TrimSpace(line))
		default:
			dropped = dropped || !at.dead
			at.dead = true
		}
	}
	if err != nil && !dropped {
		return false, fmt.Errorf("gcc probes: %w: %s", err, firstLine(out))
	}
	return dropped, nil
}

// addProbes adds to f what the object file answers. Alignments are added to
// what is said of the type already.
func (f facts) addProbes(object string, probes []*probe) error {
	values, err := rodata(object)
	if err != nil {
		return err
	}
	take := func(kind byte, n int) []byte {
		symbol := fmt.Sprintf("cstructgen_%c", kind)
		v := values[symbol]
		values[symbol] = v[n:]
		return v[:n]
	}
	for i, p := range chosen(probes) {
		var fact string
		switch p.kind {
		case 'a':
			align := take('a', 8)
			if _, ok := f[p.key]; ok {
				fact = fmt.Sprintf("%s align %d", f[p.key], littleEndian(align))
			}
		case 'i':
			v := take('i', 24)
			t := integerTypes[littleEndian(v)]
			fact = fmt.Sprint(t, " ", wideInteger(v[8:], !strings.HasPrefix(t, "unsigned")))
		case 'f':
			fact = floatFact(take('f', 32))
		case 's':
			fact = fmt.Sprintf("%q", bytes.TrimSuffix(values[fmt.Sprintf("cstructgen_%d", i)], []byte{0}))
		case 'L', 'u', 'U':
			fact = wideFact(values[fmt.Sprintf("cstructgen_%d", i)], p.kind == 'u')
		}
		if p.shift {
			fact = "shift"
		}
		if fact != "" {
			f[p.key] = fact
		}
	}
	return nil
}
