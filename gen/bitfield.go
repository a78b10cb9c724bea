package gen

import (
	"cmp"
	"fmt"
	"strings"

	"cstructgen/internal/cstruct"
)

// A unit is a run of bytes that bit-fields share and that is loaded at once.
type unit struct {
	off, size int64 // in bytes
	order     cstruct.ByteOrder
	members   []*member
}

// wordSize is the longest run that one load brings, in bytes.
const wordSize = 8

// unitsOf groups the bit-fields among members, which are in order of their
// offsets. Bit-fields that touch the same byte share a unit; so do neighbours
// that C declares in one storage unit.
func unitsOf(members []*member) []*unit {
	var units []*unit
	var u *unit
	var last *member
	for _, m := range members {
		if m.bits == 0 {
			continue
		}
		joins := u != nil && m.order == u.order &&
			(m.off < u.off+u.size || m.off == u.off+u.size && sameStorage(last, m) && m.end()-u.off <= wordSize)
		if !joins {
			u = &unit{off: m.off, order: m.order}
			units = append(units, u)
		}
		u.members = append(u.members, m)
		u.size = max(u.size, m.end()-u.off)
		last = m
	}
	return units
}

// sameStorage reports whether C puts two bit-fields into one storage unit.
func sameStorage(a, b *member) bool {
	return a.storage == b.storage && a.bitOff/(8*a.storage) == b.bitOff/(8*b.storage)
}

// narrow gives a bit-field the smallest Go type that holds it, or leaves it
// its enumerated type or bool.
func (m *member) narrow() error {
	s := m.typ.scalar
	switch {
	case s == nil:
		return unsupported(m.pos, "bit-field %s has type %s", m.cname, m.ctype)
	case s.enum || s.name == "bool":
		return nil
	}
	s = holding(m.bits, m.signed)
	m.typ = &goType{size: s.size, scalar: s}
	return nil
}

// word is the unsigned Go type of n bytes, the smallest that holds them.
func word(n int64) string { return holding(8*n, false).name }

// words returns the loads of a unit: offsets and sizes, one but for a unit
// longer than a word.
func (u *unit) words() []extent {
	var ws []extent
	for at := int64(0); at < u.size; at += wordSize {
		ws = append(ws, extent{u.off + at, min(wordSize, u.size-at)})
	}
	return ws
}

type extent struct{ off, size int64 }

func (e extent) name() string { return fmt.Sprintf("bits%d", e.off) }

// A piece is the part of a bit-field that lies in one word: n bits that are
// shift bits up in the word and belong at bit up of the field.
type piece struct {
	word      extent
	shift, up int64
	n         int64
}

// pieces cuts a bit-field of u at its words: one piece, but for a field that
// straddles two.
func (u *unit) pieces(m *member) []piece {
	var ps []piece
	first, last := m.bitOff, m.bitOff+m.bits // of the field, from the start of the record
	for _, w := range u.words() {
		from, to := max(first, w.off*8), min(last, (w.off+w.size)*8)
		if from >= to {
			continue
		}
		p := piece{word: w, n: to - from}
		if u.order == cstruct.BigEndian {
			p.shift, p.up = (w.off+w.size)*8-to, last-to
		} else {
			p.shift, p.up = from-w.off*8, from-first
		}
		ps = append(ps, p)
	}
	return ps
}

// decodeUnit writes the statements that set the bit-fields of u. b and x are
// expressions: the bytes, and the struct with a dot or nothing.
func (w *writer) decodeUnit(u *unit, b, x string) {
	for _, e := range u.words() {
		if u.used(e) {
			w.line("%s := %s", e.name(), load(u.order, b, e))
		}
	}
	for _, m := range u.members {
		if m.name != "" {
			w.line("%s = %s", x+m.name, u.extract(m))
		}
	}
}

// used reports whether a named bit-field lies in the word e.
func (u *unit) used(e extent) bool {
	for _, m := range u.members {
		for _, p := range u.pieces(m) {
			if m.name != "" && p.word == e {
				return true
			}
		}
	}
	return false
}

// extract is the expression for the value of m, once its words are loaded.
func (u *unit) extract(m *member) string {
	ps := u.pieces(m)
	typ := m.typ.scalar
	var raw string // the field's bits as an unsigned number
	bitsOfRaw := ps[0].word.wordBits()
	if len(ps) == 1 {
		p := ps[0]
		raw = p.word.name()
		if m.signed {
			// Up to the sign bit of the word, then back down: the sign
			// fills from the left.
			signed := fmt.Sprintf("int%d", bitsOfRaw)
			raw = fmt.Sprintf("%s(%s)", signed, shifted(raw, "<<", bitsOfRaw-p.shift-p.n))
			return convert(typ.name, signed, shifted(raw, ">>", bitsOfRaw-p.n))
		}
		raw = shifted(raw, ">>", p.shift)
		if p.shift+p.n < p.word.size*8 {
			raw = fmt.Sprintf("%s&%#x", raw, mask(p.n))
		}
	} else {
		var parts []string
		for _, p := range ps {
			s := shifted(convert("uint64", word(p.word.size), p.word.name()), ">>", p.shift)
			if p.shift+p.n < p.word.size*8 {
				s = fmt.Sprintf("%s&%#x", s, mask(p.n))
			}
			parts = append(parts, shifted(s, "<<", p.up))
		}
		raw, bitsOfRaw = strings.Join(parts, " | "), 64
		if m.signed {
			raw = fmt.Sprintf("int64(%s)", shifted("("+raw+")", "<<", 64-m.bits))
			return convert(typ.name, "int64", shifted(raw, ">>", 64-m.bits))
		}
	}
	if typ.name == "bool" {
		return raw + " != 0"
	}
	return convert(typ.name, fmt.Sprintf("uint%d", bitsOfRaw), raw)
}

// shifted is the expression x shifted by n bits.
func shifted(x, op string, n int64) string {
	if n == 0 {
		return x
	}
	return fmt.Sprint(x, op, n)
}

// convert is the expression x of the type from as the type to.
func convert(to, from, x string) string {
	if to == from {
		return x
	}
	return fmt.Sprintf("%s(%s)", to, x)
}

func (e extent) wordBits() int64 { return holding(8*e.size, false).size * 8 }

func mask(n int64) uint64 { return ^uint64(0) >> (64 - n) }

// lineTerms is how many bit-fields are put together on one line.
const lineTerms = 3

// encodeUnit writes the statements that store the bit-fields of u. Bits that
// no field has are zero, bits of a value that its field has not are dropped.
func (w *writer) encodeUnit(u *unit, b, x string) {
	for _, e := range u.words() {
		var terms []string
		var flags []*member
		for _, m := range u.members {
			if m.name == "" {
				continue
			}
			for _, p := range u.pieces(m) {
				if p.word != e {
					continue
				}
				if m.typ.scalar.name == "bool" {
					flags = append(flags, m)
					continue
				}
				terms = append(terms, u.insert(m, p, x+m.name))
			}
		}
		sum := strings.Join(terms, " | ")
		if len(terms) > lineTerms {
			sum = strings.Join(terms, " |\n")
		}
		if len(flags) == 0 && len(terms) <= lineTerms {
			w.store(u.order, b, e, cmp.Or(sum, "0"))
			continue
		}
		w.line("%s := %s", e.name(), cmp.Or(sum, word(e.size)+"(0)"))
		for _, m := range flags {
			w.line("if %s {", x+m.name)
			w.line("%s |= %#x", e.name(), uint64(1)<<u.pieces(m)[0].shift)
			w.line("}")
		}
		w.store(u.order, b, e, e.name())
	}
}

// insert is the expression for the part p of m's value in its word.
func (u *unit) insert(m *member, p piece, x string) string {
	to := word(p.word.size)
	s := convert(to, m.typ.scalar.name, shifted(x, ">>", p.up))
	if p.n < p.word.wordBits() {
		s = fmt.Sprintf("%s&%#x", s, mask(p.n))
	}
	return shifted(s, "<<", p.shift)
}
