package cstruct

import (
	"go/constant"
	gotoken "go/token"
	"slices"
	"strings"
	"unicode/utf8"
)

// A definition is a #define of dialect dissect, or an #undef.
type definition struct {
	pos   pos
	name  string
	macro *macro // nil: #undef
}

// A dissect is what resolving dialect dissect needs beyond C.
type dissect struct {
	aligned   bool
	pending   []definition // not computed yet
	values    map[string]constant.Value
	constants []*Constant      // in order; nil: no longer in force
	places    map[string]int   // of those in force, in constants
	skipped   map[string]*Skip // macros without a value
	records   []*recordBuilder // around what is resolved, the innermost last
}

// useDissect prepares r for dialect dissect.
func (r *resolver) useDissect(cfg Config, pp *preprocessor) {
	r.dissect = &dissect{
		aligned: cfg.Aligned,
		pending: pp.defines,
		values:  map[string]constant.Value{},
		places:  map[string]int{},
		skipped: map[string]*Skip{},
	}
	r.pointer = cfg.PointerSize
	for name, t := range dissectNames {
		r.names[name] = &symbol{kind: symTypedef, t: t, known: true}
	}
}

// define carries out the definitions before the place at. A value looks
// backward only.
func (r *resolver) definitionsBefore(at pos) {
	d := r.dissect
	for len(d.pending) > 0 && d.pending[0].pos < at && !r.stopped {
		def := d.pending[0]
		d.pending = d.pending[1:]
		delete(d.values, def.name)
		delete(d.skipped, def.name)
		if i, ok := d.places[def.name]; ok {
			d.constants[i] = nil
			delete(d.places, def.name)
		}
		if def.macro != nil {
			r.definition(def.macro)
		}
	}
}

// definitions carries out the definitions that are left, and hands over what
// they all come to.
func (r *resolver) definitions() {
	r.definitionsBefore(r.next)
	for _, c := range r.dissect.constants {
		if c == nil {
			continue
		}
		if f := r.files.list[0]; c.Pos.File == f.name && !f.main {
			continue // of the command line
		}
		r.model.Constants = append(r.model.Constants, c)
	}
	var skipped []*Skip
	for _, s := range r.dissect.skipped {
		skipped = append(skipped, s)
	}
	slices.SortFunc(skipped, func(a, b *Skip) int {
		return strings.Compare(a.Pos.File, b.Pos.File)*1<<24 + (a.Pos.Line-b.Pos.Line)<<8 + a.Pos.Col - b.Pos.Col
	})
	for _, s := range skipped {
		r.model.Skipped = append(r.model.Skipped, *s)
	}
}

// definition enters the value of m.
func (r *resolver) definition(m *macro) {
	v, reason := r.definitionValue(m)
	if reason == "" && v.Kind() == constant.Int && !r.spend(m.pos, constant.BitLen(v)) {
		return
	}
	if reason != "" {
		r.dissect.skipped[m.name] = &Skip{r.position(m.pos), m.name, reason, r.main(m.pos)}
		return
	}
	r.dissect.values[m.name] = v
	c := &Constant{Name: m.name, Value: v, Type: dissectChar, Text: spell(m.body)}
	switch v.Kind() {
	case constant.Int:
		c.Type = typeInt128
		for _, t := range []*Basic{typeInt, typeUInt, typeLong, typeULong} {
			if fits(v, t) {
				c.Type = t
				break
			}
		}
	case constant.Float:
		c.Type = typeDouble
	}
	c.Pos, c.Main = r.position(m.pos), r.main(m.pos)
	c.Above = r.docAbove(m.hash)
	c.Doc = r.joinDocs(m.pos, c.Above, r.docMacro(m))
	r.dissect.places[c.Name] = len(r.dissect.constants)
	r.dissect.constants = append(r.dissect.constants, c)
}

// definitionValue returns the value of m, or why there is none. In order of
// preference it is a quoted string, b"bytes", a number, an expression over
// what was defined before, or the text as it stands.
func (r *resolver) definitionValue(m *macro) (constant.Value, string) {
	body := m.body
	switch {
	case len(body) == 0:
		return nil, "empty macro"
	case len(body) == 1 && (body[0].kind == tString || body[0].kind == tChar) && strings.IndexByte(`"'`, body[0].text[0]) >= 0:
		return quotedBytes(body[0])
	case len(body) == 2 && (body[0].isName("b") || body[0].isName("B")) && body[1].flags&fSpace == 0 &&
		(body[1].kind == tString || body[1].kind == tChar):
		return quotedBytes(body[1])
	}
	aside := r.aside()
	p := newParser(append(slices.Clip(body), token{kind: tEOF, pos: m.end}), aside)
	p.dissect, p.types = true, map[string]bool{}
	x, d := p.expression(false)
	if d == nil {
		f := formula{resolver: r}
		v, d := f.definition(x)
		if d == nil {
			return v, ""
		}
		if d.limit {
			r.report(d)
			return nil, d.msg
		}
	}
	if body[0].is("(") && body[0].flags&fSpace == 0 {
		return nil, "macro with parameters"
	}
	return constant.MakeString(spell(body)), ""
}

// quotedBytes returns the value of a quoted string, whose escape sequences are
// Python's.
func quotedBytes(t token) (constant.Value, string) {
	var b []byte
	for s := t.text[1 : len(t.text)-1]; s != ""; {
		if s[0] != '\\' {
			b, s = append(b, s[0]), s[1:]
			continue
		}
		n := 0
		var u uint32
		var isRune bool
		if len(s) >= 4 && s[1] == 'x' {
			u, isRune, n = escape(s[:4]) // two digits, however many follow
		} else {
			u, isRune, n = escape(s)
		}
		switch {
		case n == 0:
			return nil, "malformed escape sequence"
		case isRune:
			b = utf8.AppendRune(b, rune(u))
		default:
			b = append(b, byte(u))
		}
		s = s[n:]
	}
	return constant.MakeString(string(b)), ""
}

// definition computes x as the value of a macro, which may be a floating
// number as well.
func (f *formula) definition(x expr) (constant.Value, *diagnostic) {
	negative := false
	y := x
	if u, ok := x.(*unaryExpr); ok && u.op == "-" {
		y, negative = u.x, true
	}
	if n, ok := y.(*numberExpr); ok && strings.ContainsAny(n.tok.text, ".eE") && !strings.HasPrefix(strings.ToLower(n.tok.text), "0x") {
		v, d := floatLiteral(n.tok)
		if d != nil || v.v == nil {
			return nil, malformed(n.at(), "no number")
		}
		if negative {
			return constant.UnaryOp(gotoken.SUB, v.v, 0), nil
		}
		return v.v, nil
	}
	return f.constant(x)
}
