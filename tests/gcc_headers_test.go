package tests

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cstructgen/internal/cstruct"
)

var gccAll = flag.String("gcc-headers", "", "compare every header of the installed development packages whose name contains this (\"all\": every one) with gcc and print how many agree")

// systemDirs are searched for headers as gcc does.
var systemDirs = []string{"/usr/include/x86_64-linux-gnu", "/usr/include"}

// parseHeader parses a header that is installed.
func parseHeader(path string) (*cstruct.Model, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	cfg := cstruct.Config{}
	for _, d := range systemDirs {
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

// compareHeader returns how what we say of a header differs from what gcc
// says, and what gcc says.
func compareHeader(t testing.TB, gcc, path string) (diff []string, want facts, err error) {
	g := &gccOracle{gcc: gcc, dir: t.TempDir(), text: fmt.Sprintf("#include %q\n", path)}
	if want, err = g.facts(t.Context()); err != nil {
		return nil, nil, err
	}
	m, err := parseHeader(path)
	if err != nil {
		return []string{strings.TrimSpace(cstruct.Format(err))}, want, nil
	}
	got := modelFacts(m)
	if slices.ContainsFunc(slices.Collect(maps.Keys(got)), func(k string) bool { return strings.HasPrefix(k, "macro ") && want[k] == "" }) {
		// A macro may need a type that we know from the start and this
		// header does not declare. Then gcc is asked with that type.
		g.text = "#include <stddef.h>\n#include <linux/types.h>\n" + g.text
		more, err := g.facts(t.Context())
		if err != nil {
			return nil, nil, err
		}
		for k := range got {
			if strings.HasPrefix(k, "macro ") && want[k] == "" && more[k] != "" {
				want[k] = more[k]
			}
		}
	}
	return compareFacts(got, want), want, nil
}

// compareFacts is differences, but for the two places where we mean to
// differ: a macro that shifts beyond its type is 0 to gcc and exact to us, and
// a macro that has the name and value of an enumerator is that enumerator.
func compareFacts(got, want facts) []string {
	for k, v := range want {
		name, isMacro := strings.CutPrefix(k, "macro ")
		if !isMacro {
			continue
		}
		_, have := got[k]
		value, same := want["enumerator "+name]
		if v == "shift" || !have && same && strings.HasSuffix(v, " "+value) {
			delete(want, k)
			delete(got, k)
		}
	}
	return got.differences(want)
}

func TestGCCDefinitions(t *testing.T) {
	gcc := requireTool(t, "gcc")
	headers, err := filepath.Glob("../defs/*.h")
	if err != nil || len(headers) == 0 {
		t.Fatalf("no definitions: %v", err)
	}
	for _, h := range headers {
		t.Run(filepath.Base(h), func(t *testing.T) {
			path, err := filepath.Abs(h)
			if err != nil {
				t.Fatal(err)
			}
			diff, want, err := compareHeader(t, gcc, path)
			if err != nil {
				t.Fatal(err)
			}
			for _, line := range diff {
				t.Error(line)
			}
			t.Logf("%d facts agree", len(want)-len(diff))
		})
	}
}

// TestGCCAllHeaders compares every header of linux-libc-dev and libc6-dev.
// It takes minutes, and runs only when it is asked for.
func TestGCCAllHeaders(t *testing.T) {
	if *gccAll == "" {
		t.Skip("run with -gcc-headers=all")
	}
	gcc := requireTool(t, "gcc")
	out, err := exec.Command(requireTool(t, "dpkg"), "-L", "linux-libc-dev", "libc6-dev").Output()
	if err != nil {
		t.Fatal(err)
	}
	var agree, standalone int
	have, same := map[string]int{}, map[string]int{}
	for path := range strings.Lines(string(out)) {
		path = strings.TrimSpace(path)
		if !strings.HasSuffix(path, ".h") || *gccAll != "all" && !strings.Contains(path, *gccAll) {
			continue
		}
		diff, want, err := compareHeader(t, gcc, path)
		if errors.Is(err, errNotStandalone) {
			continue
		}
		standalone++
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		bad := map[string]bool{}
		for _, line := range diff {
			key, _, _ := strings.Cut(line, ": ")
			bad[key] = true
		}
		failed := len(diff) > 0 && strings.Contains(diff[0], "\n")
		for key := range want {
			kind, _, _ := strings.Cut(key, " ")
			if strings.Contains(key, ".") {
				kind = "member"
			}
			have[kind]++
			if !failed && !bad[key] {
				same[kind]++
			}
		}
		if len(diff) == 0 {
			agree++
			continue
		}
		more := ""
		if len(diff) > 6 {
			more = fmt.Sprintf("\n\t... %d in all", len(diff))
			diff = diff[:6]
		}
		t.Errorf("%s\n\t%s%s", path, strings.Join(diff, "\n\t"), more)
	}
	t.Logf("headers: %d of %d agree", agree, standalone)
	kinds := []string{}
	for k := range have {
		kinds = append(kinds, k)
	}
	slices.Sort(kinds)
	for _, k := range kinds {
		t.Logf("%s: %d of %d agree", k, same[k], have[k])
	}
}
