package cdump

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
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
	Bytes     string `json:"bytes"`
	Value     any    `json:"value,omitempty"`
	Symbol    string `json:"symbol,omitempty"`
	Doc       string `json:"doc,omitempty"`
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
// are left out, and then "complete" is false.
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
	for leaf := range n.leaves() {
		if !leaf.Whole() {
			continue
		}
		out.WriteString(sep)
		sep = ",\n"
		if err := encode(out, leaf.json(base)); err != nil {
			return err
		}
	}
	out.WriteString("]}")
	return out.Flush()
}

// encode writes v as JSON does, without a line end.
func encode(w *bufio.Writer, v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(EscapeJSON(bytes.TrimRight(b.Bytes(), "\n")))
	return err
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

func (n Node) json(base int64) jsonField {
	j := jsonField{
		Path: n.Path, Type: n.Type.String(), Offset: base + n.Off, Size: n.Size,
		Bytes: hex.EncodeToString(n.Bytes()), Symbol: n.Symbol(),
	}
	if n.Field != nil {
		j.Doc = strings.TrimSpace(n.Field.Doc)
	}
	if n.Bits > 0 {
		j.BitOffset, j.BitSize = &n.BitOff, &n.Bits
	}
	if n.Kind() == Array {
		list := make([]any, 0, n.Len())
		for c := range n.Children() {
			list = append(list, c.jsonValue())
		}
		j.Value = list
		return j
	}
	j.Value = n.jsonValue()
	return j
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
