package gen

import (
	"fmt"
	"slices"
	"strings"

	"cstructgen/internal/cstruct"
)

// A sample is bytes at a place in a struct or union, and what Go must say of
// them. No two of the bytes are the same, so that a wrong order shows.
type sample struct {
	name  string // in C: "slots[7].key"
	off   int64
	bytes []byte
	path  string // in Go, from the member on: ".Slots[7].Key"
	value string
}

// maxSample is the longest array that is one sample. Of a longer one, the
// first element, one in the middle and the last are.
const maxSample = 16

// samples returns the samples of a member.
func (m *member) samples() []sample {
	if m.name == "" || m.size == 0 {
		return nil
	}
	name := m.cname
	if name == "" {
		name = m.name
	}
	if m.bits > 0 {
		bytes, value := m.bitSample()
		return []sample{{name, m.off, bytes, "." + m.name, value}}
	}
	return m.typ.samples(sample{name: name, off: m.off, path: "." + m.name}, m.order, false)
}

// samples returns the samples of a value of type t that begins at s. Of what is
// deep in others, which have samples of their own, one is enough: the last,
// whose place depends on all before it.
func (t *goType) samples(s sample, o cstruct.ByteOrder, deep bool) []sample {
	switch {
	case t.size == 0:
		return nil
	case t.scalar != nil:
		s.bytes = distinct(t.size)
		s.value = t.scalar.literal(o)
		return []sample{s}
	case t.record != nil && !t.record.union:
		return t.record.samples(s, deep)
	case t.record != nil || t.rawBytes():
		if t.size <= maxSample {
			s.bytes, s.value = distinct(t.size), t.String()+"{"+list(ordinals(t.size))+"}"
			return []sample{s}
		}
		return elements(t.size, deep, func(i int64) []sample {
			return []sample{s.at(i, 1).of([]byte{1}, "1")}
		})
	case t.elem.scalar != nil && t.size <= maxSample && t.elem.scalar.name != "bool":
		var values []string
		for i := range t.n {
			values = append(values, t.elem.scalar.literalFrom(i*t.elem.size, o))
		}
		s.bytes, s.value = distinct(t.size), t.String()+"{"+strings.Join(values, ", ")+"}"
		return []sample{s}
	}
	return elements(t.n, deep, func(i int64) []sample { return t.elem.samples(s.at(i, t.elem.size), o, true) })
}

// samples returns those of the first and the last member of r that have any.
func (r *record) samples(s sample, deep bool) []sample {
	var all [][]sample
	for _, m := range r.members {
		if inner := m.samples(); len(inner) > 0 {
			all = append(all, inner)
		}
	}
	if len(all) == 0 {
		return nil
	}
	last := all[len(all)-1]
	some := last[len(last)-1:]
	if first := all[0]; !deep && len(all) > 1 {
		some = []sample{first[0], some[0]}
	}
	var out []sample
	for _, in := range some {
		in.name, in.path, in.off = s.name+"."+in.name, s.path+in.path, s.off+in.off
		out = append(out, in)
	}
	return out
}

// elements returns the samples that of gives of some elements of n.
func elements(n int64, deep bool, of func(i int64) []sample) []sample {
	var out []sample
	indexes := []int64{0, n / 2, n - 1}
	if deep {
		indexes = indexes[2:]
	}
	for _, i := range slices.Compact(indexes) {
		out = append(out, of(i)...)
	}
	return out
}

// at is s for the element i, of size bytes, of the array that s is.
func (s sample) at(i, size int64) sample {
	index := fmt.Sprintf("[%d]", i)
	s.name, s.path, s.off = s.name+index, s.path+index, s.off+i*size
	return s
}

func (s sample) of(bytes []byte, value string) sample {
	s.bytes, s.value = bytes, value
	return s
}

// distinct returns the bytes 1 to n.
func distinct(n int64) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i + 1)
	}
	return b
}

// ordinals returns the numbers 1 to n.
func ordinals(n int64) []int64 {
	var ns []int64
	for i := range n {
		ns = append(ns, i+1)
	}
	return ns
}

// literal is the value of s whose bytes are 1, 2, ... in the order o.
func (s *scalar) literal(o cstruct.ByteOrder) string { return s.literalFrom(0, o) }

// literalFrom is literal for bytes that begin with from+1.
func (s *scalar) literalFrom(from int64, o cstruct.ByteOrder) string {
	var hex strings.Builder
	for i := range s.size {
		if o == cstruct.LittleEndian {
			i = s.size - 1 - i
		}
		fmt.Fprintf(&hex, "%02x", from+i+1)
	}
	switch {
	case s.name == "bool":
		return "true"
	case strings.HasPrefix(s.name, "float"):
		return fmt.Sprintf(s.value, "0x"+hex.String())
	}
	return "0x" + hex.String()
}

// bitSample returns a value of a bit-field that is not the same from both
// ends and has the highest bit, and the bytes that the field touches with it.
func (m *member) bitSample() (bytes []byte, value string) {
	var v uint64
	switch n := m.bits; n {
	case 1, 2:
		v = uint64(n)
	case 3:
		v = 6
	default:
		v = 3<<(n-2) | 1
	}
	bytes = make([]byte, m.size)
	for k := range m.bits { // from the least significant
		if v>>k&1 == 0 {
			continue
		}
		at := m.bitOff + k - 8*m.off
		if m.order == cstruct.BigEndian {
			at = m.bitOff + m.bits - 1 - k - 8*m.off
			bytes[at/8] |= 0x80 >> (at % 8)
		} else {
			bytes[at/8] |= 1 << (at % 8)
		}
	}
	switch {
	case m.typ.scalar.name == "bool":
		return bytes, "true"
	case m.signed:
		return bytes, fmt.Sprint(int64(v<<(64-m.bits)) >> (64 - m.bits))
	}
	return bytes, fmt.Sprintf("%#x", v)
}

// literal is a Go string of the sample's bytes.
func (s sample) literal() string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range s.bytes {
		fmt.Fprintf(&b, `\x%02x`, c)
	}
	b.WriteByte('"')
	return b.String()
}
