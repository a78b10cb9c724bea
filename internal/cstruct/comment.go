package cstruct

import (
	"regexp"
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
	j := f.runStart(i)
	if j < 0 {
		return "" // all of it goes on with what is beside the line above
	}
	doc := f.doc(j, i)
	if !strings.Contains(f.text.text[f.comments[i].end:off], "\n") && bareNumber.MatchString(doc) {
		return "" // an offset, before what lies there
	}
	return doc
}

// bareNumber matches an offset as people write it before a member.
var bareNumber = regexp.MustCompile(`^\+?(0[xX][0-9a-fA-F]+|[0-9][0-9a-fA-F]*h?):?$`)

// docBeside returns the comment that follows the token last on its line,
// before the token next, with the line comments that go on with it.
func (fs *files) docBeside(last token, next pos) string {
	f := fs.file(last.pos)
	if f == nil {
		return ""
	}
	off := int(last.pos - f.base)
	i := sort.Search(len(f.comments), func(i int) bool { return f.comments[i].start >= off })
	if i == len(f.comments) {
		return ""
	}
	c := f.comments[i]
	if c.start-off > maxNear || fs.file(next) == f && next < f.base+pos(c.start) ||
		strings.IndexByte(f.text.text[off:c.start], '\n') >= 0 {
		return ""
	}
	return f.doc(i, f.runEnd(i))
}

// runStart returns the first of the line comments on successive lines of which
// i is the last, -1 if that stands beside something else.
func (f *file) runStart(i int) int {
	if j, ok := f.starts[i]; ok { // several declarators may ask
		return j
	}
	j := i
	for j > 0 && f.continues(j-1) {
		if j--; !f.ownLine(j) {
			j = -1
			break
		}
	}
	if f.starts == nil {
		f.starts = map[int]int{}
	}
	f.starts[i] = j
	return j
}

// runEnd returns the last of the line comments on successive lines of which i
// is the first.
func (f *file) runEnd(i int) int {
	if j, ok := f.ends[i]; ok {
		return j
	}
	j := i
	for j+1 < len(f.comments) && f.ownLine(j+1) && f.continues(j) {
		j++
	}
	if f.ends == nil {
		f.ends = map[int]int{}
	}
	f.ends[i] = j
	return j
}

// adjacent reports whether nothing but white space with at most one line end
// lies between two offsets.
func (f *file) adjacent(from, to int) bool {
	if to-from > maxNear {
		return false
	}
	s := f.text.text[from:to]
	return strings.TrimSpace(s) == "" && strings.Count(s, "\n") <= 1
}

// ownLine reports whether only white space stands before comment i.
func (f *file) ownLine(i int) bool {
	before, ok := f.before(i)
	return ok && strings.TrimSpace(before) == ""
}

// before returns what stands before comment i on its line. That it is too far
// from the beginning of the line to say is the same as that there is something.
func (f *file) before(i int) (s string, ok bool) {
	end := f.comments[i].start
	start := max(0, end-maxNear)
	n := strings.LastIndexByte(f.text.text[start:end], '\n')
	return f.text.text[start+n+1 : end], n >= 0 || start == 0
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
	before, _ := f.before(i)
	for _, c := range before {
		if col++; c == '\t' {
			col = (col + 7) / 8 * 8
		}
	}
	return col
}

func (f *file) lineComment(i int) bool { return f.text.text[f.comments[i].start+1] == '/' }

// doc returns the text of the comments i to j without comment marks.
func (f *file) doc(i, j int) string {
	if f.docs == nil {
		f.docs = map[int]string{}
	}
	if d, ok := f.docs[i]; ok { // several declarators may share it
		return d
	}
	first := i
	var lines []string
	for ; i <= j; i++ {
		lines = append(lines, commentLines(f.text.text[f.comments[i].start:f.comments[i].end])...)
	}
	f.docs[first] = strings.ToValidUTF8(joinDoc(lines), "\ufffd")
	return f.docs[first]
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
// between them as one. Rulers, which hold no letter or digit, are dropped, and
// doxygen's commands that say no more than that a text is the doc.
func joinDoc(lines []string) string {
	var out []string
	for _, l := range lines {
		l = strings.TrimRight(l, " \t\f\v")
		if len(l) >= 3 && strings.Trim(l, "-=*#_~+ \t") == "" {
			l = ""
		}
		l = doxygen.ReplaceAllString(l, "")
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

// doxygen matches commands that are not for readers.
var doxygen = regexp.MustCompile(`^\s*[\\@]([{}]\s*$|ingroup\s+\S+\s*$|(brief|details|short)\s+)`)

// joinDocs joins what is said above a declaration at p with what is said
// beside it.
func (r *reporter) joinDocs(p pos, above, beside string) string {
	switch {
	case above == "":
		return beside
	case beside == "":
		return above
	case !r.spend(p, len(above)+len(beside)):
		return ""
	}
	return above + "\n" + beside
}
