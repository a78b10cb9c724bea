package gen

import "fmt"

// unionType writes the Go type of a union: its bytes.
func (w *writer) unionType(r *record) {
	w.typeDoc(fmt.Sprintf("%s is %s: %s that its members share, each with a method to get and one to set it.",
		r.name, r.is, count(r.size, "byte")), r.c.Doc)
	w.line("type %s [Sizeof%s]byte", r.name, r.name)
}

// unionMembers writes the getters and setters of a union in one order.
func (w *writer) unionMembers(r *record, suffix string) {
	for _, m := range r.members {
		if m.name == "" {
			continue
		}
		doc := fmt.Sprintf("%s%s returns the member %s", m.name, suffix, m.cname)
		if lines := commentLines(m.fieldDoc()); len(lines) == 1 {
			w.doc(wrap(doc + ": " + lines[0])...)
		} else {
			w.typeDoc(doc+".", m.fieldDoc())
		}
		w.line("func (x *%s) %s%s() %s {", r.name, m.name, suffix, m.typ)
		w.getter(m, suffix)
		w.line("}")
		w.line("")
		w.doc(fmt.Sprintf("Set%s%s sets the member %s.", m.name, suffix, m.cname))
		w.line("func (x *%s) Set%s%s(v %s) {", r.name, m.name, suffix, m.typ)
		w.setter(m, suffix)
		w.line("}")
		w.line("")
	}
}

func (w *writer) getter(m *member, suffix string) {
	s := slot{b: "x", off: m.off}
	switch {
	case m.bits > 0:
		u := &unit{off: m.off, size: m.size, order: m.order, members: []*member{m}}
		for _, e := range u.words() {
			w.line("%s := %s", e.name(), load(u.order, "x", e))
		}
		w.line("return %s", u.extract(m))
	case m.typ.scalar != nil:
		w.line("return %s", fmt.Sprintf(m.typ.scalar.value, s.raw(m.order, m.size)))
	case m.typ.rawBytes():
		w.line("return [%d]byte(%s)", m.size, s.slice(m.size))
	default:
		w.line("var v %s", m.typ)
		w.decode(m.typ, s, m.order, "v", suffix)
		w.line("return v")
	}
}

func (w *writer) setter(m *member, suffix string) {
	if m.bits == 0 {
		w.encode(m.typ, slot{b: "x", off: m.off}, m.order, "v", suffix)
		return
	}
	// Of the bytes that the bit-field touches, other members keep their bits.
	u := &unit{off: m.off, size: m.size, order: m.order, members: []*member{m}}
	for _, p := range u.pieces(m) {
		e := p.word
		w.line("%s := %s", e.name(), load(u.order, "x", e))
		w.line("%s &^= %#x", e.name(), mask(p.n)<<p.shift)
		if m.typ.scalar.name == "bool" {
			w.line("if v {")
			w.line("%s |= %#x", e.name(), uint64(1)<<p.shift)
			w.line("}")
		} else {
			w.line("%s |= %s", e.name(), u.insert(m, p, "v"))
		}
		w.store(u.order, "x", e, e.name())
	}
}
