package cdump

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Style says how WriteText prints.
type Style struct {
	Base  int64 // what offsets count from: where in the file the data begins
	All   bool  // show every element and byte of long arrays
	Color bool  // with the escape sequences of terminals
	Width int   // cut comments so that lines fit so many columns; 0: do not
}

// Escape sequences by what they are put on.
const (
	colorReset  = "\x1b[0m"
	colorFaint  = "\x1b[2m"
	colorPath   = "\x1b[36m"
	colorValue  = "\x1b[1m"
	colorSymbol = "\x1b[32m"
	colorBad    = "\x1b[31m"
)

// Columns are as wide as what is in them, up to these.
const (
	maxPath    = 36
	maxValue   = 44
	bytesWidth = 3*lineBytes - 1
	minComment = 12 // narrower, and a comment is left out
)

// WriteText prints n as an annotated hexdump: a line for each field, with its
// offset, its bytes, its path, what it says, and its comment. It stops where
// the data does; whether that is before the end of n, n.Whole tells. It is a
// *WorkError where there is too much to show.
func WriteText(w io.Writer, n Node, s Style) error {
	p := &printer{w: bufio.NewWriter(w), style: s}
	n.root.begin()
	p.offset = len(fmt.Sprintf("%08x", s.Base+n.Size))
	for r := range n.rows(s.All) {
		p.path = max(p.path, min(maxPath, utf8.RuneCountInString(r.path)))
		p.value = max(p.value, min(maxValue, utf8.RuneCountInString(r.said())))
	}
	n.root.begin()
	for r := range n.rows(s.All) {
		p.row(r)
	}
	return errors.Join(p.w.Flush(), n.root.err())
}

// A printer lays out lines.
type printer struct {
	w                   *bufio.Writer
	style               Style
	offset, path, value int // widths of columns
}

// said is what a row says of its bytes.
func (r row) said() string {
	if r.sym == "" {
		return r.value
	}
	return strings.TrimLeft(r.value+"  "+r.sym, " ")
}

func (p *printer) row(r row) {
	p.paint(colorFaint, fmt.Sprintf("%0*x", p.offset, p.style.Base+r.off))
	var line columns
	line.add(2+bytesWidth, r.bytes, "")
	path := colorPath
	if r.note {
		path = colorFaint
	}
	line.add(2+p.path, r.path, path)
	switch {
	case !r.note && !r.node.Whole():
		line.add(2+p.value, r.value, colorBad)
	case r.note:
		line.add(2+p.value, r.value, colorFaint)
	case r.cont:
		line.add(2+p.value, r.value, "")
	default:
		line.addTwo(2+p.value, r.value, colorValue, r.sym, colorSymbol)
	}
	if doc := p.comment(r.doc, p.offset+line.width()); doc != "" {
		line.add(0, doc, colorFaint)
	}
	line.print(p)
	p.w.WriteByte('\n')
}

// comment cuts a comment to what is left of the line.
func (p *printer) comment(doc string, used int) string {
	if doc == "" {
		return ""
	}
	doc = "// " + doc
	if p.style.Width == 0 {
		return doc
	}
	left := p.style.Width - used - 2
	if utf8.RuneCountInString(doc) <= left {
		return doc
	}
	if left < minComment {
		return ""
	}
	return string([]rune(doc)[:left-3]) + "..."
}

func (p *printer) paint(color, s string) {
	if !p.style.Color || color == "" || s == "" {
		p.w.WriteString(s)
		return
	}
	p.w.WriteString(color + s + colorReset)
}

// columns are the cells of a line; those at its end that are empty are not
// printed.
type columns []cell

type cell struct {
	width  int
	texts  [2]string
	colors [2]string
}

func (c *columns) add(width int, text, color string) {
	*c = append(*c, cell{width, [2]string{text}, [2]string{color}})
}

func (c *columns) addTwo(width int, text, color, second, color2 string) {
	*c = append(*c, cell{width, [2]string{text, second}, [2]string{color, color2}})
}

// gap is what stands between the two texts of a cell.
func (c cell) gap() string {
	if c.texts[0] == "" || c.texts[1] == "" {
		return ""
	}
	return "  "
}

func (c cell) len() int {
	return 2 + utf8.RuneCountInString(c.texts[0]) + len(c.gap()) + utf8.RuneCountInString(c.texts[1])
}

func (c columns) width() int {
	n := 0
	for _, cell := range c {
		n += max(cell.width, cell.len())
	}
	return n
}

func (c columns) print(p *printer) {
	for len(c) > 0 && c[len(c)-1].texts == [2]string{} {
		c = c[:len(c)-1]
	}
	for i, cell := range c {
		p.w.WriteString("  ")
		p.paint(cell.colors[0], cell.texts[0])
		p.w.WriteString(cell.gap())
		p.paint(cell.colors[1], cell.texts[1])
		if i < len(c)-1 {
			p.w.WriteString(strings.Repeat(" ", max(0, cell.width-cell.len())))
		}
	}
}
