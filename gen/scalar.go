package gen

import (
	"fmt"
	"strings"

	"cstructgen/internal/cstruct"
)

// A scalar is how one number lies in bytes and in Go. The raw number is the
// unsigned integer of the scalar's size; value and bits convert between it
// and the Go type, with %s for the expression.
type scalar struct {
	name  string // Go type
	size  int64
	value string // raw to Go
	bits  string // Go to raw
	struc string // as a tag of struc has it
	enum  bool   // the Go type is that of an enum
	base  string // of an enum: the Go type under it
}

// odd reports whether Go has no number of the size: values have a wider type.
func (s *scalar) odd() bool { return holding(8*s.size, false).size != s.size }

// oddScalar returns the scalar of an integer of 3, 5, 6 or 7 bytes.
func oddScalar(size int64, signed bool) *scalar {
	wide := holding(8*size, signed)
	s := &scalar{name: wide.name, size: size, value: "%s", bits: "%s"}
	if signed {
		// Up to the sign bit of the wider type, then back down.
		shift := 8 * (wide.size - size)
		s.value = fmt.Sprintf("%s(%%s<<%d) >> %d", wide.name, shift, shift)
		s.bits = holding(8*size, false).name + "(%s)"
	}
	return s
}

// scalars are the Go types that a number can have. bool has no bits: Go has
// no expression for it.
var scalars = map[string]*scalar{
	"bool":    {name: "bool", size: 1, value: "%s != 0", bits: "", struc: "bool"},
	"uint8":   {name: "uint8", size: 1, value: "%s", bits: "%s", struc: "uint8"},
	"uint16":  {name: "uint16", size: 2, value: "%s", bits: "%s", struc: "uint16"},
	"uint32":  {name: "uint32", size: 4, value: "%s", bits: "%s", struc: "uint32"},
	"uint64":  {name: "uint64", size: 8, value: "%s", bits: "%s", struc: "uint64"},
	"int8":    {name: "int8", size: 1, value: "int8(%s)", bits: "uint8(%s)", struc: "int8"},
	"int16":   {name: "int16", size: 2, value: "int16(%s)", bits: "uint16(%s)", struc: "int16"},
	"int32":   {name: "int32", size: 4, value: "int32(%s)", bits: "uint32(%s)", struc: "int32"},
	"int64":   {name: "int64", size: 8, value: "int64(%s)", bits: "uint64(%s)", struc: "int64"},
	"float32": {name: "float32", size: 4, value: "math.Float32frombits(%s)", bits: "math.Float32bits(%s)", struc: "float32"},
	"float64": {name: "float64", size: 8, value: "math.Float64frombits(%s)", bits: "math.Float64bits(%s)", struc: "float64"},
}

// basicScalar returns the scalar of a C type of 1, 2, 4 or 8 bytes, nil for
// any other.
func basicScalar(b *cstruct.Basic) *scalar {
	switch b.Kind {
	case cstruct.Bool:
		if b.Bytes == 1 {
			return scalars["bool"]
		}
	case cstruct.Char:
		if b.Bytes == 1 && !b.Signed {
			return scalars["uint8"]
		}
		if b.Bytes == 1 {
			return scalars["int8"]
		}
	case cstruct.WideChar:
		return scalars["uint16"]
	case cstruct.Int:
		if b.Bytes < 8 && integer(b.Bytes, false) == nil {
			return oddScalar(b.Bytes, b.Signed)
		}
		return integer(b.Bytes, b.Signed)
	case cstruct.Float:
		// A decimal float has the size of a binary one and other bits.
		if strings.Contains(b.Name, "Decimal") {
			return integer(b.Bytes, false)
		}
		switch b.Bytes {
		case 2: // half precision: its bits
			return scalars["uint16"]
		case 4:
			return scalars["float32"]
		case 8:
			return scalars["float64"]
		}
	}
	return nil
}

// integer returns the integer scalar of a size, nil where Go has none.
func integer(size int64, signed bool) *scalar {
	switch {
	case size == 1 && signed:
		return scalars["int8"]
	case size == 2 && signed:
		return scalars["int16"]
	case size == 4 && signed:
		return scalars["int32"]
	case size == 8 && signed:
		return scalars["int64"]
	case size == 1:
		return scalars["uint8"]
	case size == 2:
		return scalars["uint16"]
	case size == 4:
		return scalars["uint32"]
	case size == 8:
		return scalars["uint64"]
	}
	return nil
}

// holding returns the smallest integer scalar of at least bits bits.
func holding(bits int64, signed bool) *scalar {
	size := int64(1)
	for size*8 < bits {
		size *= 2
	}
	return integer(size, signed)
}

// orderedName reports whether a C typedef says no more than the Go type that
// it becomes and the byte order: __le32, be16_t, sle64.
func orderedName(c string, o cstruct.ByteOrder) bool {
	name := strings.TrimPrefix(strings.TrimSuffix(strings.TrimLeft(c, "_"), "_t"), "s")
	word := strings.TrimRight(name, "0123456789")
	return word != name && (word == "le" && o == cstruct.LittleEndian || word == "be" && o == cstruct.BigEndian)
}

// plainName reports whether a C typedef says no more than the Go type that it
// becomes: uint32_t, __u32, s64.
func plainName(c string) bool {
	c = strings.TrimLeft(c, "_")
	c = strings.TrimSuffix(c, "_t")
	sign := strings.TrimRight(c, "0123456789")
	switch sign {
	case "u", "s", "int", "uint":
		return sign != c
	}
	return false
}
