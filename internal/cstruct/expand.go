package cstruct

import (
	"slices"
	"strings"
)

// A stream is tokens to expand: lists that take precedence, the last one
// first, and what follows them.
type stream struct {
	lists [][]token
	base  func() token // nil: nothing follows
}

func (s *stream) next() token {
	for n := len(s.lists); n > 0; n = len(s.lists) {
		if l := s.lists[n-1]; len(l) > 0 {
			s.lists[n-1] = l[1:]
			return l[0]
		}
		s.lists = s.lists[:n-1]
	}
	if s.base == nil {
		return token{}
	}
	return s.base()
}

func (s *stream) push(list ...token) { s.lists = append(s.lists, list) }

// expand returns the next token of s that no macro replaces.
func (pp *preprocessor) expand(s *stream) token {
	for {
		t := s.next()
		if t.kind != tIdent {
			return t
		}
		if m := pp.macros[t.text]; m != nil {
			if !t.hide.has(m) && pp.invoke(s, m, t) {
				continue
			}
			return t
		}
		switch {
		case t.text == "_Pragma":
			pp.pragmaOperator(s, t)
		case pp.condition && isOperator(t.text):
			return pp.operator(s, t)
		default:
			return t
		}
	}
}

// expandAll returns all of list, expanded.
func (pp *preprocessor) expandAll(list []token) []token {
	if !slices.ContainsFunc(list, func(t token) bool { return t.kind == tIdent }) {
		return list
	}
	var out []token
	s := &stream{lists: [][]token{list}}
	for t := pp.expand(s); t.kind != tEOF; t = pp.expand(s) {
		if out = append(out, t); len(out) > maxList {
			pp.limitf(t.pos, "macro expansion yields more than %d tokens", maxList)
		}
		if pp.stopped {
			break
		}
	}
	return out
}

// invoke replaces t, the name of m, and its arguments in s. It reports
// whether it did: the name of a function-like macro without "(" stays.
func (pp *preprocessor) invoke(s *stream, m *macro, t token) bool {
	if m.dynamic != nil {
		pp.placed = true
		r := m.dynamic(pp, t)
		r.flags, r.pos = t.flags, t.pos
		if pp.spend(t.pos, len(r.text)) { // a #line may name a long file
			s.push(r)
		}
		return true
	}
	if !m.function {
		pp.replace(s, m, t, nil, t.hide.add(m))
		return true
	}
	open := s.next()
	if !open.is("(") {
		s.push(open)
		return false
	}
	args, end, ok := pp.arguments(s, m, t)
	if ok {
		pp.replace(s, m, t, args, t.hide.intersect(end.hide).add(m))
	}
	return true
}

// replace pushes the replacement of m, invoked by t, onto s.
func (pp *preprocessor) replace(s *stream, m *macro, t token, args []*argument, hide *hideSet) {
	if hide.len() > maxNesting {
		pp.limitf(t.pos, "macros nested deeper than %d", maxNesting)
		return
	}
	list := pp.substitute(m, m.body, args, t)
	if pp.expanded += len(list) + 1; pp.expanded > maxExpanded {
		pp.limitf(t.pos, "macro expansion makes more than %d tokens", maxExpanded)
		return
	}
	var from, to *hideSet
	for i := range list {
		switch h := list[i].hide; {
		case h == nil:
			list[i].hide = hide
		case h == from:
			list[i].hide = to
		default:
			from, to = h, h.union(hide)
			list[i].hide = to
		}
	}
	if len(list) > 0 {
		list[0].flags = t.flags
	}
	s.push(list...)
}

// An argument of a macro: as written, and expanded where that is needed.
type argument struct {
	toks     []token
	expanded []token
	done     bool
}

func (pp *preprocessor) fully(a *argument) []token {
	if !a.done {
		a.done = true
		if pp.depth++; pp.depth > maxNesting {
			pp.limitf(a.toks[0].pos, "macro arguments nested deeper than %d", maxNesting)
		} else {
			a.expanded = pp.expandAll(a.toks)
		}
		pp.depth--
	}
	return a.expanded
}

// arguments reads the arguments of m up to the closing parenthesis.
func (pp *preprocessor) arguments(s *stream, m *macro, t token) (args []*argument, end token, ok bool) {
	arg := &argument{}
	for depth := 0; ; {
		n := s.next()
		switch {
		case n.kind == tEOF || n.kind == tNewline:
			pp.errorf(t.pos, "unterminated arguments of macro %s", quote(m.name))
			s.push(n)
			return nil, n, false
		case n.is(")") && depth == 0:
			args = append(args, arg)
			if len(m.params) == 0 && len(args) == 1 && len(arg.toks) == 0 {
				args = nil
			}
			if m.variadic && len(args) == len(m.params)-1 {
				args = append(args, nil)
			}
			if len(args) != len(m.params) {
				pp.errorf(t.pos, "macro %s takes %d arguments, not %d", quote(m.name), len(m.params), len(args))
				return nil, n, false
			}
			return args, n, true
		case n.is(",") && depth == 0 && (!m.variadic || len(args) < len(m.params)-1):
			args = append(args, arg)
			arg = &argument{}
			continue
		case n.is("("):
			depth++
		case n.is(")"):
			depth--
		}
		arg.toks = append(arg.toks, n)
		if pp.expanded++; pp.expanded > maxExpanded || len(arg.toks) > maxList {
			pp.limitf(t.pos, "macro arguments of too many tokens")
			return nil, n, false
		}
		for n.kind == tPragma { // a pragma stays whole
			for n = s.next(); n.kind != tNewline && n.kind != tEOF; n = s.next() {
				arg.toks = append(arg.toks, n)
			}
			arg.toks = append(arg.toks, n)
		}
	}
}

// substitute returns the body of m with its parameters replaced and its # and
// ## carried out. Tokens of the body take the place of the invocation t;
// those of arguments keep theirs.
func (pp *preprocessor) substitute(m *macro, body []token, args []*argument, t token) []token {
	out := make([]token, 0, len(body))
	for i := 0; i < len(body); i++ {
		b := body[i]
		pasted := i+1 < len(body) && body[i+1].is("##")
		if b.is("##") && i > 0 && i+1 < len(body) {
			i++
			out = pp.paste(out, m, body, &i, args, t)
			continue
		}
		switch p := m.param(b); {
		case b.is("#") && m.function:
			i++
			out = append(out, pp.stringize(m, body, &i, args, t))
		case m.variadic && b.isName("__VA_OPT__"):
			out = append(out, pp.optional(m, body, &i, args, t)...)
		case p >= 0 && pasted:
			out = appendArgument(out, args[p].raw(), b)
		case p >= 0:
			if args[p] != nil {
				out = appendArgument(out, pp.fully(args[p]), b)
			}
		default:
			b.pos = t.pos
			out = append(out, b)
		}
		if len(out) > maxList {
			pp.limitf(t.pos, "macro %s yields more than %d tokens", quote(m.name), maxList)
			return nil
		}
	}
	return slices.DeleteFunc(out, func(t token) bool { return t.kind == tPlace })
}

// raw returns the argument as written; an empty one is a placemarker.
func (a *argument) raw() []token {
	if a == nil || len(a.toks) == 0 {
		return []token{{kind: tPlace}}
	}
	return a.toks
}

// appendArgument appends the tokens of an argument with the white space that
// the parameter b had.
func appendArgument(out, arg []token, b token) []token {
	n := len(out)
	out = append(out, arg...)
	if n < len(out) {
		out[n].flags = b.flags
	}
	return out
}

// paste carries out a ## whose right operand is body[*i].
func (pp *preprocessor) paste(out []token, m *macro, body []token, i *int, args []*argument, t token) []token {
	b := body[*i]
	var right []token
	switch p := m.param(b); {
	case b.is("#") && m.function:
		*i++
		right = []token{pp.stringize(m, body, i, args, t)}
	case m.variadic && b.isName("__VA_OPT__"):
		if right = pp.optional(m, body, i, args, t); len(right) == 0 {
			return out
		}
	case p >= 0:
		right = args[p].raw()
		if n := len(out); m.variadic && p == len(m.params)-1 && n > 0 && out[n-1].is(",") {
			// GNU: the comma before a rest that is left out vanishes.
			if args[p] == nil || len(m.params) == 1 && len(args[p].toks) == 0 {
				return out[:n-1]
			}
			return append(out, right...)
		}
	default:
		b.pos = t.pos
		right = []token{b}
	}
	if len(out) == 0 {
		return append(out, right...)
	}
	left := out[len(out)-1]
	out = out[:len(out)-1]
	if left.kind == tPlace {
		return append(out, right...)
	}
	if right[0].kind != tPlace {
		if !pp.spend(t.pos, len(left.text)+len(right[0].text)) {
			return nil
		}
		joined, ok := join(left, right[0])
		if !ok {
			pp.errorf(t.pos, "pasting %s and %s gives no token", left, right[0])
		}
		pp.checkName(joined)
		left = joined
	}
	return append(append(out, left), right[1:]...)
}

// join makes one token of two.
func join(a, b token) (token, bool) {
	s := a.text + b.text
	if strings.HasPrefix(s, "//") || strings.HasPrefix(s, "/*") {
		return a, false
	}
	l := newLexer(&file{text: &text{text: s}}, func(pos, string, ...any) {})
	l.bol, l.raw = false, true
	t := l.next()
	ok := l.off == len(s) && t.kind != tEOF
	t.pos, t.flags = a.pos, a.flags
	t.hide = a.hide.intersect(b.hide)
	return t, ok
}

// stringize carries out a # whose operand is body[*i].
func (pp *preprocessor) stringize(m *macro, body []token, i *int, args []*argument, t token) token {
	b := body[*i]
	var toks []token
	if p := m.param(b); p < 0 {
		toks = pp.optional(m, body, i, args, t)
	} else if args[p] != nil {
		toks = args[p].toks
	}
	s := []byte{'"'}
	for i, a := range toks {
		if !pp.spend(t.pos, len(a.text)+1) {
			break
		}
		if i > 0 && a.flags&(fSpace|fBOL) != 0 {
			s = append(s, ' ')
		}
		if a.kind != tString && a.kind != tChar {
			s = append(s, a.text...)
			continue
		}
		for j := range len(a.text) {
			if a.text[j] == '"' || a.text[j] == '\\' {
				s = append(s, '\\')
			}
			s = append(s, a.text[j])
		}
	}
	return token{kind: tString, pos: t.pos, flags: b.flags, text: string(append(s, '"'))}
}

// optional carries out __VA_OPT__(...) at body[*i], leaving *i at its end.
func (pp *preprocessor) optional(m *macro, body []token, i *int, args []*argument, t token) []token {
	start, depth := *i+2, 1
	if *i+1 >= len(body) || !body[*i+1].is("(") {
		pp.errorf(t.pos, "__VA_OPT__ without parentheses in macro %s", quote(m.name))
		return nil
	}
	end := start
	for ; end < len(body); end++ {
		if body[end].is("(") {
			depth++
		} else if body[end].is(")") {
			if depth--; depth == 0 {
				break
			}
		}
	}
	*i = min(end, len(body)-1)
	if depth > 0 {
		pp.errorf(t.pos, "unterminated __VA_OPT__ in macro %s", quote(m.name))
		return nil
	}
	rest := args[len(args)-1]
	if rest == nil || len(rest.toks) == 0 || len(pp.fully(rest)) == 0 {
		return nil
	}
	if pp.depth++; pp.depth > maxNesting {
		pp.limitf(t.pos, "__VA_OPT__ nested deeper than %d", maxNesting)
	}
	defer func() { pp.depth-- }()
	if pp.stopped {
		return nil
	}
	return pp.substitute(m, body[start:end], args, t)
}
