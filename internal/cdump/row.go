package cdump

import (
	"bytes"
	"fmt"
	"iter"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"cstructgen/internal/cstruct"
)

// A row is a line of the dump.
type row struct {
	node  Node   // whose bytes the row begins with; of the struct in a note
	off   int64  // of bytes
	bytes string // in hexadecimal, or the bits of a bit-field
	path  string
	value string
	sym   string // the value's name
	doc   string
	note  bool // the row is about structure: a struct, an array, what is left out
	cont  bool // the row continues the bytes of the one before
}

// Long arrays are shortened, unless everything is asked for.
const (
	lineBytes  = 8  // bytes on a line
	shortBytes = 64 // longest byte array that is shown whole
	headBytes  = 32 // of a longer one
	shortElems = 16 // longest array that is shown whole
	headElems  = 8  // of a longer one
)

// rows yields the lines of n. It ends after the first field that the data
// does not hold whole.
func (n Node) rows(all bool) iter.Seq[row] {
	return func(yield func(row) bool) { n.visit(all, n.Field == nil, yield) }
}

// visit yields the lines of n and of what is in it. bare says that n needs no
// line that says what it is.
func (n Node) visit(all, bare bool, yield func(row) bool) (more bool) {
	if !n.show() {
		return false
	}
	switch n.Kind() {
	case Struct:
		if !bare && !yield(n.heading()) {
			return false
		}
		for c := range n.Children() {
			if !c.visit(all, false, yield) || !n.Whole() && !c.Whole() && n.Union() == nil {
				return false
			}
		}
		return true
	case Array:
		if _, ok := n.wideText(); ok && !all {
			return n.visitBytes(all, yield)
		}
		return n.visitArray(all, yield)
	case Flexible:
		return n.visitTail(yield)
	case Text, Bytes, Padding:
		return n.visitBytes(all, yield)
	}
	return n.visitNumber(yield)
}

func (n Node) heading() row {
	value := strings.TrimSpace(n.typeText() + "  " + n.idText())
	return row{node: n, off: n.Off, path: n.label(), value: value, doc: n.doc(), note: true}
}

// label is the path of n, or what stands for it.
func (n Node) label() string {
	switch {
	case n.Kind() == Padding:
		return "(padding)"
	case n.Field != nil && n.Field.Name == "" && n.Union() != nil:
		return "(union)"
	case n.Field != nil && n.Field.Name == "":
		return "(struct)"
	case n.Path == "":
		return "(value)"
	}
	return n.Path
}

// typeText is the type of n for people: one without a name is a struct or
// union, wherever it was declared.
func (n Node) typeText() string {
	dims := ""
	t := n.Type
	for {
		a, ok := t.(*cstruct.Array)
		if !ok {
			break
		}
		if a.Length != nil {
			dims += "[" + a.Length.String() + "]"
		} else if a.Flexible {
			dims += "[]"
		} else {
			dims += fmt.Sprintf("[%d]", a.Len)
		}
		t = a.Elem
	}
	if s, ok := t.(*cstruct.Struct); ok && s.Anonymous {
		if s.Union {
			return "union" + dims
		}
		return "struct" + dims
	}
	return plain(t.String()) + dims
}

// doc is the comment of n on one line: what stands beside the field, or else
// above it, where it may be about those that follow as well.
func (n Node) doc() string {
	if n.Field == nil || n.Field.Doc == "" {
		return ""
	}
	docs := n.root.symbols.docs
	doc, known := docs[n.Field]
	if !known {
		if beside, ok := strings.CutPrefix(n.Field.Doc, n.Field.Above); ok {
			doc = plain(beside)
		}
		if doc == "" {
			doc = plain(n.Field.Doc)
		}
		docs[n.Field] = doc
	}
	return doc
}

// visitArray yields the elements of an array: of a long one the first, and
// how many more there are.
func (n Node) visitArray(all bool, yield func(row) bool) bool {
	if !yield(n.heading()) {
		return false
	}
	shown := n.Len()
	if !all {
		if shown > shortElems {
			shown = headElems
		}
		// What is zero up to the end needs no lines.
		for shown > 1 && n.Whole() && zeros(n.rest(shown-1)) {
			shown--
		}
	}
	for i := range shown {
		e := n.Elem(i)
		if !e.visit(all, false, yield) || !e.Whole() {
			return false
		}
	}
	if shown == n.Len() {
		return true
	}
	value := fmt.Sprintf("%d more", n.Len()-shown)
	if n.Whole() && zeros(n.rest(shown)) {
		value += ", all zero"
	}
	r := n.Elem(shown)
	return yield(row{node: n, off: r.Off, path: "...", value: value, note: true})
}

// TailBytes is how many bytes of what follows a struct, as a member without a
// length, are shown.
const TailBytes = 4 * lineBytes

// visitTail yields a line that says what follows, and the first bytes of it.
func (n Node) visitTail(yield func(row) bool) bool {
	r := n.heading()
	t := under(n.Type).(*cstruct.Array)
	switch {
	case t.Length != nil && !n.Whole():
		r.value, r.note = n.short(), false
	case t.Length != nil:
		r.value += ", empty"
	case t.Elem.Size() > 0:
		r.value += ", follows"
	}
	if !yield(r) {
		return false
	}
	if t.Length != nil {
		return true
	}
	data := n.root.data[min(n.Off, int64(len(n.root.data))):]
	data = data[:min(len(data), TailBytes)]
	for at := 0; at < len(data); at += lineBytes {
		line := data[at:min(len(data), at+lineBytes)]
		if !yield(row{node: n, off: n.Off + int64(at), bytes: hexText(line), value: gutter(line), cont: true}) {
			return false
		}
	}
	return true
}

// rest returns the bytes of an array from element i on.
func (n Node) rest(i int64) []byte {
	b := n.Bytes()
	return b[min(int64(len(b)), n.Elem(i).Off-n.Off):]
}

// visitBytes yields the lines of a run of bytes.
func (n Node) visitBytes(all bool, yield func(row) bool) bool {
	b := n.Bytes()
	shown := len(b)
	r := row{node: n, off: n.Off, path: n.label(), doc: n.doc(), sym: n.Symbol(), note: n.Kind() == Padding}
	quoted := false
	switch {
	case !n.Whole():
		r.value = n.short()
	case n.Kind() == Padding && zeros(b):
	case zeros(b) && n.Kind() == Bytes:
		r.value = "all zero"
	default:
		r.value, quoted = n.byteText(b)
	}
	if !all {
		if shown > shortBytes {
			shown = headBytes
		}
		// Zeros up to the end need no lines of their own.
		if n.Whole() && shown-lastNonzero(b) > 2*lineBytes {
			shown = lastNonzero(b) + lineBytes
		}
	}
	for at := 0; at == 0 || at < shown; at += lineBytes {
		line := b[at:min(shown, at+lineBytes)]
		r.off, r.bytes = n.Off+int64(at), hexText(line)
		if at > 0 {
			r = row{node: n, off: r.off, bytes: r.bytes, cont: true}
		}
		if !quoted && n.Kind() != Padding && (len(b) > lineBytes || wordIn.Match(line)) && !zeros(line) && (at > 0 || r.value == "") {
			r.value = gutter(line)
		}
		if !yield(r) {
			return false
		}
	}
	if left := len(b) - shown; left > 0 {
		value := fmt.Sprintf("%d more bytes", left)
		if zeros(b[shown:]) {
			value += ", all zero"
		}
		return yield(row{node: n, off: n.Off + int64(shown), path: "...", value: value, note: true})
	}
	return true
}

// wordIn matches bytes of which some are text.
var wordIn = regexp.MustCompile(`[0-9A-Za-z]{3}`)

// lastNonzero returns where the last line of b begins that is not all zero.
func lastNonzero(b []byte) int {
	return max(0, len(bytes.TrimRight(b, "\x00"))-1) / lineBytes * lineBytes
}

// byteText returns a byte array as a value: text in quotes where it is text,
// else "".
func (n Node) byteText(b []byte) (s string, quoted bool) {
	text := strings.TrimRight(string(b), "\x00")
	wide, ok := n.wideText()
	switch {
	case n.Kind() == Padding:
		return "not zero", false
	case ok:
		return wide, true
	case n.isWide():
		return "", false
	case n.idText() != "":
		return n.idText(), true
	case n.Kind() == Bytes:
		if len(text) < 3 || !readable(text) {
			return "", false
		}
		return strconv.QuoteToASCII(shortened(text)), true
	}
	// What stands behind the NUL is not part of the text, and not lost.
	if text != "" && text[0] == 0 {
		if len(text) > lineBytes {
			return "", false
		}
		return strconv.Quote(text), true // a magic number, "\0asm"
	}
	text, rest, _ := strings.Cut(text, "\x00")
	if !utf8.ValidString(text) && !readable(text) {
		return "", false
	}
	s = strconv.QuoteToGraphic(shortened(text))
	if rest != "" {
		s += " and more behind a NUL"
	}
	return s, true
}

// readable reports whether most of s is ASCII that prints.
func readable(s string) bool {
	printed := 0
	for _, c := range []byte(s) {
		if c >= ' ' && c < 0x7f {
			printed++
		}
	}
	return printed*4 >= len(s)*3
}

// longText is more than anybody reads on a line.
const longText = 200

func shortened(s string) string {
	if len(s) > longText {
		return s[:longText] + "..."
	}
	return s
}

// gutter is b as old hex dumps show it beside the bytes.
func gutter(b []byte) string {
	s := []byte("|")
	for _, c := range b {
		if c < ' ' || c > '~' {
			c = '.'
		}
		s = append(s, c)
	}
	return string(append(s, '|'))
}

// visitNumber yields the line of a number, or two for one of 16 bytes.
func (n Node) visitNumber(yield func(row) bool) bool {
	b := n.Bytes()
	r := row{node: n, off: n.Off, path: n.label(), doc: n.doc(), sym: n.Symbol()}
	if n.Whole() {
		r.value = n.numberText()
	} else {
		r.value = n.short()
	}
	if n.Bits > 0 && n.Size <= 2 && n.Whole() {
		r.bytes = n.bitText()
		return yield(r)
	}
	for at := 0; at == 0 || at < len(b); at += lineBytes {
		line := b[at:min(len(b), at+lineBytes)]
		r.off, r.bytes = n.Off+int64(at), hexText(line)
		if at > 0 {
			r = row{node: n, off: r.off, bytes: r.bytes, cont: true}
		}
		if !yield(r) {
			return false
		}
	}
	return true
}

// short says how much of n the data has.
func (n Node) short() string {
	if n.dyn != nil {
		return "the data ends in it"
	}
	return fmt.Sprintf("data ends: %d of %d bytes", len(n.Bytes()), n.Size)
}

// bitText shows the bytes that a bit-field touches bit by bit, with dots for
// the bits of others.
func (n Node) bitText() string {
	var s strings.Builder
	for i, c := range n.Bytes() {
		if i > 0 {
			s.WriteByte(' ')
		}
		for j := range int64(8) {
			bit := 8*(n.Off+int64(i)) + j // counted from the most significant
			if n.Order == cstruct.LittleEndian {
				bit = 8*(n.Off+int64(i)) + 7 - j
			}
			switch {
			case bit < n.BitOff || bit >= n.BitOff+n.Bits:
				s.WriteByte('.')
			default:
				s.WriteByte('0' + c>>(7-j)&1)
			}
		}
	}
	return s.String()
}

// numberText is the value of a number, in decimal and where that helps in
// hexadecimal.
func (n Node) numberText() string {
	v := n.Value()
	t := under(n.Type)
	basic, _ := t.(*cstruct.Basic)
	if _, ok := t.(*cstruct.Pointer); ok {
		return fmt.Sprintf("%#x", v)
	}
	switch v := v.(type) {
	case bool:
		if raw := integerBytes(n); v && raw != 1 {
			return fmt.Sprintf("true (%#x)", raw)
		}
		return strconv.FormatBool(v)
	case uint64:
		if basic != nil && basic.Kind == cstruct.Float {
			return fmt.Sprintf("bits %#x", v) // decimal floats
		}
		if v < 10 {
			return strconv.FormatUint(v, 10)
		}
		if s := n.timeText(v); s != "" {
			return fmt.Sprintf("%d (%s)", v, s)
		}
		return fmt.Sprintf("%d (%#x)", v, v)
	case int64:
		if basic != nil && basic.Kind == cstruct.Char && unicode.IsPrint(rune(v)) {
			return fmt.Sprintf("%d %q", v, rune(v))
		}
		if v > -10 && v < 10 {
			return strconv.FormatInt(v, 10)
		}
		if basic != nil && basic.Kind == cstruct.LEB128 {
			return strconv.FormatInt(v, 10)
		}
		if s := n.timeText(v); s != "" {
			return fmt.Sprintf("%d (%s)", v, s)
		}
		mask := ^uint64(0) >> (64 - n.bits())
		return fmt.Sprintf("%d (%#x)", v, uint64(v)&mask)
	case *big.Int:
		if v.Sign() < 0 {
			return v.String()
		}
		return fmt.Sprintf("%d (%#x)", v, v)
	case [2]any:
		return fmt.Sprintf("%s, %si", floatText(v[0]), floatText(v[1]))
	}
	return floatText(v)
}

func floatText(v any) string {
	switch v := v.(type) {
	case float32:
		return decimal(float64(v), 32)
	case float64:
		return decimal(v, 64)
	case *big.Float:
		return v.Text('g', -1)
	}
	return ""
}

// decimal prints a float of so many bits, without an exponent where that is
// easily read.
func decimal(f float64, bits int) string {
	if abs := math.Abs(f); abs == 0 || abs >= 1e-4 && abs < 1e15 {
		return strconv.FormatFloat(f, 'f', -1, bits)
	}
	return strconv.FormatFloat(f, 'g', -1, bits)
}

// bits is the width of a number.
func (n Node) bits() int64 {
	if n.Bits > 0 {
		return n.Bits
	}
	return 8 * n.Size
}

// integerBytes is a bool as the number that its bits are.
func integerBytes(n Node) uint64 {
	if n.Bits > 0 {
		return n.bitField().Uint64()
	}
	return new(big.Int).SetBytes(n.bigEndian(n.Bytes())).Uint64()
}

func hexText(b []byte) string { return fmt.Sprintf("% x", b) }

// plain makes text from a header fit for one line of a terminal.
func plain(s string) string {
	var b strings.Builder
	for _, r := range strings.Join(strings.Fields(s), " ") {
		if r == ' ' || unicode.IsPrint(r) {
			b.WriteRune(r)
			continue
		}
		q := strconv.QuoteRuneToASCII(r)
		b.WriteString(q[1 : len(q)-1])
	}
	return b.String()
}
