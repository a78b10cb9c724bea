package cstruct

import (
	"sort"
	"strings"
)

// A comment is where a comment lies in the text of its file.
type comment struct{ start, end int }

// docAbove returns the comment directly above the token first, or before it
// on its line, unless that comment stands beside something else. Line
// comments on successive lines are one.
func (fs *files) docAbove(first pos) string {
	f := fs.file(first)
	if f == nil {
		return ""
	}
	off := int(first - f.base)
	i := sort.Search(len(f.comments), func(i int) bool { return f.comments[i].end > off }) - 1
	if i < 0 || !f.ownLine(i) || !f.adjacent(f.comments[i].end, off) {
		return ""
	}
	j := i
	for j > 0 && f.continues(j-1) {
		if j--; !f.ownLine(j) {
			return "" // all of it goes on with what is beside the line above
		}
	}
	return f.doc(j, i)
}

// docBeside returns the comment that follows the token last on its line,
// before the token next, with the line comments that go on with it.
func (fs *files) docBeside(last token, next pos) string {
	f := fs.file(last.pos)
	if f == nil {
		return ""
	}
	off := int(last.pos - f.base)
	i := sort.Search(len(f.comments), func(i int) bool { return f.comments[i].start >= off })
	if i == len(f.comments) || f.ownLine(i) {
		return ""
	}
	c := f.comments[i]
	if strings.IndexByte(f.text.text[off:c.start], '\n') >= 0 || fs.file(next) == f && next < f.base+pos(c.start) {
		return ""
	}
	j := i
	for j+1 < len(f.comments) && f.ownLine(j+1) && f.continues(j) {
		j++
	}
	return f.doc(i, j)
}

// adjacent reports whether nothing but white space with at most one line end
// lies between two offsets.
func (f *file) adjacent(from, to int) bool {
	s := f.text.text[from:to]
	return strings.TrimSpace(s) == "" && strings.Count(s, "\n") <= 1
}

// ownLine reports whether only white space stands before comment i.
func (f *file) ownLine(i int) bool {
	return strings.TrimSpace(f.text.text[f.lineStart(i):f.comments[i].start]) == ""
}

func (f *file) lineStart(i int) int {
	return strings.LastIndexByte(f.text.text[:f.comments[i].start], '\n') + 1
}

// continues reports whether the comments i and i+1 are line comments on
// successive lines, one below the other.
func (f *file) continues(i int) bool {
	return f.lineComment(i) && f.lineComment(i+1) && f.column(i) == f.column(i+1) &&
		f.adjacent(f.comments[i].end, f.comments[i+1].start)
}

// column returns how far comment i is indented on a screen.
func (f *file) column(i int) int {
	col := 0
	for _, c := range f.text.text[f.lineStart(i):f.comments[i].start] {
		if col++; c == '\t' {
			col = (col + 7) / 8 * 8
		}
	}
	return col
}

func (f *file) lineComment(i int) bool { return f.text.text[f.comments[i].start+1] == '/' }

// doc returns the text of the comments i to j without comment marks.
func (f *file) doc(i, j int) string {
	var lines []string
	for ; i <= j; i++ {
		lines = append(lines, commentLines(f.text.text[f.comments[i].start:f.comments[i].end])...)
	}
	return joinDoc(lines)
}

// commentLines strips "/*", "*/", "//" and the marks of doxygen from a
// comment, and from each line the gutter of asterisks.
func commentLines(s string) []string {
	if strings.HasPrefix(s, "//") {
		s = strings.TrimLeft(s[2:], "/")
		s = strings.TrimPrefix(strings.TrimPrefix(s, "!"), "<")
		return []string{strings.TrimPrefix(s, " ")}
	}
	s = strings.TrimRight(strings.TrimSuffix(s[2:], "/"), "*")
	s = strings.TrimLeft(s, "*")
	s = strings.TrimPrefix(strings.TrimPrefix(s, "!"), "<")
	lines := strings.Split(s, "\n")
	indent := len(s) // that all lines but the first have
	for i, l := range lines[1:] {
		t := strings.TrimLeft(l, " \t")
		if strings.HasPrefix(t, "*") {
			l = strings.TrimLeft(t, "*")
			t = strings.TrimLeft(l, " \t")
		}
		lines[1+i] = l
		if t != "" {
			indent = min(indent, len(l)-len(t))
		}
	}
	lines[0] = strings.TrimLeft(lines[0], " \t")
	for i, l := range lines[1:] {
		lines[1+i] = l[min(indent, len(l)):]
	}
	return lines
}

// joinDoc joins lines without blank ones at either end, and blank ones
// between them as one. Rulers, which hold no letter or digit, are dropped.
func joinDoc(lines []string) string {
	var out []string
	for _, l := range lines {
		l = strings.TrimRight(l, " \t\f\v")
		if len(l) >= 3 && strings.Trim(l, "-=*#_~+ \t") == "" {
			l = ""
		}
		if l == "" && (len(out) == 0 || out[len(out)-1] == "") {
			continue
		}
		out = append(out, l)
	}
	if n := len(out); n > 0 && out[n-1] == "" {
		out = out[:n-1]
	}
	return strings.Join(out, "\n")
}

// joinDocs joins what is said above a declaration with what is said beside
// it.
func joinDocs(docs ...string) string {
	var out []string
	for _, d := range docs {
		if d != "" {
			out = append(out, d)
		}
	}
	return strings.Join(out, "\n")
}
