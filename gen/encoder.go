package gen

import (
	"fmt"
	"strconv"

	"cstructgen/internal/cstruct"
)

// appender writes the method that appends the encoding of r.
func (c *coder) appender() {
	r, name := c.r, "AppendBinary"
	form := ""
	if c.suffix != "" {
		name = "Append" + c.suffix
		form = map[string]string{"LE": "little-endian ", "BE": "big-endian "}[c.suffix]
	}
	c.doc(wrap(fmt.Sprintf("%s appends the %sencoding of x to b. It fails with a *%s if a field that says the length of another contradicts it, or a value has no encoding.",
		name, form, c.failure))...)
	c.line("func (x *%s) %s(b []byte) ([]byte, error) {", r.name, name)
	zero := ""
	if r.recursive {
		zero = ", 0"
	}
	c.line("return x.encode%s(b, len(b)%s)", c.suffix, zero)
	c.line("}")
	c.line("")
}

// encode writes the method that appends the encoding of r to b, of which the
// output begins at base.
func (c *coder) encode() {
	r := c.r
	c.doc(wrap("encode" + c.suffix + " appends x to b, in which the output begins at base.")...)
	result := "([]byte, error)"
	if r.needsInput() {
		result = "(_ []byte, err error)"
	}
	c.line("func (x *%s) encode%s(b []byte, base%s int) %s {", r.name, c.suffix, c.depthParam(), result)
	c.tooDeep("nil", "len(b) - base")
	for _, p := range r.parts {
		c.encodePart(p)
	}
	c.line("return b, nil")
	c.line("}")
	c.line("")
}

// here is the place in the output.
const here = "len(b) - base"

func (c *coder) encodePart(p *part) {
	if p.align > 1 {
		c.line("b = append(b, make([]byte, (base-len(b))&%d)...)", p.align-1)
	}
	if p.dynamic != nil {
		c.begin(p.dynamic)
		if p.dynamic.name == "" {
			c.fill(p.dynamic.typ)
		} else {
			c.encodeValue(p.dynamic.typ, "x."+p.dynamic.name, 0)
		}
		c.line("}")
		return
	}
	size := p.fixed.size
	if size == 0 {
		return
	}
	for _, m := range p.fixed.members {
		if m.checked() {
			c.m = m
			c.rangeCheck(m.typ, "x."+m.name, fmt.Sprintf("len(b) - base + %d", m.off), "nil, ", 0)
		}
	}
	c.line("b = append(b, make([]byte, %d)...)", size)
	named := false
	for _, m := range p.fixed.members {
		named = named || m.name != "" && m.size > 0
	}
	if !named {
		return
	}
	c.line("{")
	c.line("p := (*[%d]byte)(b[len(b)-%d:])", size, size)
	c.fields(p.fixed, func(m *member) {
		if m.name != "" { // what is discarded is zero already
			c.writer.encode(m.typ, slot{b: "p", off: m.off}, m.order, "x."+m.name, c.suffix)
		}
	}, func(u *unit) { c.encodeUnit(u, "p", "x.") })
	c.line("}")
}

// encodeValue writes the statements that append x, of type t and dynamic
// size.
func (c *coder) encodeValue(t *goType, x string, depth int) {
	i := loopVar(depth)
	switch {
	case t.leb:
		c.encodeLEB(t, x)
	case t.record != nil:
		c.line("if b, err = %s; err != nil {", c.call("encode", x, t.record, "b", "base"))
		c.line("return nil, err")
		c.line("}")
	case t.length == nil:
		c.line("for %s := range %s {", i, x)
		c.encodeValue(t.elem, fmt.Sprintf("%s[%s]", x, i), depth+1)
		c.line("}")
	default:
		if t.length.Kind == cstruct.Counted {
			n, typ := c.countOf(t, "nil", here)
			c.line("if %s(len(%s)) != %s {", typ, x, n)
			c.line("return nil, %s", c.fail(here, fmt.Sprintf(
				`fmt.Errorf("%%d elements, and its length says %%d", len(%s), %s)`, x, n)))
			c.line("}")
		}
		c.encodeElements(t, x, depth)
	}
}

func (c *coder) encodeLEB(t *goType, x string) {
	if t.scalar.name == "uint64" {
		c.line("b = binary.AppendUvarint(b, %s)", x)
		return
	}
	v := c.name("v")
	c.line("for %s := %s; ; %s >>= 7 {", v, x, v)
	c.line("if %s >= -64 && %s < 64 {", v, v)
	c.line("b = append(b, byte(%s)&0x7f)", v)
	c.line("break")
	c.line("}")
	c.line("b = append(b, byte(%s)|0x80)", v)
	c.line("}")
}

// encodeElements appends the elements of a slice and what ends them.
func (c *coder) encodeElements(t *goType, x string, depth int) {
	elem, i := t.elem, loopVar(depth)
	ends := t.length.Kind == cstruct.Terminated
	refuse := func() {
		c.line("return nil, %s", c.fail(here, `errors.New("an element that is zero, which would end the array")`))
	}
	switch {
	case elem.isBytes():
		if ends {
			c.line("if bytes.IndexByte(%s, 0) >= 0 {", x)
			refuse()
			c.line("}")
		}
		c.line("b = append(b, %s...)", x)
		if ends {
			c.line("b = append(b, 0)")
		}
	case elem.dynamic():
		start := c.name("start")
		c.line("for %s := range %s {", i, x)
		if ends {
			c.line("%s := len(b)", start)
		}
		c.encodeValue(elem, fmt.Sprintf("%s[%s]", x, i), depth+1)
		if ends {
			c.line("if %s {", zeroBytes(fmt.Sprintf("b[%s:]", start)))
			refuse()
			c.line("}")
		}
		c.line("}")
		if ends {
			c.encodeEnd(elem, depth)
		}
	case elem.size > 0:
		if elem.checked() {
			c.line("for %s := range %s {", i, x)
			c.rangeCheck(elem, fmt.Sprintf("%s[%s]", x, i), fmt.Sprintf("%s + %s", here, times(elem.size, i)), "nil, ", depth+1)
			c.line("}")
		}
		p, start := c.name("p"), c.name("start")
		c.line("%s := len(b)", start)
		c.line("b = append(b, make([]byte, %s)...)", times(elem.size, "len("+x+")"))
		c.line("%s := b[%s:]", p, start)
		c.line("for i := range %s {", x)
		c.writer.encode(elem, slot{b: p}.index(elem.size, "i"), c.m.order, x+"[i]", c.suffix)
		c.line("}")
		if ends {
			c.line("for ; len(%s) > 0; %s = %s[%d:] {", p, p, p, elem.size)
			c.line("if %s {", zeroBytes(fmt.Sprintf("%s[:%d]", p, elem.size)))
			refuse()
			c.line("}")
			c.line("}")
			c.line("b = append(b, make([]byte, %d)...)", elem.size)
		}
	}
}

// encodeEnd appends the element that ends an array: the zero value, whose
// encoding must be zeros.
func (c *coder) encodeEnd(elem *goType, depth int) {
	if elem.leb {
		c.line("b = append(b, 0)")
		return
	}
	end, start := c.name("end"), c.name("start")
	c.line("var %s %s", end, elem)
	c.line("%s := len(b)", start)
	c.encodeValue(elem, end, depth+1)
	c.line("if !(%s) {", zeroBytes(fmt.Sprintf("b[%s:]", start)))
	c.line("return nil, %s", c.fail(here, `errors.New("nothing can end the array: its elements are never zero")`))
	c.line("}")
}

// fill appends zeros in place of a field that has no variable.
func (c *coder) fill(t *goType) {
	zero := func(t *goType) string {
		v := c.name("discarded")
		c.line("var %s %s", v, t)
		return v
	}
	switch {
	case t.leb:
		c.line("b = append(b, 0)")
	case t.length == nil:
		c.encodeValue(t, zero(t), 0)
	case t.length.Kind == cstruct.Counted:
		n, _ := c.countOf(t, "nil", here)
		c.line("if %s > %d {", n, maxSize)
		c.line("return nil, %s", c.fail(here, `errors.New("too many discarded elements")`))
		c.line("}")
		if t.elem.dynamic() {
			v := zero(t.elem)
			c.line("for range %s {", n)
			c.encodeValue(t.elem, v, 0)
			c.line("}")
			return
		}
		c.line("b = append(b, make([]byte, %s)...)", times(t.elem.size, "int("+n+")"))
	case t.length.Kind == cstruct.Terminated && t.elem.dynamic():
		c.encodeEnd(t.elem, 0)
	case t.length.Kind == cstruct.Terminated && t.elem.size > 0:
		c.line("b = append(b, make([]byte, %d)...)", t.elem.size)
	}
}

// checked reports whether values of m can be too large for its bytes.
func (m *member) checked() bool {
	return m.name != "" && m.bits == 0 && m.typ != nil && m.typ.checked()
}

func (t *goType) checked() bool {
	if t.dynamic() || t.size == 0 {
		return false
	}
	t = t.innermost()
	return t.scalar != nil && t.scalar.odd() || t.record != nil && !t.record.union && t.record.checked
}

// rangeCheck writes the statements that return an error if x, which lies at a
// place of the output, has a number that is too large for its bytes.
func (c *coder) rangeCheck(t *goType, x, at, ret string, depth int) {
	switch {
	case t.elem != nil:
		i := loopVar(depth)
		c.line("for %s := range %s {", i, x)
		c.rangeCheck(t.elem, fmt.Sprintf("%s[%s]", x, i), fmt.Sprintf("%s + %s", at, times(t.elem.size, i)), ret, depth+1)
		c.line("}")
	case t.record != nil:
		c.line("if err := %s.check(%s); err != nil {", x, at)
		c.line("return %serr", ret)
		c.line("}")
	default:
		bits := uint(8 * t.scalar.size)
		cond := fmt.Sprintf("%s > %#x", x, uint64(1)<<bits-1)
		if wide := c.signedBase(t.scalar); wide {
			cond = fmt.Sprintf("%s < -%#x || %s > %#x", x, uint64(1)<<(bits-1), x, uint64(1)<<(bits-1)-1)
		}
		c.line("if %s {", cond)
		c.line("return %s%s", ret, c.fail(at, "errors.New("+strconv.Quote(fmt.Sprintf("value does not fit %d bytes", t.scalar.size))+")"))
		c.line("}")
	}
}

// signedBase reports whether values of s have a sign.
func (c *coder) signedBase(s *scalar) bool {
	name := s.name
	if s.enum {
		name = s.base
	}
	return name == "int32" || name == "int64"
}

// checkMethod writes the method that finds numbers which do not fit, in a
// record of fixed size that lies at a place of the output.
func (w *writer) checkMethod(r *record, failure string) {
	c := &coder{writer: w, r: r, failure: failure}
	w.doc(wrap("check returns an error if a number does not fit its bytes; x is at that place of the output.")...)
	w.line("func (x *%s) check(at int) error {", r.name)
	for _, m := range r.members {
		if m.checked() {
			c.m = m
			c.rangeCheck(m.typ, "x."+m.name, fmt.Sprintf("at + %d", m.off), "", 0)
		}
	}
	w.line("return nil")
	w.line("}")
	w.line("")
}
