package cstruct

import "slices"

// A parser builds the syntax tree out of preprocessed tokens. It knows which
// names are types, as C's grammar needs, and resolves nothing else.
//
// Its methods leave by panic with a *diagnostic; declarations and expression
// catch exactly that.
type parser struct {
	*reporter
	toks    []token
	i       int
	tok     token // toks[i], behind pragmas
	last    token // the token before tok
	depth   int
	types   map[string]bool // whether the name is a typedef's
	noTypes bool            // in #if
	decls   []decl
	pack    packState
	order   *ByteOrder
	dissect bool // the text is of that dialect
}

// newParser returns a parser for toks, which end with a tEOF.
func newParser(toks []token, r *reporter) *parser {
	p := &parser{reporter: r, toks: toks, types: map[string]bool{}}
	p.settle()
	return p
}

// advance moves to the next token.
func (p *parser) advance() {
	p.last = p.tok
	if p.i < len(p.toks)-1 {
		p.i++
	}
	p.settle()
}

// settle makes toks[i] the current token, carrying out pragmas before it.
func (p *parser) settle() {
	for p.toks[p.i].kind == tPragma {
		start := p.i + 1
		for p.i = start; p.toks[p.i].kind != tNewline && p.toks[p.i].kind != tEOF; {
			p.i++
		}
		p.pragma(p.toks[start:p.i])
		if p.toks[p.i].kind == tNewline {
			p.i++
		}
	}
	p.tok = p.toks[p.i]
}

// peek returns the token after the current one.
func (p *parser) peek() token {
	return p.toks[min(p.i+1, len(p.toks)-1)]
}

func (p *parser) fail(d *diagnostic) { panic(d) }

func (p *parser) failf(at pos, format string, args ...any) {
	p.fail(malformed(at, format, args...))
}

// enter and leave bound the recursion.
func (p *parser) enter() {
	if p.depth++; p.depth > maxNesting {
		p.fail(limit(p.tok.pos, "nesting deeper than %d", maxNesting))
	}
}

func (p *parser) leave() { p.depth-- }

// got moves over the punctuator if it is the current token.
func (p *parser) got(punct string) bool {
	if p.tok.is(punct) {
		p.advance()
		return true
	}
	return false
}

func (p *parser) want(punct string) token {
	t := p.tok
	if !t.is(punct) {
		p.failf(t.pos, "expected %s, found %s", quote(punct), t)
	}
	p.advance()
	return t
}

func (p *parser) wantIdent(what string) token {
	t := p.tok
	if !p.name(t) {
		p.failf(t.pos, "expected %s, found %s", what, t)
	}
	p.advance()
	return t
}

// name reports whether t can name something.
func (p *parser) name(t token) bool { return t.kind == tIdent && (p.dissect || !keywords[t.text]) }

// balanced moves over the bracket at the current token and all up to the one
// that closes it.
func (p *parser) balanced() {
	if closing[p.tok.text] == "" || p.tok.kind != tPunct {
		p.failf(p.tok.pos, "expected %s, found %s", quote("("), p.tok)
	}
	var stack []token
	for {
		t := p.tok
		switch {
		case t.kind == tEOF:
			open := stack[len(stack)-1]
			p.failf(open.pos, "%s is never closed", open)
		case t.is("("), t.is("["), t.is("{"):
			stack = append(stack, t)
		case t.is(")"), t.is("]"), t.is("}"):
			open := stack[len(stack)-1]
			if closing[open.text] != t.text {
				at := p.position(open.pos)
				p.failf(t.pos, "%s where %s would close %s at %d:%d", t, quote(closing[open.text]), open, at.Line, at.Col)
			}
			stack = stack[:len(stack)-1]
		}
		p.advance()
		if len(stack) == 0 {
			return
		}
		if len(stack) > maxNesting {
			p.fail(limit(t.pos, "nesting deeper than %d", maxNesting))
		}
	}
}

var closing = map[string]string{"(": ")", "[": "]", "{": "}"}

// skipTo moves to a token that is one of the punctuators, over balanced
// brackets, and to no further than a bracket that closes.
func (p *parser) skipTo(puncts ...string) {
	for p.tok.kind != tEOF {
		if p.tok.kind == tPunct {
			if slices.Contains(puncts, p.tok.text) {
				return
			}
			switch p.tok.text {
			case "(", "[", "{":
				p.balanced()
				continue
			case ")", "]", "}":
				return
			}
		}
		p.advance()
	}
}

// catch calls f and returns the diagnostic that it left with.
func (p *parser) catch(f func()) (d *diagnostic) {
	depth := p.depth
	defer func() {
		switch e := recover().(type) {
		case nil:
		case *diagnostic:
			d, p.depth = e, depth
		default:
			panic(e) // our own bug
		}
	}()
	f()
	return nil
}

// expression parses the tokens as one expression without commas, as #if and
// constants need it.
func (p *parser) expression(preprocessing bool) (x expr, d *diagnostic) {
	p.noTypes = preprocessing
	d = p.catch(func() {
		x = p.assignment()
		if p.tok.kind != tEOF {
			p.failf(p.tok.pos, "unexpected %s in an expression", p.tok)
		}
	})
	return x, d
}

// declarations parses the translation unit.
//
//	translation-unit = { external-declaration } .
func (p *parser) declarations() {
	for p.tok.kind != tEOF && !p.stopped {
		start := p.i
		if d := p.catch(p.external); d != nil {
			p.report(d)
			p.resync(start)
		}
	}
}

// resync moves behind the declaration that begins at token start and has an
// error at the current token: to the next ";" outside of braces. If it is a
// typedef its name becomes known, so that its uses are no errors.
func (p *parser) resync(start int) {
	failed := p.i
	p.i = start
	p.settle()
	first := p.tok
	for depth := 0; p.tok.kind != tEOF; {
		t, behind := p.tok, p.i >= failed
		p.advance()
		switch {
		case t.is("{"):
			depth++
		case t.is("}"):
			depth--
			if behind && depth <= 0 && p.tok.kind == tIdent && p.tok.flags&fBOL != 0 {
				return // the end of a body
			}
		case t.is(";") && depth <= 0 && behind:
			return
		case p.tok.is(";") && depth <= 0 && first.isName("typedef") && t.kind == tIdent:
			p.types[t.text] = true
		}
	}
}

// external parses one external declaration.
//
//	external-declaration = ";" | asm-definition | static-assert | function-definition | declaration .
func (p *parser) external() {
	first := p.tok
	switch {
	case p.got(";"):
		return
	case p.tok.isName("asm") || p.tok.isName("__asm__") || p.tok.isName("__asm"):
		p.skipTo(";")
		p.want(";")
		p.decls = append(p.decls, &skipDecl{first.pos, "assembly"})
		return
	case p.dissect:
		p.dissectExternal()
		return
	case p.isStaticAssert():
		p.decls = append(p.decls, p.staticAssert())
		return
	}
	d := &nameDecl{first: first, specs: p.specifiers()}
	// In order: a declaration is known before what its declarators hold.
	p.decls = append(p.decls, d)
	if !p.tok.is(";") {
		p.initDeclarators(d)
	}
	if !d.body {
		d.last = p.want(";")
	}
	d.next = p.tok
}

// initDeclarators parses the declarators of d, skipping initializers, or the
// body of the one function that it defines.
//
//	init-declarator-list = init-declarator { "," init-declarator } .
//	init-declarator = declarator [ "=" initializer ] .
func (p *parser) initDeclarators(d *nameDecl) {
	var before []attribute // that stand before a declarator but the first
	for {
		item := p.declarator(false)
		item.attrs = append(item.attrs, before...)
		p.types[item.name.text] = d.specs.storage == "typedef"
		d.items = append(d.items, item)
		item.attrs = append(item.attrs, p.attributes()...)
		if item.function() && len(d.items) == 1 && d.specs.storage != "typedef" {
			if p.typeStart(p.tok) { // parameters in K&R style
				p.skipTo("{", "=")
			}
			if d.last = p.tok; p.tok.is("{") {
				p.balanced()
				d.body = true
				return
			}
		}
		if p.got("=") {
			start := p.i
			p.skipTo(",", ";")
			item.init = p.toks[start:p.i]
		}
		if !p.got(",") {
			return
		}
		before = p.attributes()
	}
}

func (p *parser) isStaticAssert() bool {
	return !p.dissect && (p.tok.isName("_Static_assert") || p.tok.isName("static_assert") && p.peek().is("("))
}

// staticAssert parses an assertion.
//
//	static-assert = ( "_Static_assert" | "static_assert" ) "(" expression [ "," string ] ")" ";" .
func (p *parser) staticAssert() *assertDecl {
	a := &assertDecl{p: p.tok.pos}
	p.advance()
	p.want("(")
	a.cond = p.conditional()
	if p.got(",") {
		if p.tok.kind != tString {
			p.failf(p.tok.pos, "expected a string, found %s", p.tok)
		}
		a.msg = p.stringLiteral()
	}
	p.want(")")
	p.want(";")
	return a
}
