package cdump

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// A jsonField is a leaf of a dump: a number, text, bytes, or an array of
// numbers.
type jsonField struct {
	Path      string `json:"path"`
	Type      string `json:"type"`
	Offset    int64  `json:"offset"`
	Size      int64  `json:"size"`
	BitOffset *int64 `json:"bit_offset,omitempty"`
	BitSize   *int64 `json:"bit_size,omitempty"`
}

// A jsonMeaning is the end of such a leaf. Between them are the bytes and the
// value, which may be long and are not collected before they are written.
type jsonMeaning struct {
	Symbol string `json:"symbol,omitempty"`
	Doc    string `json:"doc,omitempty"`
}

// WriteJSON prints n as one object, without a line end:
//
//	{"type": "struct a", "offset": 512, "size": 8, "complete": true, "fields": [
//	  {"path": "x.y", "type": "uint32_t", "offset": 516, "size": 4,
//	   "bytes": "00000001", "value": 1, "symbol": "ONE", "doc": "comment"}]}
//
// Offsets count from the start of the file, of which n begins at base. A
// bit-field has bit_offset, from the start of n, and bit_size. The value of an
// integer is a number of as many digits as it takes, of char arrays the text
// up to the first NUL, of arrays of numbers a list; there is none where the
// bytes are no number and no UTF-8. Fields that the data does not hold whole
// are left out, and then "complete" is false. Where there is too much to show,
// the object ends early, and the error is a *WorkError.
func WriteJSON(w io.Writer, n Node, base int64) error {
	out := bufio.NewWriter(w)
	out.WriteString(`{"type":`)
	if err := encode(out, n.Type.String()); err != nil {
		return err
	}
	out.WriteString(`,"offset":` + strconv.FormatInt(base, 10) +
		`,"size":` + strconv.FormatInt(n.Size, 10) +
		`,"complete":` + strconv.FormatBool(n.Whole()) + `,"fields":[`)
	sep := "\n"
	n.root.begin()
	for leaf := range n.leaves() {
		if !leaf.Whole() {
			continue
		}
		out.WriteString(sep)
		sep = ",\n"
		if err := leaf.json(out, base); err != nil {
			return err
		}
	}
	out.WriteString("]}")
	return errors.Join(out.Flush(), n.root.err())
}

// encode writes v as JSON does, without a line end.
func encode(w *bufio.Writer, v any) error {
	text, err := encoded(v)
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}

// encodeText writes s, which is UTF-8, a piece at a time.
func encodeText(w *bufio.Writer, s string) error {
	w.WriteByte('"')
	for len(s) > 0 {
		n := min(len(s), 1<<12)
		for n < len(s) && !utf8.RuneStart(s[n]) {
			n++
		}
		text, err := encoded(s[:n])
		if err != nil {
			return err
		}
		w.Write(text[1 : len(text)-1])
		s = s[n:]
	}
	return w.WriteByte('"')
}

func encoded(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return EscapeJSON(bytes.TrimRight(b.Bytes(), "\n")), nil
}

// EscapeJSON returns the same JSON, in which strings have escape sequences for
// what could drive a terminal, hide text or turn it round: JSON demands that of
// a part of them alone. Whoever prints JSON with text that others wrote wants
// it.
func EscapeJSON(text []byte) []byte {
	plain := func(r rune) bool { return r == '\n' || unicode.IsPrint(r) }
	if bytes.IndexFunc(text, func(r rune) bool { return !plain(r) }) < 0 {
		return text
	}
	var b []byte
	for _, r := range string(text) { // outside of strings all is plain
		switch {
		case plain(r):
			b = utf8.AppendRune(b, r)
		case r <= 0xffff:
			b = fmt.Appendf(b, "\\u%04x", r)
		default:
			high, low := utf16.EncodeRune(r)
			b = fmt.Appendf(b, "\\u%04x\\u%04x", high, low)
		}
	}
	return b
}

// leaves yields what is in n that JSON has an entry for.
func (n Node) leaves() iter.Seq[Node] {
	return func(yield func(Node) bool) { n.visitLeaves(yield) }
}

func (n Node) visitLeaves(yield func(Node) bool) bool {
	if !n.show() {
		return false
	}
	switch n.Kind() {
	case Padding, Flexible:
		return true
	case Array:
		if n.Elem(0).Kind() == Number {
			return yield(n)
		}
	case Struct:
	default:
		return yield(n)
	}
	for c := range n.Children() {
		// Nothing more is there; a union's members may be shorter.
		if c.Off > n.Off && c.Off >= int64(len(n.root.data)) {
			break
		}
		if !c.visitLeaves(yield) {
			return false
		}
	}
	return true
}

// json writes the object of a leaf.
func (n Node) json(out *bufio.Writer, base int64) error {
	j := jsonField{Path: n.Path, Type: n.Type.String(), Offset: base + n.Off, Size: n.Size}
	if n.Bits > 0 {
		j.BitOffset, j.BitSize = &n.BitOff, &n.Bits
	}
	head, err := encoded(j)
	if err != nil {
		return err
	}
	out.Write(head[:len(head)-1])
	out.WriteString(`,"bytes":"`)
	hex.NewEncoder(out).Write(n.Bytes())
	out.WriteByte('"')
	if err := n.jsonValues(out); err != nil {
		return err
	}
	m := jsonMeaning{Symbol: n.Symbol()}
	if n.Field != nil {
		m.Doc = strings.TrimSpace(n.Field.Doc)
	}
	if m == (jsonMeaning{}) {
		return out.WriteByte('}')
	}
	tail, err := encoded(m)
	if err != nil {
		return err
	}
	out.WriteByte(',')
	_, err = out.Write(tail[1:])
	return err
}

// jsonValues writes the value of n, a list of those of its elements, or
// nothing where there is none.
func (n Node) jsonValues(out *bufio.Writer) error {
	if n.Kind() != Array {
		v := n.jsonValue()
		if v == nil {
			return nil
		}
		out.WriteString(`,"value":`)
		if s, ok := v.(string); ok {
			return encodeText(out, s)
		}
		return encode(out, v)
	}
	out.WriteString(`,"value":[`)
	sep := ""
	for c := range n.Children() {
		out.WriteString(sep)
		sep = ","
		if err := encode(out, c.jsonValue()); err != nil {
			return err
		}
	}
	return out.WriteByte(']')
}

func (n Node) jsonValue() any {
	switch v := n.Value().(type) {
	case []byte:
		if n.Kind() == Text && n.isWide() {
			text, _ := n.utf16()
			return string(text)
		}
		text, _, _ := bytes.Cut(v, []byte{0})
		if n.Kind() != Text || !utf8.Valid(text) {
			return nil
		}
		return string(text)
	case [2]any:
		return []any{jsonFloat(v[0]), jsonFloat(v[1])}
	case float32, float64, *big.Float:
		return jsonFloat(v)
	case bool, int64, uint64, *big.Int:
		return v
	}
	return nil
}

// jsonFloat is a float as JSON has it; infinities and NaN are text.
func jsonFloat(v any) any {
	switch v := v.(type) {
	case float32:
		if f := float64(v); math.IsInf(f, 0) || math.IsNaN(f) {
			return floatText(f)
		}
	case float64:
		if math.IsInf(v, 0) || math.IsNaN(v) {
			return floatText(v)
		}
	case *big.Float:
		return json.Number(v.Text('g', -1))
	}
	return v
}
