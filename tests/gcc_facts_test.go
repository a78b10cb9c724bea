package tests

import (
	"fmt"
	"go/constant"
	"maps"
	"slices"
	"strings"

	"cstructgen/internal/cstruct"
)

// facts is what C text declares, in a form that two sources can be compared
// in: what is declared, and what is to be said of it.
//
//	struct stat                  size 144 align 8
//	struct stat.st_dev           @0 u8
//	enumerator IPPROTO_TCP       6
//	macro EPERM                  int 1
type facts map[string]string

// differences lists what only one side says, or both differently.
func (got facts) differences(want facts) (lines []string) {
	for _, k := range slices.Sorted(maps.Keys(want)) {
		if g, ok := got[k]; !ok {
			lines = append(lines, fmt.Sprintf("%s: missing, gcc has %q", k, want[k]))
		} else if g != want[k] {
			lines = append(lines, fmt.Sprintf("%s: %q, gcc has %q", k, g, want[k]))
		}
	}
	for _, k := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[k]; !ok {
			lines = append(lines, fmt.Sprintf("%s: %q, gcc has nothing", k, got[k]))
		}
	}
	return lines
}

// modelFacts returns the facts of a resolved model.
func modelFacts(m *cstruct.Model) facts {
	f := facts{}
	for _, s := range m.Structs {
		if !s.Anonymous {
			name := modelType(s)
			f[name] = fmt.Sprintf("size %d", s.Bytes)
			if s.Tag != "" { // without one, gcc can only be asked about the typedef
				f[name] += fmt.Sprintf(" align %d", s.Aligns)
			}
			f.modelFields(name, s)
		}
	}
	for _, e := range m.Enums {
		if !e.Anonymous {
			f[modelType(e)] = fmt.Sprintf("size %d", e.Size())
		}
		for _, v := range e.Values {
			f["enumerator "+v.Name] = bits64(v.Value)
		}
	}
	for _, t := range m.Typedefs {
		f["typedef "+t.Name] = modelType(t.Type)
		a, isArray := plainModel(t).(*cstruct.Array)
		if t.Align() > 0 && !(isArray && a.Flexible) { // gcc has none of what is incomplete
			f["typedef "+t.Name] += fmt.Sprintf(" align %d", t.Align())
		}
	}
	for _, c := range m.Constants {
		switch c.Value.Kind() {
		case constant.Int:
			f["macro "+c.Name] = c.Type.Name + " " + c.Value.ExactString()
		case constant.Float:
			x := modelFloat(c.Value)
			if c.NegativeZero {
				x.Neg(x)
			}
			f["macro "+c.Name] = c.Type.Name + " " + x.Text('g', 40)
		case constant.String:
			f["macro "+c.Name] = fmt.Sprintf("%q", constant.StringVal(c.Value))
		}
	}
	return f
}

// plainModel returns t without typedefs.
func plainModel(t cstruct.Type) cstruct.Type {
	for {
		d, ok := t.(*cstruct.Typedef)
		if !ok {
			return t
		}
		t = d.Type
	}
}

// bits64 returns an integer as a number of 64 bits without a sign, the only
// form in which DWARF has it.
func bits64(v constant.Value) string {
	if n, ok := constant.Int64Val(v); ok {
		return fmt.Sprint(uint64(n))
	}
	return v.ExactString()
}

func (f facts) modelFields(path string, s *cstruct.Struct) {
	anonymous := 0
	for _, m := range s.Fields {
		if m.Name == "" && m.BitField {
			continue // DWARF does not mention them
		}
		name := m.Name
		if name == "" {
			name = fmt.Sprintf("<%d>", anonymous)
			anonymous++
		}
		at := path + "." + name
		if m.BitField {
			f[at] = fmt.Sprintf("@bit %d:%d %s", m.BitOffset, m.Bits, modelType(m.Type))
			continue
		}
		f[at] = fmt.Sprintf("@%d %s", m.Offset, modelType(m.Type))
		t := m.Type
		for {
			if a, ok := t.(*cstruct.Array); ok {
				t = a.Elem
			} else {
				break
			}
		}
		if inner, ok := t.(*cstruct.Struct); ok && inner.Anonymous {
			f.modelFields(at, inner)
		}
	}
}

// modelType spells a type without typedefs of scalars.
func modelType(t cstruct.Type) string {
	switch t := t.(type) {
	case *cstruct.Typedef:
		return modelType(t.Type)
	case *cstruct.Pointer:
		return "pointer"
	case *cstruct.Array:
		var dims strings.Builder
		var elem cstruct.Type = t
		for {
			if d, ok := elem.(*cstruct.Typedef); ok {
				elem = d.Type
				continue
			}
			a, ok := elem.(*cstruct.Array)
			if !ok {
				return modelType(elem) + dims.String()
			}
			fmt.Fprintf(&dims, "[%d]", a.Len) // DWARF does not tell [] from [0]
			elem = a.Elem
		}
	case *cstruct.Struct:
		kind := "struct"
		if t.Union {
			kind = "union"
		}
		switch {
		case t.Anonymous:
			return fmt.Sprintf("%s{%d}", kind, t.Bytes)
		case t.Tag == "":
			return kind + " typedef " + t.Name
		}
		return kind + " " + t.Name
	case *cstruct.Enum:
		switch {
		case t.Anonymous:
			return fmt.Sprintf("enum{%d}", t.Size())
		case t.Tag == "":
			return "enum typedef " + t.Name
		}
		return "enum " + t.Name
	case *cstruct.Basic:
		switch t.Kind {
		case cstruct.Void:
			return "void"
		case cstruct.Bool:
			return "bool"
		case cstruct.Float:
			return fmt.Sprintf("f%d", t.Bytes)
		case cstruct.Complex:
			return fmt.Sprintf("c%d", t.Bytes)
		}
		if t.Signed {
			return fmt.Sprintf("i%d", t.Bytes)
		}
		return fmt.Sprintf("u%d", t.Bytes)
	}
	return fmt.Sprintf("%T", t)
}
