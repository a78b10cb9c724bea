package main

import (
	"bytes"
	"encoding/json"
	gc "go/constant"
	"io"
	"strconv"
	"strings"

	"cstructgen/internal/cdump"
	"cstructgen/internal/cstruct"
)

// What layout --json prints; the package comment shows an example.
type (
	jsonLayout struct {
		Structs   []jsonStruct  `json:"structs"`
		Enums     []jsonEnum    `json:"enums"`
		Constants jsonObject    `json:"constants"`
		Typedefs  []jsonTypedef `json:"typedefs"`
		Skipped   []jsonSkip    `json:"skipped"`
	}
	jsonStruct struct {
		Name   string      `json:"name"`
		Kind   string      `json:"kind"`
		Size   *int64      `json:"size"` // null: dynamic
		Align  int64       `json:"align"`
		Min    *int64      `json:"min_size,omitempty"` // of a dynamic one
		Fields []jsonField `json:"fields"`
	}
	jsonField struct {
		Name      string   `json:"name"`
		Type      string   `json:"type"`
		Offset    *int64   `json:"offset"` // null: behind a dynamic field
		Size      *int64   `json:"size"`   // null: dynamic
		BitOffset *int64   `json:"bit_offset,omitempty"`
		BitSize   *int64   `json:"bit_size,omitempty"`
		Dims      []int64  `json:"dims,omitempty"`
		Endian    string   `json:"endian,omitempty"`
		Flexible  bool     `json:"flexible,omitempty"`
		Length    []string `json:"length,omitempty"` // of dynamic dimensions, as written
	}
	jsonEnum struct {
		Name   string     `json:"name"`
		Size   int64      `json:"size"`
		Flags  bool       `json:"flags,omitempty"`
		Values jsonObject `json:"values"`
	}
	jsonConstant struct {
		Kind  string `json:"kind"`
		Value string `json:"value"`
	}
	jsonTypedef struct {
		Name  string `json:"name"`
		Type  string `json:"type"`
		Size  int64  `json:"size"`
		Align int64  `json:"align"`
	}
	jsonSkip struct {
		Pos    string `json:"pos"`
		Name   string `json:"name"`
		Reason string `json:"reason"`
	}
)

// A jsonObject is an object whose members keep their order.
type jsonObject []jsonMember

type jsonMember struct {
	name  string
	value any
}

// MarshalJSON prints the members in order.
func (o jsonObject) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(m.name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(m.value)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func layoutJSON(w io.Writer, m *cstruct.Model) error {
	out := jsonLayout{
		Structs: []jsonStruct{}, Enums: []jsonEnum{}, Constants: jsonObject{},
		Typedefs: []jsonTypedef{}, Skipped: []jsonSkip{},
	}
	for _, s := range m.Structs {
		js := jsonStruct{Name: s.Name, Kind: kindOf(s), Size: &s.Bytes, Align: s.Aligns, Fields: []jsonField{}}
		if s.Dynamic {
			least := cstruct.MinSize(s)
			js.Size, js.Min = nil, &least
		}
		for _, f := range s.Fields {
			js.Fields = append(js.Fields, fieldJSON(f))
		}
		out.Structs = append(out.Structs, js)
	}
	for _, e := range m.Enums {
		je := jsonEnum{Name: e.Name, Size: e.Under.Bytes, Flags: e.Flags, Values: jsonObject{}}
		for _, v := range e.Values {
			je.Values = append(je.Values, jsonMember{v.Name, v.Value.ExactString()})
		}
		out.Enums = append(out.Enums, je)
	}
	for _, c := range m.Constants {
		kind, value := constantValue(c)
		if kind == "string" {
			value = stringValue(gc.StringVal(c.Value))
		}
		out.Constants = append(out.Constants, jsonMember{c.Name, jsonConstant{kind, value}})
	}
	for _, t := range m.Typedefs {
		out.Typedefs = append(out.Typedefs, jsonTypedef{t.Name, t.Type.String(), t.Size(), t.Align()})
	}
	for _, s := range skipped(m) {
		out.Skipped = append(out.Skipped, jsonSkip{s.Pos.String(), s.Name, s.Reason})
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(out); err != nil {
		return err
	}
	_, err := w.Write(cdump.EscapeJSON(b.Bytes()))
	return err
}

func fieldJSON(f *cstruct.Field) jsonField {
	size := f.Type.Size()
	j := jsonField{
		Name: f.Name, Type: f.Type.String(), Offset: &f.Offset, Size: &size,
		Endian: strings.TrimSuffix(fixedOrder(f.Type), "-endian"),
	}
	if f.BitField {
		j.BitOffset, j.BitSize = &f.BitOffset, &f.Bits
	}
	if f.Behind {
		j.Offset, j.BitOffset = nil, nil
	}
	if cstruct.Dynamic(f.Type) {
		j.Size = nil
	}
	for t := under(f.Type); ; {
		a, ok := t.(*cstruct.Array)
		if !ok {
			break
		}
		if a.Length != nil {
			j.Length = append(j.Length, a.Length.String())
		} else {
			j.Dims = append(j.Dims, a.Len)
		}
		j.Flexible = j.Flexible || a.Flexible
		t = under(a.Elem)
	}
	return j
}

func under(t cstruct.Type) cstruct.Type {
	for {
		td, ok := t.(*cstruct.Typedef)
		if !ok {
			return t
		}
		t = td.Type
	}
}

// fixedOrder is the byte order that a type itself has, as __be32 has, or "".
func fixedOrder(t cstruct.Type) string {
	for {
		switch u := t.(type) {
		case *cstruct.Typedef:
			if u.Fixed {
				return orderName(u.Order)
			}
			t = u.Type
		case *cstruct.Array:
			t = u.Elem
		default:
			return ""
		}
	}
}

// constantValue returns the kind of a macro's value and the value as text.
func constantValue(c *cstruct.Constant) (kind, value string) {
	switch c.Value.Kind() {
	case gc.Int:
		return "int", c.Value.ExactString()
	case gc.Float:
		if c.NegativeZero {
			return "float", "-0"
		}
		f, _ := gc.Float64Val(c.Value)
		return "float", strconv.FormatFloat(f, 'g', -1, 64)
	}
	return "string", strconv.QuoteToASCII(gc.StringVal(c.Value))
}

// stringValue is a C string as JSON text: as it is if it is UTF-8, else with
// backslashes and all that is no ASCII escaped as Go and C do.
func stringValue(s string) string {
	if strings.ToValidUTF8(s, "") == s {
		return s
	}
	q := strconv.QuoteToASCII(s)
	return strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`)
}
