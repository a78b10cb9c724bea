package cstruct

import (
	"slices"
	"strings"
)

func set(words string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		m[w] = true
	}
	return m
}

// The words that begin or continue declaration specifiers, by what they do.
var (
	storageWords = set("typedef extern static register auto _Thread_local __thread")
	// Words without a meaning for layout.
	idleWords = set(`const __const __const__ volatile __volatile __volatile__ restrict __restrict __restrict__
		inline __inline __inline__ _Noreturn __extension__ __seg_fs __seg_gs`)
	// Of these, the ones that make another type (C 6.2.5).
	qualifiers      = set("const __const __const__ volatile __volatile __volatile__")
	arithmeticWords = set(`void char short int long float double signed __signed __signed__ unsigned _Bool
		_Complex __complex __complex__ __int128 __float128 __float80 _Float16 _Float32 _Float64 _Float128
		_Float32x _Float64x _Decimal32 _Decimal64 _Decimal128`)
	typeofWords = set("typeof __typeof __typeof__")
	alignWords  = set("_Alignas alignas")
	// Words that begin an expression or a statement.
	otherWords = set(`sizeof _Alignof __alignof __alignof__ _Generic _Static_assert struct union enum asm __asm
		__asm__ _Atomic __attribute__ __attribute __auto_type if else while do for switch case default
		break continue return goto __label__ __real __real__ __imag __imag__`)
	keywords = func() map[string]bool {
		m := map[string]bool{}
		for _, s := range []map[string]bool{storageWords, idleWords, arithmeticWords, typeofWords, otherWords} {
			for w := range s {
				m[w] = true
			}
		}
		m["_Alignas"] = true
		return m
	}()
)

// typeStart reports whether t begins declaration specifiers.
func (p *parser) typeStart(t token) bool {
	if t.kind != tIdent || p.noTypes {
		return false
	}
	switch t.text {
	case "__extension__": // it may begin an expression as well
		return false
	case "flag":
		return p.dissect
	case "struct", "union", "enum", "_Atomic", "__attribute__", "__attribute", "__auto_type", "__declspec":
		return t.text != "__declspec" || p.peek().is("(")
	}
	return arithmeticWords[t.text] || storageWords[t.text] || idleWords[t.text] || typeofWords[t.text] ||
		alignWords[t.text] || p.types[t.text] || p.dissect && dissectNames[t.text] != nil
}

// specifiers parses declaration specifiers.
//
//	declaration-specifiers = { storage-class | type-specifier | type-qualifier | function-specifier | alignment | attribute } .
func (p *parser) specifiers() *specifiers {
	if p.dissect {
		return p.dissectSpecifiers()
	}
	s := &specifiers{pos: p.tok.pos}
	for {
		t := p.tok
		typed := s.words != nil || s.named.kind != tEOF || s.record != nil || s.enum != nil ||
			s.typeof != nil || s.typeofX != nil || s.unknown != ""
		switch {
		case p.attributeStart():
			s.attrs = append(s.attrs, p.attributes()...)
			continue
		case t.kind != tIdent:
		case storageWords[t.text]:
			if s.storage != "typedef" {
				s.storage = t.text
			}
			p.advance()
			continue
		case idleWords[t.text]:
			s.qualified = s.qualified || qualifiers[t.text]
			p.advance()
			continue
		case t.text == "_Atomic" && !p.peek().is("("):
			s.atomic, s.qualified = true, true
			p.advance()
			continue
		case arithmeticWords[t.text]:
			if typed && s.words == nil || len(s.words) >= 8 {
				p.failf(t.pos, "%s after another type", t)
			}
			s.words = append(s.words, plainWord(t.text))
			p.advance()
			continue
		case !typed && (t.text == "struct" || t.text == "union"):
			s.record = p.record()
			continue
		case !typed && t.text == "enum":
			s.enum = p.enumeration()
			continue
		case !typed && (typeofWords[t.text] || t.text == "_Atomic"):
			p.typeof(s)
			continue
		case !typed && t.text == "__auto_type":
			s.unknown = t.text
			p.advance()
			continue
		case !typed && p.types[t.text]:
			s.named = t
			p.advance()
			continue
		}
		switch {
		case typed:
			return s
		case t.kind == tIdent && !keywords[t.text]:
			p.failf(t.pos, "unknown type name %s", t)
		}
		p.failf(t.pos, "expected a declaration, found %s", t)
	}
}

func plainWord(s string) string {
	switch s {
	case "__signed", "__signed__":
		return "signed"
	case "__complex", "__complex__":
		return "_Complex"
	}
	return s
}

// typeof parses typeof or _Atomic with its operand.
func (p *parser) typeof(s *specifiers) {
	if p.tok.text == "_Atomic" {
		s.atomic, s.qualified = true, true
	}
	p.advance()
	p.want("(")
	if p.typeStart(p.tok) {
		s.typeof = p.typeName()
	} else {
		s.typeofX = p.nest(p.comma)
	}
	p.want(")")
}

// typeName parses a type name.
//
//	type-name = specifier-qualifier-list [ abstract-declarator ] .
func (p *parser) typeName() *typeName {
	p.enter()
	defer p.leave()
	return &typeName{p.specifiers(), p.declarator(true)}
}

// declarator parses a declarator, abstract or not.
//
//	declarator = [ attributes ] { "*" { qualifier | attributes } } ( identifier | "(" declarator ")" ) { "[" [ expression ] "]" | "(" parameters ")" } .
func (p *parser) declarator(abstract bool) *declarator {
	p.enter()
	defer p.leave()
	d := &declarator{pos: p.tok.pos}
	var pointers []part
	for {
		if p.tok.is("*") {
			pointers = append(pointers, part{kind: partPointer, pos: p.tok.pos})
			p.advance()
		} else if p.attributeStart() {
			// Of the type so far, not of what is declared.
			pointers = append(pointers, part{kind: partAttributes, pos: p.tok.pos, attrs: p.attributes()})
		} else if p.tok.kind == tIdent && (idleWords[p.tok.text] || p.tok.text == "_Atomic") {
			p.advance()
		} else {
			break
		}
	}
	switch {
	case p.tok.is("(") && (!abstract || p.nested()):
		p.advance()
		inner := p.declarator(abstract)
		p.want(")")
		d.name, d.parts = inner.name, inner.parts
		d.attrs = append(d.attrs, inner.attrs...)
	case !abstract:
		d.name = p.wantIdent("a name")
	}
	for {
		switch {
		case p.tok.is("[") && !p.attributeStart():
			d.parts = append(d.parts, p.arrayPart())
		case p.tok.is("("):
			d.parts = append(d.parts, part{kind: partFunction, pos: p.tok.pos})
			p.balanced()
		default:
			slices.Reverse(pointers) // outward from the name
			d.parts = append(d.parts, pointers...)
			if len(d.parts) > maxNesting {
				p.fail(limit(d.pos, "declarator of more than %d parts", maxNesting))
			}
			d.attrs = append(d.attrs, p.attributes()...)
			return d
		}
	}
}

// nested reports whether the "(" in an abstract declarator holds a
// declarator, not parameters.
func (p *parser) nested() bool {
	t := p.peek()
	return t.is("*") || t.is("(") || t.is("[") || t.isName("__attribute__") ||
		t.kind == tIdent && !p.typeStart(t)
}

func (p *parser) arrayPart() part {
	a := part{kind: partArray, pos: p.tok.pos}
	p.advance()
	for p.tok.kind == tIdent && !p.dissect && (idleWords[p.tok.text] || p.tok.text == "static") {
		p.advance()
	}
	switch {
	case p.tok.is("]"):
	case p.tok.is("*") && p.peek().is("]"):
		p.advance()
	default:
		a.size = p.nest(p.assignment)
	}
	p.want("]")
	return a
}

// record parses struct or union.
//
//	record = ( "struct" | "union" ) [ identifier ] [ "{" { member } "}" ] .
func (p *parser) record() *recordSpec {
	p.enter()
	defer p.leave()
	r := &recordSpec{pos: p.tok.pos, union: p.tok.text == "union"}
	p.advance()
	attrs := p.attributes()
	if p.name(p.tok) {
		r.tag = p.tok
		p.advance()
	}
	if !p.tok.is("{") {
		if r.tag.kind == tEOF {
			p.failf(p.tok.pos, "expected a tag or %s, found %s", quote("{"), p.tok)
		}
		r.attrs = attrs
		return r
	}
	r.body, r.open = true, p.want("{")
	if p.dissect {
		p.types[r.tag.text] = true
	}
	r.after = p.tok
	for !p.tok.is("}") {
		if p.tok.kind == tEOF {
			p.failf(r.open.pos, "%s is never closed", r.open)
		}
		if p.got(";") {
			continue
		}
		if d := p.catch(func() { r.members = append(r.members, p.member()) }); d != nil {
			// One error a member: the struct goes on behind the next ";".
			p.report(d)
			for p.skipTo(";"); p.tok.is(")") || p.tok.is("]"); p.skipTo(";") {
				p.advance()
			}
		}
	}
	r.pack, r.order = p.pack.now, p.order
	p.advance()
	r.attrs = append(attrs, p.attributes()...)
	return r
}

// member parses a member declaration.
//
//	member = static-assert | specifier-qualifier-list [ member-declarator { "," member-declarator } ] ";" .
//	member-declarator = declarator [ ":" expression ] | ":" expression .
func (p *parser) member() *memberDecl {
	m := &memberDecl{first: p.tok}
	if p.isStaticAssert() {
		m.assert = p.staticAssert()
		return m
	}
	m.specs = p.specifiers()
	if word := m.specs.storage; word != "" && !p.dissect {
		// In C++ such a member takes no room, or is none.
		p.failf(m.first.pos, "%s before a member", quote(word))
	}
	for !p.tok.is(";") || m.items != nil && !p.dissect {
		if m.items != nil && !p.dissect && p.attributeStart() {
			p.failf(p.tok.pos, "expected a name, found %s", p.tok)
		}
		before := p.attributes()
		item := memberItem{decl: &declarator{pos: p.tok.pos}}
		if !p.tok.is(":") {
			item.decl = p.declarator(false)
		}
		if item.colon = p.tok.pos; p.got(":") {
			item.width = p.conditional()
		}
		item.attrs = append(before, p.attributes()...)
		for _, a := range slices.Concat(item.decl.attrs, item.attrs) {
			if a.raises {
				p.failf(a.pos, "_Alignas behind the type")
			}
		}
		item.last, item.next = p.last, p.tok
		m.items = append(m.items, item)
		if !p.tok.is(",") {
			break
		}
		p.advance()
	}
	if p.tok.is("}") { // gcc only warns where the last ";" is missing
		p.warnf(p.tok.pos, "missing %s before %s", quote(";"), quote("}"))
		m.last, m.next = p.last, p.tok
		return m
	}
	m.last = p.want(";")
	m.next = p.tok
	return m
}

// enumeration parses an enum.
//
//	enum = "enum" [ identifier ] [ ":" type-name ] [ "{" enumerator { "," enumerator } [ "," ] "}" ] .
//	enumerator = identifier [ attributes ] [ "=" expression ] .
func (p *parser) enumeration() *enumSpec {
	p.enter()
	defer p.leave()
	e := &enumSpec{pos: p.tok.pos}
	p.advance()
	attrs := p.attributes()
	if p.tok.kind == tIdent && !keywords[p.tok.text] {
		e.tag = p.tok
		p.advance()
	}
	if p.tok.is(":") && p.typeStart(p.peek()) {
		p.advance()
		e.under = &typeName{p.specifiers(), &declarator{pos: p.tok.pos}}
	}
	if !p.tok.is("{") {
		if e.tag.kind == tEOF {
			p.failf(p.tok.pos, "expected a tag or %s, found %s", quote("{"), p.tok)
		}
		e.attrs = attrs
		return e
	}
	e.body, e.open = true, p.want("{")
	e.after = p.tok
	for !p.tok.is("}") {
		item := enumItem{name: p.wantIdent("an enumerator")}
		p.attributes()
		if p.got("=") {
			item.value = p.conditional()
		}
		item.last, item.comma = p.last, p.tok
		p.types[item.name.text] = false
		more := p.got(",")
		if !more {
			item.comma = token{}
		}
		item.next = p.tok
		e.items = append(e.items, item)
		if !more {
			break
		}
	}
	if len(e.items) == 0 {
		p.failf(p.tok.pos, "enum without enumerators")
	}
	p.want("}")
	e.attrs = slices.Concat(attrs, p.attributes())
	return e
}
