package cstruct

import "go/constant"

// measured returns the type of data with the initializer, whose tokens are
// given: an array without length has as many elements as that gives it (C
// 6.7.9). Where they cannot be counted t stays as it is, without a size.
func (r *resolver) measured(t Type, init []token) Type {
	a, ok := plainType(t).(*Array)
	if !ok || !a.Flexible || len(init) == 0 {
		return t
	}
	aside := r.aside()
	end := init[len(init)-1]
	p := newParser(append(init[:len(init):len(init)], token{kind: tEOF, pos: end.pos}), aside)
	c := counter{parser: p, res: r, elem: a.Elem}
	var n int64
	saved := r.eval.reporter
	r.eval.reporter = aside
	d := p.catch(func() { n = c.count() })
	r.eval.reporter = saved
	if d != nil || n < 0 || a.Elem.Size() > 0 && n > maxObject/a.Elem.Size() {
		return t
	}
	return &Array{Elem: a.Elem, Len: n, natural: a.natural}
}

// A counter counts the elements of an initializer.
type counter struct {
	*parser
	res  *resolver
	elem Type
}

// count parses an initializer of the whole array.
//
//	initializer = string | "{" [ element { "," element } [ "," ] ] "}" .
//	element = [ { designator } "=" ] ( assignment | "{" ... "}" ) .
//	designator = "[" expression [ "..." expression ] "]" | "." identifier .
func (c *counter) count() int64 {
	if n, ok := c.text(); ok {
		return n
	}
	c.want("{")
	if n, ok := c.text(); ok && (c.tok.is("}") || c.tok.is(",")) {
		return n
	}
	most, next := int64(0), int64(0) // elements there are, and the index of the next
	part := int64(0)                 // scalars of the element next that were given without braces
	leaves := scalars(c.elem, int64(len(c.toks)))
	for !c.tok.is("}") {
		if c.tok.is("[") {
			next, part = c.designator(), 0
		}
		if c.tok.is("{") {
			c.balanced()
			next, part = next+1, 0
		} else {
			if c.tok.kind == tString && leaves > 1 {
				c.failf(c.tok.pos, "a string may be one element or one of its members")
			}
			c.assignment()
			if part++; part >= leaves {
				next, part = next+1, 0
			}
		}
		if most = max(most, next); part > 0 {
			most = max(most, next+1)
		}
		if !c.got(",") {
			break
		}
	}
	c.want("}")
	return most
}

// text counts the characters of a string that initializes an array of them.
func (c *counter) text() (n int64, ok bool) {
	b := scalar(c.elem)
	if c.tok.kind != tString || !isInteger(b) {
		return 0, false
	}
	x := c.stringLiteral()
	v, d := c.res.stringLiterals(x.toks)
	if d != nil {
		c.fail(d)
	}
	a, isText := v.t.(*Array)
	if !isText || a.Elem.Size() != b.Bytes {
		c.failf(x.at(), "a string of other characters")
	}
	return a.Len, true
}

// designator parses "[n] =" or "[m ... n] =" and returns the last index.
func (c *counter) designator() int64 {
	c.want("[")
	x := c.conditional()
	if c.got("...") {
		x = c.conditional()
	}
	c.want("]")
	if c.tok.is(".") || c.tok.is("[") {
		c.failf(c.tok.pos, "a designator of a part of an element")
	}
	c.want("=")
	v, d := c.res.eval.integer(x)
	if d != nil {
		c.fail(d)
	}
	n, ok := constant.Int64Val(v.v)
	if !ok || n < 0 || n > maxObject {
		c.failf(x.at(), "an index out of range")
	}
	return n
}

// scalars returns how many values an initializer without inner braces gives
// to a t; 1 for what takes a value of its own type. It counts no further than
// to most.
func scalars(t Type, most int64) int64 {
	switch t := plainType(t).(type) {
	case *Array:
		each := scalars(t.Elem, most)
		if t.Len > most/each {
			return most
		}
		return max(1, t.Len) * each
	case *Struct:
		n := int64(0)
		for _, f := range t.Fields {
			if f.Name == "" && f.BitField {
				continue
			}
			if n += scalars(f.Type, most-n); t.Union || n >= most {
				break
			}
		}
		return max(1, n)
	}
	return 1
}
