package diskmap

// A scene is a picture of rectangles and lines of text, in pixels. Both kinds
// of pictures are made of it.
type scene struct {
	width, height int
	rects         []rect
	labels        []label
}

type rect struct {
	x, y, w, h int
	look       look
}

// A label is a line of text. y is that of its base line; x is where it ends
// if it is right aligned, else where it begins.
type label struct {
	x, y  int
	right bool
	text  string
}

// Measures of pictures, in pixels. Characters are as wide as those of the
// font of PNGs.
const (
	margin     = 16
	square     = 12
	axis       = 84 // left of the squares
	lineHeight = 18
	charWidth  = 7
	strip      = 16 // height of a layer's strip
	least      = 4  // what there is of a kind is as high, however little it is
	gridWidth  = Columns * square
	sceneWidth = margin + axis + gridWidth + margin
	maxText    = (sceneWidth - 2*margin) / charWidth
)

func (s *scene) text(x, y int, text string) {
	s.labels = append(s.labels, label{x, y, false, cut(text, maxText)})
}

func (s *scene) textRight(x, y int, text string) {
	s.labels = append(s.labels, label{x, y, true, cut(text, maxText)})
}

func (s *scene) rect(x, y, w, h int, l look) {
	s.rects = append(s.rects, rect{x, y, w, h, l})
}

// scene lays the map out.
func (m *Map) scene() *scene {
	s := &scene{width: sceneWidth}
	const left = margin + axis
	y := margin + lineHeight - 5
	s.text(margin, y, m.Title)
	y += lineHeight
	s.text(margin, y, m.Subtitle)
	y += lineHeight
	if len(m.cells) > 0 {
		s.text(margin, y, m.scale("square"))
	}
	y += lineHeight / 2
	m.drawGrid(s, left, y)
	y += m.rows()*square + lineHeight/2
	many := m.layers() > 1
	for i := range m.layers() {
		if many {
			if i > 0 {
				y += lineHeight / 2
			}
			y += lineHeight
			s.text(left, y, m.name(i))
			y += 6
			m.drawStrip(s, left, y, i)
			y += strip + 4
		}
		for _, l := range m.legend(i) {
			m.drawLegend(s, left, &y, l)
		}
	}
	if m.total[0] > 0 {
		if many {
			y += lineHeight / 2
		}
		m.drawLegend(s, left, &y, 0)
	}
	s.height = y + margin
	return s
}

// drawGrid draws the squares, with the offsets at which their rows begin.
func (m *Map) drawGrid(s *scene, x, y int) {
	every := 1
	for m.rows()/every > 12 {
		every *= 2
	}
	for row := range m.rows() {
		top := y + row*square
		if row%every == 0 {
			s.textRight(x-8, top+square-1, sizeText(m.start+uint64(row*Columns)*m.cellSize))
		}
		line := m.cells[row*Columns : min((row+1)*Columns, len(m.cells))]
		for i := 0; i < len(line); {
			bands := line[i].bands(square, least)
			n := 1
			for i+n < len(line) && same(bands, line[i+n].bands(square, least)) {
				n++
			}
			bottom := top + square
			for _, b := range bands {
				bottom -= b.height
				s.rect(x+i*square, bottom, n*square, b.height, b.slot.look())
			}
			i += n
		}
	}
	// Thin lines make squares of it, however much is alike.
	for i := 1; i < Columns && m.rows() > 0; i++ {
		s.rect(x+i*square, y, 1, m.rows()*square, solid(paper))
	}
	for row := 1; row < m.rows(); row++ {
		s.rect(x, y+row*square, gridWidth, 1, solid(paper))
	}
}

func same(a, b []band) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// drawStrip draws what one layer gives to the disk, from its start on the left
// to its end on the right.
func (m *Map) drawStrip(s *scene, x, y, layer int) {
	s.rect(x, y, gridWidth, strip, solid(empty))
	const step = 3 // pixels
	columns := min(gridWidth/step, len(m.cells))
	for i := range columns {
		var c cell
		for j := i * len(m.cells) / columns; j < (i+1)*len(m.cells)/columns; j++ {
			for k, n := range m.cells[j] {
				if l := slot(k); k > 0 && l.layer() == layer {
					c[l] += n
				} else {
					c[0] += n
				}
			}
		}
		from, to := x+i*gridWidth/columns, x+(i+1)*gridWidth/columns
		bottom := y + strip
		for _, b := range c.bands(strip, least) {
			bottom -= b.height
			if b.slot > 0 {
				s.rect(from, bottom, to-from, b.height, b.slot.look())
			}
		}
	}
}

// drawLegend draws a line of the legend at y, which it moves on.
func (m *Map) drawLegend(s *scene, x int, y *int, l slot) {
	*y += lineHeight
	s.rect(x, *y-10, 2*square, square, l.look())
	s.text(x+3*square, *y, l.words())
	s.textRight(x+gridWidth/2, *y, sizeText(m.total[l]))
	s.textRight(x+gridWidth/2+9*charWidth, *y, percentText(m.total[l], m.size))
}
