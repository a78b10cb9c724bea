package cstruct

import (
	"strconv"
	"strings"
)

// A tokenKind is the kind of a preprocessing token (C 6.4).
type tokenKind uint8

const (
	tEOF     tokenKind = iota
	tNewline           // the end of a directive
	tIdent
	tNumber
	tChar
	tString
	tPunct
	tOther  // a character that begins no other token
	tPlace  // stands for an empty macro argument while it is pasted
	tPragma // begins the tokens of a pragma; tNewline ends them
)

type tokenFlags uint8

const (
	fBOL   tokenFlags = 1 << iota // the first token of its line
	fSpace                        // white space before it
)

// A token is a preprocessing token. Its text is the spelling.
type token struct {
	kind  tokenKind
	flags tokenFlags
	pos   pos
	text  string
	hide  *hideSet // the macros that must not expand it
}

func (t token) is(punct string) bool { return t.kind == tPunct && t.text == punct }

func (t token) isName(name string) bool { return t.kind == tIdent && t.text == name }

// String names the token in messages.
func (t token) String() string {
	switch t.kind {
	case tEOF:
		return "end of file"
	case tNewline:
		return "end of line"
	}
	if len(t.text) > 40 {
		return quote(strings.ToValidUTF8(t.text[:40], "") + "...")
	}
	return quote(t.text)
}

// quote returns s between quotes, cut where it is too long for a message.
func quote(s string) string {
	if len(s) > 200 {
		s = strings.ToValidUTF8(s[:200], "") + "..."
	}
	return `"` + printable(s) + `"`
}

// spell joins tokens to text, one blank where there was white space.
func spell(toks []token) string {
	var b []byte
	for i, t := range toks {
		if i > 0 && t.flags&(fSpace|fBOL) != 0 {
			b = append(b, ' ')
		}
		b = append(b, t.text...)
		if len(b) > maxFile {
			break
		}
	}
	return string(b)
}

func numberToken(n int) token { return token{kind: tNumber, text: strconv.Itoa(n)} }

// stringToken returns the string literal for s.
func stringToken(s string) token {
	s = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", " ").Replace(s)
	return token{kind: tString, text: `"` + s + `"`}
}
