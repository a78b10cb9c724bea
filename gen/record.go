package gen

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"cstructgen/internal/cstruct"
)

// maxSize is the largest struct that gets Go code: its size and offsets are
// an int everywhere.
const maxSize = 1 << 30

// maxMembers is how many members a struct has that gets Go code. Our limit: the
// time that Go's type checker takes grows with the square of it.
const maxMembers = 8192

// maxRecords is how many structs and unions a run makes Go code of. Our limit,
// as maxOutput: Go's parser and type checker take memory for each.
const maxRecords = 1 << 14

// A record is a struct or union, lowered.
type record struct {
	c     *cstruct.Struct
	name  string // Go type
	cname string // "struct a", or the typedef's name
	is    string // as a doc says it: "the C struct a"
	key   string // by which Config.Rename finds it: "struct a", "a.inner"
	union bool
	size  int64
	// members are what lies in the fixed part: of a struct the Go fields in
	// order of offset, padding and unnamed bit-fields included; of a union
	// what has a getter and a setter.
	members []*member
	units   []*unit   // of a struct's bit-fields
	named   []*member // everything that C names, for LayoutOf
	tail    *member   // what follows the fixed part; nil: nothing
	// canonical says that every value of the bytes is one that Encode writes.
	canonical bool
	noStruc   string  // why struc cannot express it; "": it can
	big       *record // the same type in big-endian order, under Both

	// dynamic says that sizes differ from value to value. size is then that
	// of the fixed part, which begins it, and named lists what C names there;
	// parts are all, and members all that parts hold.
	dynamic bool
	parts   []*part
	// readOnly is a union of dynamic size that r is or holds, which keeps it
	// from being encoded; "": none.
	readOnly  string
	recursive bool  // r holds values of its own type
	checked   bool  // of fixed size, and values have numbers that do not fit
	behind    bool  // r stands for a part, and not the first
	values    int64 // of dynamic size, that r holds itself
	rate      int64 // how many values a byte may make; 0: not yet known
	fields    map[*cstruct.Field]*member
}

// A place names what C leaves without a name, by where it stands.
type place struct {
	name string // Go type
	key  string // by which Config.Rename finds it
}

// A member is one field of a record. Members of anonymous structs are members
// of the record around them.
type member struct {
	name    string // Go field, or stem of the getter; "" of unnamed bits
	cname   string // "" of padding, anonymous unions, unnamed bits
	ctype   string
	key     string  // by which Config.Rename finds it: "a.x"
	typ     *goType // nil of a tail
	off     int64   // bytes from the start of the record
	size    int64   // of a bit-field: of the bytes that it touches
	order   cstruct.ByteOrder
	varies  bool  // under Both: the order is that of the method
	bitOff  int64 // of a bit-field, from the start of the record
	bits    int64 // 0: no bit-field
	signed  bool  // of a bit-field
	storage int64 // size of the type that C declares a bit-field with
	doc     string
	above   string // of doc, what stands above the member
	note    string // what the doc says of the C type
	pos     cstruct.Pos
}

func (m *member) end() int64 { return m.off + m.size }

// pad reports whether C inserted m.
func (m *member) pad() bool { return m.cname == "" && m.ctype == "" }

// Names of methods that every record has. Those of orderedMethods exist once
// for each order under Both.
var (
	methods        = []string{"UnmarshalBinary", "MarshalBinary", "AppendBinary"}
	orderedMethods = []string{"Decode", "Encode", "DecodePrefix", "Append"}
)

// record lowers a struct or union, once. outer names one that C leaves without
// a name.
func (l *lowering) record(s *cstruct.Struct, outer place) (*record, error) {
	if r, ok := l.records[s]; ok {
		return r, nil
	}
	if len(l.records) >= maxRecords {
		return nil, limited(s.Pos, "structs and unions, more than %d", maxRecords)
	}
	r := &record{c: s, union: s.Union, size: s.Bytes, dynamic: s.Dynamic, fields: make(map[*cstruct.Field]*member)}
	word := "struct"
	if s.Union {
		word = "union"
	}
	switch {
	case s.Anonymous:
		r.name, r.key, r.cname, r.is = outer.name, outer.key, "anonymous "+word, "a C "+word+" without a name"
	case s.Tag != "":
		r.cname, r.key = word+" "+s.Tag, word+" "+s.Tag
		r.name, r.is = l.renamed.of(exported(s.Tag), r.key), "the C "+r.cname
	default:
		r.cname, r.key, r.is = s.Name, "typedef "+s.Name, "the C type "+s.Name
		r.name = l.renamed.of(exported(s.Name), r.key)
	}
	l.records[s] = r
	if s.Bytes > maxSize {
		return nil, unsupported(s.Pos, "%s has %d bytes, more than %d", r.cname, s.Bytes, maxSize)
	}
	taken := []string{r.name, "Sizeof" + r.name, "LayoutOf" + r.name}
	if r.dynamic {
		taken[1] = "MinSizeof" + r.name
	}
	if l.cfg.Order == Both {
		taken = append(taken, "LayoutOf"+r.name+"LE", "LayoutOf"+r.name+"BE")
	}
	for _, n := range taken {
		if err := l.names.take(n, r.cname, r.key, s.Pos); err != nil {
			return nil, err
		}
	}
	fill := l.members
	if r.dynamic {
		fill = l.dynamicMembers
	}
	if err := fill(r); err != nil {
		return nil, err
	}
	if n := len(r.members); n > maxMembers {
		return nil, unsupported(s.Pos, "%s has %d members, more than %d", r.cname, n, maxMembers)
	}
	l.decls = append(l.decls, &decl{pos: s.Pos, main: s.Main, record: r})
	return r, nil
}

// memberScope returns the scope of r's members, with the names of its methods
// taken.
func (l *lowering) memberScope(r *record) *scope {
	names := newScope(r.cname)
	names.reserve("a generated method", methods...)
	for _, m := range orderedMethods {
		for _, order := range l.suffixes {
			if m+order != "Append" {
				names.reserve("a generated method", m+order)
			}
		}
	}
	return names
}

// members fills r from its C struct.
func (l *lowering) members(r *record) error {
	names := l.memberScope(r)
	var last *cstruct.Field
	err := l.flatten(r, r.c.Fields, 0, func(f *cstruct.Field, base int64) error {
		last = f
		return l.member(r, names, f, base)
	})
	if err != nil || r.union {
		r.canonical = true
		return err
	}
	if n := len(r.named); n > 0 && r.named[n-1].typ == nil && r.named[n-1].pos == last.Pos {
		r.tail = r.named[n-1]
		if err := l.names.take(r.name+"Tail", "tail of "+r.cname, r.tail.key, r.tail.pos); err != nil {
			return err
		}
	}
	if err := r.addPadding(names); err != nil {
		return err
	}
	r.units = unitsOf(r.members)
	r.noStruc = r.whyNoStruc()
	r.canonical = r.isCanonical()
	r.checked = slices.ContainsFunc(r.members, (*member).checked)
	return nil
}

// flatten visits fields of a struct in order, those of an anonymous struct in
// its place; base is the offset in r of the struct that a field stands in. In
// a union, anonymous unions are opened too: all of it is the same bytes.
func (l *lowering) flatten(r *record, fields []*cstruct.Field, base int64, visit func(f *cstruct.Field, base int64) error) error {
	for _, f := range fields {
		inner, ok := under(f.Type).(*cstruct.Struct)
		if ok && f.Name == "" && (!inner.Union || r.union) {
			if err := l.flatten(r, inner.Fields, base+f.Offset, visit); err != nil {
				return err
			}
			continue
		}
		if err := visit(f, base); err != nil {
			return err
		}
	}
	return nil
}

// member adds the field f to r. base is where the struct that f stands in
// lies in r.
func (l *lowering) member(r *record, names *scope, f *cstruct.Field, base int64) error {
	m := &member{
		cname: f.Name, ctype: f.Type.String(), off: base + f.Offset, size: f.Type.Size(), order: f.Order,
		doc: f.Doc, above: f.Above, note: typeNote(f.Type, f.Order, r.c.Order), pos: f.Pos,
	}
	if f.BitField {
		if f.Bits == 0 {
			return nil
		}
		m.bits, m.bitOff = f.Bits, base*8+f.BitOffset
		m.off = m.bitOff / 8
		m.size = (m.bitOff+m.bits+7)/8 - m.off
		m.signed, m.storage = isSigned(f.Type) && !f.Unsigned, f.Type.Size()
		if f.Name == "" {
			r.members = append(r.members, m)
			return nil
		}
	}
	if f.Name == "_" && l.cfg.Dialect == Dissect {
		return l.discard(r, names, m, f)
	}
	r.fields[f] = m
	what := fmt.Sprintf("field %s of %s", f.Name, r.cname)
	owner := r.key[strings.IndexByte(r.key, ' ')+1:]
	if f.Name == "" {
		what = "anonymous union of " + r.cname
		m.name = names.free("Anon")
		m.key = owner + "." + m.name
		if to := l.renamed.of(m.name, m.key); to != m.name {
			names.reserve("an anonymous union", m.name) // whose key it stays
			m.name = to
		}
	} else {
		m.key = owner + "." + f.Name
		m.name = l.renamed.of(exported(f.Name), m.key)
	}
	if err := l.memberNames(r, names, m, what); err != nil {
		return err
	}
	r.named = append(r.named, m)
	if a, ok := under(f.Type).(*cstruct.Array); ok && a.Length == nil && (a.Flexible || a.Len == 0) {
		m.size = 0
		return nil
	}
	r.members = append(r.members, m)
	var err error
	if m.typ, err = l.typeOf(f.Type, place{r.name + m.name, m.key}, f.Pos); err != nil {
		return err
	}
	if m.typ.text || m.typ.wide && !r.union {
		return names.take(m.name+"Text", "text of "+what, m.key, m.pos)
	}
	if f.BitField {
		return m.narrow()
	}
	return nil
}

// memberNames takes the Go names that m, which messages call what, brings
// into r and the package.
func (l *lowering) memberNames(r *record, names *scope, m *member, what string) error {
	taken := []string{m.name}
	if r.union {
		taken = nil
		for _, order := range l.suffixes {
			taken = append(taken, m.name+order, "Set"+m.name+order)
		}
	}
	for _, n := range taken {
		if err := names.take(n, what, m.key, m.pos); err != nil {
			return err
		}
	}
	if r.union || m.bits > 0 || r.behind {
		return nil
	}
	offset := "Offsetof" + r.name + "_" + m.name
	taken = []string{offset}
	if l.cfg.Order == Both {
		taken = append(taken, offset+"LE", offset+"BE")
	}
	for _, n := range taken {
		if err := l.names.take(n, what, m.key, m.pos); err != nil {
			return err
		}
	}
	return nil
}

// addPadding makes members of the bytes that r has and no member has, and
// brings all of them into the order of their offsets.
func (r *record) addPadding(names *scope) error {
	slices.SortStableFunc(r.members, func(a, b *member) int { return cmp.Compare(a.off, b.off) })
	var all []*member
	gap := func(from, to int64) {
		name := names.free("Pad")
		names.reserve("padding", name)
		all = append(all, &member{
			name: name, typ: &goType{size: to - from},
			off: from, size: to - from, pos: r.c.Pos,
		})
	}
	at := int64(0)
	for _, m := range r.members {
		if m.off > at {
			gap(at, m.off)
		}
		if m.off < at && m.bits == 0 && m.size > 0 {
			return unsupported(m.pos, "field %s of %s shares bytes with the field before it", m.cname, r.cname)
		}
		all = append(all, m)
		at = max(at, m.end())
	}
	if at > r.size {
		return unsupported(r.c.Pos, "%s has %d bytes and a field that ends at %d", r.cname, r.size, at)
	}
	if at < r.size {
		gap(at, r.size)
	}
	r.members = all
	return nil
}

// whyNoStruc returns what keeps struc from expressing r, "" if nothing does.
func (r *record) whyNoStruc() string {
	switch {
	case len(r.units) > 0:
		return "bit-fields"
	case len(r.members) == 0:
		return "a struct without fields"
	}
	for _, m := range r.members {
		if m.discarded() {
			return "discarded fields"
		}
		if _, why := m.typ.struc(); why != "" {
			return why
		}
	}
	return ""
}

// isCanonical computes r.canonical of a struct.
func (r *record) isCanonical() bool {
	bits := int64(0)
	for _, m := range r.members {
		switch {
		case m.bits > 0 && m.name != "":
			bits += m.bits
		case m.discarded():
			return false
		case m.bits == 0:
			bits += 8 * m.size
			if !m.typ.canonical() {
				return false
			}
		}
	}
	return bits == 8*r.size
}
