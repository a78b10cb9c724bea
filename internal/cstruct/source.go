package cstruct

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"path"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"
)

// A pos is a place in one of the files of a run: an offset into all their
// texts laid end to end. A file that is read twice has two places. 0: none.
type pos uint32

// A text is the content of a file after C's first two translation phases.
type text struct {
	src     string   // as read, with \n line ends and without a BOM
	text    string   // src with continued lines joined
	splices []splice // where
	lines   []int32  // offsets in src at which lines start
	id      string   // see identity
}

// A splice says that from offset at of the joined text on, delta bytes of
// the source are missing.
type splice struct{ at, delta int32 }

var bom = []byte("\ufeff")

func newText(b []byte) *text {
	b = bytes.TrimPrefix(b, bom)
	if bytes.IndexByte(b, '\r') >= 0 {
		b = bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n"))
		b = bytes.ReplaceAll(b, []byte("\r"), []byte("\n"))
	}
	t := &text{src: string(b)}
	t.lines = append(t.lines, 0)
	for i := 0; ; {
		n := strings.IndexByte(t.src[i:], '\n')
		if n < 0 {
			break
		}
		i += n + 1
		t.lines = append(t.lines, int32(i))
	}
	t.text = t.join()
	return t
}

// identity returns what tells the file from others, for #pragma once: its
// content and the last part of its path, for the same file may be found by
// several paths.
func (t *text) identity(name string) string {
	if t.id == "" {
		sum := sha256.Sum256([]byte(t.src))
		t.id = path.Base(name) + "\x00" + string(sum[:])
	}
	return t.id
}

// join removes each backslash at the end of a line, with that end. Like gcc
// it allows blanks between the two.
func (t *text) join() string {
	if strings.IndexByte(t.src, '\\') < 0 {
		return t.src
	}
	var out []byte
	done := 0 // bytes of src that are in out or removed
	for i := 0; ; {
		n := strings.IndexByte(t.src[i:], '\\')
		if n < 0 {
			break
		}
		i += n
		end := i + 1
		for end < len(t.src) && strings.IndexByte(" \t\f\v", t.src[end]) >= 0 {
			end++
		}
		if end == len(t.src) || t.src[end] != '\n' {
			i++
			continue
		}
		out = append(out, t.src[done:i]...)
		i, done = end+1, end+1
		t.splices = append(t.splices, splice{int32(len(out)), int32(done - len(out))})
	}
	if done == 0 {
		return t.src
	}
	return string(append(out, t.src[done:]...))
}

// invalidUTF8 returns the offset in t.text of the first byte that is not
// UTF-8, -1 without one.
func (t *text) invalidUTF8() int {
	if utf8.ValidString(t.text) {
		return -1
	}
	for i, r := range t.text {
		if r == utf8.RuneError {
			if _, n := utf8.DecodeRuneInString(t.text[i:]); n == 1 {
				return i
			}
		}
	}
	panic("cstruct: invalid text without an invalid byte")
}

// origin returns the offset in t.src of the offset off in t.text.
func (t *text) origin(off int) int {
	i := sort.Search(len(t.splices), func(i int) bool { return int(t.splices[i].at) > off })
	if i == 0 {
		return off
	}
	return off + int(t.splices[i-1].delta)
}

// place returns line and column, from 1, of the offset off in t.text.
func (t *text) place(off int) (line, col int) {
	off = t.origin(off)
	i, found := slices.BinarySearch(t.lines, int32(off))
	if !found {
		i--
	}
	return i + 1, off - int(t.lines[i]) + 1
}

// line returns the source line with the number n, from 1.
func (t *text) line(n int) string {
	if n < 1 || n > len(t.lines) {
		return ""
	}
	s := t.src[t.lines[n-1]:]
	if i := strings.IndexByte(s, '\n'); i >= 0 {
		s = s[:i]
	}
	return s
}

// A file is a text that is being read, at one place of the run.
type file struct {
	*text
	name     string
	base     pos // of the first byte
	from     pos // of the #include that named it; 0: none
	main     bool
	builtin  bool // macros of it are never constants
	known    bool // its declarations give way to others
	marks    []lineMark
	where    location
	comments []comment
	docs     map[int]string // by the first comment
	// Of line comments on successive lines, the first by the last and the last
	// by the first.
	starts, ends map[int]int
}

// A lineMark is a #line at a place: by how much the lines behind it have other
// numbers, and what their file is called; "": as it is.
type lineMark struct {
	at    pos
	shift int
	name  string
}

// presumed returns the line and the file that p has by #line. Messages have
// those that there are.
func (fs *files) presumed(p pos) (name string, line int) {
	at := fs.position(p)
	f := fs.file(p)
	if f == nil {
		return at.File, at.Line
	}
	i := sort.Search(len(f.marks), func(i int) bool { return f.marks[i].at > p })
	if i == 0 {
		return at.File, at.Line
	}
	m := f.marks[i-1]
	return cmp.Or(m.name, at.File), at.Line + m.shift
}

// files holds the files of a run.
type files struct {
	list []*file
	next pos
}

// add gives f its place. The caller has checked that the texts of all files
// together stay below maxText.
func (fs *files) add(f *file) {
	if fs.next == 0 {
		fs.next = 1
	}
	f.base = fs.next
	fs.next += pos(len(f.text.text)) + 1
	fs.list = append(fs.list, f)
}

// file returns the file of p, nil for 0.
func (fs *files) file(p pos) *file {
	i := sort.Search(len(fs.list), func(i int) bool { return fs.list[i].base > p })
	if p == 0 || i == 0 {
		return nil
	}
	return fs.list[i-1]
}

func (fs *files) position(p pos) Pos {
	f := fs.file(p)
	if f == nil {
		return Pos{}
	}
	line, col := f.place(int(p - f.base))
	return Pos{File: f.name, Line: line, Col: col}
}

// main reports whether p is in one of the files of the Config.
func (fs *files) main(p pos) bool {
	f := fs.file(p)
	return f != nil && f.main
}

// stack returns the #include lines that led to p.
func (fs *files) stack(p pos) (stack []Pos) {
	for f := fs.file(p); f != nil && f.from != 0; f = fs.file(f.from) {
		stack = append(stack, fs.position(f.from))
	}
	return stack
}

func (fs *files) fault(p pos, msg string) *Error {
	e := &Error{Pos: fs.position(p), Msg: msg, Included: fs.stack(p)}
	if f := fs.file(p); f != nil {
		e.Line = f.line(e.Pos.Line)
	}
	return e
}
