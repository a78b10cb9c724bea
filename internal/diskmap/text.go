package diskmap

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// WriteText writes the map as rows of characters to w. In colour each layer
// has its own, and how high a block is says how much of its cell is data; that
// is for terminals. Without colour characters tell layers apart, too.
func (m *Map) WriteText(w io.Writer, colour bool) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "%s\n%s\n", m.Title, m.Subtitle)
	if len(m.cells) > 0 {
		fmt.Fprintln(b, m.scale("character"))
	}
	for row := range m.rows() {
		fmt.Fprintf(b, "%10s ", sizeText(m.start+uint64(row*Columns)*m.cellSize))
		last := -1
		for _, c := range m.cells[row*Columns : min((row+1)*Columns, len(m.cells))] {
			s, share := c.main()
			if !colour {
				b.WriteByte(s.glyph())
				continue
			}
			if tone := s.tone(); tone != last {
				fmt.Fprintf(b, "\x1b[38;5;%dm", tone)
				last = tone
			}
			b.WriteRune(s.block(share))
		}
		if last >= 0 {
			b.WriteString("\x1b[0m")
		}
		b.WriteByte('\n')
	}
	line := func(s slot) {
		sign := string(s.glyph())
		if colour {
			sign = fmt.Sprintf("\x1b[38;5;%dm%c\x1b[0m", s.tone(), s.block(1))
		}
		fmt.Fprintf(b, "%10s %s %-32s %11s %7s\n", "", sign, s.words(), sizeText(m.total[s]), percentText(m.total[s], m.size))
	}
	many := m.layers() > 1
	for i := range m.layers() {
		if many {
			fmt.Fprintf(b, "%10s %s\n", "", cut(m.name(i), Columns))
		}
		for _, s := range m.legend(i) {
			line(s)
		}
	}
	if m.total[0] > 0 {
		if many {
			fmt.Fprintln(b, strings.Repeat(" ", 10), "in no layer")
		}
		line(0)
	}
	return b.Flush()
}

// glyph returns the character for s where there are no colours.
func (s slot) glyph() byte {
	i := s.layer()
	switch s.kind() {
	case Data:
		return "#123456"[i]
	case Compressed:
		return "%abcdef"[i]
	case Zero:
		return '0'
	}
	return '.'
}

// block returns the character for s in a terminal, of whose cell the given
// share needs room.
func (s slot) block(share float64) rune {
	switch s.kind() {
	case Data:
		return []rune("▁▂▃▄▅▆▇█")[min(7, int(share*8))]
	case Compressed:
		return '▒'
	case Zero:
		return '░'
	}
	return '·'
}

// tone returns the colour for s in a terminal.
func (s slot) tone() int {
	if s == 0 {
		return 245 // a grey for dark and light backgrounds
	}
	return ansi[s.layer()]
}
