package cstruct

import (
	"slices"
	"strconv"
	"strings"
)

// A preprocessor turns the files of a Config into the tokens of one
// translation unit (C 6.10).
type preprocessor struct {
	*reporter
	cfg       Config
	mains     []*file // those of the Config
	macros    map[string]*macro
	objects   []*macro // each object-like #define, live or not
	input     []*input // the files open, the innermost last
	texts     map[location]*text
	guards    map[*text]string // the macro that makes reading a text again void
	once      map[string]bool  // identities of texts with #pragma once
	pushed    map[string][]*macro
	total     int  // bytes read, again and again
	loaded    int  // bytes of files
	expanded  int  // tokens made by macros
	depth     int  // of macro arguments being expanded
	counter   int  // __COUNTER__
	placed    bool // a macro was expanded whose value depends on its place
	condition bool // in an #if line
	stream    stream
	defines   []definition // of dialect dissect, in order
	chain     []*directory // where #include <x> looks
}

// An input is a file being read.
type input struct {
	*lexer
	conds []conditional
	guard string
	state guardState
}

// A conditional is an #if with its #elif and #else groups.
type conditional struct {
	pos       pos
	name      string
	live      bool // the current group is
	taken     bool // a group was
	hasElse   bool
	enclosing bool // the text around it is live
}

// guardState follows whether a file is one #ifndef group and nothing else.
type guardState uint8

const (
	guardStart guardState = iota
	guardInside
	guardAfter
	guardNone
)

func (in *input) live() bool {
	return len(in.conds) == 0 || in.conds[len(in.conds)-1].live
}

func newPreprocessor(cfg Config, r *reporter) *preprocessor {
	pp := &preprocessor{
		reporter: r,
		cfg:      cfg,
		macros:   map[string]*macro{},
		texts:    map[location]*text{},
		guards:   map[*text]string{},
		once:     map[string]bool{},
		pushed:   map[string][]*macro{},
	}
	for _, d := range append(slices.Clip(cfg.Include), Dir{Name: builtinName, FS: freestanding()}) {
		pp.chain = append(pp.chain, newDirectory(d, len(pp.chain)))
	}
	pp.stream.base = pp.raw
	return pp
}

// run preprocesses f and returns its tokens. Pragmas are among them: a
// tPragma, the pragma's tokens, and a tNewline.
func (pp *preprocessor) run(f *file, out []token) []token {
	if !pp.open(f) {
		return out
	}
	for {
		t := pp.token()
		if t.kind == tEOF || pp.stopped {
			return out
		}
		if out = append(out, t); len(out) > maxTokens {
			pp.limitf(t.pos, "more than %d tokens", maxTokens)
			return out
		}
	}
}

// token returns the next token of the translation unit. In dialect dissect
// macros are values, not text: nothing expands.
func (pp *preprocessor) token() token {
	if pp.cfg.Dialect == DialectDissect {
		return pp.raw()
	}
	return pp.expand(&pp.stream)
}

// open begins to read f.
func (pp *preprocessor) open(f *file) bool {
	size := max(len(f.text.text), minText)
	if pp.total+size > maxText {
		pp.limitf(f.from, "more than %d bytes of text in all files together", maxText)
		return false
	}
	pp.total += size
	pp.add(f)
	if i := strings.IndexByte(f.text.text, 0); i >= 0 {
		pp.errorf(f.base+pos(i), "NUL byte")
	}
	// Old system headers have Latin-1 in comments; nobody can repair those.
	if i := f.invalidUTF8(); i >= 0 && f.main {
		pp.errorf(f.base+pos(i), "invalid UTF-8")
	}
	pp.input = append(pp.input, &input{lexer: newLexer(f, pp.errorf)})
	return true
}

// raw returns the next token of the files, carrying out directives.
func (pp *preprocessor) raw() token {
	for len(pp.input) > 0 && !pp.stopped {
		in := pp.input[len(pp.input)-1]
		t := in.next()
		switch {
		case t.kind == tEOF:
			pp.leave(in)
		case t.is("#") && t.flags&fBOL != 0:
			if pragma := pp.directive(in, t); pragma != nil {
				pp.stream.push(pragma...)
				return pp.stream.next()
			}
		default:
			if len(in.conds) == 0 {
				in.state = guardNone
			}
			pp.checkName(t)
			return t
		}
	}
	return token{}
}

// checkName ends the run at a name that is longer than any honest one.
func (pp *preprocessor) checkName(t token) {
	if t.kind == tIdent && len(t.text) > maxLiteral {
		pp.limitf(t.pos, "name of more than %d bytes", maxLiteral)
	}
}

// leave ends a file.
func (pp *preprocessor) leave(in *input) {
	for _, c := range in.conds {
		pp.errorf(c.pos, "unterminated #%s", c.name)
	}
	if in.state == guardAfter {
		pp.guards[in.text] = in.guard
	}
	pp.input = pp.input[:len(pp.input)-1]
}

// line returns the rest of a directive's tokens.
func (in *input) line() (line []token) {
	for t := in.next(); t.kind != tNewline; t = in.next() {
		line = append(line, t)
	}
	return line
}

// skip ends a directive whose tokens do not matter.
func (in *input) skip() {
	in.directive = false
	in.skipLine()
}

// renumber carries out a #line with the tokens at a place.
func (pp *preprocessor) renumber(in *input, at pos, line []token) {
	line = pp.expandAll(line)
	if len(line) == 0 {
		return
	}
	n, err := strconv.ParseInt(line[0].text, 10, 32)
	if err != nil || n < 0 {
		pp.errorf(at, "#line needs a number")
		return
	}
	m := lineMark{at: at, shift: int(n) - pp.position(at).Line - 1}
	if len(in.marks) > 0 {
		m.name = in.marks[len(in.marks)-1].name
	}
	if len(line) > 1 && line[1].kind == tString {
		if _, units, d := unquote(line[1]); d == nil {
			b := make([]byte, len(units))
			for i, u := range units {
				b[i] = byte(u)
			}
			m.name = string(b)
		}
	}
	in.marks = append(in.marks, m)
}

// directive carries out the directive that hash begins. It returns the
// tokens of a pragma.
func (pp *preprocessor) directive(in *input, hash token) []token {
	in.directive = true
	in.raw = true
	name := in.next()
	in.raw = false
	if name.kind == tNewline {
		return nil
	}
	if pp.cfg.Dialect == DialectDissect {
		pp.dissectDirective(in, hash, name)
		return nil
	}
	pp.guard(in, name)
	if name.kind == tIdent {
		switch name.text {
		case "if", "ifdef", "ifndef", "elif", "elifdef", "elifndef", "else", "endif":
			pp.conditional(in, name)
			pp.skipGroups(in)
			return nil
		case "define":
			pp.define(hash, in.line())
			return nil
		case "undef":
			if line := in.line(); len(line) == 0 || line[0].kind != tIdent {
				pp.errorf(name.pos, "#undef needs a name")
			} else {
				delete(pp.macros, line[0].text)
			}
			return nil
		case "include", "include_next", "import":
			pp.include(in, name)
			return nil
		case "error":
			pp.errorf(hash.pos, "#error %s", in.rest())
			in.skip()
			return nil
		case "warning":
			pp.warnf(hash.pos, "#warning %s", in.rest())
			in.skip()
			return nil
		case "pragma":
			in.raw = true
			line := in.line()
			in.raw = false
			return pp.pragma(name, line)
		case "line":
			pp.renumber(in, name.pos, in.line())
			return nil
		case "ident", "sccs", "assert", "unassert":
			in.skip()
			return nil
		}
	}
	if name.kind == tNumber { // a line marker
		pp.renumber(in, name.pos, append([]token{name}, in.line()...))
		return nil
	}
	pp.errorf(name.pos, "unknown directive %s", name)
	in.skip()
	return nil
}

// guard moves the state that finds out whether the file guards itself.
func (pp *preprocessor) guard(in *input, name token) {
	switch {
	case in.state == guardStart && name.isName("ifndef") && len(in.conds) == 0:
		in.state = guardInside
		l := *in.lexer
		l.raw = true
		in.guard = l.next().text
	case in.state == guardInside && len(in.conds) == 1:
		switch {
		case name.isName("endif"):
			in.state = guardAfter
		case name.kind == tIdent && strings.HasPrefix(name.text, "el"):
			in.state = guardNone
		}
	case len(in.conds) == 0:
		in.state = guardNone
	}
}

// conditional carries out one line of the #if family.
func (pp *preprocessor) conditional(in *input, name token) {
	n := len(in.conds)
	switch name.text {
	case "if", "ifdef", "ifndef":
		c := conditional{pos: name.pos, name: name.text, enclosing: in.live()}
		if n >= maxNesting {
			pp.limitf(name.pos, "conditionals nested deeper than %d", maxNesting)
		}
		if c.enclosing {
			c.live = pp.test(in, name)
			c.taken = c.live
		}
		in.skip()
		in.conds = append(in.conds, c)
		return
	}
	if n == 0 {
		pp.errorf(name.pos, "#%s without #if", name.text)
		in.skip()
		return
	}
	c := &in.conds[n-1]
	switch name.text {
	case "endif":
		in.skip()
		in.conds = in.conds[:n-1]
	case "else":
		if c.hasElse {
			pp.errorf(name.pos, "#else after #else (#if at %v)", pp.position(c.pos))
		}
		in.skip()
		c.hasElse = true
		c.live = c.enclosing && !c.taken
		c.taken = true
	default:
		if c.hasElse {
			pp.errorf(name.pos, "#%s after #else (#if at %v)", name.text, pp.position(c.pos))
		}
		c.live = c.enclosing && !c.taken && pp.test(in, name)
		c.taken = c.taken || c.live
		in.skip()
	}
}

// test decides a group: of #if by its expression, of #ifdef by its name.
func (pp *preprocessor) test(in *input, name token) bool {
	line := in.line()
	if name.text == "if" || name.text == "elif" {
		return pp.evaluate(name, line)
	}
	if len(line) == 0 || line[0].kind != tIdent {
		pp.errorf(name.pos, "#%s needs a name", name.text)
		return false
	}
	return pp.defined(line[0].text) != strings.HasSuffix(name.text, "ndef")
}

// skipGroups moves over groups that are not live, to the line after the
// directive that begins a live one.
func (pp *preprocessor) skipGroups(in *input) {
	for !in.live() && !pp.stopped && in.off < len(in.text.text) {
		in.directive, in.raw = true, true
		var name token
		if in.next().is("#") {
			name = in.next()
		}
		in.raw = false
		if name.kind == tIdent && slices.Contains(conditionals, name.text) {
			pp.guard(in, name)
			pp.conditional(in, name)
		} else {
			in.skip()
		}
	}
}

var conditionals = []string{"if", "ifdef", "ifndef", "elif", "elifdef", "elifndef", "else", "endif"}
