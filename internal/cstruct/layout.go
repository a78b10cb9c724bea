package cstruct

import "math/bits"

// A slot is a member to place.
type slot struct {
	field  *Field
	align  int64 // in bytes, that attributes of the member ask for; 0: none
	packed bool  // an attribute of the member
}

// A placer lays the members of a record out as gcc's stor-layout.cc does on
// x86-64. Its positions and alignments are in bits.
type placer struct {
	union  bool
	packed bool
	pack   int64 // #pragma pack; 0: none
	at     int64 // behind the last member
	size   int64 // of a union
	align  int64
}

// layout places the members of s and sets its size and alignment. It reports
// whether s is not too large.
func layout(s *Struct, slots []slot, packed bool, pack, align int64) bool {
	p := &placer{union: s.Union, packed: packed, pack: pack * 8, align: max(8, align*8)}
	for _, sl := range slots {
		if !p.place(sl) {
			return false
		}
	}
	if s.Union {
		p.at = p.size
	}
	end := roundUp(roundUp(p.at, 8), p.align)
	s.Bytes, s.Aligns = end/8, p.align/8
	return end <= maxObject
}

func roundUp(n, align int64) int64 { return (n + align - 1) / align * align }

// place gives the member its offset.
func (p *placer) place(sl slot) bool {
	f := sl.field
	size := f.Bits
	if !f.BitField {
		if f.Type.Size() > maxObject/8 {
			return false
		}
		size = f.Type.Size() * 8
	}
	start := p.at
	if p.union {
		start = 0
	}
	typeAlign := f.Type.Align() * 8
	packed := (p.packed || sl.packed) && (f.BitField || typeAlign > 8)
	known := start & -start // what start is aligned to; 0: anything
	want, whole := p.wanted(sl, packed, known)
	p.raise(f, typeAlign, want, packed)

	start = roundUp(start, want)
	if f.BitField && !whole && !packed && p.pack == 0 && size > 0 && !p.union {
		// A bit-field does not span more units of its type's alignment
		// than its type has.
		if roundUp(start%typeAlign+size, typeAlign)/typeAlign > f.Type.Size()*8/typeAlign {
			start = roundUp(start, typeAlign)
		}
	}
	f.Offset, f.align = start/8, want/8
	if f.BitField {
		f.BitOffset = start
	}
	if p.union {
		p.size = max(p.size, roundUp(size, 8))
	} else {
		p.at = start + size
	}
	return p.at <= maxObject
}

// wanted returns the alignment at which the member begins, and whether it is
// a bit-field that gcc treats as a whole integer.
func (p *placer) wanted(sl slot, packed bool, known int64) (align int64, whole bool) {
	f := sl.field
	typeAlign := f.Type.Align() * 8
	align = max(1, sl.align*8)
	limit := p.pack
	switch {
	case f.BitField && f.Bits == 0:
		// It closes the unit, packed or not.
		align = max(align, typeAlign)
		packed, limit = false, 0
	case f.BitField:
		// Of the width of an integer, at a place where that integer may
		// lie, it is one.
		if n := f.Bits; n >= 8 && n <= 128 && bits.OnesCount64(uint64(n)) == 1 &&
			!(n > 8 && packed) && (known == 0 || known >= n) {
			align, whole = max(align, n), true
		}
	case packed && sl.align > 0:
	default:
		align = max(align, typeAlign)
	}
	if packed && sl.align == 0 {
		align = min(align, 8)
	}
	if limit != 0 {
		align = min(align, limit)
	}
	return align, whole
}

// raise lets the record have the alignment that the member needs.
func (p *placer) raise(f *Field, typeAlign, want int64, packed bool) {
	if !f.BitField {
		p.align = max(p.align, want)
		return
	}
	if f.Name == "" {
		return // unnamed bit-fields do not align the record
	}
	switch {
	case p.pack != 0:
		typeAlign = min(typeAlign, p.pack)
	case packed:
		typeAlign = min(typeAlign, 8)
	}
	p.align = max(p.align, want, typeAlign)
}
