package tests

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// A gccOracle asks gcc about one C text.
type gccOracle struct {
	gcc  string
	dir  string // for its files
	text string // that is asked about, usually one #include
	args []string
}

// errNotStandalone says that gcc itself refuses the text.
var errNotStandalone = errors.New("gcc does not compile it")

// facts returns all that gcc says: types by its debug information, alignments
// and macros by compiled probes.
func (g *gccOracle) facts(ctx context.Context) (facts, error) {
	object := filepath.Join(g.dir, "types.o")
	// The variable is there so that a header without types has debug
	// information, too.
	if out, err := g.compile(ctx, "types.c", g.text+"\nint cstructgen_probe;\n",
		"-g", "-gdwarf-5", "-fno-eliminate-unused-debug-types", "-c", "-o", object); err != nil {
		return nil, fmt.Errorf("%w: %s", errNotStandalone, firstLine(out))
	}
	f, aligned, err := dwarfFacts(object)
	if err != nil {
		return nil, err
	}
	macros, err := g.macros(ctx)
	if err != nil {
		return nil, err
	}
	return f, g.probe(ctx, f, aligned, macros)
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

func (g *gccOracle) compile(ctx context.Context, name, text string, args ...string) ([]byte, error) {
	path := filepath.Join(g.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, g.gcc, append(append([]string{"-x", "c", "-O0", path}, g.args...), args...)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	return cmd.CombinedOutput()
}

// macros returns the names of the object-like macros that the text leaves
// defined and gcc does not predefine, but for those that could not stand in
// an expression.
func (g *gccOracle) macros(ctx context.Context) ([]string, error) {
	defined := func(text string) (map[string]string, error) {
		out, err := g.compile(ctx, "macros.c", text, "-E", "-dM")
		if err != nil {
			return nil, fmt.Errorf("gcc -dM: %w: %s", err, firstLine(out))
		}
		m := map[string]string{}
		for line := range strings.Lines(string(out)) {
			name, body, _ := strings.Cut(strings.TrimPrefix(strings.TrimRight(line, "\n"), "#define "), " ")
			m[name] = body
		}
		return m, nil
	}
	before, err := defined("")
	if err != nil {
		return nil, err
	}
	after, err := defined(g.text)
	if err != nil {
		return nil, err
	}
	var names []string
	for name, body := range after {
		old, ok := before[name]
		if strings.Contains(name, "(") || body == "" || ok && old == body || !expressionLike(body) {
			continue
		}
		names = append(names, name)
	}
	return names, nil
}

// expressionLike reports whether the text has its brackets in pairs and
// nothing that would end a probe early.
func expressionLike(s string) bool {
	if strings.ContainsAny(s, "{};") && !strings.ContainsAny(s, `"'`) {
		return false
	}
	depth := 0
	for _, r := range s {
		switch r {
		case '(', '[':
			depth++
		case ')', ']':
			if depth--; depth < 0 {
				return false
			}
		}
	}
	return depth == 0
}

// The forms in which a macro is tried, each on a line of its own: a constant
// of an integer type, of a floating type, a string. Each is in a function,
// for gcc reports an undeclared name once a function.
var probeForms = [...]string{
	"void cstructgen_i%d(void) { enum { value = (%s) }; }",
	"void cstructgen_f%d(void) { static const double value = (%s); }",
	"void cstructgen_s%d(void) { static const char value[] = (%s); }",
}

// What gcc complains of lies in the function named last, wherever the text of
// a macro comes from.
var (
	inFunction = regexp.MustCompile(`In function 'cstructgen_([ifs])(\d+)':`)
	complaint  = regexp.MustCompile(`: (error|fatal error|warning): (.*)`)
)

// probe adds alignments and macros to f.
func (g *gccOracle) probe(ctx context.Context, f facts, aligned, macros []string) error {
	live, shifts, err := g.survivors(ctx, macros)
	if err != nil {
		return err
	}
	var b strings.Builder
	b.WriteString(g.text + "\n")
	for i, name := range aligned {
		fmt.Fprintf(&b, "const unsigned long cstructgen_a%d = _Alignof(%s);\n", i, strings.TrimPrefix(name, "typedef "))
	}
	for i, name := range macros {
		switch {
		case live[i][0]:
			fmt.Fprintf(&b, "const unsigned long cstructgen_i%d[] = { _Generic((%s), %s), (unsigned long)(%s) };\n",
				i, name, generic(integerTypes), name)
		case live[i][1]:
			fmt.Fprintf(&b, "const long double cstructgen_f%d[] = { _Generic((%s), %s), (%s) };\n",
				i, name, generic(floatTypes), name)
		case live[i][2]:
			fmt.Fprintf(&b, "const char cstructgen_s%d[] = (%s);\n", i, name)
		}
	}
	object := filepath.Join(g.dir, "values.o")
	if out, err := g.compile(ctx, "values.c", b.String(), "-w", "-c", "-o", object); err != nil {
		return fmt.Errorf("gcc probes: %w: %s", err, firstLine(out))
	}
	values, err := rodata(object)
	if err != nil {
		return err
	}
	for i, name := range aligned {
		n := binary.LittleEndian.Uint64(values[fmt.Sprintf("cstructgen_a%d", i)])
		f[name] += fmt.Sprintf(" align %d", n)
	}
	for i, name := range macros {
		key := "macro " + name
		switch {
		case shifts[i]:
			f[key] = "shift"
		case live[i][0]:
			v := values[fmt.Sprintf("cstructgen_i%d", i)]
			f[key] = integerTypes[binary.LittleEndian.Uint64(v)] + " " + fmt.Sprint(binary.LittleEndian.Uint64(v[8:]))
		case live[i][1]:
			v := values[fmt.Sprintf("cstructgen_f%d", i)]
			kind, x := extended(v[:16]), extended(v[16:])
			if n, _ := kind.Int64(); n > 0 && !x.IsInf() {
				f[key] = floatTypes[n] + " " + x.Text('g', 25)
			}
		case live[i][2]:
			v := values[fmt.Sprintf("cstructgen_s%d", i)]
			f[key] = fmt.Sprintf("%q", bytes.TrimSuffix(v, []byte{0}))
		}
	}
	return nil
}

var integerTypes = []string{
	"?", "_Bool", "char", "signed char", "unsigned char", "short", "unsigned short", "int", "unsigned int",
	"long", "unsigned long", "long long", "unsigned long long", "__int128", "unsigned __int128",
}

// Of wider types a long double does not hold the value.
var floatTypes = []string{"?", "float", "double", "long double", "_Float16"}

// extended returns the value of an x87 long double; infinity also for what is
// no number.
func extended(b []byte) *big.Float {
	mantissa, exp := binary.LittleEndian.Uint64(b), int(binary.LittleEndian.Uint16(b[8:]))
	f := new(big.Float).SetPrec(64).SetUint64(mantissa)
	if exp&0x7fff == 0x7fff {
		return f.SetInf(false)
	}
	f.SetMantExp(f, max(exp&0x7fff, 1)-16383-63)
	if exp&0x8000 != 0 && mantissa != 0 { // constants of Go have no -0
		f.Neg(f)
	}
	return f
}

func generic(types []string) string {
	var b strings.Builder
	for i, t := range types[1:] {
		fmt.Fprintf(&b, "%s: %d, ", t, i+1)
	}
	return b.String() + "default: 0"
}

// survivors finds the forms that compile for each macro, dropping lines that
// do not until none is left, and the macros that shift too far.
func (g *gccOracle) survivors(ctx context.Context, macros []string) (live [][len(probeForms)]bool, shifts []bool, err error) {
	live = make([][len(probeForms)]bool, len(macros))
	shifts = make([]bool, len(macros))
	for i := range live {
		live[i] = [len(probeForms)]bool{true, true, true}
	}
	for range 20 {
		var b strings.Builder
		b.WriteString(g.text + "\n")
		for i, name := range macros {
			for k, form := range probeForms {
				if live[i][k] {
					fmt.Fprintf(&b, form+"\n", i, name)
				}
			}
		}
		out, err := g.compile(ctx, "probe.c", b.String(), "-fsyntax-only", "-fmax-errors=0", "-fno-diagnostics-show-caret")
		dropped, i, k := false, -1, 0
		for line := range strings.Lines(string(out)) {
			if m := inFunction.FindStringSubmatch(line); m != nil {
				k = strings.Index("ifs", m[1])
				i, _ = strconv.Atoi(m[2])
				continue
			}
			m := complaint.FindStringSubmatch(line)
			switch {
			case m == nil || i < 0:
			case m[1] == "warning":
				shifts[i] = shifts[i] || strings.Contains(m[2], "-Wshift-count-overflow")
			default:
				dropped = dropped || live[i][k]
				live[i][k] = false
			}
		}
		if err == nil {
			return live, shifts, nil
		}
		if !dropped {
			return nil, nil, fmt.Errorf("gcc probes: %s", firstLine(out))
		}
	}
	return nil, nil, errors.New("gcc probes: errors without end")
}

// rodata returns the bytes of each constant of an object file.
func rodata(object string) (map[string][]byte, error) {
	file, err := elf.Open(object)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	symbols, err := file.Symbols()
	if err != nil {
		return nil, err
	}
	sections := map[elf.SectionIndex][]byte{}
	values := map[string][]byte{}
	for _, s := range symbols {
		if !strings.HasPrefix(s.Name, "cstructgen_") || int(s.Section) >= len(file.Sections) {
			continue
		}
		data, ok := sections[s.Section]
		if !ok {
			if data, err = file.Sections[s.Section].Data(); err != nil {
				return nil, err
			}
			sections[s.Section] = data
		}
		values[s.Name] = data[s.Value : s.Value+s.Size]
	}
	return values, nil
}
