package cstruct

import (
	"go/constant"
	gotoken "go/token"
	"strings"
)

// A Length says how many elements an array has, where that differs from
// value to value.
type Length struct {
	Kind  LengthKind
	Count *Formula // of Counted
}

// A LengthKind is how the number of elements is found.
type LengthKind uint8

const (
	Counted    LengthKind = iota // x[n]: by a formula; a negative number is 0
	Terminated                   // x[]: up to an element of zeros, which is not one of them
	Rest                         // x[EOF]: as many as the input holds whole
)

// String returns what C text has between the brackets.
func (l *Length) String() string {
	switch l.Kind {
	case Terminated:
		return ""
	case Rest:
		return "EOF"
	}
	return l.Count.Text
}

// A Formula computes an integer out of constants and fields. Integers have no
// bounds; / and % round down, as Python's do.
type Formula struct {
	// Op is + - * / % << >> & | ^ with X and Y, "neg" or "~" with X alone,
	// or "" of a Value or a Path.
	Op    string
	X, Y  *Formula
	Value constant.Value // of kind Int
	// Path leads from a field of the struct around the array to the field
	// whose value counts, through structs.
	Path []*Field
	Text string // as written; of the whole formula
	Pos  Pos    // of the operator or operand
}

// A formula computes expressions of dialect dissect: over constants that are
// defined before it, values of enums and, if record is not nil, the fields of
// that struct before it.
type formula struct {
	*resolver
	own    map[string]constant.Value // of the enum around it
	record *recordBuilder
	ops    int // that are left to whoever decodes
}

// maxBits bounds the numbers of a formula.
const maxBits = 1 << 16

// constant computes x, which names no field.
func (f *formula) constant(x expr) (constant.Value, *diagnostic) {
	f.definitionsBefore(x.at() + 1)
	t, d := f.tree(x)
	if d != nil {
		return nil, d
	}
	if t.Value == nil {
		return nil, malformed(x.at(), "not a constant")
	}
	return t.Value, nil
}

// tree turns x into a Formula, and what is constant in it into its value.
// Chains lean left and can be long: it goes down them without recursion.
func (f *formula) tree(x expr) (*Formula, *diagnostic) {
	var chain []*binaryExpr
	for {
		b, ok := x.(*binaryExpr)
		if !ok {
			break
		}
		chain = append(chain, b)
		x = b.x
	}
	t, d := f.operand(x)
	for i := len(chain) - 1; i >= 0 && d == nil; i-- {
		var y *Formula
		b := chain[i]
		if _, ok := foldings[b.op]; !ok {
			return nil, malformed(b.p, "%s is no operator of this dialect", quote(b.op))
		}
		if y, d = f.tree(b.y); d != nil {
			break
		}
		t, d = f.fold(&Formula{Op: b.op, X: t, Y: y, Pos: f.position(b.p)}, b.p)
	}
	return t, d
}

// operand turns an expression that is no binary operation into a Formula.
func (f *formula) operand(x expr) (*Formula, *diagnostic) {
	switch x := x.(type) {
	case *numberExpr:
		v, d := dissectNumber(x.tok)
		return &Formula{Value: v, Pos: f.position(x.at())}, d
	case *unaryExpr:
		op := map[string]string{"-": "neg", "~": "~"}[x.op]
		if op == "" && x.op != "+" {
			return nil, malformed(x.p, "%s is no operator of this dialect", quote(x.op))
		}
		t, d := f.tree(x.x)
		if d != nil || op == "" {
			return t, d
		}
		return f.fold(&Formula{Op: op, X: t, Pos: f.position(x.p)}, x.p)
	case *sizeExpr:
		if x.t == nil || x.align {
			return nil, malformed(x.p, "operand of sizeof is no type")
		}
		t, d := f.complete(x.t, x.p)
		if d != nil {
			return nil, d
		}
		if Dynamic(t) {
			return nil, malformed(x.p, "sizeof %s, whose values differ in size", t)
		}
		return &Formula{Value: constant.MakeInt64(t.Size()), Pos: f.position(x.p)}, nil
	case *callExpr:
		return f.offsetOf(x)
	case *nameExpr, *memberExpr:
		var names []token
		for {
			if m, ok := x.(*memberExpr); ok && !m.arrow {
				names = append([]token{m.name}, names...)
				x = m.x
				if len(names) > maxNesting {
					return nil, limit(m.p, "more than %d members", maxNesting)
				}
				continue
			}
			break
		}
		n, ok := x.(*nameExpr)
		if !ok {
			return nil, malformed(x.at(), "expected a name")
		}
		return f.named(append([]token{n.tok}, names...))
	}
	return nil, malformed(x.at(), "not an expression of this dialect")
}

// named looks up a name, or names with dots: in the enum, in the fields, in
// the constants, and as the value of an enum.
func (f *formula) named(names []token) (*Formula, *diagnostic) {
	first := names[0]
	p := f.position(first.pos)
	if f.record != nil {
		if path, d := f.record.path(names); path != nil || d != nil {
			return &Formula{Path: path, Pos: p}, d
		}
	}
	if len(names) == 1 {
		v := f.own[first.text]
		if v == nil {
			v = f.dissect.values[first.text]
		}
		switch {
		case v == nil && f.record != nil:
			return nil, malformed(first.pos, "%s is neither an earlier member nor a constant", first)
		case v == nil:
			return nil, malformed(first.pos, "%s is no constant", first)
		case v.Kind() != constant.Int:
			return nil, malformed(first.pos, "%s is no integer", first)
		}
		return &Formula{Value: v, Pos: p}, nil
	}
	if s := f.names[first.text]; s != nil && s.kind == symTypedef && len(names) == 2 {
		if e, ok := plainType(s.t).(*Enum); ok {
			if v := e.computed[names[1].text]; v != nil {
				return &Formula{Value: v, Pos: p}, nil
			}
			return nil, malformed(names[1].pos, "%s has no value %s", e, names[1])
		}
	}
	return nil, malformed(first.pos, "%s is neither an earlier member nor an enum", first)
}

// offsetOf computes offsetof(type, member).
func (f *formula) offsetOf(x *callExpr) (*Formula, *diagnostic) {
	name, ok := x.f.(*nameExpr)
	if !ok || name.tok.text != "offsetof" || len(x.args) != 2 {
		return nil, malformed(x.p, "a call")
	}
	t, ok1 := x.args[0].(*nameExpr)
	m, ok2 := x.args[1].(*nameExpr)
	if !ok1 || !ok2 {
		return nil, malformed(x.p, "offsetof needs a struct and a member")
	}
	sym := f.names[t.tok.text]
	if sym == nil || sym.kind != symTypedef {
		return nil, malformed(t.tok.pos, "%s is no type", t.tok)
	}
	s, ok := plainType(sym.t).(*Struct)
	if !ok || !s.complete {
		return nil, malformed(t.tok.pos, "%s is no struct with members", t.tok)
	}
	field, off := s.find(m.tok.text)
	if field == nil || field.Behind {
		return nil, malformed(m.tok.pos, "%s has no member %s at a fixed place", s, m.tok)
	}
	return &Formula{Value: constant.MakeInt64(off), Pos: f.position(x.p)}, nil
}

// foldings are the binary operators.
var foldings = map[string]gotoken.Token{
	"+": gotoken.ADD, "-": gotoken.SUB, "*": gotoken.MUL, "&": gotoken.AND, "|": gotoken.OR, "^": gotoken.XOR,
	"/": gotoken.QUO_ASSIGN, "%": gotoken.REM, "<<": gotoken.SHL, ">>": gotoken.SHR,
}

// fold computes t if its operands are constants.
func (f *formula) fold(t *Formula, at pos) (*Formula, *diagnostic) {
	if t.Y != nil && t.Y.Value != nil {
		switch {
		case (t.Op == "/" || t.Op == "%") && constant.Sign(t.Y.Value) == 0:
			return nil, malformed(at, "division by zero")
		case t.Op == "<<" || t.Op == ">>":
			if n, ok := constant.Int64Val(t.Y.Value); !ok || n < 0 || n > maxBits {
				return nil, malformed(at, "shift by %v", t.Y.Value)
			}
		}
	}
	if t.X.Value == nil || t.Y != nil && t.Y.Value == nil {
		if f.ops++; f.ops > maxNesting {
			return nil, limit(at, "a length of more than %d operations", maxNesting)
		}
		return t, nil
	}
	x := t.X.Value
	r := &Formula{Pos: t.Pos}
	switch t.Op {
	case "neg":
		r.Value = constant.UnaryOp(gotoken.SUB, x, 0)
	case "~":
		r.Value = constant.BinaryOp(constant.UnaryOp(gotoken.SUB, x, 0), gotoken.SUB, one)
	case "<<", ">>":
		n, _ := constant.Int64Val(t.Y.Value)
		r.Value = constant.Shift(x, foldings[t.Op], uint(n))
	case "/", "%":
		y := t.Y.Value
		q := constant.BinaryOp(x, gotoken.QUO_ASSIGN, y)
		m := constant.BinaryOp(x, gotoken.REM, y)
		if constant.Sign(m) != 0 && constant.Sign(m) != constant.Sign(y) {
			q, m = constant.BinaryOp(q, gotoken.SUB, one), constant.BinaryOp(m, gotoken.ADD, y)
		}
		if r.Value = q; t.Op == "%" {
			r.Value = m
		}
	default:
		r.Value = constant.BinaryOp(x, foldings[t.Op], t.Y.Value)
	}
	if constant.BitLen(r.Value) > maxBits {
		return nil, limit(at, "a number of more than %d bits", maxBits)
	}
	return r, nil
}

// dissectNumber returns the value of an integer literal: as in C, and 0o17.
func dissectNumber(t token) (constant.Value, *diagnostic) {
	if len(t.text) > maxLiteral {
		return nil, limit(t.pos, "number of more than %d characters", maxLiteral)
	}
	s := strings.TrimRight(strings.ToLower(t.text), "ul")
	if len(s) > 1 && s[0] == '0' && isDigit(s[1]) {
		s = "0o" + s[1:]
	}
	v := constant.MakeFromLiteral(s, gotoken.INT, 0)
	if v.Kind() != constant.Int || strings.ContainsAny(s, "_'") {
		return nil, malformed(t.pos, "malformed number %s", t)
	}
	return v, nil
}

// path returns the members that names lead through, nil if the first is no
// member. The last must be an integer.
func (b *recordBuilder) path(names []token) ([]*Field, *diagnostic) {
	top := b.owners[names[0].text]
	if top == nil {
		return nil, nil
	}
	var path []*Field
	var in *Struct // of the name; nil: of the first
	for i, name := range names {
		down := []*Field{top}
		switch {
		case in != nil:
			down = in.path(name.text)
		case top.Name == "":
			down = append(down, plainType(top.Type).(*Struct).path(name.text)...)
		}
		if down == nil {
			return nil, malformed(name.pos, "%s has no member %s", names[i-1], name)
		}
		path = append(path, down...)
		t := plainType(path[len(path)-1].Type)
		s, ok := t.(*Struct)
		if i < len(names)-1 {
			if !ok {
				return nil, malformed(name.pos, "%s is no struct", name)
			}
			in = s
			continue
		}
		basic := scalar(t)
		if _, pointer := t.(*Pointer); !pointer && (basic == nil || basic.Kind != Int && basic.Kind != LEB128 || basic.Bytes > 8) {
			return nil, malformed(name.pos, "member %s is no integer of up to 8 bytes", name)
		}
	}
	return path, nil
}

// path returns the members that lead to the one with the name, which may lie
// in anonymous ones; nil if there is none.
func (s *Struct) path(name string) (path []*Field) {
	for {
		p := s.place(name)
		if p.top == nil || name == "_" {
			return nil
		}
		if path = append(path, p.top); p.top == p.field {
			return path
		}
		s = plainType(p.top.Type).(*Struct)
	}
}

// dissectArray returns an array of t with the length of p.
func (r *resolver) dissectArray(t Type, p part) (Type, *diagnostic) {
	if nesting(t) >= maxNesting {
		return nil, limit(p.pos, "types nested deeper than %d", maxNesting)
	}
	if plainType(t) == dissectBasics["void"] {
		return nil, malformed(p.pos, "array of void")
	}
	if p.size == nil {
		if _, ok := plainType(t).(*Array); ok {
			return nil, malformed(p.pos, "array of arrays without length")
		}
		return r.dynamicArray(t, p, &Length{Kind: Terminated})
	}
	f := formula{resolver: r}
	v, d := f.constant(p.size)
	if d == nil {
		if d := r.needComplete(t, p.pos, "element of an array"); d != nil {
			return nil, d
		}
		n, ok := constant.Int64Val(v)
		if constant.Sign(v) < 0 {
			n, ok = 0, true
		}
		if !ok || t.Size() > 0 && n > maxObject/t.Size() {
			return nil, malformed(p.size.at(), "array of %v elements is too large", v)
		}
		return &Array{Elem: t, Len: n}, nil
	}
	if name, ok := p.size.(*nameExpr); ok && name.tok.text == "EOF" {
		return r.dynamicArray(t, p, &Length{Kind: Rest})
	}
	if len(r.dissect.records) == 0 || d.limit {
		return nil, d
	}
	f.record = r.dissect.records[len(r.dissect.records)-1]
	count, d := f.tree(p.size)
	if d != nil {
		return nil, d
	}
	count.Text = spellExpr(p.size)
	return r.dynamicArray(t, p, &Length{Kind: Counted, Count: count})
}

// dynamicArray returns an array of t, which may be a struct around it.
func (r *resolver) dynamicArray(t Type, p part, l *Length) (Type, *diagnostic) {
	if s, ok := plainType(t).(*Struct); ok && !s.complete {
		if _, open := r.open[s]; open {
			return &Array{Elem: t, Length: l}, nil
		}
	}
	if d := r.needComplete(t, p.pos, "element of an array"); d != nil {
		return nil, d
	}
	return &Array{Elem: t, Length: l}, nil
}

// spellExpr prints an expression as C text.
func spellExpr(x expr) string {
	switch x := x.(type) {
	case *numberExpr:
		return x.tok.text
	case *nameExpr:
		return x.tok.text
	case *memberExpr:
		return spellExpr(x.x) + "." + x.name.text
	case *unaryExpr:
		return x.op + spellOperand(x.x, precedence["*"]+1)
	case *binaryExpr:
		n := precedence[x.op]
		return spellOperand(x.x, n) + " " + x.op + " " + spellOperand(x.y, n+1)
	case *sizeExpr:
		if x.t != nil && x.t.specs.named.kind != tEOF {
			return "sizeof(" + x.t.specs.named.text + ")"
		}
		if x.t != nil && x.t.specs.words != nil {
			return "sizeof(" + strings.Join(x.t.specs.words, " ") + ")"
		}
		return "sizeof(...)"
	case *callExpr:
		var args []string
		for _, a := range x.args {
			args = append(args, spellExpr(a))
		}
		return spellExpr(x.f) + "(" + strings.Join(args, ", ") + ")"
	}
	return "..."
}

// spellOperand prints an operand, in parentheses if it binds less tightly than
// least.
func spellOperand(x expr, least int) string {
	if b, ok := x.(*binaryExpr); ok && precedence[b.op] < least {
		return "(" + spellExpr(b) + ")"
	}
	return spellExpr(x)
}
