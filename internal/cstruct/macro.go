package cstruct

import "slices"

// A macro is a text macro (C 6.10.3).
type macro struct {
	name     string
	pos      pos  // of the name
	hash     pos  // of the # of its #define
	end      pos  // after the last token of the #define
	function bool // invoked with arguments
	params   []string
	variadic bool // the last parameter takes the rest of the arguments
	body     []token
	builtin  bool // of this package or the command line, not of a file
	// dynamic computes the replacement, for __LINE__ and its like.
	dynamic func(pp *preprocessor, at token) token
}

// param returns the index of the parameter that t names, -1 for none.
func (m *macro) param(t token) int {
	if t.kind != tIdent || !m.function {
		return -1
	}
	return slices.Index(m.params, t.text)
}

// same reports whether C allows to define m again as n.
func (m *macro) same(n *macro) bool {
	if m.function != n.function || m.variadic != n.variadic || !slices.Equal(m.params, n.params) {
		return false
	}
	return slices.EqualFunc(m.body, n.body, func(a, b token) bool {
		return a.kind == b.kind && a.text == b.text
	})
}

// A hideSet holds the macros out of whose replacement a token came: they do
// not expand it again (Prosser's algorithm, the source of C 6.10.3.4). nil is
// empty. Sets are shared and never change.
type hideSet struct {
	m    *macro
	next *hideSet
	n    int
}

func (h *hideSet) len() int {
	if h == nil {
		return 0
	}
	return h.n
}

func (h *hideSet) has(m *macro) bool {
	for ; h != nil; h = h.next {
		if h.m == m {
			return true
		}
	}
	return false
}

// named returns the part of the set that begins with a macro of the name.
func (h *hideSet) named(name string) *hideSet {
	for ; h != nil && h.m.name != name; h = h.next {
	}
	return h
}

// chain spells out how the macro of the name came to yield its own name: "A
// gives B gives A".
func (h *hideSet) chain(name string) string {
	s := name
	for ; h != nil; h = h.next {
		if s = h.m.name + " gives " + s; h.m.name == name {
			break
		}
	}
	return printable(s)
}

func (h *hideSet) add(m *macro) *hideSet {
	if h.has(m) {
		return h
	}
	return &hideSet{m, h, h.len() + 1}
}

func (h *hideSet) union(g *hideSet) *hideSet {
	if h == g || g == nil {
		return h
	}
	if h.len() < g.len() {
		h, g = g, h
	}
	for ; g != nil; g = g.next {
		h = h.add(g.m)
	}
	return h
}

func (h *hideSet) intersect(g *hideSet) *hideSet {
	if h == g {
		return h
	}
	var r *hideSet
	for ; h != nil; h = h.next {
		if g.has(h.m) {
			r = r.add(h.m)
		}
	}
	return r
}

// define reads what follows "#define" and enters the macro.
func (pp *preprocessor) define(hash token, line []token) {
	if len(line) == 0 || line[0].kind != tIdent {
		pp.errorf(hash.pos, "#define needs a name")
		return
	}
	name := line[0]
	pp.checkName(name)
	if name.text == "defined" || name.text == "__VA_ARGS__" || name.text == "__VA_OPT__" {
		pp.errorf(name.pos, "%s cannot be defined", name)
		return
	}
	last := line[len(line)-1]
	m := &macro{name: name.text, pos: name.pos, hash: hash.pos, end: last.pos + pos(len(last.text))}
	line = line[1:]
	if len(line) > 0 && line[0].is("(") && line[0].flags&fSpace == 0 {
		if line = pp.parameters(m, line); line == nil {
			return
		}
	}
	m.body = slices.Clone(line)
	if len(m.body) > 0 {
		m.body[0].flags &^= fSpace
	}
	for i, t := range m.body {
		switch {
		case t.is("##") && (i == 0 || i == len(m.body)-1):
			pp.errorf(t.pos, `"##" at an end of a macro`)
			return
		case t.is("#") && m.function && (i+1 == len(m.body) || m.param(m.body[i+1]) < 0) &&
			(i+1 == len(m.body) || !m.body[i+1].isName("__VA_OPT__")):
			pp.errorf(t.pos, `"#" is not followed by a macro parameter`)
			return
		}
	}
	f := pp.file(name.pos)
	m.builtin = f.builtin
	pp.enter(m)
}

// enter makes m the macro of its name.
func (pp *preprocessor) enter(m *macro) {
	pp.followOrder(m)
	if old := pp.macros[m.name]; old != nil && !old.same(m) && !m.builtin && !old.builtin {
		pp.warnf(m.pos, "macro %s redefined (first at %v)", quote(m.name), pp.position(old.pos))
	}
	pp.macros[m.name] = m
	if !m.builtin && !m.function {
		pp.objects = append(pp.objects, m)
	}
}

// parameters reads the parameter list of m that line begins with and returns
// what follows it, or nil after an error.
func (pp *preprocessor) parameters(m *macro, line []token) []token {
	open := line[0]
	m.function = true
	line = line[1:]
	fail := func(t token) []token {
		pp.errorf(t.pos, "unexpected %s in the parameters of macro %s", t, quote(m.name))
		return nil
	}
	for first := true; ; first = false {
		if len(line) == 0 {
			pp.errorf(open.pos, "unterminated parameters of macro %s", quote(m.name))
			return nil
		}
		t := line[0]
		line = line[1:]
		if len(m.params) == maxParams {
			pp.limitf(t.pos, "macro %s has more than %d parameters", quote(m.name), maxParams)
			return nil
		}
		switch {
		case t.is(")") && first:
			return line
		case t.is("..."):
			m.params = append(m.params, "__VA_ARGS__")
			m.variadic = true
		case t.kind == tIdent:
			if slices.Contains(m.params, t.text) {
				pp.errorf(t.pos, "parameter %s occurs twice", t)
				return nil
			}
			m.params = append(m.params, t.text)
			if len(line) > 0 && line[0].is("...") { // GNU: a name for the rest
				m.variadic = true
				line = line[1:]
			}
		default:
			return fail(t)
		}
		if len(line) == 0 {
			continue
		}
		t = line[0]
		line = line[1:]
		switch {
		case t.is(")"):
			return line
		case !t.is(",") || m.variadic:
			return fail(t)
		case len(line) > 0 && line[0].is(")"):
			return fail(line[0])
		}
	}
}
