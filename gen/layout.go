package gen

import "strings"

// layoutType is the type of every layout table. It is spelled the same in
// every output and has no name, so that tables of all packages have one type.
const layoutType = `[]struct {
	Name, Type      string // in C
	Offset, Size    int    // in bytes
	BitOffset, Bits int    // of a bit-field, from the start; else 0
	Doc             string
}`

// layout writes the table of a record's fields: one, or one for each order
// where they differ.
func (w *writer) layout(r *record) {
	rows := r.layoutRows()
	if r.big != nil && r.big.layoutRows() != rows {
		w.layoutTable("LayoutOf"+r.name+"LE", ", in little-endian order", r, rows)
		w.layoutTable("LayoutOf"+r.name+"BE", ", in big-endian order", r, r.big.layoutRows())
		return
	}
	w.layoutTable("LayoutOf"+r.name, "", r, rows)
}

func (w *writer) layoutTable(name, order string, r *record, rows string) {
	w.doc(wrap(name + " lists the fields of " + r.name + order + ", without padding. Do not change it.")...)
	w.line("var %s = %s{", name, layoutType)
	w.WriteString(rows)
	w.line("}")
	w.line("")
}

func (r *record) layoutRows() string {
	w := new(writer)
	for _, m := range r.named {
		doc := strings.Join(commentLines(m.doc), "\n")
		w.line("{%q, %q, %d, %d, %d, %d, %q},", m.cname, visible(m.ctype), m.off, m.size, m.bitOff, m.bits, doc)
	}
	return w.String()
}
