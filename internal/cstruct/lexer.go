package cstruct

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A lexer splits the text of a file into preprocessing tokens (C 6.4) and
// collects its comments.
type lexer struct {
	*file
	off       int
	bol       bool // at the beginning of a line
	directive bool // the end of the line is a token
	raw       bool // in a line that need not lex, like that of #error
	errorf    func(p pos, format string, args ...any)
}

func newLexer(f *file, errorf func(pos, string, ...any)) *lexer {
	return &lexer{file: f, bol: true, errorf: errorf}
}

func (l *lexer) at(off int) pos { return l.base + pos(off) }

// next returns the next token. After the last one it returns tEOF for ever;
// within a directive, a tNewline comes before it.
func (l *lexer) next() token {
	var flags tokenFlags
	s := l.text.text
	for {
		if l.off >= len(s) {
			if l.directive {
				l.directive = false
				return token{kind: tNewline, pos: l.at(l.off)}
			}
			return token{kind: tEOF, pos: l.at(l.off)}
		}
		switch c := s[l.off]; {
		case c == '\n':
			if l.directive {
				l.directive = false
				return token{kind: tNewline, pos: l.at(l.off)}
			}
			l.bol = true
			l.off++
		case c == ' ' || c == '\t' || c == '\f' || c == '\v':
			flags |= fSpace
			l.off++
		case c == '/' && l.off+1 < len(s) && (s[l.off+1] == '/' || s[l.off+1] == '*'):
			l.comment()
			flags |= fSpace
		default:
			if l.bol {
				flags |= fBOL
				l.bol = false
			}
			start := l.off
			kind := l.scan()
			t := token{kind: kind, flags: flags, pos: l.at(start), text: s[start:l.off]}
			if kind == tPunct {
				t.text = digraph(t.text)
			}
			return t
		}
	}
}

// scan moves over one token that begins at l.off.
func (l *lexer) scan() tokenKind {
	s := l.text.text[l.off:]
	switch c := s[0]; {
	case isNameStart(c):
		if n := literalPrefix(s); n > 0 {
			return l.quoted(n)
		}
		l.off += l.name(s)
		return tIdent
	case isDigit(c), c == '.' && len(s) > 1 && isDigit(s[1]):
		l.off += number(s)
		return tNumber
	case c == '"', c == '\'':
		return l.quoted(0)
	case c >= utf8.RuneSelf:
		if n := l.name(s); n > 0 {
			l.off += n
			return tIdent
		}
		r, n := utf8.DecodeRuneInString(s)
		if !l.raw {
			l.errorf(l.at(l.off), "%s is not allowed here", describe(r))
		}
		l.off += n
		return tOther
	}
	for n := min(4, len(s)); n > 0; n-- {
		if punctuators[s[:n]] {
			l.off += n
			return tPunct
		}
	}
	l.off++
	return tOther
}

var punctuators = func() map[string]bool {
	m := map[string]bool{}
	for p := range strings.FieldsSeq(`[ ] ( ) { } . -> ++ -- & * + - ~ ! / % << >> < > <= >= == != ^ | && || ? :
		; ... = *= /= %= += -= <<= >>= &= ^= |= , # ## <: :> <% %> %: %:%: ::`) {
		m[p] = true
	}
	return m
}()

func digraph(s string) string {
	switch s {
	case "<:":
		return "["
	case ":>":
		return "]"
	case "<%":
		return "{"
	case "%>":
		return "}"
	case "%:":
		return "#"
	case "%:%:":
		return "##"
	}
	return s
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isNameStart(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || c == '$'
}

// name returns the length of the identifier that s begins with, 0 without
// one.
func (l *lexer) name(s string) int {
	i := 0
	for i < len(s) {
		if c := s[i]; c < utf8.RuneSelf {
			if !isNameStart(c) && (i == 0 || !isDigit(c)) {
				break
			}
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if hidden(r) && i > 0 && !l.raw {
			l.errorf(l.at(l.off+i), "%s in a name", describe(r))
		} else if !unicode.IsLetter(r) && (i == 0 || !unicode.IsDigit(r) && !unicode.IsMark(r)) {
			break
		}
		i += n
	}
	return i
}

func describe(r rune) string {
	if hidden(r) || r == utf8.RuneError {
		return fmt.Sprintf("character U+%04X", r)
	}
	return fmt.Sprintf("character %q", r)
}

// number returns the length of the pp-number that s begins with.
func number(s string) int {
	i := 0
	for i < len(s) {
		c := s[i]
		switch {
		case i > 0 && (c == '+' || c == '-') && strings.IndexByte("eEpP", s[i-1]) >= 0:
		case c == '\'' && i > 0 && i+1 < len(s) && (isDigit(s[i+1]) || isNameStart(s[i+1])):
			// C23's digit separator
		case isDigit(c), isNameStart(c), c == '.':
		default:
			return i
		}
		i++
	}
	return i
}

// literalPrefix returns the length of an encoding prefix that s begins with,
// 0 without one.
func literalPrefix(s string) int {
	n := 0
	switch {
	case strings.HasPrefix(s, "u8"):
		n = 2
	case s[0] == 'u' || s[0] == 'U' || s[0] == 'L':
		n = 1
	default:
		return 0
	}
	if len(s) > n && (s[n] == '"' || s[n] == '\'') {
		return n
	}
	return 0
}

// quoted moves over a string or character constant whose quote is n bytes
// ahead.
func (l *lexer) quoted(n int) tokenKind {
	s := l.text.text
	start := l.off
	quote := s[start+n]
	for i := start + n + 1; i < len(s) && s[i] != '\n'; i++ {
		switch s[i] {
		case '\\':
			i++
			if i < len(s) && s[i] == '\n' {
				i--
			}
		case quote:
			l.off = i + 1
			if quote == '"' {
				return tString
			}
			return tChar
		}
	}
	if !l.raw {
		what := "string"
		if quote == '\'' {
			what = "character constant"
		}
		l.errorf(l.at(start), "unterminated %s", what)
	}
	if i := strings.IndexByte(s[start:], '\n'); i >= 0 {
		l.off = start + i
	} else {
		l.off = len(s)
	}
	return tOther
}

// comment moves over the comment at l.off and keeps it.
func (l *lexer) comment() {
	s := l.text.text
	start := l.off
	if s[start+1] == '/' {
		l.off = len(s)
		if i := strings.IndexByte(s[start:], '\n'); i >= 0 {
			l.off = start + i
		}
	} else if i := strings.Index(s[start+2:], "*/"); i >= 0 {
		l.off = start + 2 + i + 2
	} else {
		l.errorf(l.at(start), "unterminated comment")
		l.off = len(s)
	}
	l.comments = append(l.comments, comment{start, l.off})
}

// rest returns the rest of the line, up to its end, as raw text, cut where it
// is too long for a message.
func (l *lexer) rest() string {
	s := l.text.text[l.off:]
	if i := strings.IndexByte(s, '\n'); i >= 0 {
		s = s[:i]
	}
	l.off += len(s)
	if s = strings.TrimSpace(s); len(s) > 400 {
		s = strings.ToValidUTF8(s[:400], "") + "..."
	}
	return s
}

// skipLine moves to the beginning of the next line in a group that is not
// live, where text need not be tokens. Comments hide line ends in it, too.
func (l *lexer) skipLine() {
	s := l.text.text
	for l.off < len(s) {
		switch c := s[l.off]; c {
		case '\n':
			l.off++
			l.bol = true
			return
		case '"', '\'':
			i := l.off + 1
			for i < len(s) && s[i] != c && s[i] != '\n' {
				if s[i] == '\\' && i+1 < len(s) && s[i+1] != '\n' {
					i++
				}
				i++
			}
			if i < len(s) && s[i] == c {
				i++
			}
			l.off = i
		case '/':
			if l.off+1 < len(s) && (s[l.off+1] == '/' || s[l.off+1] == '*') {
				l.comment()
				l.comments = l.comments[:len(l.comments)-1]
			} else {
				l.off++
			}
		default:
			l.off++
		}
	}
	l.bol = true
}
