package gen

import (
	"fmt"
	"slices"
	"strings"

	"cstructgen/internal/cstruct"
)

// emitRecord writes everything that a struct or union becomes. failure is the
// type of errors.
func (w *writer) emitRecord(r *record, suffixes []string, failure string) error {
	if r.dynamic {
		return w.emitDynamic(r, suffixes, failure)
	}
	if r.union {
		w.unionType(r)
	} else {
		w.structType(r)
	}
	w.line("")
	w.doc("Sizeof" + r.name + " is the size of the C type in bytes.")
	w.line("const Sizeof%s = %d", r.name, r.size)
	w.line("")
	w.offsets(r)
	for _, suffix := range suffixes {
		in := r
		if suffix == "BE" {
			in = r.big
		}
		w.codec(in, suffix)
	}
	if len(suffixes) == 1 {
		w.binary(r)
	}
	if r.checked {
		w.checkMethod(r, failure)
	}
	w.textMethods(r)
	if r.tail != nil {
		w.tailFunc(r)
	}
	w.layout(r)
	return nil
}

// textMethods writes the methods that return arrays of characters as strings.
func (w *writer) textMethods(r *record) {
	for _, m := range r.members {
		switch {
		case m.typ == nil || m.name == "":
		case m.typ.text:
			w.textMethod(r, m)
		case m.typ.wide && (!r.union || r.dynamic):
			w.wideTextMethod(r, m)
		}
	}
}

// structType writes the Go type of a struct.
func (w *writer) structType(r *record) {
	what := fmt.Sprintf("%s is %s: %s%s.", r.name, r.is, count(r.size, "byte"), r.orderWords(", "))
	var notes []string
	if r.noStruc != "" {
		notes = append(notes, fmt.Sprintf("It carries no struc tags: struc cannot express %s.", r.noStruc))
	}
	if len(r.units) > 0 {
		notes = append(notes, "Of a value that its bit-field cannot hold, the encoding has the low bits.")
	}
	if r.tail != nil {
		notes = append(notes, fmt.Sprintf("What follows it, %s, is found with %sTail.", r.tail.cname, r.name))
	}
	w.typeDoc(what, r.c.Doc, notes...)
	w.line("type %s struct {", r.name)
	for _, m := range r.members {
		if m.name == "" {
			continue
		}
		w.entry(m.name+" "+m.typ.String()+r.tag(m), m.remark())
	}
	w.line("}")
}

// remark is what the comment of a Go field says: what the C text does, and
// what the Go type does not say of the C type.
func (m *member) remark() remark {
	if m.pad() {
		return remark{beside: "padding"}
	}
	said := remarkOf(strings.TrimRight(m.doc, " \t\r\n"), m.above)
	note := m.note
	if m.bits > 0 {
		note = strings.TrimSuffix(count(m.bits, "bit")+", "+note, ", ")
	}
	switch {
	case note == "":
	case said.beside != "":
		said.beside += " (" + note + ")"
	case said.above != "" && !strings.Contains(said.above, "\n"):
		said.above += " (" + note + ")"
	default:
		said.beside = note
	}
	return said
}

// fieldDoc is remark as one text.
func (m *member) fieldDoc() string {
	said := m.remark()
	return strings.Trim(said.above+"\n"+said.beside, "\n")
}

// tag is the struct tag of a field with which struc reads the same bytes.
func (r *record) tag(m *member) string {
	if r.noStruc != "" {
		return ""
	}
	typ, _ := m.typ.struc()
	if typ == "" {
		return ""
	}
	if m.wide() && r.big == nil {
		order := "little"
		if m.order == cstruct.BigEndian {
			order = "big"
		}
		typ += "," + order
	}
	return fmt.Sprintf(" `struc:%q`", typ)
}

// wide reports whether m holds numbers of more than a byte, whose order
// matters.
func (m *member) wide() bool {
	if m.typ == nil {
		return false
	}
	t := m.typ
	for t.elem != nil {
		t = t.elem
	}
	return t.scalar != nil && t.scalar.size > 1 || m.bits > 0
}

// orderWords says the byte order of r where all of its numbers have the same.
func (r *record) orderWords(before string) string {
	if r.big != nil {
		return ""
	}
	orders := make(map[cstruct.ByteOrder]bool)
	for _, m := range r.members {
		if m.wide() {
			orders[m.order] = true
		}
	}
	if len(orders) != 1 {
		return ""
	}
	for o := range orders {
		return before + orderName(o)
	}
	return ""
}

// offsets writes the offset constants of a struct.
func (w *writer) offsets(r *record) {
	var lines []string
	others := map[string]*member{}
	if r.big != nil {
		others = r.big.byName()
	}
	for _, m := range r.named {
		switch o := others[m.name]; {
		case m.bits > 0 || r.union:
		case o != nil && o.off != m.off:
			lines = append(lines,
				fmt.Sprintf("Offsetof%s_%sLE = %d", r.name, m.name, m.off),
				fmt.Sprintf("Offsetof%s_%sBE = %d", r.name, m.name, o.off))
		default:
			lines = append(lines, fmt.Sprintf("Offsetof%s_%s = %d", r.name, m.name, m.off))
		}
	}
	if len(lines) == 0 {
		return
	}
	w.doc("Offsets of the fields of " + r.name + " in bytes.")
	w.line("const (")
	w.line("%s", strings.Join(lines, "\n"))
	w.line(")")
	w.line("")
}

// codec writes Decode and Encode of r in one order. r.members lie as they do
// in that order; Go's names and types are the same in both.
func (w *writer) codec(r *record, suffix string) {
	b := "b"
	if r.size == 0 {
		b = "_"
	}
	order := r.orderWords("")
	if r.union {
		order = "" // of its bytes; that of numbers is the getters'
	}
	switch {
	case r.union:
	case suffix == "LE":
		order = "little-endian"
	case suffix == "BE":
		order = "big-endian"
	}
	decode, encode := "sets x from b.", "writes x to b, all of it."
	if order != "" {
		decode = "sets x from its " + order + " form in b."
		encode = "writes the " + order + " form of x to b, all of it."
	}
	w.doc(wrap("Decode" + suffix + " " + decode)...)
	w.line("func (x *%s) Decode%s(%s *[Sizeof%s]byte) {", r.name, suffix, b, r.name)
	switch {
	case r.size == 0:
	case r.union:
		w.line("*x = %s(*b)", r.name)
	default:
		w.fields(r, func(m *member) {
			if m.name != "" {
				w.decode(m.typ, slot{b: "b", off: m.off}, m.order, "x."+m.name, suffix)
			}
		}, func(u *unit) { w.decodeUnit(u, "b", "x.") })
	}
	w.line("}")
	w.line("")
	w.doc(wrap("Encode" + suffix + " " + encode)...)
	w.line("func (x *%s) Encode%s(%s *[Sizeof%s]byte) {", r.name, suffix, b, r.name)
	switch {
	case r.size == 0:
	case r.union:
		w.line("*b = *x")
	default:
		w.fields(r, func(m *member) {
			if m.name == "" {
				w.line("clear(b[%d:%d])", m.off, m.end())
				return
			}
			w.encode(m.typ, slot{b: "b", off: m.off}, m.order, "x."+m.name, suffix)
		}, func(u *unit) { w.encodeUnit(u, "b", "x.") })
	}
	w.line("}")
	w.line("")
	if r.union {
		w.unionMembers(r, suffix)
	} else {
		w.decodePrefix(r, suffix)
	}
}

// fields calls field for each plain member and unit for each run of
// bit-fields, in order of offset.
func (w *writer) fields(r *record, field func(*member), unit func(*unit)) {
	units := r.units
	for _, m := range r.members {
		switch {
		case m.bits == 0:
			field(m)
		case len(units) > 0 && units[0].members[0] == m:
			unit(units[0])
			units = units[1:]
		}
	}
}

// decodePrefix writes the method that decodes the start of a struct.
func (w *writer) decodePrefix(r *record, suffix string) {
	w.doc("DecodePrefix"+suffix+" sets the fields that lie wholly in b, zeroes the others and", "returns how many bytes the former take.")
	w.line("func (x *%s) DecodePrefix%s(b []byte) (n int) {", r.name, suffix)
	if r.size == 0 {
		w.line("*x = %s{}", r.name)
		w.line("return 0")
		w.line("}")
		w.line("")
		return
	}
	w.line("if len(b) >= Sizeof%s {", r.name)
	w.line("x.Decode%s((*[Sizeof%s]byte)(b))", suffix, r.name)
	w.line("return Sizeof%s", r.name)
	w.line("}")
	ends := r.ends()
	ends = ends[:len(ends)-1]
	if len(ends) == 0 {
		w.line("*x = %s{}", r.name)
		w.line("return 0")
		w.line("}")
		w.line("")
		return
	}
	w.line("for _, end := range [...]int{%s} {", list(ends))
	w.line("if end > len(b) {")
	w.line("break")
	w.line("}")
	w.line("n = end")
	w.line("}")
	w.line("var whole [Sizeof%s]byte", r.name)
	w.line("copy(whole[:], b[:n])")
	w.line("x.Decode%s(&whole)", suffix)
	w.line("return n")
	w.line("}")
	w.line("")
}

// ends returns the offsets at which a prefix of r holds no part of a field;
// the last is the size. r.members are in order of offset, but bit-fields that
// share a byte may stand in any order.
func (r *record) ends() []int64 {
	var ends []int64
	at := int64(0) // where the fields so far end
	for _, m := range r.members {
		if m.name == "" {
			continue
		}
		if m.off >= at && at > 0 {
			ends = append(ends, at)
		}
		at = max(at, m.end())
	}
	return slices.Compact(append(ends, r.size))
}

// list prints numbers for a composite literal, in lines.
func list(ns []int64) string {
	var b strings.Builder
	for i, n := range ns {
		switch {
		case i > 0 && i%16 == 0:
			b.WriteString(",\n")
		case i > 0:
			b.WriteString(", ")
		case len(ns) > 16:
			b.WriteString("\n")
		}
		fmt.Fprint(&b, n)
	}
	if len(ns) > 16 {
		b.WriteString(",\n")
	}
	return b.String()
}

// binary writes the methods of encoding's interfaces.
func (w *writer) binary(r *record) {
	size := "Sizeof" + r.name
	w.doc(wrap("UnmarshalBinary decodes x from the start of b, which may be longer. The error of a shorter one wraps io.ErrUnexpectedEOF.")...)
	if r.size == 0 {
		w.line("func (x *%s) UnmarshalBinary([]byte) error {", r.name)
		w.line("*x = %s{}", r.name)
	} else {
		w.line("func (x *%s) UnmarshalBinary(b []byte) error {", r.name)
		w.line("if len(b) < %s {", size)
		w.line(`return fmt.Errorf("%s: %%d bytes of %%d: %%w", len(b), %s, io.ErrUnexpectedEOF)`, r.name, size)
		w.line("}")
		w.line("x.Decode((*[%s]byte)(b))", size)
	}
	w.line("return nil")
	w.line("}")
	w.line("")
	fails := "It never fails."
	if r.checked {
		fails = "It fails if a number does not fit its bytes."
	}
	w.doc("MarshalBinary returns the encoding of x. " + fails)
	w.line("func (x *%s) MarshalBinary() ([]byte, error) {", r.name)
	w.callCheck(r)
	w.line("b := make([]byte, %s)", size)
	w.line("x.Encode((*[%s]byte)(b))", size)
	w.line("return b, nil")
	w.line("}")
	w.line("")
	w.doc("AppendBinary appends the encoding of x to b. " + fails)
	w.line("func (x *%s) AppendBinary(b []byte) ([]byte, error) {", r.name)
	w.callCheck(r)
	w.line("b = append(b, make([]byte, %s)...)", size)
	w.line("x.Encode((*[%s]byte)(b[len(b)-%s:]))", size, size)
	w.line("return b, nil")
	w.line("}")
	w.line("")
}

// callCheck writes the check of what has numbers that may not fit.
func (w *writer) callCheck(r *record) {
	if r.checked {
		w.line("if err := x.check(0); err != nil {")
		w.line("return nil, err")
		w.line("}")
	}
}

// wideTextMethod writes the method that returns an array of UTF-16 as a
// string.
func (w *writer) wideTextMethod(r *record, m *member) {
	w.doc(wrap(m.name + "Text returns " + m.cname + ", which is UTF-16, up to the first NUL.")...)
	w.line("func (x *%s) %sText() string {", r.name, m.name)
	w.line("text := x.%s[:]", m.name)
	w.line("if n := slices.Index(text, 0); n >= 0 {")
	w.line("text = text[:n]")
	w.line("}")
	w.line("return string(utf16.Decode(text))")
	w.line("}")
	w.line("")
}

// textMethod writes the method that returns a char array as a string.
func (w *writer) textMethod(r *record, m *member) {
	bytes := "x." + m.name + "[:]"
	if r.union && !r.dynamic {
		bytes = slot{b: "x", off: m.off}.slice(m.size)
	}
	w.doc(m.name + "Text returns " + m.cname + " up to the first NUL.")
	w.line("func (x *%s) %sText() string {", r.name, m.name)
	w.line("text, _, _ := bytes.Cut(%s, []byte{0})", bytes)
	w.line("return string(text)")
	w.line("}")
	w.line("")
}

// tailFunc writes the function that returns what follows the fixed part.
func (w *writer) tailFunc(r *record) {
	w.doc(wrap(fmt.Sprintf("%sTail returns what follows the %s at the start of b: %s, of type %s. It is nil if b ends before that.",
		r.name, r.name, r.tail.cname, oneLine(r.tail.ctype, maxText)))...)
	offset := "Offsetof" + r.name + "_" + r.tail.name
	w.line("func %sTail(b []byte) []byte {", r.name)
	if r.tail.off > 0 {
		w.line("if len(b) < %s {", offset)
		w.line("return nil")
		w.line("}")
	}
	w.line("return b[%s:]", offset)
	w.line("}")
	w.line("")
}

// count prints a number of things.
func count(n int64, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
