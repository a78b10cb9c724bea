package cstruct

import (
	"go/constant"
	gotoken "go/token"
	"slices"
)

// constants evaluates the object-like macros that are in force at the end of
// the text. Those without a constant value are skipped.
func (r *resolver) constants(pp *preprocessor, types map[string]bool) {
	for _, m := range pp.objects {
		if pp.macros[m.name] != m || r.stopped {
			continue
		}
		c, warnings, d := r.constant(pp, m, types)
		switch {
		case d != nil && d.limit:
			r.report(d)
		case d != nil:
			r.skip(m.pos, m.name, d.msg)
		case c != nil:
			c.Pos, c.Main = r.position(m.pos), r.main(m.pos)
			c.Above = r.docAbove(m.hash)
			c.Doc = r.joinDocs(m.pos, c.Above, r.docMacro(m))
			r.model.Constants = append(r.model.Constants, c)
			if c.Main && len(r.warnings) < maxWarnings {
				r.warnings = append(r.warnings, warnings...)
			}
		}
	}
	// Of function-like macros there is nothing to translate.
	names := []*macro{}
	for _, m := range pp.macros {
		if m.function && !m.builtin {
			names = append(names, m)
		}
	}
	slices.SortFunc(names, func(a, b *macro) int { return int(a.pos) - int(b.pos) })
	for _, m := range names {
		r.skip(m.pos, m.name, "macro with parameters")
	}
}

// docMacro returns the comment behind the last token of a #define.
func (r *resolver) docMacro(m *macro) string {
	f := r.file(m.pos)
	if f == nil || m.end <= f.base {
		return ""
	}
	return r.docBeside(token{pos: m.end - 1}, 0)
}

// constant evaluates one macro. It returns nothing for one that stands for
// the enumerator of its own name.
func (r *resolver) constant(pp *preprocessor, m *macro, types map[string]bool) (*Constant, []error, *diagnostic) {
	if len(m.body) == 0 {
		return nil, nil, malformed(m.pos, "empty macro")
	}
	self := r.names[m.name]
	if len(m.body) == 1 && m.body[0].isName(m.name) {
		if self != nil && self.kind == symEnumerator {
			return nil, nil, nil
		}
		return nil, nil, malformed(m.pos, "names itself")
	}
	// What goes wrong in an unused macro is no error of the text.
	aside := r.aside()
	saved := pp.reporter
	pp.reporter = aside
	body := slices.Clone(m.body)
	for i := range body {
		body[i].hide = body[i].hide.add(m)
	}
	pp.placed = false
	toks := pp.expandAll(body)
	pp.reporter = saved
	if d := aside.exceeded(m.pos); d != nil {
		return nil, nil, d
	}
	if len(aside.errs) > 0 {
		return nil, nil, malformed(m.pos, "no expression")
	}
	if pp.placed {
		return nil, nil, malformed(m.pos, "has the value of the place where it is used")
	}
	p := newParser(append(slices.Clip(toks), token{kind: tEOF, pos: m.end}), aside)
	p.types = types
	if p.tok.kind == tEOF {
		return nil, nil, malformed(m.pos, "empty macro")
	}
	if p.typeStart(p.tok) {
		return nil, nil, malformed(m.pos, "names a type")
	}
	x, d := p.expression(false)
	if d != nil {
		if !d.limit {
			d.msg = "no expression: " + d.msg
		}
		return nil, nil, d
	}
	e := evaluator{reporter: aside, res: r, exact: true, quiet: !r.main(m.pos)}
	saved, r.eval.reporter = r.eval.reporter, aside
	v, d := e.eval(x)
	r.eval.reporter = saved
	if d := aside.exceeded(m.pos); d != nil {
		return nil, nil, d
	}
	if d != nil {
		if d.msg == "" {
			d.msg = "names what has an error"
		}
		return nil, nil, d
	}
	c := &Constant{Name: m.name, Value: v.v, Type: scalar(v.t), Text: spell(m.body)}
	if a, ok := v.t.(*Array); ok && v.v != nil && v.v.Kind() == constant.String {
		c.Type = a.Elem.(*Basic)
		return c, aside.warnings, nil
	}
	switch {
	case v.v == nil || v.lvalue:
		return nil, nil, v.need(x)
	case c.Type == nil:
		return nil, nil, malformed(m.pos, "no number: %s", v.t)
	case c.Type.Kind == Float:
		c.Value, c.NegativeZero = constant.ToFloat(v.v), v.negativeZero
	case !isInteger(c.Type):
		return nil, nil, malformed(m.pos, "no number: %s", c.Type)
	case self != nil && self.kind == symEnumerator && constant.Compare(self.v.v, gotoken.EQL, c.Value):
		return nil, nil, nil
	}
	return c, aside.warnings, nil
}
