package gen

import (
	"fmt"
	"strconv"
	"strings"

	"cstructgen/internal/cstruct"
)

// maxDepth is how deep values of one type may lie in one another.
const maxDepth = 256

// A coder writes a method that decodes or encodes a record of dynamic size.
type coder struct {
	*writer
	r       *record
	suffix  string
	failure string // type of errors
	m       *member
	names   map[string]int // of variables in the block of a field, by stem
	err     error
}

// begin begins the block of a member of dynamic size.
func (c *coder) begin(m *member) {
	c.m, c.names = m, make(map[string]int)
	c.line("{ // %s", oneLine(visible(m.cField()+": "+m.ctype), maxText))
}

// name makes a name that the block does not have yet.
func (c *coder) name(stem string) string {
	c.names[stem]++
	if n := c.names[stem]; n > 1 {
		return fmt.Sprint(stem, n)
	}
	return stem
}

// cField is the field as an error names it.
func (m *member) cField() string {
	if m.cname == "" && m.name == "" {
		return "_"
	}
	if m.cname == "" {
		return m.name
	}
	return m.cname
}

// tagName is the struct as an error names it.
func (r *record) tagName() string {
	if _, tag, ok := strings.Cut(r.cname, " "); ok && !r.c.Anonymous {
		return tag
	}
	if r.c.Anonymous {
		return r.name
	}
	return r.cname
}

// fail is the expression for an error about the current field, which is at a
// place; err is an expression, too.
func (c *coder) fail(at, err string) string {
	return fmt.Sprintf("&%s{%q, %q, %s, %s}", c.failure, c.r.tagName(), c.m.cField(), at, err)
}

const short = "io.ErrUnexpectedEOF"

// call is the call of a method of a record of dynamic size, or of its inner
// form, which knows the place and, if need be, the depth.
func (c *coder) call(method, x string, to *record, args ...string) string {
	if to.recursive {
		depth := "0"
		if c.r.recursive {
			depth = "depth+1"
		}
		args = append(args, depth)
	}
	return fmt.Sprintf("%s.%s%s(%s)", x, method, c.suffix, strings.Join(args, ", "))
}

// dynamicCodec writes the methods that decode and encode r in one order.
func (w *writer) dynamicCodec(r *record, suffix, failure string) error {
	c := &coder{writer: w, r: r, suffix: suffix, failure: failure}
	order := ""
	switch suffix {
	case "LE":
		order = "little-endian "
	case "BE":
		order = "big-endian "
	}
	w.doc(wrap(fmt.Sprintf("Decode%s sets x from its %sform at the start of b and returns how many bytes that takes. An error is a *%s; x then has the fields before it.",
		suffix, order, failure))...)
	w.line("func (x *%s) Decode%s(b []byte) (n int, err error) {", r.name, suffix)
	zero := ""
	if r.recursive {
		zero = ", 0"
	}
	w.line("return x.decode%s(b, 0%s)", suffix, zero)
	w.line("}")
	w.line("")
	c.decode()
	if r.readOnly != "" {
		return c.err
	}
	c.appender()
	c.encode()
	return c.err
}

func (c *coder) depthParam() string {
	if c.r.recursive {
		return ", depth"
	}
	return ""
}

// tooDeep writes the check of the depth.
func (c *coder) tooDeep(zero, at string) {
	if !c.r.recursive {
		return
	}
	c.line("if depth > %d {", maxDepth)
	c.line(`return %s, &%s{%q, "", %s, errors.New("nested deeper than %d")}`, zero, c.failure, c.r.tagName(), at, maxDepth)
	c.line("}")
}

// decode writes the method that decodes r at a place of the input.
func (c *coder) decode() {
	r := c.r
	c.doc(wrap("decode" + c.suffix + " is Decode" + c.suffix + " of what is at b[at:]; it returns where that ends.")...)
	if !r.needsInput() {
		c.line("func (x *%s) decode%s(b []byte, at%s int) (int, error) {", r.name, c.suffix, c.depthParam())
	} else {
		c.line("func (x *%s) decode%s(b []byte, at%s int) (end int, err error) {", r.name, c.suffix, c.depthParam())
	}
	c.tooDeep("at", "at")
	if r.union {
		c.decodeUnion()
	} else {
		for i, p := range r.parts {
			c.decodePart(p, i)
		}
		c.line("return at, nil")
	}
	c.line("}")
	c.line("")
}

// needsInput reports whether decoding r uses a variable err.
func (r *record) needsInput() bool {
	for _, p := range r.parts {
		if p.dynamic != nil && p.dynamic.typ.innermost().record != nil && p.dynamic.typ.innermost().record.dynamic {
			return true
		}
	}
	return false
}

// decodeUnion decodes each member from the same place. What follows the union
// begins behind the last one, as dissect.cstruct has it.
func (c *coder) decodeUnion() {
	if len(c.r.parts) > 1 {
		c.line("start := at")
	}
	for i, p := range c.r.parts {
		if i > 0 {
			c.line("at = start")
		}
		c.decodePart(p, 1)
	}
	c.line("return at, nil")
}

// decodePart writes the statements that decode a part and move on behind it.
func (c *coder) decodePart(p *part, i int) {
	if p.align > 1 {
		c.line("at = min((at+%d)&^%d, len(b))", p.align-1, p.align-1)
	}
	if p.dynamic != nil {
		c.begin(p.dynamic)
		if p.dynamic.name == "" {
			c.skip(p.dynamic.typ)
		} else {
			c.decodeValue(p.dynamic.typ, "x."+p.dynamic.name, 0)
		}
		c.line("}")
		return
	}
	if p.fixed.size == 0 {
		return
	}
	size := p.fixed.size
	c.line("if left := len(b) - at; left < %d {", size)
	c.shortPart(p.fixed)
	c.line("}")
	named := false
	for _, m := range p.fixed.members {
		named = named || m.name != "" && m.size > 0
	}
	if named {
		c.line("{")
		c.line("p := (*[%d]byte)(b[at:])", size)
		c.fields(p.fixed, func(m *member) {
			if m.name != "" {
				c.writer.decode(m.typ, slot{b: "p", off: m.off}, m.order, "x."+m.name, c.suffix)
			}
		}, func(u *unit) { c.decodeUnit(u, "p", "x.") })
		c.line("}")
	}
	c.line("at += %d", size)
}

// shortPart writes the statements that name the first field of a part that
// the input, with left bytes, does not hold.
func (c *coder) shortPart(r *record) {
	var ms []*member
	for _, m := range r.members {
		if m.name != "" && m.size > 0 {
			ms = append(ms, m)
		}
	}
	if len(ms) < 2 {
		name := "_"
		if len(ms) == 1 {
			name = ms[0].cField()
		}
		c.line("return at, &%s{%q, %q, at, %s}", c.failure, c.r.tagName(), name, short)
		return
	}
	last := ms[len(ms)-1]
	c.line("for _, f := range [...]struct {")
	c.line("name string")
	c.line("at, end int")
	c.line("}{")
	for _, m := range ms[:len(ms)-1] {
		c.line("{%q, %d, %d},", m.cField(), m.off, m.end())
	}
	c.line("} {")
	c.line("if left < f.end {")
	c.line("return at, &%s{%q, f.name, at + f.at, %s}", c.failure, c.r.tagName(), short)
	c.line("}")
	c.line("}")
	c.line("return at, &%s{%q, %q, at + %d, %s}", c.failure, c.r.tagName(), last.cField(), last.off, short)
}

// decodeValue writes the statements that decode a value of type t, which is of
// dynamic size, to x. depth counts the arrays around it.
func (c *coder) decodeValue(t *goType, x string, depth int) {
	switch {
	case t.leb:
		c.decodeLEB(t, x, "return at, "+c.fail("at", short))
	case t.record != nil:
		c.line("if at, err = %s; err != nil {", c.call("decode", x, t.record, "b", "at"))
		c.line("return at, err")
		c.line("}")
	case t.length == nil:
		i := loopVar(depth)
		c.line("for %s := range %s {", i, x)
		c.decodeValue(t.elem, fmt.Sprintf("%s[%s]", x, i), depth+1)
		c.line("}")
	case t.length.Kind == cstruct.Counted:
		c.decodeCounted(t, x, depth)
	case t.length.Kind == cstruct.Terminated:
		c.decodeTerminated(t, x, depth)
	default:
		c.decodeRest(t, x, depth)
	}
}

// decodeLEB writes the statements that decode a leb128 number; ended is the
// statement that is carried out where the input ends in it.
func (c *coder) decodeLEB(t *goType, x, ended string) {
	tooLarge := c.fail("at", `errors.New("leb128 number of more than 64 bits")`)
	if t.scalar.name == "uint64" {
		v, size := c.name("v"), c.name("size")
		c.line("%s, %s := binary.Uvarint(b[at:])", v, size)
		c.line("if %s < 0 {", size)
		c.line("return at, %s", tooLarge)
		c.line("}")
		c.line("if %s == 0 {", size)
		c.line("%s", ended)
		c.line("}")
		c.line("%s = %s", x, v)
		c.line("at += %s", size)
		return
	}
	v, size := c.name("v"), c.name("size")
	c.line("var %s uint64", v)
	c.line("%s := 0", size)
	c.line("for %s < len(b)-at {", size)
	c.line("c := b[at+%s]", size)
	c.line("if %s == 9 && c != 0 && c != 0x7f {", size)
	c.line("return at, %s", tooLarge)
	c.line("}")
	c.line("%s |= uint64(c&0x7f) << (7 * %s)", v, size)
	c.line("%s++", size)
	c.line("if c < 0x80 {")
	c.line("if c&0x40 != 0 && %s < 10 {", size)
	c.line("%s |= ^uint64(0) << (7 * %s)", v, size)
	c.line("}")
	c.line("break")
	c.line("}")
	c.line("}")
	c.line("if %s == 0 || b[at+%s-1] >= 0x80 {", size, size)
	c.line("%s", ended)
	c.line("}")
	c.line("%s = int64(%s)", x, v)
	c.line("at += %s", size)
}

// countOf writes the statements that compute the length of t, and returns the
// name of a variable that has it, of type int64 or uint64, and that is not
// negative. ret is what stands before an error in a return.
func (c *coder) countOf(t *goType, ret, at string) (string, string) {
	k, x, s := count64(t.length.Count, c.r, c.suffix)
	if k.err != nil {
		if c.err == nil {
			c.err = k.err
		}
		return "count", "int64"
	}
	for _, g := range k.guards {
		c.line("if %s {", g.cond)
		c.line("return %s, %s", ret, c.fail(at, "errors.New("+strconv.Quote(g.why)+")"))
		c.line("}")
	}
	n := c.name("count")
	x = strings.TrimPrefix(x, "(")
	if strings.Count(x, "(") < strings.Count(x, ")") {
		x = strings.TrimSuffix(x, ")")
	}
	if s.negative() {
		x = "max(0, " + x + ")"
	}
	c.line("%s := %s", n, x)
	return n, k.typ
}

func (c *coder) decodeCounted(t *goType, x string, depth int) {
	n, typ := c.countOf(t, "at", "at")
	left := fmt.Sprintf("%s(len(b)-at)", typ)
	if least := max(1, t.elem.min()); least > 1 {
		left = fmt.Sprintf("%s/%d", left, least)
	}
	c.line("if %s > %s {", n, left)
	c.line("return at, %s", c.fail("at", short))
	c.line("}")
	whole := c.name("n")
	c.line("%s := int(%s)", whole, n)
	c.elements(t, x, whole, depth)
}

// elements writes the statements that decode so many elements, for which the
// input has room.
func (c *coder) elements(t *goType, x, n string, depth int) {
	size := t.elem.size
	switch {
	case t.elem.isBytes():
		c.line("%s = append([]byte(nil), b[at:at+%s]...)", x, n)
		c.line("at += %s", n)
	case t.elem.record != nil && t.elem.record.recursive:
		// Not all at once: each may announce as many again.
		v := c.name("v")
		c.line("%s = nil", x)
		c.line("for range %s {", n)
		c.line("var %s %s", v, t.elem)
		c.decodeValue(t.elem, v, depth+1)
		c.line("%s = append(%s, %s)", x, x, v)
		c.line("}")
	case t.elem.dynamic() || size == 0:
		v, i := c.name("v"), loopVar(depth)
		c.line("%s = nil", x)
		c.line("if %s > 0 {", n)
		c.line("%s := make(%s, %s)", v, t, n)
		if t.elem.dynamic() {
			c.line("for %s := range %s {", i, v)
			c.decodeValue(t.elem, fmt.Sprintf("%s[%s]", v, i), depth+1)
			c.line("}")
		}
		c.line("%s = %s", x, v)
		c.line("}")
	default:
		v, p := c.name("v"), c.name("p")
		c.line("%s = nil", x)
		c.line("if %s > 0 {", n)
		c.line("%s, %s := make(%s, %s), b[at:]", v, p, t, n)
		c.line("for i := range %s {", v)
		c.writer.decode(t.elem, slot{b: p}.index(size, "i"), c.m.order, v+"[i]", c.suffix)
		c.line("}")
		c.line("%s = %s", x, v)
		c.line("at += %s", times(size, "len("+v+")"))
		c.line("}")
	}
}

// times is the product of a size and an expression.
func times(n int64, x string) string {
	if n == 1 {
		return x
	}
	return fmt.Sprintf("%d * %s", n, x)
}

// zeroBytes is the condition under which the bytes of an element, a slice
// expression, are all zero.
func zeroBytes(slice string) string {
	return fmt.Sprintf(`len(bytes.TrimLeft(%s, "\x00")) == 0`, slice)
}

func (c *coder) decodeTerminated(t *goType, x string, depth int) {
	size := t.elem.size
	switch {
	case t.elem.isBytes():
		n := c.name("n")
		c.line("%s := bytes.IndexByte(b[at:], 0)", n)
		c.line("if %s < 0 {", n)
		c.line("return at, %s", c.fail("at", short))
		c.line("}")
		c.elements(t, x, n, depth)
		c.line("at++")
	case t.elem.dynamic():
		c.line("%s = nil", x)
		c.line("for {")
		v, start := c.name("v"), c.name("start")
		c.line("var %s %s", v, t.elem)
		end := v + " == 0"
		if !t.elem.leb {
			c.line("%s := at", start)
			end = zeroBytes(fmt.Sprintf("b[%s:at]", start))
		}
		c.decodeValue(t.elem, v, depth+1)
		c.line("if %s {", end)
		c.line("break")
		c.line("}")
		c.line("%s = append(%s, %s)", x, x, v)
		c.line("}")
	case size == 0:
		c.line("%s = nil", x)
	default:
		n := c.name("n")
		c.line("%s := 0", n)
		c.line("for ; ; %s++ {", n)
		c.line("p := b[at+%s:]", times(size, n))
		c.line("if len(p) < %d {", size)
		c.line("return at, %s", c.fail("at", short))
		c.line("}")
		c.line("if %s {", zeroBytes(fmt.Sprintf("p[:%d]", size)))
		c.line("break")
		c.line("}")
		c.line("}")
		c.elements(t, x, n, depth)
		c.line("at += %d", size)
	}
}

// decodeRest decodes as many elements as the input holds whole.
func (c *coder) decodeRest(t *goType, x string, depth int) {
	elem := t.elem
	switch {
	case elem.isBytes():
		c.line("%s = append([]byte(nil), b[at:]...)", x)
		c.line("at = len(b)")
	case !elem.dynamic() && elem.size == 0:
		c.line("%s = nil", x)
	case !elem.dynamic():
		n := c.name("n")
		c.line("%s := (len(b) - at) / %d", n, elem.size)
		c.elements(t, x, n, depth)
	default:
		v, start := c.name("v"), c.name("start")
		c.line("%s = nil", x)
		c.line("for at < len(b) {")
		c.line("var %s %s", v, elem)
		c.line("%s := at", start)
		switch {
		case elem.leb:
			c.decodeLEB(elem, v, "break")
		case elem.record != nil:
			c.line("at, err = %s", c.call("decode", v, elem.record, "b", "at"))
			c.line("if errors.Is(err, %s) {", short)
			c.line("at = %s // the input ends in it", start)
			c.line("break")
			c.line("}")
			c.line("if err != nil {")
			c.line("return at, err")
			c.line("}")
		default:
			c.decodeValue(elem, v, depth+1)
		}
		c.line("if at == %s {", start)
		c.line(`return at, %s`, c.fail("at", `errors.New("elements without bytes up to the end")`))
		c.line("}")
		c.line("%s = append(%s, %s)", x, x, v)
		c.line("}")
	}
}

// skip writes the statements that pass over a field that has no variable.
func (c *coder) skip(t *goType) {
	if !t.skippable() {
		v := c.name("discarded")
		c.line("var %s %s", v, t)
		c.decodeValue(t, v, 0)
		if t.record == nil { // whose call uses it
			c.line("_ = %s", v)
		}
		return
	}
	if t.leb {
		v := c.name("v")
		c.line("var %s %s", v, t.scalar.name)
		c.decodeLEB(t, v, "return at, "+c.fail("at", short))
		c.line("_ = %s", v)
		return
	}
	size := t.elem.size
	switch t.length.Kind {
	case cstruct.Counted:
		n, typ := c.countOf(t, "at", "at")
		c.line("if %s > %s(len(b)-at)/%d {", n, typ, max(1, size))
		c.line("return at, %s", c.fail("at", short))
		c.line("}")
		c.line("at += %s", times(size, "int("+n+")"))
	case cstruct.Terminated:
		if size == 0 {
			return
		}
		c.line("for {")
		c.line("p := b[at:]")
		c.line("if len(p) < %d {", size)
		c.line("return at, %s", c.fail("at", short))
		c.line("}")
		c.line("at += %d", size)
		c.line("if %s {", zeroBytes(fmt.Sprintf("p[:%d]", size)))
		c.line("break")
		c.line("}")
		c.line("}")
	default:
		if size > 0 {
			c.line("at += (len(b) - at) / %d * %d", size, size)
		}
	}
}
