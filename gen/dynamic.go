package gen

import (
	"fmt"
	"strings"

	"cstructgen/internal/cstruct"
)

// emitDynamic writes everything that a struct or union of dynamic size
// becomes.
func (w *writer) emitDynamic(r *record, suffixes []string, failure string) error {
	w.dynamicType(r)
	w.line("")
	w.doc(wrap("MinSizeof" + r.name + " is how many bytes every " + r.name + " has at least.")...)
	w.line("const MinSizeof%s = %d", r.name, cstruct.MinSize(r.c))
	w.line("")
	if !r.union {
		w.offsets(r)
	}
	for _, suffix := range suffixes {
		in := r
		if suffix == "BE" {
			in = r.big
		}
		if err := w.dynamicCodec(in, suffix, failure); err != nil {
			return err
		}
	}
	if len(suffixes) == 1 {
		w.dynamicBinary(r)
	}
	w.textMethods(r)
	w.layout(r)
	return nil
}

// dynamicType writes the Go type of a struct of dynamic size.
func (w *writer) dynamicType(r *record) {
	what := fmt.Sprintf("%s is %s: of dynamic size, at least %s%s.", r.name, r.is, count(cstruct.MinSize(r.c), "byte"), r.orderWords(", "))
	notes := []string{"It carries no struc tags: struc cannot express parts of dynamic size."}
	switch {
	case r.union:
		what = fmt.Sprintf("%s is %s whose members, of different size, all begin at the same byte.", r.name, r.is)
		notes = append(notes, "It can be read and not written.")
	case r.readOnly != "":
		notes = append(notes, "It can be read and not written: "+r.readOnly+" has no encoding.")
	default:
		if checks := r.lengths(); checks != "" {
			notes = append(notes, "Encoding changes no field; it fails unless "+checks+".")
		}
	}
	w.typeDoc(what, r.c.Doc, notes...)
	w.line("type %s struct {", r.name)
	for _, m := range r.members {
		if m.name != "" && m.typ != nil {
			w.entry(m.name+" "+m.typ.String(), m.remark())
		}
	}
	w.line("}")
}

// lengths says what lengths must be for r to be encoded.
func (r *record) lengths() string {
	var all []string
	for _, m := range r.members {
		if m.typ == nil || m.name == "" || m.typ.length == nil || m.typ.length.Kind != cstruct.Counted {
			continue
		}
		all = append(all, fmt.Sprintf("len(%s) is %s", m.name, oneLine(m.typ.length.Count.Text, maxText)))
	}
	return strings.Join(all, ", ")
}

// dynamicBinary writes the methods of encoding's interfaces.
func (w *writer) dynamicBinary(r *record) {
	w.doc(wrap("UnmarshalBinary decodes x from the start of b, which may be longer.")...)
	w.line("func (x *%s) UnmarshalBinary(b []byte) error {", r.name)
	w.line("_, err := x.Decode(b)")
	w.line("return err")
	w.line("}")
	w.line("")
	if r.readOnly != "" {
		return
	}
	w.doc(wrap("MarshalBinary returns the encoding of x. It fails where AppendBinary does.")...)
	w.line("func (x *%s) MarshalBinary() ([]byte, error) {", r.name)
	w.line("return x.AppendBinary(nil)")
	w.line("}")
	w.line("")
}
