package gen

import (
	"cmp"
	gc "go/constant"
	"math/bits"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"cstructgen/internal/cstruct"
)

// An enum is an enumerated type, lowered.
type enum struct {
	c      *cstruct.Enum
	name   string // Go type
	cname  string
	key    string // by which Config.Rename finds it
	is     string // as a doc says it: "the C enum a"
	scalar *scalar
	values []enumerator
}

type enumerator struct {
	name, cname string
	value       string // as Go prints it
	bits        uint64 // the value, wrapped
	said        remark
}

// enum lowers an enumerated type, once. outer names one that C leaves without
// a name.
func (l *lowering) enum(c *cstruct.Enum, outer place) (*enum, error) {
	if e, ok := l.enums[c]; ok {
		return e, nil
	}
	e := &enum{c: c}
	switch {
	case c.Anonymous:
		e.name, e.key, e.cname, e.is = outer.name, outer.key, "anonymous enum", "a C enum without a name"
	case c.Tag != "":
		e.cname, e.key = "enum "+c.Tag, "enum "+c.Tag
		e.name = l.renamed.of(exported(c.Tag), e.key)
		e.is = "the C " + e.cname
	default:
		e.cname, e.key, e.is = c.Name, "typedef "+c.Name, "the C type "+c.Name
		e.name = l.renamed.of(exported(c.Name), e.key)
	}
	base := basicScalar(c.Under)
	if base == nil {
		return nil, unsupported(c.Pos, "%s has %d bytes", e.cname, c.Under.Bytes)
	}
	e.scalar = &scalar{
		name: e.name, size: base.size, struc: base.struc, enum: true, base: base.name,
		value: e.name + "(%s)", bits: holding(8*base.size, false).name + "(%s)",
	}
	if base.odd() && c.Under.Signed {
		e.scalar.value = e.name + "(" + base.value + ")"
	}
	l.enums[c] = e
	for _, n := range []string{e.name, "Parse" + e.name} {
		if err := l.names.take(n, e.cname, e.key, c.Pos); err != nil {
			return nil, err
		}
	}
	for _, v := range c.Values {
		scope := ""
		if l.cfg.Dialect == Dissect {
			scope = e.name
		}
		ev, err := l.enumerator(scope, v, c.Flags || l.spelledHex(v))
		if err != nil {
			return nil, err
		}
		e.values = append(e.values, ev)
	}
	l.decls = append(l.decls, &decl{pos: c.Pos, main: c.Main, enum: e})
	return e, nil
}

// enumerator lowers one value and takes its name. In dialect dissect, values
// are names of their type, scope, and several types may have one: they keep it
// behind that of the type, TYPE_VALUE.
func (l *lowering) enumerator(scope string, v *cstruct.EnumValue, hex bool) (enumerator, error) {
	name, key := constantName(v.Name), "enumerator "+v.Name
	if scope != "" {
		name, key = scope+"_"+v.Name, "enumerator "+scope+"."+v.Name
	}
	ev := enumerator{name: l.renamed.of(name, key), cname: v.Name, said: remarkOf(v.Doc, v.Above)}
	ev.value = v.Value.ExactString()
	if hex && gc.Sign(v.Value) >= 0 {
		ev.value = hexText(v.Value, 0)
	}
	if u, ok := gc.Uint64Val(v.Value); ok {
		ev.bits = u
	} else if i, ok := gc.Int64Val(v.Value); ok {
		ev.bits = uint64(i)
	}
	return ev, l.names.take(ev.name, "enumerator "+v.Name, key, v.Pos)
}

var hexFollows = regexp.MustCompile(`^\s*=\s*0[xX][0-9a-fA-F]+[uUlL]*\s*(,|}|/|$)`)

// spelledHex reports whether the C text gives the value of v as a hexadecimal
// literal.
func (l *lowering) spelledHex(v *cstruct.EnumValue) bool {
	line := sourceLine(l.lines[v.Pos.File], v.Pos.Line)
	at := v.Pos.Col - 1
	if at < 0 || at > len(line) {
		return false
	}
	rest, ok := strings.CutPrefix(line[at:], v.Name)
	return ok && hexFollows.MatchString(rest)
}

// looseValues lowers the enumerators of an enum that is no type of anything.
func (l *lowering) looseValues(c *cstruct.Enum, wanted func(string, bool) bool) error {
	for _, v := range c.Values {
		if !wanted(v.Name, c.Main) {
			continue
		}
		ev, err := l.enumerator("", v, c.Flags || l.spelledHex(v))
		if err != nil {
			return err
		}
		l.decls = append(l.decls, &decl{pos: v.Pos, main: c.Main, constant: &constant{
			name: ev.name, value: ev.value, said: ev.said,
		}})
	}
	return nil
}

// emitEnum writes an enumerated type with its names.
func (w *writer) emitEnum(e *enum) {
	kind := ""
	if e.c.Flags {
		kind = ", a set of flags"
	}
	w.typeDoc(e.name+" is "+e.is+kind+".", e.c.Doc)
	w.line("type %s %s", e.name, e.scalar.base)
	if len(e.values) > 0 {
		w.line("")
		w.doc("Values of " + e.name + ".")
		w.line("const (")
		for _, v := range e.values {
			w.entry(v.name+" "+e.name+" = "+v.value, v.said)
		}
		w.line(")")
	}
	w.line("")
	if e.c.Flags {
		w.flagsString(e)
		w.line("")
		w.parseFlags(e)
	} else {
		w.enumString(e)
		w.line("")
		w.parseEnum(e)
	}
	w.line("")
}

// distinct returns the values of e without those that repeat an earlier one.
func (e *enum) distinct() []enumerator {
	var out []enumerator
	seen := make(map[uint64]bool)
	for _, v := range e.values {
		if !seen[v.bits] {
			out = append(out, v)
		}
		seen[v.bits] = true
	}
	return out
}

// format returns the expression for x in a base.
func (e *enum) format(x string, base int) string {
	if e.c.Under.Signed && base == 10 {
		return "strconv.FormatInt(int64(" + x + "), 10)"
	}
	if e.c.Under.Signed {
		x = holding(8*e.scalar.size, false).name + "(" + x + ")"
	}
	return "strconv.FormatUint(uint64(" + x + "), " + strconv.Itoa(base) + ")"
}

func (w *writer) enumString(e *enum) {
	w.doc(wrap("String returns the C name of x, and " + e.name + "(n) for a number without one.")...)
	w.line("func (x %s) String() string {", e.name)
	if len(e.values) > 0 {
		w.line("switch x {")
		for _, v := range e.distinct() {
			w.line("case %s:", v.name)
			w.line("return %q", v.cname)
		}
		w.line("}")
	}
	w.line(`return "%s(" + %s + ")"`, e.name, e.format("x", 10))
	w.line("}")
}

func (w *writer) parseEnum(e *enum) {
	w.doc("Parse" + e.name + " returns the value whose C name is s.")
	w.line("func Parse%s(s string) (%s, error) {", e.name, e.name)
	if len(e.values) > 0 {
		w.line("switch s {")
		for _, v := range e.values {
			w.line("case %q:", v.cname)
			w.line("return %s, nil", v.name)
		}
		w.line("}")
	}
	w.line(`return 0, fmt.Errorf("%%q is no %s", s)`, e.name)
	w.line("}")
}

// flagsString writes String of a set of flags. Values of many bits come
// first, so that a name for a combination wins over its parts.
func (w *writer) flagsString(e *enum) {
	var zero string
	flags := slices.DeleteFunc(e.distinct(), func(v enumerator) bool {
		if v.bits == 0 {
			zero = v.cname
		}
		return v.bits == 0
	})
	slices.SortStableFunc(flags, func(a, b enumerator) int {
		return cmp.Compare(bits.OnesCount64(b.bits), bits.OnesCount64(a.bits))
	})
	w.doc("String returns the C names of the flags in x, joined by |, and what has no", "name as a number.")
	w.line("func (x %s) String() string {", e.name)
	w.line("if x == 0 {")
	w.line("return %q", cmp.Or(zero, "0"))
	w.line("}")
	w.line("var names []string")
	if len(flags) > 0 {
		w.line("for _, f := range [...]struct {")
		w.line("flag %s", e.name)
		w.line("name string")
		w.line("}{")
		for _, v := range flags {
			w.line("{%s, %q},", v.name, v.cname)
		}
		w.line("} {")
		w.line("if x&f.flag == f.flag {")
		w.line("names = append(names, f.name)")
		w.line("x &^= f.flag")
		w.line("}")
		w.line("}")
	}
	w.line("if x != 0 {")
	w.line(`names = append(names, "0x"+%s)`, e.format("x", 16))
	w.line("}")
	w.line(`return strings.Join(names, "|")`)
	w.line("}")
}

func (w *writer) parseFlags(e *enum) {
	w.doc("Parse"+e.name+" returns the flags in s: C names and numbers, joined by |,", "as String writes them.")
	w.line("func Parse%s(s string) (%s, error) {", e.name, e.name)
	w.line("var x %s", e.name)
	w.line(`for name := range strings.SplitSeq(s, "|") {`)
	w.line("switch name {")
	for _, v := range e.values {
		w.line("case %q:", v.cname)
		w.line("x |= %s", v.name)
	}
	w.line("default:")
	w.line("n, err := strconv.ParseUint(name, 0, %d)", 8*e.scalar.size)
	w.line("if err != nil {")
	w.line(`return 0, fmt.Errorf("%%q is no %s", name)`, e.name)
	w.line("}")
	w.line("x |= %s(n)", e.name)
	w.line("}")
	w.line("}")
	w.line("return x, nil")
	w.line("}")
}
