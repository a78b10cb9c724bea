package tests

import (
	"debug/dwarf"
	"debug/elf"
	"errors"
	"fmt"
	"strings"
)

// dwarfFacts returns what the debug information of an object file says of the
// types at file scope, all but their alignment.
func dwarfFacts(object string) (facts, error) {
	file, err := elf.Open(object)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := file.DWARF()
	if err != nil {
		return nil, err
	}
	d := &dwarfReader{data: data, facts: facts{}, named: map[dwarf.Type]string{}, at: map[dwarf.Type]dwarf.Offset{}}
	r := data.Reader()
	var types []dwarf.Type
	for depth := 0; ; {
		e, err := r.Next()
		if err != nil {
			return nil, err
		}
		if e == nil {
			break
		}
		if e.Tag == 0 {
			depth--
			continue
		}
		top := depth == 1
		if e.Children {
			depth++
		}
		switch e.Tag {
		case dwarf.TagStructType, dwarf.TagUnionType, dwarf.TagEnumerationType, dwarf.TagTypedef:
			t, err := data.Type(e.Offset)
			if err != nil {
				return nil, err
			}
			d.at[t] = e.Offset
			if !top {
				continue
			}
			types = append(types, t)
			if def, ok := t.(*dwarf.TypedefType); ok {
				named := def.Type
				if u, ok := named.(*dwarf.UnsupportedType); ok && u.Tag == dwarf.TagAtomicType {
					if named, err = d.atomic(e.Offset); err != nil {
						return nil, err
					}
				}
				if d.named[named] == "" {
					d.named[named] = def.Name
				}
			}
		}
	}
	for _, t := range types {
		d.declaration(t)
	}
	return d.facts, d.err
}

// unlisted follows the name of a type whose members gcc leaves out: those of
// a typedef with the attribute transparent_union.
const unlisted = ".?"

type dwarfReader struct {
	data  *dwarf.Data
	facts facts
	named map[dwarf.Type]string       // by the first typedef of what has no tag
	at    map[dwarf.Type]dwarf.Offset // of structs and unions
	err   error
}

func (d *dwarfReader) declaration(t dwarf.Type) {
	switch t := t.(type) {
	case *dwarf.StructType:
		// __va_list_tag comes with the compiler, not with the text.
		if name := d.spell(t); !t.Incomplete && !strings.Contains(name, "{") && t.StructName != "__va_list_tag" {
			d.facts[name] = fmt.Sprintf("size %d", t.ByteSize)
			before := len(d.facts)
			if d.fields(name, t); len(d.facts) == before && t.ByteSize > 0 {
				d.facts[name+unlisted] = ""
			}
		}
	case *dwarf.EnumType:
		if len(t.Val) == 0 {
			return // incomplete
		}
		if name := d.spell(t); !strings.Contains(name, "{") {
			d.facts[name] = fmt.Sprintf("size %d", t.ByteSize)
		}
		for _, v := range t.Val {
			d.facts["enumerator "+v.Name] = fmt.Sprint(uint64(v.Val))
		}
	case *dwarf.TypedefType:
		if _, ok := plainDWARF(t).(*dwarf.FuncType); ok || t.Name == "__builtin_va_list" {
			return
		}
		d.facts["typedef "+t.Name] = d.spell(t)
	}
}

// fields reads the entries of the members themselves: the fields of a
// dwarf.StructType guess which arrays are empty, wrongly beside bit-fields.
func (d *dwarfReader) fields(path string, s *dwarf.StructType) {
	anonymous := 0
	r := d.data.Reader()
	r.Seek(d.at[s])
	if _, err := r.Next(); err != nil {
		d.err = err
		return
	}
	for {
		e, err := r.Next()
		if err != nil || e == nil || e.Tag == 0 {
			d.err = errors.Join(d.err, err)
			return
		}
		if e.Children {
			r.SkipChildren()
		}
		if e.Tag != dwarf.TagMember {
			continue
		}
		offset, _ := e.Val(dwarf.AttrType).(dwarf.Offset)
		typ, err := d.typeAt(offset)
		if err != nil {
			d.err = err
			return
		}
		name, _ := e.Val(dwarf.AttrName).(string)
		if name == "" {
			name = fmt.Sprintf("<%d>", anonymous)
			anonymous++
		}
		at := path + "." + name
		if bits, ok := e.Val(dwarf.AttrBitSize).(int64); ok {
			start, _ := e.Val(dwarf.AttrDataBitOffset).(int64)
			d.facts[at] = fmt.Sprintf("@bit %d:%d %s", start, bits, d.spell(typ))
			continue
		}
		start, _ := e.Val(dwarf.AttrDataMemberLoc).(int64)
		d.facts[at] = fmt.Sprintf("@%d %s", start, d.spell(typ))
		t := unqualified(typ)
		for {
			a, ok := t.(*dwarf.ArrayType)
			if !ok {
				break
			}
			t = unqualified(a.Type)
		}
		if inner, ok := t.(*dwarf.StructType); ok && strings.Contains(d.spell(inner), "{") {
			d.fields(at, inner)
		}
	}
}

// typeAt returns the type at the offset, without _Atomic, which debug/dwarf
// does not know.
func (d *dwarfReader) typeAt(offset dwarf.Offset) (dwarf.Type, error) {
	t, err := d.data.Type(offset)
	if u, ok := t.(*dwarf.UnsupportedType); ok && u.Tag == dwarf.TagAtomicType {
		return d.atomic(offset)
	}
	return t, err
}

// atomic returns the type that the entry at the offset is made of.
func (d *dwarfReader) atomic(at dwarf.Offset) (dwarf.Type, error) {
	r := d.data.Reader()
	r.Seek(at)
	e, err := r.Next()
	if err != nil {
		return nil, err
	}
	offset, ok := e.Val(dwarf.AttrType).(dwarf.Offset)
	if !ok {
		return nil, errors.New("an entry without a type")
	}
	return d.typeAt(offset)
}

func unqualified(t dwarf.Type) dwarf.Type {
	for {
		q, ok := t.(*dwarf.QualType)
		if !ok {
			return t
		}
		t = q.Type
	}
}

// plainDWARF returns t without typedefs and qualifiers.
func plainDWARF(t dwarf.Type) dwarf.Type {
	for {
		switch u := t.(type) {
		case *dwarf.QualType:
			t = u.Type
		case *dwarf.TypedefType:
			t = u.Type
		default:
			return t
		}
	}
}

// spell names a type as modelType does.
func (d *dwarfReader) spell(t dwarf.Type) string {
	for def, ok := t.(*dwarf.TypedefType); ok; def, ok = t.(*dwarf.TypedefType) {
		t = def.Type
		if u, ok := t.(*dwarf.UnsupportedType); ok && u.Tag == dwarf.TagAtomicType {
			t, d.err = d.atomic(d.at[def])
		}
	}
	switch t := plainDWARF(t).(type) {
	case *dwarf.VoidType, nil:
		return "void"
	case *dwarf.PtrType:
		return "pointer"
	case *dwarf.ArrayType:
		dims := ""
		var elem dwarf.Type = t
		for {
			a, ok := plainDWARF(elem).(*dwarf.ArrayType)
			if !ok {
				return d.spell(elem) + dims
			}
			dims += fmt.Sprintf("[%d]", max(0, a.Count))
			elem = a.Type
		}
	case *dwarf.StructType:
		switch {
		case t.StructName != "":
			return t.Kind + " " + t.StructName
		case d.named[t] != "":
			return t.Kind + " typedef " + d.named[t]
		}
		return fmt.Sprintf("%s{%d}", t.Kind, t.ByteSize)
	case *dwarf.EnumType:
		switch {
		case t.EnumName != "":
			return "enum " + t.EnumName
		case d.named[t] != "":
			return "enum typedef " + d.named[t]
		}
		return fmt.Sprintf("enum{%d}", t.ByteSize)
	case *dwarf.BoolType:
		return "bool"
	case *dwarf.CharType, *dwarf.IntType:
		return fmt.Sprintf("i%d", t.Size())
	case *dwarf.UcharType, *dwarf.UintType:
		return fmt.Sprintf("u%d", t.Size())
	case *dwarf.FloatType:
		return fmt.Sprintf("f%d", t.ByteSize)
	case *dwarf.ComplexType:
		return fmt.Sprintf("c%d", t.ByteSize)
	default:
		return fmt.Sprintf("%T", t)
	}
}
