package cdump

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"

	"cstructgen/internal/cstruct"
)

// What people know numbers and bytes as, where names and comments say that
// they are such: times, text of 16-bit characters, UUIDs and GUIDs.

var (
	timeName  = regexp.MustCompile(`(?i)(time|date|created|modified)$`)
	timeWords = regexp.MustCompile(`(?i)since (the )?(1970|unix|epoch)|unix time|timestamp|\btime of\b`)
	idName    = regexp.MustCompile(`(?i)guid|uuid`)
)

// Seconds since 1970 that files are likely to hold: 1980 to 2106.
const (
	firstTime = 315532800
	lastTime  = 1<<32 - 1
)

// clocks are ways to count time: how many units a second has, and how many
// seconds before 1970 it begins. No number is a likely time by two of them.
var clocks = []struct{ units, before uint64 }{
	{1, 0}, {1e3, 0}, {1e6, 0}, {1e9, 0},
	{1e7, 11644473600}, // of Windows: since 1601
}

// timeText returns v, the value of n, as a time, "" if nothing says that it is
// one.
func (n Node) timeText(v any) string {
	if n.Field == nil || n.Bits > 0 || n.Size < 4 ||
		!timeName.MatchString(n.Field.Name) && !timeWords.MatchString(n.Field.Doc) {
		return ""
	}
	var count uint64
	switch v := v.(type) {
	case uint64:
		count = v
	case int64:
		count = uint64(v)
	}
	for _, c := range clocks {
		if sec := count/c.units - c.before; sec >= firstTime && sec <= lastTime {
			return time.Unix(int64(sec), 0).UTC().Format("2006-01-02 15:04:05")
		}
	}
	return ""
}

// wideText returns an array of 16-bit characters, or of 16-bit numbers that
// look like such, as text in quotes, up to the first zero, if all of that is
// text.
func (n Node) wideText() (s string, ok bool) {
	a, isArray := underNode(n).(*cstruct.Array)
	if !isArray || a.Flexible || !n.Whole() {
		return "", false
	}
	b, isBasic := under(a.Elem).(*cstruct.Basic)
	if !isBasic || b.Kind != cstruct.WideChar && (b.Kind != cstruct.Int || b.Bytes != 2 || b.Signed) {
		return "", false
	}
	text, behind := n.utf16()
	if len(text) < 2 && b.Kind == cstruct.Int || slices.ContainsFunc(text, func(r rune) bool { return r < ' ' || !unicode.IsPrint(r) }) {
		return "", false
	}
	s = fmt.Sprintf("%q", shortened(string(text)))
	if !zeros(behind) {
		s += " and more behind a NUL"
	}
	return s, true
}

// utf16 decodes the bytes of n up to the first zero, and returns what is
// behind it.
func (n Node) utf16() (text []rune, behind []byte) {
	bytes := n.Bytes()
	var units []uint16
	for i := 0; i+1 < len(bytes); i += 2 {
		u := uint16(bytes[i]) | uint16(bytes[i+1])<<8
		if n.Order == cstruct.BigEndian {
			u = u<<8 | u>>8
		}
		if u == 0 {
			behind = bytes[i:]
			break
		}
		units = append(units, u)
	}
	return utf16.Decode(units), behind
}

// idText returns 16 bytes as a UUID is written, "" if nothing calls them one.
// Of a GUID the first three parts are numbers in little-endian order, of a
// UUID in big-endian order, unless they are fields with an order of theirs.
func (n Node) idText() string {
	if n.Size != 16 || !n.Whole() || n.Type == nil {
		return ""
	}
	b := slices.Clone(n.Bytes())
	name := n.Type.String()
	s, isStruct := underNode(n).(*cstruct.Struct)
	switch {
	case isStruct && !s.Union && !s.Anonymous:
		if !idName.MatchString(name) {
			return ""
		}
	case n.Kind() == Bytes && n.Field != nil:
		if name = n.Field.Name; !idName.MatchString(name) {
			return ""
		}
	default:
		return ""
	}
	lower := strings.ToLower(name)
	little := strings.Contains(lower, "guid") || strings.Contains(lower, "uuid_le")
	if isStruct && len(s.Fields) == 4 {
		little = s.Fields[0].Order == cstruct.LittleEndian
	}
	if little {
		slices.Reverse(b[0:4])
		slices.Reverse(b[4:6])
		slices.Reverse(b[6:8])
	}
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:16])
}
