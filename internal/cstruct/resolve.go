package cstruct

import (
	"go/constant"
	"slices"
	"strings"
)

// A resolver turns the syntax tree into types and values, in order of
// declaration, as C's rules of scope need it.
type resolver struct {
	*reporter
	eval    evaluator
	model   *Model
	tags    map[string]Type // *Struct or *Enum
	names   map[string]*symbol
	objects map[string]*symbol // functions and data of names
	outer   []string           // names of the structs around what is resolved
	place   Type               // the type of an offsetof
	open    map[*Struct]pos    // structs whose members are being resolved
	decls   []decl
	edges   map[string][]edge // what contains what, for messages about cycles
	cycles  map[*Struct]string
	pointer int64    // size of pointers; 0: C's
	dissect *dissect // nil in dialect c
}

type symbolKind uint8

const (
	symTypedef symbolKind = iota
	symEnumerator
	symObject
	symBroken // an error was reported for it
)

// A symbol is what a name stands for.
type symbol struct {
	kind  symbolKind
	pos   pos
	t     Type  // of typedefs, the *Typedef
	align int64 // of data that has one of its own; 0: that of t
	v     value
	known bool // of our prelude: declarations replace it
}

func newResolver(r *reporter, m *Model) *resolver {
	res := &resolver{
		reporter: r,
		model:    m,
		tags:     map[string]Type{},
		names:    map[string]*symbol{},
		objects:  map[string]*symbol{},
		open:     map[*Struct]pos{},
		cycles:   map[*Struct]string{},
	}
	res.eval = evaluator{reporter: r, res: res}
	return res
}

// declarations resolves a translation unit.
func (r *resolver) declarations(decls []decl) {
	r.decls = decls
	for _, d := range decls {
		if r.stopped {
			return
		}
		switch d := d.(type) {
		case *nameDecl:
			r.declaration(d)
		case *assertDecl:
			r.reportAny(r.assert(d))
		case *flagsDecl:
			r.reportAny(r.flags(d.name))
		case *skipDecl:
			r.skip(d.p, "", d.reason)
		}
	}
}

func (r *resolver) reportAny(d *diagnostic) {
	if d != nil && d.msg != "" {
		r.report(d)
	}
}

// silent is the diagnostic of what follows from an error that was reported.
func silent(at pos) *diagnostic { return &diagnostic{pos: at} }

func (r *resolver) skip(at pos, name, reason string) {
	if f := r.file(at); f != nil && f.known {
		return
	}
	if r.spend(at, len(reason)) {
		r.model.Skipped = append(r.model.Skipped, Skip{r.position(at), name, reason, r.main(at)})
	}
}

// declaration resolves one declaration of names.
func (r *resolver) declaration(d *nameDecl) {
	doc := func(item *declarator) Decl {
		return Decl{
			Pos:  r.position(item.name.pos),
			Doc:  r.joinDocs(item.name.pos, r.docAbove(d.first.pos), r.docBeside(d.last, d.next.pos)),
			Main: r.main(item.name.pos),
		}
	}
	hint := ""
	if d.specs.storage == "typedef" {
		for _, item := range d.items {
			if len(item.parts) == 0 {
				hint = item.name.text
				break
			}
		}
	}
	if d.specs.unknown != "" { // it is data, of a type that does not matter
		for _, item := range d.items {
			r.define(item.name, &symbol{kind: symBroken, pos: item.name.pos})
			r.skip(item.name.pos, item.name.text, "data")
		}
		return
	}
	base, diag := r.specifiers(d.specs, hint, d)
	for _, item := range d.items {
		if diag != nil {
			r.define(item.name, &symbol{kind: symBroken, pos: item.name.pos})
			continue
		}
		if d.specs.storage == "typedef" {
			r.typedef(d.specs, base, item, doc(item))
			continue
		}
		t, a, diag := r.declare(base, item, d.specs.attrs, item.attrs)
		if diag != nil && item.function() {
			diag = nil // nothing of a function is translated
			t = &function{typeInt}
		}
		r.reportAny(diag)
		s := &symbol{kind: symObject, pos: item.name.pos, t: t}
		if diag != nil {
			s.kind = symBroken
		} else {
			s.t = r.measured(t, item.init)
			s.align = max(a.align, t.Align())
		}
		reason := "data"
		if _, ok := plainType(t).(*function); ok {
			reason = "function"
		}
		if r.define(item.name, s) {
			r.objects[item.name.text] = s
			r.skip(item.name.pos, item.name.text, reason)
		}
		if t := item.name.text; t == "__packed" || t == "__attribute_packed__" || t == "__aligned" {
			r.warnf(item.name.pos, "%s is no macro here: this declares a variable of that name", quote(t))
		}
	}
	r.reportAny(diag)
}

// define enters s under its name, unless C forbids it. Names that are known
// from the start give way.
func (r *resolver) define(name token, s *symbol) bool {
	f := r.file(name.pos)
	s.known = f != nil && f.known
	old := r.names[name.text]
	if old == nil || old.known || old.kind == symBroken || s.kind == symBroken {
		r.names[name.text] = s
		return true
	}
	again := "declared again"
	switch {
	case old.kind == s.kind && s.kind == symTypedef:
		if sameType(old.t, s.t) {
			return false
		}
		again = "is a typedef of another type"
	case old.kind == s.kind && s.kind == symObject:
		r.names[name.text] = s
		return false
	}
	r.errorf(name.pos, "%s %s (first at %v)", name, again, r.position(old.pos))
	return false
}

// typedef resolves one typedef name.
func (r *resolver) typedef(specs *specifiers, base Type, item *declarator, d Decl) {
	t, a, diag := r.declare(base, item, specs.attrs, item.attrs)
	if diag == nil && nesting(t) >= maxNesting {
		diag = limit(item.name.pos, "types nested deeper than %d", maxNesting)
	}
	if diag != nil {
		r.reportAny(diag)
		r.define(item.name, &symbol{kind: symBroken, pos: item.name.pos})
		return
	}
	def := &Typedef{Name: item.name.text, Type: t, Aligns: a.latest, Decl: d, depth: nesting(t) + 1, qualified: specs.qualified}
	if order, ok := fixedOrder(def); ok && r.dissect == nil {
		def.Fixed, def.Order = true, order
	}
	if !r.define(item.name, &symbol{kind: symTypedef, pos: item.name.pos, t: def}) {
		return
	}
	if f := r.file(item.name.pos); f != nil && f.known {
		return
	}
	if _, ok := plainType(t).(*function); ok {
		r.skip(item.name.pos, item.name.text, "type of a function")
		return
	}
	r.model.Typedefs = append(r.model.Typedefs, def)
}

// specifiers returns the type that declaration specifiers name. An anonymous
// struct, union or enum in them takes the name hint, if that is not empty; d
// is the declaration, for its comments.
func (r *resolver) specifiers(s *specifiers, hint string, d *nameDecl) (Type, *diagnostic) {
	t, diag := r.specified(s, hint, d)
	if diag == nil && s.atomic {
		t = atomic(t)
	}
	return t, diag
}

// specified is specifiers without qualifiers.
func (r *resolver) specified(s *specifiers, hint string, d *nameDecl) (Type, *diagnostic) {
	switch {
	case s.record != nil:
		return r.record(s.record, hint, d)
	case s.enum != nil && r.dissect != nil:
		return r.scopedEnumeration(s.enum, hint, d)
	case s.enum != nil:
		return r.enumeration(s.enum, hint, d)
	case s.typeof != nil:
		return r.typeName(s.typeof)
	case s.typeofX != nil:
		r.eval.dead++
		v, diag := r.eval.eval(s.typeofX)
		r.eval.dead--
		return v.t, diag
	case s.unknown != "":
		return nil, unsupported(s.pos, "a type that %s takes from an initializer", s.unknown)
	case s.named.kind != tEOF:
		sym := r.names[s.named.text]
		switch {
		case sym == nil || sym.kind == symBroken:
			return nil, silent(s.pos)
		case sym.kind != symTypedef:
			return nil, malformed(s.named.pos, "%s is no type", s.named)
		}
		return sym.t, nil
	}
	if r.dissect != nil {
		return r.dissectType(s)
	}
	t := arithmeticType(s.words)
	if t == nil {
		return nil, malformed(s.pos, "no type is called %s", quote(strings.Join(s.words, " ")))
	}
	return t, nil
}

// typeName returns the type that t names.
func (r *resolver) typeName(t *typeName) (Type, *diagnostic) {
	base, d := r.specifiers(t.specs, "", nil)
	if d != nil {
		return nil, d
	}
	u, _, d := r.declare(base, t.decl, t.specs.attrs, t.decl.attrs)
	return u, d
}

// complete returns the type that t names, which must have a size.
func (r *resolver) complete(t *typeName, at pos) (Type, *diagnostic) {
	u, d := r.typeName(t)
	if d == nil {
		d = r.needComplete(u, at, "type")
	}
	return u, d
}

// needComplete returns an error if t has no size.
func (r *resolver) needComplete(t Type, at pos, what string) *diagnostic {
	switch u := plainType(t).(type) {
	case *Struct:
		if u.broken {
			return silent(at)
		}
		if !u.complete {
			return malformed(at, "%s: %s has incomplete type%s", what, u, r.cycle(u))
		}
	case *Array:
		return r.needComplete(u.Elem, at, what)
	case *Enum:
		if u.incomplete {
			return malformed(at, "%s: %s has incomplete type", what, u)
		}
	}
	return nil
}

// declare returns the type that a declarator makes of base, and what the
// attributes ask for besides.
func (r *resolver) declare(base Type, d *declarator, attrs ...[]attribute) (Type, modifiers, *diagnostic) {
	a, diag := r.attributes(slices.Concat(attrs...))
	if diag != nil {
		return nil, a, diag
	}
	t := base
	if a.vector > 0 {
		b := scalar(t)
		if b == nil || b.Bytes == 0 || a.vector%b.Bytes != 0 {
			return nil, a, malformed(d.pos, "a vector of %d bytes cannot be made of %s", a.vector, t)
		}
		t = &Array{Elem: t, Len: a.vector / b.Bytes, vector: true}
	}
	for i := len(d.parts) - 1; i >= 0; i-- {
		p := d.parts[i]
		_, isFunction := plainType(t).(*function)
		switch p.kind {
		case partPointer:
			if isFunction {
				t = &Pointer{Bytes: r.pointer}
			} else {
				t = &Pointer{t, r.pointer}
			}
		case partFunction:
			t = &function{t}
		case partAttributes:
			if t, diag = r.attributed(t, p); diag != nil {
				return nil, a, diag
			}
		case partArray:
			if isFunction {
				return nil, a, malformed(p.pos, "array of functions")
			}
			if t, diag = r.array(t, p, i); diag != nil {
				return nil, a, diag
			}
		}
	}
	if a.mode != "" {
		if t, diag = withMode(t, a.mode, d.pos); diag != nil {
			return nil, a, diag
		}
	}
	if derivations(t) > maxNesting {
		return nil, a, limit(d.pos, "type of more than %d parts", maxNesting)
	}
	return t, a, nil
}

// attributed returns t with the attributes that stand within a declarator, as
// gcc applies them to the type that there is at their place.
func (r *resolver) attributed(t Type, p part) (Type, *diagnostic) {
	a, d := r.attributes(p.attrs)
	switch {
	case d != nil:
		return nil, d
	case a.vector > 0 || a.mode != "":
		return nil, unsupported(p.pos, "vector_size or mode within a declarator")
	case a.latest == 0:
		return t, nil
	}
	return &Typedef{Name: t.String(), Type: t, Aligns: a.latest, depth: nesting(t) + 1}, nil
}

// array returns an array of t with the length of p, the part i of its
// declarator.
func (r *resolver) array(t Type, p part, i int) (Type, *diagnostic) {
	if plainType(t) == typeVoid {
		return nil, malformed(p.pos, "array of void")
	}
	if r.dissect != nil {
		return r.dissectArray(t, p)
	}
	if d := r.needComplete(t, p.pos, "element of an array"); d != nil {
		return nil, d
	}
	if a, ok := plainType(t).(*Array); ok && a.Flexible {
		return nil, malformed(p.pos, "array of arrays without length")
	}
	if nesting(t) >= maxNesting {
		return nil, limit(p.pos, "types nested deeper than %d", maxNesting)
	}
	// gcc makes the array of the unqualified type, and loses with the
	// qualifier what alignment a typedef or _Atomic gave.
	a := &Array{Elem: t, natural: isQualified(t)}
	if size := t.Size(); size > 0 && size%a.Align() != 0 {
		return nil, malformed(p.pos, "array of %s, which has %d bytes and is aligned to %d", t, size, t.Align())
	}
	if a.Flexible = p.size == nil; a.Flexible {
		return a, nil
	}
	v, d := r.eval.integer(p.size)
	if d != nil {
		return nil, d
	}
	n, ok := constant.Int64Val(v.v)
	switch {
	case constant.Sign(v.v) < 0:
		return nil, malformed(p.size.at(), "array of negative length %v", v.v)
	case !ok || t.Size() > 0 && n > maxObject/t.Size():
		return nil, malformed(p.size.at(), "array of %v elements is too large", v.v)
	}
	a.Len = n
	return a, nil
}

// lookup returns the value of a name in an expression.
func (r *resolver) lookup(name token) (value, *diagnostic) {
	s := r.names[name.text]
	switch {
	case s == nil && name.hide.named(name.text) != nil:
		return value{}, malformed(name.pos, "macro %s expands to itself (%s)", name, name.hide.chain(name.text))
	case s == nil:
		return value{}, malformed(name.pos, "%s is not declared", name)
	case s.kind == symBroken:
		return value{}, silent(name.pos)
	case s.kind == symEnumerator:
		return s.v, nil
	case s.kind == symTypedef:
		return value{}, malformed(name.pos, "%s is a type", name)
	}
	return value{t: plainType(s.t), lvalue: true, align: s.align, why: malformed(name.pos, "%s is no constant", name)}, nil
}

// assert checks a static assertion.
func (r *resolver) assert(a *assertDecl) *diagnostic {
	v, d := r.eval.integer(a.cond)
	if d != nil {
		return d
	}
	if constant.Sign(v.v) != 0 {
		return nil
	}
	msg := ""
	if a.msg != nil {
		if s, d := r.stringLiterals(a.msg.toks); d == nil && s.v != nil {
			msg = ": " + constant.StringVal(s.v)
		}
	}
	// Both values of a comparison help more than the 0 that it is.
	if b, ok := a.cond.(*binaryExpr); ok {
		if _, ok := comparisons[b.op]; ok {
			x, d1 := r.eval.integer(b.x)
			y, d2 := r.eval.integer(b.y)
			if d1 == nil && d2 == nil {
				return malformed(b.p, "static assertion failed%s (%v %s %v is false)", msg, x.v, b.op, y.v)
			}
		}
	}
	return malformed(a.p, "static assertion failed%s", msg)
}

// flags marks the enum that #pragma cstructgen flags names.
func (r *resolver) flags(name token) *diagnostic {
	t := r.tags[name.text]
	if s := r.names[name.text]; s != nil && s.kind == symTypedef {
		t = plainType(s.t)
	}
	e, ok := t.(*Enum)
	if !ok {
		return malformed(name.pos, "%s is no enum", name)
	}
	e.Flags = true
	return nil
}
