package main

import (
	"fmt"
	"io"
	"math/bits"
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
)

// writeJSON writes v as qemu-img does, down to the spaces: keys in their
// order, four spaces a level, ASCII only.
func writeJSON(w io.Writer, v any) {
	fmt.Fprintln(w, jsonText(v, ""))
}

func jsonText(v any, indent string) string {
	var b strings.Builder
	inner := indent + "    "
	switch v := v.(type) {
	case object:
		b.WriteString("{")
		for i, m := range v {
			b.WriteString(comma(i) + inner + quoteJSON(m.key) + ": " + jsonText(m.value, inner))
		}
		b.WriteString("\n" + indent + "}")
	case list:
		b.WriteString("[")
		for i, item := range v {
			b.WriteString(comma(i) + inner + jsonText(item, inner))
		}
		b.WriteString("\n" + indent + "]")
	case string:
		b.WriteString(quoteJSON(v))
	default:
		fmt.Fprint(&b, v)
	}
	return b.String()
}

func comma(i int) string {
	if i > 0 {
		return ",\n"
	}
	return "\n"
}

// quoteJSON returns s as a JSON string. What codePoint does not take becomes
// U+FFFD.
func quoteJSON(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for s != "" {
		r, n := codePoint(s)
		s = s[n:]
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case strings.ContainsRune("\b\f\n\r\t", r):
			b.WriteByte('\\')
			b.WriteByte("btn_fr"[r-'\b'])
		case r >= 0x10000:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, "\\u%04X\\u%04X", high, low)
		case r < ' ' || r >= 0x7f:
			fmt.Fprintf(&b, "\\u%04X", r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
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
		fmt.Fprintf(w, "%s%s:\n", indent, label)
		for i, item := range v {
			writeHumanItem(w, fmt.Sprintf("[%d]", i), item, indent+"    ")
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
