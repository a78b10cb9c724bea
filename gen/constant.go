package gen

import (
	gc "go/constant"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"cstructgen/internal/cstruct"
)

// A constant is a macro, or an enumerator without a type, lowered.
type constant struct {
	name  string
	value string // as Go prints it
	text  string // the C text where it says more than the value
	said  remark
}

// maxConstantBits is how large an untyped integer constant of Go may be.
const maxConstantBits = 512

// constants lowers the macros that are asked for. Those of included files
// never are.
func (l *lowering) constants(wanted func(string, bool) bool) {
	values := make(map[string]gc.Value)
	for _, e := range l.model.Enums {
		for _, v := range e.Values {
			values[v.Name] = v.Value
		}
	}
	for _, c := range l.model.Constants {
		if !c.Main || !wanted(c.Name, true) {
			continue
		}
		if c.NegativeZero {
			continue // no constant of Go is -0; 0 would be another value
		}
		// A macro beside the enumerator of the same name is the same constant.
		if v, ok := values[c.Name]; ok && l.names.has(l.renamed.of(constantName(c.Name), "enumerator "+c.Name)) && sameValue(v, c.Value) {
			continue
		}
		name := l.renamed.of(constantName(c.Name), "macro "+c.Name)
		if err := l.names.take(name, "macro "+c.Name, "macro "+c.Name, c.Pos); err != nil {
			l.report.add(err)
			continue
		}
		if c.Value.Kind() == gc.Int && gc.BitLen(c.Value) > maxConstantBits {
			l.report.add(unsupported(c.Pos, "macro %s has a value of %d bits; Go's constants have %d", c.Name, gc.BitLen(c.Value), maxConstantBits))
			continue
		}
		value, text := constantText(c)
		if value == "" {
			l.report.add(unsupported(c.Pos, "macro %s has a value that Go cannot print", c.Name))
			continue
		}
		l.decls = append(l.decls, &decl{pos: c.Pos, main: true, constant: &constant{
			name: name, value: value, text: text, said: remarkOf(c.Doc, c.Above),
		}})
	}
}

func sameValue(a, b gc.Value) bool { return a.Kind() == b.Kind() && a.ExactString() == b.ExactString() }

// constantText prints the exact value of c in the radix of its C text, and
// that text where it is more than this one literal.
func constantText(c *cstruct.Constant) (value, text string) {
	text = strings.TrimSpace(c.Text)
	switch c.Value.Kind() {
	case gc.Int:
		return intText(c.Value, text)
	case gc.Float:
		value = floatText(c.Value)
		if strings.TrimRight(text, "fFlL") == value {
			text = ""
		}
		return value, text
	case gc.String:
		value = strconv.Quote(gc.StringVal(c.Value))
		if text == value {
			text = ""
		}
		return value, text
	}
	return "", ""
}

var (
	intLiteral = regexp.MustCompile(`^(-?)(0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0([0-7]+)|[0-9]+)[uUlL]*$`)
	hexLooks   = regexp.MustCompile(`0[xX][0-9a-fA-F]|<<|~`)
)

// intText prints an integer. A literal keeps its radix and its width in
// digits; an expression of masks and shifts is printed in hexadecimal.
func intText(v gc.Value, text string) (value, rest string) {
	lit := intLiteral.FindStringSubmatch(text)
	switch {
	case lit != nil && lit[3] != "":
		value = hexText(v, len(lit[3]))
	case lit != nil && lit[4] != "":
		value = radixText(v, 2, len(lit[4]), "0b")
	case lit != nil && lit[5] != "":
		value = radixText(v, 8, len(lit[5]), "0o")
	case lit != nil:
		value = v.ExactString()
	case hexLooks.MatchString(text):
		return hexText(v, 0), text
	default:
		return v.ExactString(), text
	}
	return value, ""
}

func hexText(v gc.Value, width int) string { return radixText(v, 16, width, "0x") }

// radixText prints an integer in a base with at least width digits.
func radixText(v gc.Value, base, width int, prefix string) string {
	n, ok := new(big.Int).SetString(v.ExactString(), 10)
	if !ok {
		return ""
	}
	sign := ""
	if n.Sign() < 0 {
		sign = "-"
		n.Neg(n)
	}
	digits := n.Text(base)
	return sign + prefix + strings.Repeat("0", max(0, width-len(digits))) + digits
}

// floatText prints a floating-point number so that it reads back the same,
// and as one, not as an integer.
func floatText(v gc.Value) string {
	s := ""
	if f, exact := gc.Float64Val(v); exact {
		s = strconv.FormatFloat(f, 'g', -1, 64)
	} else {
		b, ok := new(big.Float).SetPrec(128).SetString(v.ExactString())
		if r, isRat := new(big.Rat).SetString(v.ExactString()); isRat {
			b, ok = new(big.Float).SetPrec(128).SetRat(r), true
		}
		if !ok || b.IsInf() {
			return ""
		}
		s = b.Text('g', 40)
	}
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	return s
}

// maxText is how much of a macro's text a comment shows.
const maxText = 160

// emitConstants writes a run of constants as one declaration. What stands
// above the first of them alone is about all.
func (w *writer) emitConstants(cs []*constant) {
	if len(cs) == 1 {
		c := cs[0]
		w.doc(slices.Concat(commentLines(c.said.above), commentLines(c.said.beside))...)
		w.line("const %s = %s%s", c.name, c.value, c.trailer())
		w.line("")
		return
	}
	first := *cs[0]
	if !slices.ContainsFunc(cs[1:], func(c *constant) bool { return c.said.above != "" }) {
		w.doc(commentLines(first.said.above)...)
		first.said.above = ""
		cs = slices.Concat([]*constant{&first}, cs[1:])
	}
	w.line("const (")
	for _, c := range cs {
		code := c.name + " = " + c.value
		if trailer := c.trailer(); trailer != "" {
			w.doc(slices.Concat(commentLines(c.said.above), commentLines(c.said.beside))...)
			w.line("%s", code+trailer)
		} else {
			w.entry(code, c.said)
		}
	}
	w.line(")")
	w.line("")
}

func (c *constant) trailer() string {
	if s := oneLine(c.text, maxText); s != "" {
		return " // " + s
	}
	return ""
}
