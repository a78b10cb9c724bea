package main

import (
	"bufio"
	"fmt"
	"io"
	"iter"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// What is printed both as JSON and for people is built from values of these
// types, strings, bools, and numbers.
type (
	object []member // in the order of printing
	member struct {
		key   string
		value any
	}
	list []any
	// A sequence is a list whose items are made one by one, as an image may
	// have thousands of them.
	sequence iter.Seq[any]
)

// eachOf returns the sequence of what object makes of each item.
func eachOf[T any](items []T, object func(*T) object) sequence {
	return func(yield func(any) bool) {
		for i := range items {
			if !yield(object(&items[i])) {
				return
			}
		}
	}
}

// writeJSON writes v as qemu-img does, down to the spaces: keys in their
// order, four spaces a level, ASCII only.
func writeJSON(w *bufio.Writer, v any) {
	writeValue(w, v, "")
	w.WriteByte('\n')
}

func writeValue(w *bufio.Writer, v any, indent string) {
	inner := indent + "    "
	switch v := v.(type) {
	case object:
		w.WriteByte('{')
		for i, m := range v {
			w.WriteString(comma(i))
			w.WriteString(inner)
			writeQuoted(w, m.key)
			w.WriteString(": ")
			writeValue(w, m.value, inner)
		}
		w.WriteString("\n" + indent + "}")
	case list:
		writeValue(w, sequence(slices.Values(v)), indent)
	case sequence:
		w.WriteByte('[')
		i := 0
		for item := range v {
			w.WriteString(comma(i))
			w.WriteString(inner)
			writeValue(w, item, inner)
			i++
		}
		w.WriteString("\n" + indent + "]")
	case string:
		writeQuoted(w, v)
	default:
		fmt.Fprint(w, v)
	}
}

func comma(i int) string {
	if i > 0 {
		return ",\n"
	}
	return "\n"
}

// writeQuoted writes s as a JSON string. What codePoint does not take becomes
// U+FFFD.
func writeQuoted(w *bufio.Writer, s string) {
	const longest = len(`\ud800\udc00`)
	b := append(w.AvailableBuffer(), '"')
	for s != "" {
		if cap(b)-len(b) < longest { // names may have megabytes
			w.Write(b)
			w.Flush() // its error stays with w
			b = w.AvailableBuffer()
		}
		r, n := codePoint(s)
		s = s[n:]
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\b' || r == '\f' || r == '\n' || r == '\r' || r == '\t':
			b = append(b, '\\', "btn_fr"[r-'\b'])
		case r >= 0x10000:
			high, low := utf16.EncodeRune(r)
			b = appendUnit(appendUnit(b, high), low)
		case r < ' ' || r >= 0x7f:
			b = appendUnit(b, r)
		default:
			b = append(b, byte(r))
		}
	}
	w.Write(append(b, '"'))
}

// appendUnit appends the escape of a UTF-16 code unit.
func appendUnit(b []byte, u rune) []byte {
	const digits = "0123456789ABCDEF"
	return append(b, '\\', 'u', digits[u>>12&15], digits[u>>8&15], digits[u>>4&15], digits[u&15])
}

// codePoint returns the code point at the start of s, which is not empty, and
// its length, as QEMU does (mod_utf8_codepoint): a wrong sequence is one U+FFFD
// as far as it goes on, noncharacters are wrong, and a NUL may be C0 80.
func codePoint(s string) (r rune, n int) {
	n = bits.LeadingZeros8(^s[0]) // how many bytes the first one announces
	switch {
	case n == 0:
		return rune(s[0]), 1
	case n == 1 || n > 6:
		return utf8.RuneError, 1
	}
	r = rune(s[0] & (0x7f >> n))
	for i := 1; i < n; i++ {
		if i == len(s) || s[i]&0xc0 != 0x80 {
			return utf8.RuneError, i
		}
		r = r<<6 | rune(s[i]&0x3f)
	}
	switch {
	case r == 0 && n == 2:
	case utf8.RuneLen(r) != n, r >= 0xfdd0 && r <= 0xfdef, r&0xfffe == 0xfffe: // the length of what is none is -1
		r = utf8.RuneError
	}
	return r, n
}

// writeHuman writes the members of v for people, a line each, as qemu-img
// does with format specific information.
func writeHuman(w io.Writer, v object, indent string) {
	for _, m := range v {
		writeHumanItem(w, strings.ReplaceAll(m.key, "-", " "), m.value, indent)
	}
}

func writeHumanItem(w io.Writer, label string, v any, indent string) {
	switch v := v.(type) {
	case object:
		fmt.Fprintf(w, "%s%s:\n", indent, label)
		writeHuman(w, v, indent+"    ")
	case list:
		writeHumanItem(w, label, sequence(slices.Values(v)), indent)
	case sequence:
		fmt.Fprintf(w, "%s%s:\n", indent, label)
		i := 0
		for item := range v {
			writeHumanItem(w, fmt.Sprintf("[%d]", i), item, indent+"    ")
			i++
		}
	case string:
		fmt.Fprintf(w, "%s%s: %s\n", indent, label, shown(v))
	default:
		fmt.Fprintf(w, "%s%s: %v\n", indent, label, v)
	}
}

// shown returns a string from an image as it may go to a terminal: as it is
// if all of it can be seen, else quoted.
func shown(s string) string {
	if !utf8.ValidString(s) {
		return strconv.Quote(s)
	}
	for _, r := range s {
		if !strconv.IsPrint(r) {
			return strconv.Quote(s)
		}
	}
	return s
}
