package gen

import (
	"bytes"
	"fmt"
	"strings"

	"cstructgen/internal/cstruct"
)

// A writer gathers Go source.
type writer struct{ bytes.Buffer }

// line writes a line.
func (w *writer) line(format string, args ...any) {
	fmt.Fprintf(w, format, args...)
	w.WriteByte('\n')
}

// doc writes lines as a comment.
func (w *writer) doc(lines ...string) {
	for _, l := range lines {
		w.line("%s", strings.TrimRight("// "+l, " "))
	}
}

// A slot is where a value lies in the bytes b: at a constant offset and, in
// loops over arrays, so many bytes on for each index.
type slot struct {
	b       string
	off     int64
	strides []string // "4*i"
}

func (s slot) index(stride int64, i string) slot {
	term := i
	if stride != 1 {
		term = fmt.Sprintf("%d*%s", stride, i)
	}
	s.strides = append(s.strides[:len(s.strides):len(s.strides)], term)
	return s
}

// plus is the slot n bytes on.
func (s slot) plus(n int64) slot {
	s.off += n
	return s
}

// at is the index of the slot's first byte.
func (s slot) at() string {
	if len(s.strides) == 0 {
		return fmt.Sprint(s.off)
	}
	sum := strings.Join(s.strides, "+")
	if s.off == 0 {
		return sum
	}
	return fmt.Sprintf("%d+%s", s.off, sum)
}

// slice is a slice expression of the n bytes of the slot. In loops its end is
// left open: the compiler then proves that it is in bounds, as it does not
// with an end that is a sum.
func (s slot) slice(n int64) string {
	if len(s.strides) == 0 {
		return fmt.Sprintf("%s[%d:%d]", s.b, s.off, s.off+n)
	}
	return fmt.Sprintf("%s[%s:]", s.b, s.at())
}

func orderVar(o cstruct.ByteOrder) string {
	if o == cstruct.BigEndian {
		return "binary.BigEndian"
	}
	return "binary.LittleEndian"
}

// raw is the unsigned number of n bytes, a Go integer size, in the slot.
func (s slot) raw(o cstruct.ByteOrder, n int64) string {
	if n == 1 {
		return fmt.Sprintf("%s[%s]", s.b, s.at())
	}
	if typ := word(n); holding(8*n, false).size != n {
		var terms []string
		for i := range n {
			terms = append(terms, shifted(fmt.Sprintf("%s(%s[%s])", typ, s.b, s.plus(i).at()), "<<", shiftOf(o, i, n)))
		}
		return "(" + strings.Join(terms, " | ") + ")"
	}
	return fmt.Sprintf("%s.Uint%d(%s)", orderVar(o), 8*n, s.slice(n))
}

// storeRaw writes the statement that stores such a number.
func (w *writer) storeRaw(s slot, o cstruct.ByteOrder, n int64, v string) {
	if n == 1 {
		w.line("%s[%s] = %s", s.b, s.at(), v)
		return
	}
	if holding(8*n, false).size != n {
		for i := range n {
			w.line("%s[%s] = uint8(%s)", s.b, s.plus(i).at(), shifted(v, ">>", shiftOf(o, i, n)))
		}
		return
	}
	w.line("%s.PutUint%d(%s, %s)", orderVar(o), 8*n, s.slice(n), v)
}

// load is the unsigned number in the bytes e of b, up to 8.
func load(o cstruct.ByteOrder, b string, e extent) string {
	typ := word(e.size)
	if holding(8*e.size, false).size == e.size {
		return slot{b: b, off: e.off}.raw(o, e.size)
	}
	var terms []string
	for i := range e.size {
		terms = append(terms, shifted(fmt.Sprintf("%s(%s[%d])", typ, b, e.off+i), "<<", shiftOf(o, i, e.size)))
	}
	return strings.Join(terms, " | ")
}

// store writes the statements that store v in the bytes e of b, up to 8.
func (w *writer) store(o cstruct.ByteOrder, b string, e extent, v string) {
	if holding(8*e.size, false).size == e.size {
		w.storeRaw(slot{b: b, off: e.off}, o, e.size, v)
		return
	}
	if v != e.name() && v != "0" {
		w.line("%s := %s", e.name(), v)
		v = e.name()
	}
	for i := range e.size {
		if v == "0" {
			w.line("%s[%d] = 0", b, e.off+i)
			continue
		}
		w.line("%s[%d] = uint8(%s)", b, e.off+i, shifted(v, ">>", shiftOf(o, i, e.size)))
	}
}

// shiftOf is how far up in a number of n bytes its byte i belongs.
func shiftOf(o cstruct.ByteOrder, i, n int64) int64 {
	if o == cstruct.BigEndian {
		return 8 * (n - 1 - i)
	}
	return 8 * i
}

// loopVar names the index of a loop at a depth.
func loopVar(depth int) string {
	if depth < 6 {
		return string(rune('i' + depth))
	}
	return fmt.Sprint("i", depth)
}

// Arrays of so few numbers are written out; of so many, a turn of the loop
// does several, which more than doubles the speed.
const (
	fewElems  = 4
	manyElems = 16
	perTurn   = 4
)

// each writes what body does for each element of the array x of type t.
func (w *writer) each(t *goType, s slot, x string, body func(s slot, x string)) {
	size := t.elem.size
	one := func(k int64) { body(s.plus(k*size), fmt.Sprintf("%s[%d]", x, k)) }
	i := loopVar(len(s.strides))
	// A bool takes several statements.
	number := t.elem.scalar != nil && t.elem.scalar.name != "bool"
	switch {
	case number && t.n <= fewElems:
		for k := range t.n {
			one(k)
		}
	case number && t.n >= manyElems:
		end := t.n - t.n%perTurn
		w.line("for %s := 0; %s < %d; %s += %d {", i, i, end, i, perTurn)
		body(s.index(size, i), fmt.Sprintf("%s[%s]", x, i))
		for k := int64(1); k < perTurn; k++ {
			body(s.plus(k*size).index(size, i), fmt.Sprintf("%s[%s+%d]", x, i, k))
		}
		w.line("}")
		for k := end; k < t.n; k++ {
			one(k)
		}
	default:
		w.line("for %s := range %s {", i, x)
		body(s.index(size, i), fmt.Sprintf("%s[%s]", x, i))
		w.line("}")
	}
}

// decode writes the statements that set x from the slot. suffix is that of
// the methods of nested records.
func (w *writer) decode(t *goType, s slot, o cstruct.ByteOrder, x, suffix string) {
	switch {
	case t.size == 0:
	case t.scalar != nil:
		w.line("%s = %s", x, fmt.Sprintf(t.scalar.value, s.raw(o, t.size)))
	case t.record != nil:
		w.line("%s.Decode%s((*[Sizeof%s]byte)(%s))", x, suffix, t.record.name, s.slice(t.size))
	case t.elem != nil:
		w.each(t, s, x, func(s slot, x string) { w.decode(t.elem, s, o, x, suffix) })
	default:
		w.line("%s = [%d]byte(%s)", x, t.size, s.slice(t.size))
	}
}

// encode writes the statements that store x in the slot.
func (w *writer) encode(t *goType, s slot, o cstruct.ByteOrder, x, suffix string) {
	switch {
	case t.size == 0:
	case t.scalar != nil && t.scalar.name == "bool":
		w.storeRaw(s, o, 1, "0")
		w.line("if %s {", x)
		w.storeRaw(s, o, 1, "1")
		w.line("}")
	case t.scalar != nil:
		w.storeRaw(s, o, t.size, fmt.Sprintf(t.scalar.bits, x))
	case t.record != nil:
		w.line("%s.Encode%s((*[Sizeof%s]byte)(%s))", x, suffix, t.record.name, s.slice(t.size))
	case t.elem != nil:
		w.each(t, s, x, func(s slot, x string) { w.encode(t.elem, s, o, x, suffix) })
	default:
		w.line("copy(%s, %s[:])", s.slice(t.size), x)
	}
}
