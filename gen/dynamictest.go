package gen

import "cstructgen/internal/cstruct"

// dynamicTest writes the tests of a record of dynamic size in one order. Its
// seeds are random bytes, small ones, so that lengths do not exceed them.
func (w *writer) dynamicTest(r *record, suffix, failure string) {
	marshal := "AppendBinary"
	if suffix != "" {
		marshal = "Append" + suffix
	}
	if suffix != "BE" {
		w.line("func TestMinSizeof%s(t *testing.T) {", r.name)
		w.line("if MinSizeof%s != %d {", r.name, cstruct.MinSize(r.c))
		w.line(`t.Fatalf("at least %%d bytes, want %d", MinSizeof%s)`, cstruct.MinSize(r.c), r.name)
		w.line("}")
		w.line("}")
		w.line("")
	}
	w.line("func Fuzz%sCodec%s(f *testing.F) {", r.name, suffix)
	w.line("for seed := range uint64(64) {")
	w.line("random := rand.New(rand.NewPCG(seed, 0))")
	w.line("b := make([]byte, MinSizeof%s*2+int(seed))", r.name)
	w.line("for i := range b {")
	w.line("if n := random.Uint32(); n&0x300 != 0 {")
	w.line("b[i] = byte(n) & 7")
	w.line("}")
	w.line("}")
	w.line("f.Add(b)")
	w.line("}")
	w.line("f.Fuzz(func(t *testing.T, b []byte) {")
	w.line("var x %s", r.name)
	w.line("n, err := x.Decode%s(b)", suffix)
	w.line("if e := new(%s); err != nil && !errors.As(err, &e) || n < 0 || n > len(b) {", failure)
	w.line(`t.Fatalf("Decode%s of %%x: %%d, %%v", b, n, err)`, suffix)
	w.line("}")
	w.line("if err != nil {")
	w.line("return")
	w.line("}")
	if r.readOnly != "" {
		w.line("if n < MinSizeof%s {", r.name)
		w.line(`t.Fatalf("Decode%s of %%x: %%d bytes", b, n)`, suffix)
		w.line("}")
		w.line("})")
		w.line("}")
		w.line("")
		return
	}
	w.line("c, err := x.%s(nil)", marshal)
	w.line("if err != nil {")
	w.line(`t.Fatalf("%s: %%v", err)`, marshal)
	w.line("}")
	if r.sameBytes(make(map[*record]bool)) {
		w.line("if string(c) != string(b[:n]) {")
		w.line(`t.Fatalf("%%x decodes and encodes to %%x", b[:n], c)`)
		w.line("}")
	}
	w.line("var y %s", r.name)
	w.line("if n, err := y.Decode%s(c); err != nil || n != len(c) {", suffix)
	w.line(`t.Fatalf("Decode%s of an encoding: %%d of %%d, %%v", n, len(c), err)`, suffix)
	w.line("}")
	w.line("if x, y := fmt.Sprint(x), fmt.Sprint(y); x != y {")
	w.line(`t.Fatalf("%%s encodes and decodes to %%s", x, y)`)
	w.line("}")
	w.line("d, err := y.%s([]byte{1})", marshal)
	w.line("if err != nil || string(d[1:]) != string(c) {")
	w.line(`t.Fatalf("%s: %%x, %%v, want %%x", d, err, c)`, marshal)
	w.line("}")
	w.line("for n := range min(len(c), 64) {")
	w.line("if m, err := y.Decode%s(c[:n:n]); m > n || m < 0 {", suffix)
	w.line(`t.Fatalf("Decode%s of %%d bytes: %%d, %%v", n, m, err)`, suffix)
	w.line("}")
	w.line("}")
	w.line("})")
	w.line("}")
	w.line("")
}
