package diskmap

import (
	"bufio"
	"fmt"
	"image/color"
	"io"
	"strings"
)

// WriteSVG writes the map as a picture in SVG 1.1 to w.
func (m *Map) WriteSVG(w io.Writer) error {
	s := m.scene()
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" role="img">`+"\n", s.width, s.height)
	fmt.Fprintf(b, "<title>%s</title>\n", xmlText(m.Title+", "+m.Subtitle))
	patterns := make(map[look]string)
	for _, r := range s.rects {
		if r.look.striped && patterns[r.look] == "" {
			name := fmt.Sprintf("p%d", len(patterns))
			patterns[r.look] = name
			// The lines are drawn beyond the edges, where they meet those of
			// the next tile.
			fmt.Fprintf(b, `<pattern id="%s" width="6" height="6" patternUnits="userSpaceOnUse"><path d="M0 0h6v6H0z" fill="%s"/>`+
				`<path d="M-2 2L2 -2M-1 7L7 -1M4 8L8 4" stroke="%s" stroke-width="2"/></pattern>`+"\n",
				name, hex(r.look.back), hex(r.look.fore))
		}
	}
	fmt.Fprintf(b, `<path d="M0 0h%dv%dH0z" fill="%s"/>`+"\n", s.width, s.height, hex(paper))
	b.WriteString(`<g shape-rendering="crispEdges">` + "\n")
	for i := 0; i < len(s.rects); { // those of one look that follow each other are one path
		l := s.rects[i].look
		fill := hex(l.fore)
		if l.striped {
			fill = "url(#" + patterns[l] + ")"
		}
		b.WriteString(`<path d="`)
		for ; i < len(s.rects) && s.rects[i].look == l; i++ {
			r := s.rects[i]
			fmt.Fprintf(b, "M%d %dh%dv%dh-%dz", r.x, r.y, r.w, r.h, r.w)
		}
		fmt.Fprintf(b, `" fill="%s"/>`+"\n", fill)
	}
	fmt.Fprintf(b, "</g>\n"+`<g font-family="DejaVu Sans Mono,Menlo,Consolas,monospace" font-size="11.5" fill="%s">`+"\n", hex(ink))
	for _, l := range s.labels {
		anchor := ""
		if l.right {
			anchor = ` text-anchor="end"`
		}
		fmt.Fprintf(b, `<text x="%d" y="%d"%s xml:space="preserve">%s</text>`+"\n", l.x, l.y, anchor, xmlText(l.text))
	}
	b.WriteString("</g>\n</svg>\n")
	return b.Flush()
}

func hex(c color.RGBA) string { return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B) }

// xmlText returns text as XML has it, without what XML cannot have.
func xmlText(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '&':
			b.WriteString("&amp;")
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r < ' ' || r == 0xfffe || r == 0xffff:
			b.WriteRune('\ufffd')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
