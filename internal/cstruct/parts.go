package cstruct

import (
	"cmp"
	"go/constant"
	"slices"
)

// A Part is a piece of a struct of dynamic size: members of fixed size, at
// fixed places from its start, or one member of dynamic size. A union has one
// Part for each member, and all begin where it does.
type Part struct {
	// Align is what the start is rounded up to, counted from the start of the
	// input; 1: it is where the part before ends.
	Align   int64
	Bytes   int64 // 0 of a dynamic one
	Dynamic bool
	Fields  []*Field
}

// A partBuilder lays out the members of a struct of dialect dissect: one
// behind the other or, in its aligned mode, each at a multiple of its
// alignment.
type partBuilder struct {
	s       *Struct
	aligned bool
	at      int64 // behind the last member, in the open part
	grid    int64 // what the start of the open part is aligned to; 0: anything
	unit    *Basic
	unitAt  int64 // in bits
	left    int64 // bits of the unit that no member has
}

// dissectLayout places the members of b.s.
func (b *recordBuilder) dissectLayout() *diagnostic {
	s := b.s
	s.Aligns = 1
	p := &partBuilder{s: s, aligned: b.dissect.aligned}
	s.Parts = []*Part{{Align: 1}}
	for _, f := range s.Fields {
		align := max(1, f.Type.Align())
		if p.aligned {
			s.Aligns = max(s.Aligns, align)
		} else {
			align = 1
		}
		switch {
		case f.Type.Size() > maxObject/8:
			return malformed(b.spec.pos, "%s is too large", s)
		case s.Union:
			p.overlay(f)
		case f.BitField:
			if d := p.bits(f, align); d != nil {
				d.pos = cmp.Or(b.seen[f.Name], b.spec.pos)
				return d
			}
		case Dynamic(f.Type):
			p.dynamic(f, align)
		default:
			p.fixed(f, align)
		}
		if p.at > maxObject/8 {
			return malformed(b.spec.pos, "%s is too large", s)
		}
	}
	if !s.Union {
		s.Parts[len(s.Parts)-1].Bytes = p.at
	}
	if s.Dynamic {
		if s.Union {
			s.Parts = s.Parts[1:]
			return nil
		}
		if s.Aligns > 1 {
			s.Parts = append(s.Parts, &Part{Align: s.Aligns})
		}
		s.Bytes = s.Parts[0].Bytes
		first := s.Parts[0]
		s.Parts = slices.DeleteFunc(s.Parts, func(p *Part) bool {
			return p != first && len(p.Fields) == 0 && p.Align == 1
		})
		return nil
	}
	s.Parts = nil
	s.Bytes = roundUp(p.at, s.Aligns)
	return nil
}

// overlay places a member of a union.
func (p *partBuilder) overlay(f *Field) {
	p.s.Dynamic = p.s.Dynamic || Dynamic(f.Type)
	part := &Part{Align: 1, Fields: []*Field{f}, Dynamic: Dynamic(f.Type)}
	if !part.Dynamic {
		part.Bytes = f.Type.Size()
	}
	p.s.Parts = append(p.s.Parts, part)
	p.at = max(p.at, f.Type.Size())
}

// begin makes room for a member that is aligned so: in the open part, or in a
// new one where that cannot know.
func (p *partBuilder) begin(align int64) {
	if p.grid != 0 && align > p.grid {
		p.open(&Part{Align: align})
		p.grid = align
	}
	p.at = roundUp(p.at, align)
}

// open ends the open part and begins another.
func (p *partBuilder) open(part *Part) {
	p.s.Parts[len(p.s.Parts)-1].Bytes = p.at
	p.s.Parts = append(p.s.Parts, part)
	p.at = 0
}

func (p *partBuilder) last() *Part { return p.s.Parts[len(p.s.Parts)-1] }

// add puts f into the open part.
func (p *partBuilder) add(f *Field) {
	f.Behind = len(p.s.Parts) > 1
	p.last().Fields = append(p.last().Fields, f)
}

func (p *partBuilder) fixed(f *Field, align int64) {
	p.unit = nil
	p.begin(align)
	f.Offset = p.at
	p.add(f)
	p.at += f.Type.Size()
}

func (p *partBuilder) dynamic(f *Field, align int64) {
	p.unit = nil
	p.s.Dynamic = true
	if len(p.s.Parts) == 1 {
		// Its place is still fixed.
		p.at = roundUp(p.at, align)
		align = 1
		f.Offset = p.at
	}
	f.Behind = len(p.s.Parts) > 1
	p.open(&Part{Align: align, Dynamic: true, Fields: []*Field{f}})
	p.open(&Part{Align: 1})
	p.grid = 1
}

// bits places a bit-field. Neighbours whose types are of one kind share a
// unit of that type, from the least significant bit on or, in big-endian
// order, from the most; none straddles two.
func (p *partBuilder) bits(f *Field, align int64) *diagnostic {
	b := scalar(f.Type)
	if p.unit != b || p.left == 0 {
		p.begin(align)
		p.unit, p.unitAt, p.left = b, p.at*8, b.Bytes*8
		p.at += b.Bytes
	}
	if f.Bits > p.left {
		return malformed(0, "bit-field of %d bits in a unit of %s that has %d left", f.Bits, f.Type, p.left)
	}
	f.BitOffset = p.unitAt + b.Bytes*8 - p.left
	f.Offset = f.BitOffset / 8
	f.Unit = b.Bytes
	p.left -= f.Bits
	p.add(f)
	return nil
}

// dissectBitField resolves the width of f.
func (b *recordBuilder) dissectBitField(f *Field, item memberItem) *diagnostic {
	t := scalar(f.Type)
	if t == nil || t.Kind != Int && t.Kind != Char || t.Bytes > 8 {
		return malformed(item.colon, "bit-field of type %s", f.Type)
	}
	e := formula{resolver: b.resolver}
	v, d := e.constant(item.width)
	if d != nil {
		return d
	}
	n, ok := constant.Int64Val(v)
	if !ok || n < 1 || n > t.Bytes*8 {
		return malformed(item.width.at(), "bit-field of %v bits in %s", v, f.Type)
	}
	if b.s.Union {
		b.warnf(item.colon, "bit-field in a union: it has all bits of %s", f.Type)
		return nil
	}
	f.BitField, f.Bits, f.Unsigned = true, n, true
	return nil
}

// dissectUnnamed adds f, a member without a declarator. The members of a
// struct or union are members of the one around it, whether it has a tag or
// not; others are called by their type.
func (b *recordBuilder) dissectUnnamed(f *Field, at pos) {
	switch t := plainType(f.Type).(type) {
	case *Struct:
	case *Enum:
		if f.Name = t.Name; t.Anonymous {
			f.Name = "_"
		}
	default:
		f.Name = t.String()
	}
	if f.Name != "" {
		b.warnf(at, "declaration without a name declares the member %s", quote(f.Name))
	}
	if d := b.checkDissectMember(f, at); d != nil {
		b.fail(d)
		return
	}
	b.add(slot{field: f}, at)
}

// checkDissectMember says what is wrong with the type of the member f.
func (b *recordBuilder) checkDissectMember(f *Field, at pos) *diagnostic {
	if t, ok := plainType(f.Type).(*Basic); ok && t.Kind == Void {
		return malformed(at, "field %s is void", quote(f.Name))
	}
	if _, ok := plainType(f.Type).(*function); ok {
		return malformed(at, "field %s is a function", quote(f.Name))
	}
	if a, ok := plainType(f.Type).(*Array); ok && a.Length != nil {
		return nil // of the struct around it, perhaps
	}
	return b.needComplete(f.Type, at, "field "+quote(f.Name))
}
