package cstruct

import "strings"

// Binary operators by how tightly they bind (C 6.5.5 to 6.5.14).
var precedence = map[string]int{
	"*": 10, "/": 10, "%": 10, "+": 9, "-": 9, "<<": 8, ">>": 8,
	"<": 7, ">": 7, "<=": 7, ">=": 7, "==": 6, "!=": 6,
	"&": 5, "^": 4, "|": 3, "&&": 2, "||": 1,
}

var assignments = set("= *= /= %= += -= <<= >>= &= ^= |=")

// comma parses an expression.
//
//	expression = assignment { "," assignment } .
func (p *parser) comma() expr {
	x := p.assignment()
	for p.tok.is(",") {
		at := p.tok.pos
		p.advance()
		x = &binaryExpr{",", at, x, p.assignment()}
	}
	return x
}

// assignment parses an assignment, which is never constant.
//
//	assignment = conditional [ assignment-operator assignment ] .
func (p *parser) assignment() expr {
	x := p.conditional()
	if p.tok.kind == tPunct && assignments[p.tok.text] {
		at := p.tok.pos
		p.advance()
		p.nest(p.assignment)
		return &opaqueExpr{p: at, what: "an assignment", x: x}
	}
	return x
}

// conditional parses a constant expression (C 6.6).
//
//	conditional = binary [ "?" [ expression ] ":" conditional ] .
func (p *parser) conditional() expr {
	c := p.binary(1)
	if !p.tok.is("?") {
		return c
	}
	x := &condExpr{p: p.tok.pos, c: c}
	p.advance()
	if !p.tok.is(":") {
		x.x = p.nest(p.comma)
	}
	p.want(":")
	x.y = p.nest(p.conditional)
	return x
}

// nest parses one level deeper.
func (p *parser) nest(parse func() expr) expr {
	p.enter()
	defer p.leave()
	return parse()
}

// binary parses operators that bind as tightly as least or more.
func (p *parser) binary(least int) expr {
	x := p.unary()
	for {
		op := p.tok
		n := precedence[op.text]
		if op.kind != tPunct || n < least || n == 0 {
			return x
		}
		p.advance()
		x = &binaryExpr{op.text, op.pos, x, p.binary(n + 1)}
	}
}

// unary parses prefix operators and casts.
//
//	unary = postfix | operator unary | "(" type-name ")" unary | "sizeof" ( unary | "(" type-name ")" ) .
func (p *parser) unary() expr {
	t := p.tok
	switch {
	case t.kind == tPunct:
		switch t.text {
		case "+", "-", "~", "!", "&", "*", "++", "--":
			p.advance()
			return &unaryExpr{t.text, t.pos, p.nest(p.unary)}
		case "&&": // the address of a label
			p.advance()
			p.wantIdent("a label")
			return &opaqueExpr{p: t.pos, what: "the address of a label"}
		case "(":
			if !p.dissect && p.typeStart(p.peek()) {
				return p.cast()
			}
		}
	case t.kind == tIdent && !p.noTypes:
		switch t.text {
		case "__extension__":
			p.advance()
			return p.nest(p.unary)
		case "sizeof", "_Alignof", "__alignof", "__alignof__", "alignof":
			if t.text != "alignof" || p.peek().is("(") {
				return p.size()
			}
		case "__real", "__real__", "__imag", "__imag__":
			p.advance()
			op := "real"
			if strings.HasPrefix(t.text, "__imag") {
				op = "imag"
			}
			return &unaryExpr{op, t.pos, p.nest(p.unary)}
		}
	}
	return p.postfix(p.primary())
}

// cast parses a cast or a compound literal.
func (p *parser) cast() expr {
	at := p.tok.pos
	p.want("(")
	t := p.typeName()
	p.want(")")
	if p.tok.is("{") {
		return p.postfix(p.compound(at, t))
	}
	return &castExpr{at, t, p.nest(p.unary)}
}

// size parses sizeof and _Alignof.
func (p *parser) size() expr {
	x := &sizeExpr{p: p.tok.pos, align: p.tok.text != "sizeof"}
	p.advance()
	if p.tok.is("(") && p.typeStart(p.peek()) {
		at := p.tok.pos
		p.advance()
		t := p.typeName()
		p.want(")")
		if !p.tok.is("{") {
			x.t = t
			return x
		}
		x.x = p.postfix(p.compound(at, t))
		return x
	}
	x.x = p.nest(p.unary)
	return x
}

// compound parses what follows the type t of a compound literal.
func (p *parser) compound(at pos, t *typeName) expr {
	start := p.i
	p.balanced()
	return &opaqueExpr{p: at, what: "a compound literal", t: t, init: p.toks[start:p.i]}
}

// primary parses what operators apply to.
//
//	primary = number | character | string { string } | identifier | "(" expression ")" | builtin .
func (p *parser) primary() expr {
	t := p.tok
	switch t.kind {
	case tNumber:
		p.advance()
		return &numberExpr{t}
	case tChar:
		p.advance()
		return &charExpr{t}
	case tString:
		return p.stringLiteral()
	case tIdent:
		if p.noTypes {
			p.advance()
			return &nameExpr{t}
		}
		switch t.text {
		case "_Generic":
			return p.generic()
		case "__builtin_offsetof":
			return p.offsetof()
		case "__builtin_types_compatible_p":
			return p.compatible()
		case "__builtin_va_arg":
			p.advance()
			p.balanced()
			return &opaqueExpr{p: t.pos, what: "a variable argument"}
		}
		if !p.name(t) {
			break
		}
		p.advance()
		return &nameExpr{t}
	case tPunct:
		if t.text != "(" {
			break
		}
		if p.peek().is("{") {
			p.balanced()
			return &opaqueExpr{p: t.pos, what: "a statement expression"}
		}
		p.advance()
		x := p.nest(p.comma)
		p.want(")")
		return x
	}
	p.failf(t.pos, "expected an expression, found %s", t)
	return nil
}

func (p *parser) stringLiteral() *stringExpr {
	x := &stringExpr{}
	for p.tok.kind == tString {
		x.toks = append(x.toks, p.tok)
		p.advance()
	}
	return x
}

// postfix parses what follows a primary expression.
//
//	postfix = primary { "[" expression "]" | "(" arguments ")" | "." identifier | "->" identifier | "++" | "--" } .
func (p *parser) postfix(x expr) expr {
	for n := 0; ; n++ {
		if n > maxNesting {
			p.fail(limit(p.tok.pos, "more than %d operators behind an operand", maxNesting))
		}
		t := p.tok
		switch {
		case p.noTypes && !t.is("("):
			return x
		case t.is("["):
			p.advance()
			x = &indexExpr{t.pos, x, p.nest(p.comma)}
			p.want("]")
		case t.is("("):
			call := &callExpr{p: t.pos, f: x}
			p.advance()
			for !p.tok.is(")") {
				call.args = append(call.args, p.nest(p.assignment))
				if !p.got(",") {
					break
				}
			}
			p.want(")")
			x = call
		case t.is("."), t.is("->"):
			p.advance()
			x = &memberExpr{t.pos, x, p.wantIdent("a member"), t.text == "->"}
		case t.is("++"), t.is("--"):
			p.advance()
			x = &opaqueExpr{p: t.pos, what: "an assignment", x: x}
		default:
			return x
		}
	}
}

// offsetof parses __builtin_offsetof.
//
//	offsetof = "__builtin_offsetof" "(" type-name "," identifier { "." identifier | "[" expression "]" } ")" .
func (p *parser) offsetof() expr {
	o := &offsetExpr{p: p.tok.pos}
	p.advance()
	p.want("(")
	o.t = p.typeName()
	p.want(",")
	o.x = &memberExpr{p: p.tok.pos, x: &placeExpr{o.p}, name: p.wantIdent("a member")}
	o.x = p.postfix(o.x)
	p.want(")")
	return o
}

// generic parses a selection by type (C 6.5.1.1).
//
//	generic = "_Generic" "(" assignment { "," ( type-name | "default" ) ":" assignment } ")" .
func (p *parser) generic() expr {
	g := &genericExpr{p: p.tok.pos}
	p.advance()
	p.want("(")
	g.x = p.nest(p.assignment)
	for p.got(",") {
		var c genericCase
		if p.tok.isName("default") {
			p.advance()
		} else {
			c.t = p.typeName()
		}
		p.want(":")
		c.x = p.nest(p.assignment)
		g.cases = append(g.cases, c)
	}
	p.want(")")
	return g
}

func (p *parser) compatible() expr {
	x := &compatExpr{p: p.tok.pos}
	p.advance()
	p.want("(")
	x.t = p.typeName()
	p.want(",")
	x.u = p.typeName()
	p.want(")")
	return x
}
