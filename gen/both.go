package gen

import "fmt"

// pair joins two programs of the same C text, read once for each byte order,
// into the first: each record learns where its bytes lie in the other order.
// What Go sees must be the same in both; the header may well declare
// bit-fields, or the halves of a number, the other way round, as headers do
// under #if on the byte order.
func pair(little, big *program) error {
	others := make(map[string]*decl)
	for _, d := range big.decls {
		others[d.key()] = d
	}
	for _, d := range little.decls {
		o, ok := others[d.key()]
		if !ok {
			return unsupported(d.pos, "%s exists in little-endian order alone", d.key())
		}
		delete(others, d.key())
		if why := d.differs(o); why != "" {
			return unsupported(d.pos, "%s differs between the byte orders: %s", d.key(), why)
		}
		if d.record != nil {
			d.record.big = o.record
			others := o.record.byName()
			for _, m := range d.record.members {
				m.varies = m.name != "" && others[m.name].order != m.order
			}
		}
	}
	for spread := true; spread; {
		spread = false
		for _, d := range little.decls {
			if r := d.record; r != nil && r.noStruc == "" && !r.union {
				r.noStruc = r.whyNotBoth()
				spread = spread || r.noStruc != ""
			}
		}
	}
	for _, d := range big.decls {
		if _, left := others[d.key()]; left {
			return unsupported(d.pos, "%s exists in big-endian order alone", d.key())
		}
	}
	return nil
}

// whyNotBoth returns what keeps struc from expressing r in both orders, ""
// if nothing does. The order that struc is called with goes over that of tags.
func (r *record) whyNotBoth() string {
	others := r.big.byName()
	for _, m := range r.members {
		switch {
		case m.wide() && !m.varies:
			return "fields whose byte order is fixed"
		case m.name != "" && others[m.name].off != m.off:
			return "fields whose place depends on the byte order"
		}
	}
	return r.whyNoStruc()
}

// key names what d declares.
func (d *decl) key() string {
	switch {
	case d.record != nil:
		return "type " + d.record.name
	case d.enum != nil:
		return "type " + d.enum.name
	}
	return "constant " + d.constant.name
}

// differs says how the Go text of d and o differs, "" if it does not.
func (d *decl) differs(o *decl) string {
	switch {
	case d.record != nil && o.record != nil:
		return d.record.differs(o.record)
	case d.enum != nil && o.enum != nil:
		if d.enum.scalar.struc != o.enum.scalar.struc {
			return "size"
		}
		for i, v := range d.enum.values {
			if len(o.enum.values) != len(d.enum.values) || o.enum.values[i].name != v.name || o.enum.values[i].bits != v.bits {
				return "value " + v.cname
			}
		}
		return ""
	case d.constant != nil && o.constant != nil:
		if d.constant.value != o.constant.value {
			return d.constant.value + " and " + o.constant.value
		}
		return ""
	}
	return "kind"
}

func (r *record) differs(o *record) string {
	if r.size != o.size || r.union != o.union {
		return fmt.Sprintf("%d and %d bytes", r.size, o.size)
	}
	others := o.byName()
	for _, m := range r.members {
		if m.name == "" {
			continue
		}
		n := others[m.name]
		switch {
		case n == nil:
			return "field " + m.name + " is missing in the other"
		case n.typ.String() != m.typ.String():
			return "type of field " + m.name
		case n.bits != m.bits:
			return "width of field " + m.name
		}
	}
	if (r.tail == nil) != (o.tail == nil) || r.tail != nil && (r.tail.name != o.tail.name || r.tail.off != o.tail.off) {
		return "what follows it"
	}
	if len(r.named) != len(o.named) {
		return "number of fields"
	}
	return ""
}

// byName returns the members that have a name.
func (r *record) byName() map[string]*member {
	byName := make(map[string]*member)
	for _, m := range r.members {
		if m.name != "" {
			byName[m.name] = m
		}
	}
	return byName
}
