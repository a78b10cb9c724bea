package cstruct

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ErrLimit is wrapped by errors about text that goes beyond a limit of this
// package, legal or not.
var ErrLimit = errors.New("limit exceeded")

// An Error says that the text is malformed, at Pos.
type Error struct {
	Pos      Pos
	Msg      string
	Line     string // the source line of Pos, without its end
	Included []Pos  // the #include lines that led there, innermost first
	Err      error  // ErrLimit, or nil
}

// Error returns "file:line:col: message", one line without control characters.
func (e *Error) Error() string { return e.Pos.String() + ": " + printable(e.Msg) }

// Unwrap returns e.Err.
func (e *Error) Unwrap() error { return e.Err }

// An UnsupportedError says that the text is valid C which this package does
// not translate.
type UnsupportedError struct {
	Pos      Pos
	Msg      string
	Line     string
	Included []Pos
}

// Error returns "file:line:col: message", one line without control characters.
func (e *UnsupportedError) Error() string { return e.Pos.String() + ": " + printable(e.Msg) }

// An ErrorList is what Parse returns: errors in order of position, each an
// *Error or an *UnsupportedError.
type ErrorList []error

// Error returns the messages, one a line.
func (l ErrorList) Error() string {
	s := make([]string, len(l))
	for i, e := range l {
		s[i] = e.Error()
	}
	return strings.Join(s, "\n")
}

// Unwrap returns the errors of the list.
func (l ErrorList) Unwrap() []error { return l }

// sorted returns the list by position without repetitions, cut to the number
// that is worth reading.
func (l ErrorList) sorted() ErrorList {
	slices.SortStableFunc(l, func(a, b error) int {
		p, q := errorPos(a), errorPos(b)
		return cmp.Or(strings.Compare(p.File, q.File), p.Line-q.Line, p.Col-q.Col)
	})
	l = slices.CompactFunc(l, func(a, b error) bool { return a.Error() == b.Error() })
	return l[:min(len(l), maxErrors)]
}

func errorPos(err error) Pos {
	switch e := err.(type) {
	case *Error:
		return e.Pos
	case *UnsupportedError:
		return e.Pos
	}
	return Pos{}
}

// Format renders an error of this package for a terminal: the message, the
// source line with a caret, and the include stack. Other errors, and lists,
// are rendered item by item. The result ends with a newline.
func Format(err error) string {
	var b strings.Builder
	format(&b, err)
	return b.String()
}

func format(b *strings.Builder, err error) {
	switch e := err.(type) {
	case ErrorList:
		for _, item := range e {
			format(b, item)
		}
	case *Error:
		excerpt(b, e, e.Pos, e.Line, e.Included)
	case *UnsupportedError:
		excerpt(b, e, e.Pos, e.Line, e.Included)
	default:
		b.WriteString(err.Error() + "\n")
	}
}

func excerpt(b *strings.Builder, err error, pos Pos, line string, included []Pos) {
	b.WriteString(err.Error() + "\n")
	if pos.Col > 0 && pos.Col <= len(line)+1 && len(line) <= 400 {
		// Tabs stay, so that the caret lines up whatever their width is.
		b.WriteString("    " + printable(line) + "\n    ")
		for _, r := range line[:pos.Col-1] {
			switch {
			case r == '\t':
				b.WriteByte('\t')
			default:
				b.WriteString(strings.Repeat(" ", utf8.RuneCountInString(printable(string(r)))))
			}
		}
		b.WriteString("^\n")
	}
	for i, p := range included {
		if i == shownIncludes {
			fmt.Fprintf(b, "    ... and %d more\n", len(included)-i)
			break
		}
		fmt.Fprintf(b, "    included from %s:%d\n", printable(p.File), p.Line)
	}
}

// Include lines that Format shows. Longer stacks are loops.
const shownIncludes = 16

// printable replaces what could drive a terminal or hide text, and what is no
// text.
func printable(s string) string {
	if strings.IndexFunc(s, hidden) < 0 && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if hidden(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// hidden reports whether r is a control: one of ASCII's or Unicode's, or one
// that is not seen (zero width) or changes the direction of text.
func hidden(r rune) bool {
	return r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == 0x2028 || r == 0x2029)
}

// String returns "file:line:col", or "file" for a Pos without a line. Control
// characters of the file's name are escaped.
func (p Pos) String() string {
	if p.Line == 0 {
		return printable(p.File)
	}
	return fmt.Sprintf("%s:%d:%d", printable(p.File), p.Line, p.Col)
}
