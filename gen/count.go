package gen

import (
	"fmt"
	gc "go/constant"
	"math"
	"math/big"
	"strings"

	"cstructgen/internal/cstruct"
)

// A span is what values an expression can have.
type span struct{ lo, hi *big.Int }

func number(n int64) *big.Int { return big.NewInt(n) }

var (
	leastInt64 = number(math.MinInt64)
	mostInt64  = number(math.MaxInt64)
	mostUint64 = new(big.Int).SetUint64(math.MaxUint64)
)

func (s span) within(lo, hi *big.Int) bool { return s.lo.Cmp(lo) >= 0 && s.hi.Cmp(hi) <= 0 }

func (s span) negative() bool { return s.lo.Sign() < 0 }

// A counter turns the formula of an array's length into Go: an expression of
// type int64 or uint64 that cannot overflow, and conditions under which it has
// no value.
type counter struct {
	r      *record
	suffix string
	typ    string   // of the expression
	bound  *big.Int // of the fields in it, where their types alone are too large
	shift  int64    // of the amounts of shifts
	guards []guard
	err    error
}

// A guard is a Go condition under which there is no count, and why.
type guard struct{ cond, why string }

// count lowers f, over the fields of r.
func count64(f *cstruct.Formula, r *record, suffix string) (*counter, string, span) {
	// Without a bound in both types first; then with ever smaller ones.
	for _, try := range []struct {
		typ   string
		bound *big.Int
		shift int64
	}{
		{"int64", nil, 63},
		{"uint64", nil, 63},
		{"int64", number(1 << 61), 31},
		{"int64", number(1 << 46), 15},
		{"int64", number(1 << 31), 31},
		{"int64", number(1 << 20), 31},
		{"int64", number(1 << 15), 15},
	} {
		c := &counter{r: r, suffix: suffix, typ: try.typ, bound: try.bound, shift: try.shift}
		x, s, ok := c.lower(f)
		if c.err != nil {
			return c, "", s
		}
		if ok {
			return c, x, s
		}
	}
	return &counter{err: unsupported(f.Pos, "the length %s can be larger than any number that Go has", f.Text)}, "", span{}
}

// fits reports whether all values of s are values of c's type.
func (c *counter) fits(s span) bool {
	if c.typ == "uint64" {
		return s.within(number(0), mostUint64)
	}
	return s.within(leastInt64, mostInt64)
}

// lower returns the expression for f and what values it can have; not ok
// where one may be too large.
func (c *counter) lower(f *cstruct.Formula) (x string, s span, ok bool) {
	switch {
	case f.Op == "" && f.Path != nil:
		x, s = c.field(f)
	case f.Op == "":
		n, exact := new(big.Int).SetString(f.Value.ExactString(), 10)
		if !exact || f.Value.Kind() != gc.Int {
			return "", s, false
		}
		x, s = n.String(), span{n, n}
		if n.Sign() < 0 {
			x = "(" + x + ")"
		}
	case f.Y == nil:
		x, s, ok = c.lower(f.X)
		if !ok {
			return "", s, false
		}
		if f.Op == "neg" {
			x, s = "-"+x, span{new(big.Int).Neg(s.hi), new(big.Int).Neg(s.lo)}
		} else {
			x, s = "^"+x, span{new(big.Int).Not(s.hi), new(big.Int).Not(s.lo)}
		}
		x = "(" + x + ")"
	default:
		return c.binary(f)
	}
	return x, s, c.err == nil && c.fits(s)
}

// field returns the value of a field.
func (c *counter) field(f *cstruct.Formula) (string, span) {
	x, m, err := c.r.find(f.Path, "x", c.suffix)
	if err == nil && (m == nil || m.typ.scalar == nil) {
		err = unsupported(f.Pos, "a length that is no number")
	}
	if err != nil {
		c.err = err
		return "", span{number(0), number(0)}
	}
	bits := uint(8 * m.typ.scalar.size)
	if m.bits > 0 {
		bits = uint(m.bits)
	}
	s := span{number(0), new(big.Int).Lsh(number(1), bits)}
	last := f.Path[len(f.Path)-1]
	if isSigned(last.Type) && m.bits == 0 {
		s.hi.Rsh(s.hi, 1)
		s.lo.Neg(s.hi)
	}
	s.hi.Sub(s.hi, number(1))
	x = c.typ + "(" + x + ")"
	if c.bound != nil && s.hi.Cmp(c.bound) > 0 {
		// The field's own type, for the comparison.
		field := x[len(c.typ)+1 : len(x)-1]
		c.guard(fmt.Sprintf("%s > %s", field, c.bound), fmt.Sprintf("%s is too large for a length", m.cname))
		s.hi = c.bound
		if least := new(big.Int).Neg(c.bound); s.lo.Cmp(least) < 0 {
			c.guard(fmt.Sprintf("%s < %s", field, least), fmt.Sprintf("%s is too small for a length", m.cname))
			s.lo = least
		}
	}
	return x, s
}

func (c *counter) guard(cond, why string) {
	for _, g := range c.guards {
		if g.cond == cond {
			return
		}
	}
	c.guards = append(c.guards, guard{cond, why})
}

// binary lowers an operation with two operands.
func (c *counter) binary(f *cstruct.Formula) (string, span, bool) {
	x, s, ok := c.lower(f.X)
	if !ok {
		return "", s, false
	}
	y, t, ok := c.lower(f.Y)
	if !ok {
		return "", t, false
	}
	r := span{}
	switch f.Op {
	case "+":
		r = span{new(big.Int).Add(s.lo, t.lo), new(big.Int).Add(s.hi, t.hi)}
	case "-":
		r = span{new(big.Int).Sub(s.lo, t.hi), new(big.Int).Sub(s.hi, t.lo)}
	case "*":
		r = corners(s, t, func(a, b *big.Int) *big.Int { return new(big.Int).Mul(a, b) })
	case "&", "|", "^":
		r = bitwise(f.Op, s, t)
	case "/", "%":
		if t.lo.Sign() <= 0 && t.hi.Sign() >= 0 {
			c.guard(y+" == 0", "division by zero")
		}
		floor := s.negative() || t.negative()
		rest := fmt.Sprintf("%s %% %s", x, y)
		if floor { // Go rounds toward zero
			rest = fmt.Sprintf("(%s%%%s+%s)%%%s", x, y, y, y)
		}
		if f.Op == "%" {
			size := maxAbs(t)
			r = span{new(big.Int).Neg(size), size}
			if !t.negative() {
				r.lo = number(0)
			}
			return "(" + rest + ")", r, c.fits(r)
		}
		if size := maxAbs(s); !s.negative() && !t.negative() {
			r = span{number(0), size}
		} else {
			r = span{new(big.Int).Neg(size), size}
		}
		if floor {
			return fmt.Sprintf("((%s - %s) / %s)", x, rest, y), r, c.fits(r)
		}
	case "<<", ">>":
		if f.X.Value != nil {
			x = c.typ + "(" + strings.Trim(x, "()") + ")"
		}
		return c.shifted(f.Op, x, y, s, t)
	}
	return fmt.Sprintf("(%s %s %s)", x, f.Op, y), r, c.fits(r)
}

// shifted lowers a shift, whose amount must not be negative.
func (c *counter) shifted(op, x, y string, s, t span) (string, span, bool) {
	most := number(c.shift)
	if t.negative() {
		c.guard(y+" < 0", "a shift by a negative number")
		t.lo = number(0)
	}
	if op == ">>" {
		lo, hi := s.lo, s.hi
		if lo.Sign() > 0 {
			lo = number(0)
		}
		if hi.Sign() < 0 {
			hi = number(-1)
		}
		return fmt.Sprintf("(%s >> uint64(%s))", x, y), span{lo, hi}, true
	}
	if t.hi.Cmp(most) > 0 {
		c.guard(fmt.Sprintf("%s > %d", y, c.shift), "a shift that is too large for a length")
		t.hi = most
	}
	r := corners(s, t, func(a, b *big.Int) *big.Int { return new(big.Int).Lsh(a, uint(b.Int64())) })
	return fmt.Sprintf("(%s << uint64(%s))", x, y), r, c.fits(r)
}

// corners returns the span of a function that is monotone in each operand.
func corners(s, t span, f func(a, b *big.Int) *big.Int) span {
	var r span
	for _, a := range []*big.Int{s.lo, s.hi} {
		for _, b := range []*big.Int{t.lo, t.hi} {
			v := f(a, b)
			if r.lo == nil || v.Cmp(r.lo) < 0 {
				r.lo = v
			}
			if r.hi == nil || v.Cmp(r.hi) > 0 {
				r.hi = v
			}
		}
	}
	return r
}

// bitwise returns a span that holds all results of & | ^.
func bitwise(op string, s, t span) span {
	if op == "&" && !s.negative() && !t.negative() {
		if s.hi.Cmp(t.hi) < 0 {
			return span{number(0), s.hi}
		}
		return span{number(0), t.hi}
	}
	if op == "&" && !s.negative() {
		return span{number(0), s.hi}
	}
	if op == "&" && !t.negative() {
		return span{number(0), t.hi}
	}
	bits := max(maxAbs(s).BitLen(), maxAbs(t).BitLen())
	hi := new(big.Int).Lsh(number(1), uint(bits))
	hi.Sub(hi, number(1))
	if !s.negative() && !t.negative() {
		return span{number(0), hi}
	}
	return span{new(big.Int).Not(hi), hi}
}

func maxAbs(s span) *big.Int {
	lo, hi := new(big.Int).Abs(s.lo), new(big.Int).Abs(s.hi)
	if lo.Cmp(hi) > 0 {
		return lo
	}
	return hi
}
