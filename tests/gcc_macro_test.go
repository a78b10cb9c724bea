package tests

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// predefined returns the macros that gcc has before the first line.
var predefined = sync.OnceValues(func() (map[string]string, error) {
	gcc, err := findGCC()
	if err != nil {
		return nil, err
	}
	return (&gccOracle{gcc: gcc}).defined(context.Background())
})

// defined returns the macros that the text leaves defined.
func (g *gccOracle) defined(ctx context.Context) (map[string]string, error) {
	out, err := g.run(ctx, g.text, "-E", "-dM")
	if err != nil {
		return nil, fmt.Errorf("%w: %s", errNotStandalone, firstLine(out))
	}
	m := map[string]string{}
	for line := range strings.Lines(string(out)) {
		name, body, _ := strings.Cut(strings.TrimPrefix(strings.TrimRight(line, "\n"), "#define "), " ")
		m[name] = body
	}
	return m, nil
}

// placeMacros are those whose value is that of the place where they are used.
var placeMacros = map[string]bool{
	"__FILE__": true, "__BASE_FILE__": true, "__FILE_NAME__": true, "__LINE__": true, "__COUNTER__": true,
	"__INCLUDE_LEVEL__": true, "__DATE__": true, "__TIME__": true, "__TIMESTAMP__": true,
}

// macros returns probes for the object-like macros that the text leaves
// defined and gcc does not predefine, but for those that could not stand in
// an expression, or have another value wherever they are used.
func (g *gccOracle) macros(ctx context.Context) (probes []*probe, err error) {
	before, err := predefined()
	if err != nil {
		return nil, err
	}
	after, err := g.defined(ctx)
	if err != nil {
		return nil, err
	}
	quotes := reaching(after, func(name, body string, isMacro bool) bool {
		return strings.ContainsAny(body, `"#`) || !isMacro && strings.HasPrefix(name, "__") // __func__
	})
	placed := reaching(after, func(name, _ string, isMacro bool) bool { return !isMacro && placeMacros[name] })
	g.names = map[string]bool{}
	for name, body := range after {
		g.names[name] = true
		old, ok := before[name]
		if strings.Contains(name, "(") || body == "" || ok && old == body || !expressionLike(body) || placed(name) {
			continue
		}
		forms := "if"
		if quotes(name) {
			forms = "ifsLuU"
		}
		probes = append(probes, macroProbes(name, forms)...)
	}
	return probes, nil
}

// reaching returns a function that tells which macros may expand to a name
// that is as asked for. Asking for strings where there may be one keeps gcc
// from thousands of complaints.
func reaching(macros map[string]string, is func(name, body string, isMacro bool) bool) func(name string) bool {
	bodies := map[string]string{}
	for name, body := range macros {
		name, _, _ = strings.Cut(name, "(")
		bodies[name] = body
	}
	known := map[string]bool{}
	var reaches func(name string) bool
	reaches = func(name string) bool {
		yes, ok := known[name]
		if !ok {
			known[name] = false // where it names itself
			body, isMacro := bodies[name]
			yes = is(name, body, isMacro) || slices.ContainsFunc(identifier.FindAllString(body, -1), reaches)
			known[name] = yes
		}
		return yes
	}
	return reaches
}

var identifier = regexp.MustCompile(`[A-Za-z_]\w*`)

// expressionLike reports whether the text has its brackets in pairs and
// nothing that would end a probe early, or that may only stand in a function.
func expressionLike(s string) bool {
	if strings.Contains(s, ";") && !strings.ContainsAny(s, `"'`) || strings.Contains(s, "({") {
		return false
	}
	depth := 0
	for i, r := range s {
		switch r {
		case '{': // of a compound literal
			if depth == 0 && !strings.Contains(s[:i], ")") {
				return false
			}
			depth++
		case '(', '[':
			depth++
		case ')', ']', '}':
			if depth--; depth < 0 {
				return false
			}
		}
	}
	return depth == 0
}
