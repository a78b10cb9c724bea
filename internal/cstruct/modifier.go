package cstruct

import (
	"go/constant"
	"slices"
)

// modifiers are what a list of attributes asks for.
type modifiers struct {
	packed bool
	align  int64 // in bytes, the largest of several; 0: nothing
	latest int64 // the last of several
	raise  int64 // the largest that an _Alignas asks for
	vector int64 // in bytes; 0: no vector
	mode   string
	order  *ByteOrder
}

// The alignment that "aligned" without a number asks for.
const biggestAlign = 16

// attributes evaluates a list of attributes. Of several alignments the
// largest counts for a member, as C has it, and the last for a type.
func (r *resolver) attributes(list []attribute) (m modifiers, d *diagnostic) {
	for _, a := range list {
		n := int64(biggestAlign)
		if len(a.args) > 0 {
			v, d := r.eval.integer(a.args[0])
			if d != nil {
				return m, d
			}
			var ok bool
			n, ok = constant.Int64Val(v.v)
			if !ok || n < 0 || n > 1<<28 || n&(n-1) != 0 {
				return m, malformed(a.args[0].at(), "%s: %v is no power of two up to 2^28", a.name, v.v)
			}
		}
		switch a.name {
		case "packed":
			m.packed = true
		case "aligned":
			m.align, m.latest = max(m.align, n), n
			if a.raises {
				m.raise = max(m.raise, n)
			}
		case "vector_size":
			if len(a.args) == 0 || n == 0 {
				return m, malformed(a.pos, "vector_size without a size")
			}
			m.vector = n
		case "mode":
			m.mode = a.word
		case "ms_struct":
			return m, unsupported(a.pos, "ms_struct: the layout of Microsoft's compilers is not translated")
		case "scalar_storage_order":
			order, ok := storageOrder(a.word)
			if !ok {
				return m, malformed(a.pos, "scalar_storage_order must be big-endian or little-endian")
			}
			m.order = &order
		}
	}
	return m, nil
}

// withMode returns t with the width of a machine mode.
func withMode(t Type, mode string, at pos) (Type, *diagnostic) {
	b := scalar(t)
	modes := map[string]int64{
		"QI": 1, "HI": 2, "SI": 4, "DI": 8, "TI": 16,
		"byte": 1, "word": 8, "pointer": 8, "unwind_word": 8, "libgcc_cmp_return": 8, "libgcc_shift_count": 8,
	}
	floats := map[string]*Basic{
		"HF": typeFloat16, "SF": typeFloat, "DF": typeDouble, "XF": typeLongDouble, "TF": typeFloat128,
		"SC": complexTypes[typeFloat], "DC": complexTypes[typeDouble], "XC": complexTypes[typeLongDouble], "TC": complexTypes[typeFloat128],
	}
	switch size := modes[mode]; {
	case b != nil && floats[mode] != nil && b.Kind == floats[mode].Kind:
		return floats[mode], nil
	case b == nil || !isInteger(b) || size == 0:
		return nil, unsupported(at, "mode %s of %s", mode, t)
	default:
		// Of those as wide, the first: long, not long long.
		candidates := []*Basic{typeSChar, typeUChar, typeShort, typeUShort, typeInt, typeUInt, typeLong, typeULong, typeInt128, typeUInt128}
		i := slices.IndexFunc(candidates, func(c *Basic) bool { return c.Bytes == size && c.Signed == b.Signed })
		return candidates[i], nil
	}
}
