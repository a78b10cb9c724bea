package cstruct

import "strings"

// dissectDirective carries out a line that begins with hash. There are
// #define, #undef, #ifdef, #ifndef, #else and #endif; "#[...]" tunes how
// dissect.cstruct itself works, and means nothing here.
func (pp *preprocessor) dissectDirective(in *input, hash, name token) {
	switch {
	case name.is("["):
		in.raw = true
		for t := name; !t.is("]") && t.kind != tNewline; t = in.next() {
		}
		in.raw = false
		in.directive = false
		return
	case name.kind != tIdent:
		pp.errorf(name.pos, "unknown directive %s", name)
		in.skip()
		return
	}
	switch name.text {
	case "ifdef", "ifndef", "else", "endif":
		pp.conditional(in, name)
		pp.skipGroups(in)
	case "define":
		in.raw = true
		line := in.line()
		in.raw = false
		if len(line) == 0 || line[0].kind != tIdent {
			pp.errorf(hash.pos, "#define needs a name")
			return
		}
		last := line[len(line)-1]
		m := &macro{name: line[0].text, pos: line[0].pos, hash: hash.pos, end: last.pos + pos(len(last.text)), body: line[1:]}
		pp.checkName(line[0])
		pp.macros[m.name] = m
		pp.defines = append(pp.defines, definition{m.pos, m.name, m})
	case "undef":
		line := in.line()
		if len(line) == 0 || line[0].kind != tIdent {
			pp.errorf(name.pos, "#undef needs a name")
			return
		}
		delete(pp.macros, line[0].text)
		pp.defines = append(pp.defines, definition{line[0].pos, line[0].text, nil})
	case "include", "pragma", "error", "warning", "line":
		pp.warnf(hash.pos, "#%s ignored in this dialect", name.text)
		in.skip()
	case "if", "elif":
		pp.unsupportedf(name.pos, "#%s: this dialect has #ifdef and #ifndef", name.text)
		in.skip()
	default:
		pp.errorf(name.pos, "unknown directive %s", name)
		in.skip()
	}
}

// dissectExternal parses one external declaration of dialect dissect.
//
//	external-declaration = typedef | ( record | scoped-enum ) [ declarators ] [ ";" ] | lookup .
//	typedef = "typedef" type [ declarator { "," declarator } ] [ ";" ] .
//	lookup = "$" identifier "=" "{" ... "}" .
func (p *parser) dissectExternal() {
	first := p.tok
	if first.kind == tIdent && strings.HasPrefix(first.text, "$") {
		p.advance()
		p.want("=")
		p.balanced()
		p.decls = append(p.decls, &skipDecl{first.pos, "lookup table"})
		return
	}
	isTypedef := first.isName("typedef")
	if isTypedef {
		p.advance()
	} else if !p.tok.isName("struct") && !p.tok.isName("union") && !p.tok.isName("enum") && !p.tok.isName("flag") {
		p.failf(p.tok.pos, "expected a declaration, found %s", p.tok)
	}
	d := &nameDecl{first: first, specs: p.dissectSpecifiers()}
	p.decls = append(p.decls, d)
	// What a struct without a tag is called behind its brace names it.
	anonymous := d.specs.record != nil && d.specs.record.tag.kind == tEOF || d.specs.enum != nil && d.specs.enum.tag.kind == tEOF
	switch {
	case p.endsDeclaration(p.tok):
	case isTypedef || anonymous:
		d.specs.storage = "typedef"
		p.initDeclarators(d)
	default:
		p.decls = append(p.decls, &skipDecl{p.tok.pos, "data"})
		p.skipTo(";")
	}
	d.last = p.last
	if p.tok.is(";") {
		d.last = p.tok
		p.advance()
	} else if !p.endsDeclaration(p.tok) {
		p.failf(p.tok.pos, "expected %s, found %s", quote(";"), p.tok)
	}
	d.next = p.tok
}

// endsDeclaration reports whether t stands behind a declaration: ";" may be
// missing.
func (p *parser) endsDeclaration(t token) bool {
	switch {
	case t.is(";"), t.kind == tEOF:
		return true
	case t.kind == tIdent && t.flags&fBOL != 0:
		switch t.text {
		case "struct", "union", "enum", "flag", "typedef":
			return true
		}
	}
	return false
}

// dissectSpecifiers parses a type.
//
//	type = record | scoped-enum | identifier { identifier } .
func (p *parser) dissectSpecifiers() *specifiers {
	s := &specifiers{pos: p.tok.pos}
	p.idle(s)
	switch t := p.tok; {
	case t.isName("struct"), t.isName("union"):
		s.record = p.record()
	case t.isName("enum"), t.isName("flag"):
		s.enum = p.scopedEnumeration()
	case t.kind != tIdent:
		p.failf(t.pos, "expected a type, found %s", t)
	default:
		p.typeWords(s)
	}
	p.idle(s)
	return s
}

// idle moves over words and attributes around a type. They are not of this
// dialect, and harmless.
func (p *parser) idle(s *specifiers) {
	for p.tok.kind == tIdent {
		switch p.tok.text {
		case "const", "volatile", "__attribute__", "__extension__":
			if p.attributeStart() {
				s.attrs = append(s.attrs, p.attributes()...)
			} else {
				p.advance()
			}
			continue
		}
		return
	}
}

// typeWords parses the name of a type: as many words as make the name of
// one, and those before it.
func (p *parser) typeWords(s *specifiers) {
	first := p.tok
	name := p.tok.text
	p.advance()
	for p.tok.kind == tIdent {
		longer := name + " " + p.tok.text
		if dissectNames[longer] == nil && (p.known(name) || p.ends(p.peek())) {
			break
		}
		name = longer
		if len(name) > 200 {
			break
		}
		p.advance()
	}
	switch {
	case dissectNames[name] != nil && strings.Contains(name, " "):
		s.words = strings.Split(name, " ")
	case p.known(name):
		s.named = first
	default:
		p.failf(first.pos, "unknown type name %s", quote(name))
	}
}

// known reports whether name is a type.
func (p *parser) known(name string) bool { return dissectNames[name] != nil || p.types[name] }

// ends reports whether t stands behind the name of a member.
func (p *parser) ends(t token) bool {
	return t.is(";") || t.is("[") || t.is(":") || t.is(",") || t.is("}")
}

// scopedEnumeration parses enum or flag.
//
//	scoped-enum = ( "enum" | "flag" ) [ identifier ] [ ":" type ] [ "{" { enumerator [ "," ] } "}" ] .
//	enumerator = ( identifier | number ) [ "=" expression ] .
func (p *parser) scopedEnumeration() *enumSpec {
	p.enter()
	defer p.leave()
	e := &enumSpec{pos: p.tok.pos, flags: p.tok.text == "flag"}
	p.advance()
	if p.tok.kind == tIdent {
		e.tag = p.tok
		p.advance()
	}
	if p.got(":") {
		e.under = &typeName{p.dissectSpecifiers(), &declarator{pos: p.tok.pos}}
	}
	if !p.tok.is("{") {
		if e.tag.kind == tEOF {
			p.failf(p.tok.pos, "expected a tag or %s, found %s", quote("{"), p.tok)
		}
		return e
	}
	e.body, e.open = true, p.want("{")
	p.types[e.tag.text] = true
	e.after = p.tok
	for !p.tok.is("}") {
		item := enumItem{name: p.tok}
		if !enumeratorName(p.tok) {
			p.failf(p.tok.pos, "expected an enumerator, found %s", p.tok)
		}
		p.advance()
		if p.got("=") {
			item.value = p.conditional()
		}
		item.last, item.comma = p.last, p.tok
		if !p.got(",") {
			item.comma = token{}
		}
		item.next = p.tok
		e.items = append(e.items, item)
	}
	p.want("}")
	return e
}

// enumeratorName reports whether t can name an enumerator, which may begin
// with a digit.
func enumeratorName(t token) bool {
	return t.kind == tIdent || t.kind == tNumber && strings.IndexFunc(t.text, func(r rune) bool {
		return r >= 0x80 || !isDigit(byte(r)) && !isNameStart(byte(r))
	}) < 0
}
