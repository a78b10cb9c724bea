package cstruct

import (
	"go/constant"
	gotoken "go/token"
	"strings"
	"unicode/utf8"
)

// integerLiteral returns value and type of an integer constant (C 6.4.4.1),
// as gcc types it: decimal ones that need it are __int128, and of one that
// needs more than 64 bits gcc takes the low ones. ok is false for other
// numbers.
func integerLiteral(t token) (v value, ok bool, d *diagnostic) {
	s := strings.ReplaceAll(t.text, "'", "")
	if len(s) > maxLiteral {
		return v, true, limit(t.pos, "number of more than %d characters", maxLiteral)
	}
	base, digits := 10, s
	switch {
	case len(s) > 1 && (s[1] == 'x' || s[1] == 'X') && s[0] == '0':
		base, digits = 16, s[2:]
	case len(s) > 1 && (s[1] == 'b' || s[1] == 'B') && s[0] == '0':
		base, digits = 2, s[2:]
	case s[0] == '0':
		base = 8
	}
	n := 0
	for n < len(digits) && digitOf(digits[n]) < max(base, 10) {
		n++
	}
	suffix := digits[n:]
	if suffix != "" && (strings.IndexByte(".eEpP", suffix[0]) >= 0 && base != 2 || base == 10 && strings.Contains(".eE", suffix[:1])) {
		return v, false, nil
	}
	unsigned, long, good := integerSuffix(suffix)
	if !good {
		return v, true, malformed(t.pos, "malformed number %s", t)
	}
	if n == 0 {
		return v, true, malformed(t.pos, "number %s without digits", t)
	}
	for i := range n {
		if digitOf(digits[i]) >= base {
			return v, true, malformed(t.pos+pos(i), "invalid digit %q in %s", digits[i], t)
		}
	}
	text := digits[:n]
	switch base {
	case 16:
		text = "0x" + text
	case 2:
		text = "0b" + text
	case 10:
		text = strings.TrimLeft(text, "0")
		if text == "" {
			text = "0"
		}
	}
	x := constant.MakeFromLiteral(text, gotoken.INT, 0)
	if x.Kind() != constant.Int {
		return v, true, malformed(t.pos, "malformed number %s", t)
	}
	truncated := constant.BitLen(x) > 64
	if truncated {
		x = wrap(x, typeULong)
	}
	for _, c := range literalTypes[long] {
		if c.Signed && unsigned || !c.Signed && !unsigned && base == 10 {
			continue
		}
		if fits(x, c) {
			return value{t: c, v: x, truncated: truncated}, true, nil
		}
	}
	return value{t: typeInt128, v: x, truncated: truncated}, true, nil
}

// literalTypes are the types that an integer constant may have, by the
// number of l in its suffix.
var literalTypes = [3][]*Basic{
	{typeInt, typeUInt, typeLong, typeULong},
	{typeLong, typeULong},
	{typeLLong, typeULLong},
}

func digitOf(c byte) int {
	switch {
	case isDigit(c):
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return 99
}

// integerSuffix reads u, l and ll in any case and order.
func integerSuffix(s string) (unsigned bool, long int, ok bool) {
	rest := strings.ToLower(s)
	if strings.Contains(s, "lL") || strings.Contains(s, "Ll") {
		return false, 0, false
	}
	if r, cut := strings.CutPrefix(rest, "u"); cut {
		rest, unsigned = r, true
	} else if r, cut := strings.CutSuffix(rest, "u"); cut {
		rest, unsigned = r, true
	}
	switch rest {
	case "":
		return unsigned, 0, true
	case "l":
		return unsigned, 1, true
	case "ll":
		return unsigned, 2, true
	}
	return false, 0, false
}

// floatLiteral returns value and type of a floating constant (C 6.4.4.2).
func floatLiteral(t token) (value, *diagnostic) {
	s := strings.ReplaceAll(t.text, "'", "")
	digits := s
	typ := typeDouble
	exponent := "eE"
	if len(s) > 1 && (s[1] == 'x' || s[1] == 'X') {
		exponent = "pP"
	}
	if i := strings.IndexAny(s, exponent); i >= 0 || exponent == "eE" {
		// The suffix begins behind the digits of the exponent, or the number.
		i = max(i, 0)
		for i < len(s) && (isDigit(s[i]) || strings.IndexByte(".+-"+exponent, s[i]) >= 0) {
			i++
		}
		suffix := strings.ToLower(s[i:])
		digits = s[:i]
		switch suffix {
		case "":
		case "f", "f32":
			typ = typeFloat
		case "l", "w", "f64x":
			typ = typeLongDouble
		case "f64", "f32x":
		case "f128", "q":
			typ = typeFloat128
		case "f16":
			typ = typeFloat16
		case "df", "dd", "dl":
			return value{t: typeDecimal64, why: malformed(t.pos, "decimal floating constant")}, nil
		case "i", "j", "fi", "if", "li", "il", "fj", "jf":
			return value{t: complexTypes[typeDouble], why: malformed(t.pos, "imaginary constant")}, nil
		default:
			return value{}, malformed(t.pos, "malformed number %s", t)
		}
	} else {
		return value{}, malformed(t.pos, "hexadecimal floating constant %s without an exponent", t)
	}
	if !cFloat(digits) {
		return value{}, malformed(t.pos, "malformed number %s", t)
	}
	x := constant.MakeFromLiteral(digits, gotoken.FLOAT, 0)
	if x.Kind() == constant.Unknown {
		return value{t: typ, why: malformed(t.pos, "floating constant %s is out of range", t)}, nil
	}
	return roundTo(x, typ, t.pos), nil
}

// cFloat reports whether Go and C read the digits alike.
func cFloat(s string) bool {
	return strings.Count(s, ".") <= 1 && constant.MakeFromLiteral(s, gotoken.FLOAT, 0) != nil &&
		strings.IndexByte("eEpP+-", s[len(s)-1]) < 0
}

// charLiteral returns value and type of a character constant (C 6.4.4.4).
func charLiteral(t token) (value, *diagnostic) {
	if len(t.text) > maxLiteral {
		return value{}, limit(t.pos, "character constant of more than %d bytes", maxLiteral)
	}
	prefix, units, d := unquote(t)
	if d != nil {
		return value{}, d
	}
	if len(units) == 0 {
		return value{}, malformed(t.pos, "empty character constant")
	}
	typ := map[string]*Basic{"": typeInt, "L": typeInt, "u": typeUShort, "U": typeUInt, "u8": typeUChar}[prefix]
	var n int64
	switch {
	case prefix != "" || len(units) == 1:
		n = int64(units[len(units)-1])
		if prefix == "" {
			n = int64(int8(n))
		}
	default:
		for _, u := range units {
			n = int64(int32(n<<8 | int64(u&0xff)))
		}
	}
	return value{t: typ, v: wrap(constant.MakeInt64(n), typ)}, nil
}

// unquote returns the code units between the quotes of t.
func unquote(t token) (prefix string, units []uint32, d *diagnostic) {
	i := strings.IndexAny(t.text, `"'`)
	prefix = t.text[:i]
	s := t.text[i+1 : len(t.text)-1]
	wide := prefix == "L" || prefix == "u" || prefix == "U"
	for len(s) > 0 {
		if s[0] != '\\' {
			if !wide {
				units, s = append(units, uint32(s[0])), s[1:]
				continue
			}
			r, n := utf8.DecodeRuneInString(s)
			units, s = append(units, uint32(r)), s[n:]
			continue
		}
		u, isRune, n := escape(s)
		if n == 0 {
			return "", nil, malformed(t.pos, "malformed escape sequence in %s", t)
		}
		s = s[n:]
		switch {
		case isRune && !wide:
			for _, b := range []byte(string(rune(u))) {
				units = append(units, uint32(b))
			}
		case !wide && u > 0xff:
			return "", nil, malformed(t.pos, "escape sequence out of range in %s", t)
		default:
			units = append(units, u)
		}
	}
	return prefix, units, nil
}

// escape reads the escape sequence that s begins with: its value, whether
// that is a Unicode character, and its length, 0 if it is none.
func escape(s string) (u uint32, isRune bool, n int) {
	if len(s) < 2 {
		return 0, false, 0
	}
	if i := strings.IndexByte(`abfnrtv\'"?eE`, s[1]); i >= 0 {
		return uint32("\a\b\f\n\r\t\v\\'\"?\x1b\x1b"[i]), false, 2
	}
	switch c := s[1]; {
	case c == 'x':
		n = 2
		for n < len(s) && digitOf(s[n]) < 16 && u < 1<<28 {
			u = u<<4 | uint32(digitOf(s[n]))
			n++
		}
		if n == 2 {
			n = 0
		}
		return u, false, n
	case c == 'u' || c == 'U':
		want := 6
		if c == 'U' {
			want = 10
		}
		if len(s) < want {
			return 0, false, 0
		}
		for n = 2; n < want; n++ {
			if digitOf(s[n]) >= 16 {
				return 0, false, 0
			}
			u = u<<4 | uint32(digitOf(s[n]))
		}
		if !utf8.ValidRune(rune(u)) || u > utf8.MaxRune {
			return 0, false, 0
		}
		return u, true, n
	case '0' <= c && c <= '7':
		for n = 1; n < len(s) && n < 4 && '0' <= s[n] && s[n] <= '7'; n++ {
			u = u<<3 | uint32(s[n]-'0')
		}
		return u, false, n
	case c < utf8.RuneSelf: // gcc takes an unknown one for the character
		return uint32(c), false, 2
	}
	return 0, false, 0
}

// utf8Text returns the text of wide characters in UTF-8, unless they are none.
func utf8Text(units []uint32) (string, bool) {
	var b []byte
	for _, u := range units {
		if u > utf8.MaxRune || !utf8.ValidRune(rune(u)) {
			return "", false
		}
		b = utf8.AppendRune(b, rune(u))
	}
	return string(b), true
}

// stringLiterals joins string literals (C 6.4.5) into the value of an array:
// its bytes, or the text of wide characters in UTF-8.
func (r *reporter) stringLiterals(toks []token) (value, *diagnostic) {
	for _, t := range toks {
		if !r.spend(t.pos, len(t.text)) {
			return value{}, silent(t.pos)
		}
	}
	wide := ""
	var units []uint32
	for _, t := range toks {
		prefix, _, d := unquote(t)
		if d != nil {
			return value{}, d
		}
		if prefix == "" || prefix == "u8" || prefix == wide {
			continue
		}
		if wide != "" {
			return value{}, malformed(t.pos, "string literals with different prefixes")
		}
		wide = prefix
	}
	for _, t := range toks {
		if wide != "" { // an unprefixed one joins as if it had the prefix
			t.text = wide + t.text[strings.IndexByte(t.text, '"'):]
		}
		_, u, _ := unquote(t)
		units = append(units, u...)
	}
	elem := map[string]*Basic{"": typeChar, "L": typeInt, "u": typeUShort, "U": typeUInt}[wide]
	v := value{t: &Array{Elem: elem, Len: int64(len(units)) + 1}}
	if wide != "" {
		if wide == "u" {
			for _, u := range units {
				if u > 0xffff {
					v.t.(*Array).Len++
				}
			}
		}
		text, ok := utf8Text(units)
		if !ok {
			v.why = malformed(toks[0].pos, "string of wide characters that are no text")
			return v, nil
		}
		v.v = constant.MakeString(text)
		return v, nil
	}
	b := make([]byte, len(units))
	for i, u := range units {
		b[i] = byte(u)
	}
	v.v = constant.MakeString(string(b))
	return v, nil
}
