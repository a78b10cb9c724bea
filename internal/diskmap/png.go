package diskmap

import (
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"
	"strings"

	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"
)

// WritePNG writes the map as a picture in PNG to w. Characters beyond ASCII,
// which its font has not, are shown as question marks.
func (m *Map) WritePNG(w io.Writer) error {
	return png.Encode(w, m.image())
}

func (m *Map) image() *image.Paletted {
	s := m.scene()
	colours := color.Palette{paper, ink}
	have := map[color.RGBA]uint8{paper: 0, ink: 1}
	index := func(c color.RGBA) uint8 {
		i, ok := have[c]
		if !ok {
			i = uint8(len(colours)) // 2 for each of at most 22 looks
			have[c] = i
			colours = append(colours, c)
		}
		return i
	}
	img := image.NewPaletted(image.Rect(0, 0, s.width, s.height), nil)
	for _, r := range s.rects {
		fore, back := index(r.look.fore), index(r.look.back)
		for y := r.y; y < r.y+r.h; y++ {
			for x := r.x; x < r.x+r.w; x++ {
				i := fore
				if r.look.striped && (x+y)%6 >= 3 {
					i = back
				}
				img.Pix[img.PixOffset(x, y)] = i
			}
		}
	}
	img.Palette = colours
	for _, l := range s.labels {
		write(img, l)
	}
	return img
}

// write draws a line of text.
func write(img draw.Image, l label) {
	text := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, l.text)
	x := l.x
	if l.right {
		x -= len(text) * charWidth
	}
	d := font.Drawer{Dst: img, Src: image.NewUniform(ink), Face: basicfont.Face7x13, Dot: fixed.P(x, l.y)}
	d.DrawString(text)
}
