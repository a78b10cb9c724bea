package gen

import (
	"fmt"
	"strconv"
	"strings"
)

// testName is the name of the test file beside an output file.
func testName(name string) string { return strings.TrimSuffix(name, ".go") + "_test.go" }

// test prints the tests that go beside the program. They restate sizes and
// offsets as the C text has them, so that an edit of the generated file, or of
// the header under it, does not pass unseen.
func (p *program) test() (string, error) {
	w := new(writer)
	for _, d := range p.decls {
		switch {
		case d.record != nil && d.record.dynamic:
			for _, suffix := range p.suffixes {
				w.dynamicTest(d.record, suffix, p.failure)
			}
		case d.record != nil:
			for _, suffix := range p.suffixes {
				in := d.record
				if suffix == "BE" {
					in = d.record.big
				}
				w.recordTest(in, suffix)
			}
			if len(p.suffixes) == 1 {
				w.binaryTest(d.record)
			}
		case d.enum != nil:
			w.enumTest(d.enum)
		}
	}
	return p.file(w.String())
}

// recordTest writes the test of a record's codec in one order.
func (w *writer) recordTest(r *record, suffix string) {
	w.line("func Test%sCodec%s(t *testing.T) {", r.name, suffix)
	w.line("if Sizeof%s != %d {", r.name, r.size)
	w.line(`t.Fatalf("size %%d, want %d", Sizeof%s)`, r.size, r.name)
	w.line("}")
	if r.union {
		w.unionPlaces(r, suffix)
	} else if r.size > 0 {
		w.fieldPlaces(r, suffix)
	}
	if r.size > 0 {
		w.roundTrip(r, suffix)
	}
	w.line("}")
	w.line("")
}

// fieldPlaces writes the part that wants bytes at chosen places to be chosen
// values, in both directions.
func (w *writer) fieldPlaces(r *record, suffix string) {
	w.line("for _, f := range []struct {")
	w.line("name string")
	w.line("offset int")
	w.line("bytes string")
	w.line("set func(x *%s)", r.name)
	w.line("}{")
	for _, m := range r.members {
		for _, s := range m.samples() {
			w.line("{%q, %d, %s, func(x *%s) { x%s = %s }},", s.name, s.off, s.literal(), r.name, s.path, s.value)
		}
	}
	w.line("} {")
	w.line("var b, c [Sizeof%s]byte", r.name)
	w.line("var x, want %s", r.name)
	w.line("copy(b[f.offset:], f.bytes)")
	w.line("f.set(&want)")
	w.line("if x.Decode%s(&b); x != want {", suffix)
	w.line(`t.Errorf("%%s: %%x at %%d decodes to %%+v, want %%+v", f.name, f.bytes, f.offset, x, want)`)
	w.line("}")
	w.line("if want.Encode%s(&c); c != b {", suffix)
	w.line(`t.Errorf("%%s: %%+v encodes to %%x, want %%x at %%d", f.name, want, c, f.bytes, f.offset)`)
	w.line("}")
	w.line("}")
}

// rounds is how often the round trip of so many bytes is made: large structs
// take long for each, and have as many bytes to go wrong in one.
func rounds(size int64) int64 { return max(1, min(100, 100*256/max(size, 1))) }

// unionPlaces writes the part that sets members of a union and wants chosen
// bytes, and the value back.
func (w *writer) unionPlaces(r *record, suffix string) {
	if len(r.members) == 0 || r.size == 0 {
		return
	}
	w.line("for _, f := range []struct {")
	w.line("name string")
	w.line("offset int")
	w.line("bytes string")
	w.line("set func(x *%s) (same bool)", r.name)
	w.line("}{")
	for _, m := range r.members {
		for _, s := range m.samples() {
			w.line("{%q, %d, %s, func(x *%s) bool {", s.name, s.off, s.literal(), r.name)
			get, set := fmt.Sprintf("x.%s%s()", m.name, suffix), fmt.Sprintf("x.Set%s%s", m.name, suffix)
			if inner := strings.TrimPrefix(s.path, "."+m.name); inner == "" {
				w.line("%s(%s)", set, s.value)
				w.line("return %s == %s", get, comparand(s.value))
			} else {
				w.line("v := %s", get)
				w.line("v%s = %s", inner, s.value)
				w.line("%s(v)", set)
				w.line("return %s == v", get)
			}
			w.line("}},")
		}
	}
	w.line("} {")
	w.line("var x, want %s", r.name)
	w.line("copy(want[f.offset:], f.bytes)")
	w.line("if same := f.set(&x); !same || x != want {")
	w.line(`t.Errorf("%%s: set to %%x, want %%x, %%t", f.name, x, want, same)`)
	w.line("}")
	w.line("}")
	w.line("var x %s", r.name)
	w.line("for i := range x {")
	w.line("x[i] = 1")
	w.line("}")
	w.line("same := x")
	for _, m := range r.members {
		// Of a struct with bits that no field has, the setter clears those.
		if m.name == "" || m.size == 0 || m.typ.hasRecord() && !m.typ.canonical() {
			continue
		}
		w.line("if x.Set%s%s(x.%s%s()); x != same {", m.name, suffix, m.name, suffix)
		w.line(`t.Errorf("%s set to itself: %%x", x)`, m.name)
		w.line("}")
	}
}

// comparand is a value as it may stand in a condition: composite literals
// in parentheses.
func comparand(value string) string {
	if strings.HasSuffix(value, "}") {
		return "(" + value + ")"
	}
	return value
}

// roundTrip writes the part that decodes and encodes random bytes, the same at
// each run: to look for others is for the fuzz target.
func (w *writer) roundTrip(r *record, suffix string) {
	w.line("random := rand.New(rand.NewPCG(1, 0))")
	w.line("for range %d {", rounds(r.size))
	w.line("var b, c, d [Sizeof%s]byte", r.name)
	w.line("for i := range b {")
	w.line("b[i] = byte(random.Uint32())")
	w.line("}")
	w.line("var %s %s", strings.TrimSuffix("x, y, "+w.prefixVar(r), ", "), r.name)
	w.line("x.Decode%s(&b)", suffix)
	w.line("x.Encode%s(&c)", suffix)
	if r.canonical {
		w.line("if c != b {")
		w.line(`t.Fatalf("%%x decodes and encodes to %%x", b, c)`)
		w.line("}")
	}
	w.line("y.Decode%s(&c)", suffix)
	w.line("y.Encode%s(&d)", suffix)
	w.line("if d != c {")
	w.line(`t.Fatalf("%%x decodes and encodes to %%x", c, d)`)
	w.line("}")
	if !r.union {
		if step := r.size/256 + 1; step == 1 {
			w.line("for n := range len(b) + 1 {")
		} else {
			w.line("for n := 0; n <= len(b); n += %d {", step)
		}
		w.line("whole := z.DecodePrefix%s(b[:n])", suffix)
		w.line("if whole > n || n == len(b) && whole != n {")
		w.line(`t.Fatalf("DecodePrefix%s of %%d bytes returns %%d", n, whole)`, suffix)
		w.line("}")
		w.line("var cut [Sizeof%s]byte", r.name)
		w.line("copy(cut[:], b[:whole])")
		w.line("y.Decode%s(&cut)", suffix)
		w.line("y.Encode%s(&c)", suffix)
		w.line("if z.Encode%s(&d); d != c {", suffix)
		w.line(`t.Fatalf("DecodePrefix%s of %%x: %%x, want %%x", b[:n], d, c)`, suffix)
		w.line("}")
		w.line("}")
	}
	w.line("}")
}

func (w *writer) prefixVar(r *record) string {
	if r.union {
		return ""
	}
	return "z"
}

// hasRecord reports whether t is a struct or union, or an array of them.
func (t *goType) hasRecord() bool {
	for t.elem != nil {
		t = t.elem
	}
	return t.record != nil
}

// binaryTest writes the fuzz target of a record and the test of short input.
func (w *writer) binaryTest(r *record) {
	w.line("func Fuzz%sCodec(f *testing.F) {", r.name)
	w.line("f.Add(make([]byte, Sizeof%s))", r.name)
	w.line("f.Add([]byte{})")
	w.line("f.Fuzz(func(t *testing.T, b []byte) {")
	w.line("var x, y %s", r.name)
	w.line("if err := x.UnmarshalBinary(b); err != nil {")
	w.line("if len(b) >= Sizeof%s || !errors.Is(err, io.ErrUnexpectedEOF) {", r.name)
	w.line(`t.Fatalf("%%d bytes: %%v", len(b), err)`)
	w.line("}")
	w.line("return")
	w.line("}")
	w.line("c, err := x.MarshalBinary()")
	w.line("if err != nil {")
	w.line(`t.Fatalf("MarshalBinary: %%v", err)`)
	w.line("}")
	w.line("if err := y.UnmarshalBinary(c); err != nil {")
	w.line(`t.Fatalf("UnmarshalBinary of an encoding: %%v", err)`)
	w.line("}")
	w.line("d, err := y.AppendBinary([]byte{1})")
	w.line("if err != nil || string(d[1:]) != string(c) {")
	w.line(`t.Fatalf("AppendBinary: %%x, %%v, want %%x", d[1:], err, c)`)
	w.line("}")
	w.line("})")
	w.line("}")
	w.line("")
}

// enumTest writes the test of an enum's names.
func (w *writer) enumTest(e *enum) {
	w.line("func Test%sNames(t *testing.T) {", e.name)
	w.line("for _, v := range []struct {")
	w.line("value %s", e.name)
	w.line("want string")
	w.line("}{")
	for _, v := range e.distinct() {
		w.line("{%s, %q},", v.name, v.cname)
	}
	w.line("} {")
	w.line("if got := v.value.String(); got != v.want {")
	w.line(`t.Errorf("String: %%s, want %%s", got, v.want)`)
	w.line("}")
	w.line("if got, err := Parse%s(v.want); err != nil || got != v.value {", e.name)
	w.line(`t.Errorf("Parse%s(%%s): %%v, %%v", v.want, got, err)`, e.name)
	w.line("}")
	w.line("}")
	w.line("if _, err := Parse%s(%s); err == nil {", e.name, strconv.Quote("no such name"))
	w.line(`t.Errorf("Parse%s takes any name")`, e.name)
	w.line("}")
	w.line("}")
	w.line("")
}
