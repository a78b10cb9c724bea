package cstruct

import "strings"

// attributeStart reports whether the current token begins attributes.
func (p *parser) attributeStart() bool {
	t := p.tok
	switch {
	case p.noTypes:
		return false
	case t.is("["):
		return p.peek().is("[")
	case t.kind != tIdent:
		return false
	case alignWords[t.text] || t.text == "__declspec":
		return p.peek().is("(")
	}
	return t.text == "__attribute__" || t.text == "__attribute"
}

// attributes parses what there is of attributes, and asm labels, which stand
// where they do. Only those that are known to change a layout are returned.
//
//	attributes = { "__attribute__" "(" "(" list ")" ")" | "[" "[" list "]" "]" | "_Alignas" "(" operand ")" | "__declspec" "(" list ")" | "__asm__" "(" string ")" } .
func (p *parser) attributes() (list []attribute) {
	for {
		t := p.tok
		switch {
		case t.isName("__asm__"), t.isName("__asm"), t.isName("asm") && p.peek().is("("):
			p.advance()
			if p.tok.isName("volatile") || p.tok.isName("__volatile__") {
				p.advance()
			}
			p.balanced()
		case t.isName("__extension__"):
			p.advance()
		case !p.attributeStart():
			return list
		case t.is("["):
			p.advance()
			p.want("[")
			list = p.attributeList(list, "]")
			p.want("]")
			p.want("]")
		case alignWords[t.text]:
			p.advance()
			p.want("(")
			a := attribute{name: "aligned", pos: t.pos, raises: true}
			if p.typeStart(p.tok) {
				a.args = []expr{&sizeExpr{p: t.pos, align: true, t: p.typeName()}}
			} else {
				a.args = []expr{p.conditional()}
			}
			p.want(")")
			list = append(list, a)
		case t.text == "__declspec":
			p.advance()
			p.want("(")
			list = p.attributeList(list, ")")
			p.want(")")
		default:
			p.advance()
			p.want("(")
			p.want("(")
			list = p.attributeList(list, ")")
			p.want(")")
			p.want(")")
		}
	}
}

// attributeList parses attributes up to the token that ends them.
//
//	list = [ attribute ] { [ "," ] [ attribute ] } .
//	attribute = [ "gnu" "::" ] identifier [ "(" arguments ")" ] .
func (p *parser) attributeList(list []attribute, end string) []attribute {
	for !p.tok.is(end) {
		if p.got(",") {
			continue
		}
		a := attribute{pos: p.tok.pos}
		if p.tok.kind != tIdent {
			p.failf(p.tok.pos, "expected an attribute, found %s", p.tok)
		}
		a.name = plainName(p.tok.text)
		p.advance()
		if p.got("::") {
			space := a.name
			a.name = plainName(p.tok.text)
			p.advance()
			if space != "gnu" {
				a.name = space + "::" + a.name
			}
		}
		if a.name == "align" {
			a.name = "aligned" // __declspec(align(n))
		}
		known := p.attributeArguments(&a)
		if known {
			list = append(list, a)
		}
	}
	return list
}

// attributeArguments parses the arguments of a and reports whether a is one
// that changes a layout.
func (p *parser) attributeArguments(a *attribute) bool {
	switch a.name {
	case "aligned", "vector_size":
		if p.got("(") {
			if !p.tok.is(")") {
				a.args = []expr{p.conditional()}
			}
			p.want(")")
		}
		return true
	case "mode", "scalar_storage_order":
		p.want("(")
		a.word = plainName(strings.Trim(p.tok.text, `"`))
		p.advance()
		p.want(")")
		return true
	case "packed", "ms_struct":
		if p.tok.is("(") {
			p.balanced()
		}
		return true
	}
	if p.tok.is("(") {
		p.balanced()
	}
	return false
}
