package tests

import (
	"context"
	"fmt"
	"maps"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cstructgen/internal/cstruct"
)

// systemDirs are searched for headers as gcc does.
var systemDirs = []string{"/usr/include/x86_64-linux-gnu", "/usr/include"}

// confinedDirs are those and what links in them lead to, which our tool follows
// only if it is told so: since Debian 13 there is a third directory.
func confinedDirs() []string {
	dirs := slices.Clone(systemDirs)
	if _, err := os.Stat("/usr/lib/linux/uapi/x86"); err == nil {
		dirs = append(dirs, "/usr/lib/linux/uapi/x86")
	}
	return dirs
}

// includeDirs returns the directories of -I: those of the flag.
func includeDirs() []string {
	if *gccInclude == "" {
		return nil
	}
	return strings.Split(*gccInclude, ",")
}

// parseHeader parses a header that is installed.
func parseHeader(path string) (*cstruct.Model, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	cfg := cstruct.Config{}
	for _, d := range append(includeDirs(), systemDirs...) {
		cfg.Include = append(cfg.Include, cstruct.Dir{Name: d, FS: os.DirFS(d)})
	}
	src := cstruct.Source{Name: path, Text: text, Dir: cstruct.Dir{Name: filepath.Dir(path), FS: os.DirFS(filepath.Dir(path))}, Path: filepath.Base(path)}
	for _, d := range systemDirs {
		if rest, ok := strings.CutPrefix(path, d+"/"); ok {
			src.Dir, src.Path = cstruct.Dir{Name: d, FS: os.DirFS(d)}, rest
			break
		}
	}
	cfg.Files = []cstruct.Source{src}
	return cstruct.Parse(cfg)
}

// A comparison is what gcc says of a text, and where we say something else.
type comparison struct {
	want    facts
	diff    []string
	excused []string // kinds of facts where we differ on purpose
}

// compareHeader compares a header. gcc writes its files into dir.
func compareHeader(ctx context.Context, gcc, dir, path string) (comparison, error) {
	m, parseErr := parseHeader(path)
	got := facts{}
	if parseErr == nil {
		got = modelFacts(m)
	}
	g := &gccOracle{gcc: gcc, dir: dir, text: fmt.Sprintf("#include %q\n", path)}
	want, err := g.facts(ctx, got)
	if err != nil {
		return comparison{}, err
	}
	if parseErr != nil {
		return comparison{want: want, diff: []string{strings.TrimSpace(cstruct.Format(parseErr))}}, nil
	}
	var missing []string
	for key := range got {
		if name, ok := strings.CutPrefix(key, "macro "); ok && want[key] == "" {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		// A macro may need a type that we know from the start and this
		// header does not declare. Then gcc is asked with that type.
		g.text = "#include <stddef.h>\n#include <sys/types.h>\n#include <linux/types.h>\n" + g.text +
			"typedef __u8 u8; typedef __s8 s8; typedef __u16 u16; typedef __s16 s16;\n" +
			"typedef __u32 u32; typedef __s32 s32; typedef __u64 u64; typedef __s64 s64;\n"
		more, err := g.macroFacts(ctx, missing)
		if err != nil {
			return comparison{}, err
		}
		maps.Copy(want, more)
	}
	return compareFacts(got, want), nil
}

// compareFacts compares, but for the places where we mean to differ.
func compareFacts(got, want facts) comparison {
	c := comparison{want: want}
	for key, value := range want {
		if path, ok := strings.CutSuffix(key, unlisted); ok {
			delete(want, key)
			maps.DeleteFunc(got, func(k, _ string) bool { return strings.HasPrefix(k, path+".") })
			continue
		}
		name, isMacro := strings.CutPrefix(key, "macro ")
		if !isMacro {
			continue
		}
		enumerator, same := want["enumerator "+name]
		_, have := got[key]
		switch {
		case value == "shift":
			// Published definitions rely on the exact value of 1 << 63; the
			// int that gcc makes of it is 0.
			c.excused = append(c.excused, "macro beyond its type, exact here")
		case value == noNumber && !have:
			// Go has no constant for it.
			c.excused = append(c.excused, "infinite macro, skipped here")
		case same && !have && sameNumber(value, enumerator):
			// Macro and enumerator are one constant.
			c.excused = append(c.excused, "macro that is the enumerator of its name, one constant here")
		default:
			continue
		}
		delete(want, key)
		delete(got, key)
	}
	c.diff = got.differences(want)
	return c
}

// sameNumber reports whether an integer macro has the value of an enumerator,
// of which DWARF tells 64 bits.
func sameNumber(macro, enumerator string) bool {
	n, ok := new(big.Int).SetString(macro[strings.LastIndex(macro, " ")+1:], 10)
	if !ok {
		return false
	}
	if n.Sign() < 0 {
		n.Add(n, new(big.Int).Lsh(big.NewInt(1), 64))
	}
	return n.String() == enumerator
}

// A tally counts by kind what gcc says, and what of it we say, too.
type tally struct {
	have, same map[string]int
	excused    map[string]int
	refused    int // headers that gcc does not compile
}

func newTally() *tally {
	return &tally{have: map[string]int{}, same: map[string]int{}, excused: map[string]int{}}
}

func (sum *tally) add(c comparison) {
	bad := map[string]bool{}
	for _, line := range c.diff {
		key, _, _ := strings.Cut(line, ": ")
		bad[key] = true
	}
	unparsed := len(c.diff) > 0 && strings.Contains(c.diff[0], "\n")
	for key, value := range c.want {
		kind := factKind(key, value)
		sum.have[kind]++
		if !unparsed && !bad[key] {
			sum.same[kind]++
		}
	}
	sum.have["header"]++
	if len(c.diff) == 0 {
		sum.same["header"]++
	}
	for _, kind := range c.excused {
		sum.excused[kind]++
	}
}

// factKind returns what a fact is about.
func factKind(key, value string) string {
	kind, name, _ := strings.Cut(key, " ")
	switch {
	case kind == "macro" && value[0] == '"':
		return "macro, string"
	case kind == "macro" && strings.HasPrefix(value, "float "), strings.HasPrefix(value, "double "),
		strings.HasPrefix(value, "long double "), strings.HasPrefix(value, "_Float"):
		return "macro, float"
	case kind == "macro":
		return "macro, integer"
	case strings.Contains(name, ".") && strings.HasPrefix(value, "@bit "):
		return "bit-field"
	case strings.Contains(name, "."):
		return "field"
	}
	return kind
}

func (sum *tally) log(t *testing.T) {
	t.Helper()
	for _, kind := range slices.Sorted(maps.Keys(sum.have)) {
		t.Logf("%s: %d of %d agree", kind, sum.same[kind], sum.have[kind])
	}
	for _, kind := range slices.Sorted(maps.Keys(sum.excused)) {
		t.Logf("%s: %d", kind, sum.excused[kind])
	}
	t.Logf("%d headers gcc does not compile standalone", sum.refused)
}
