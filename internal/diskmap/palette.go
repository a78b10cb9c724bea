package diskmap

import "image/color"

// hues are the layers' colours (Okabe and Ito), the last for all that are
// deeper.
var hues = [maxLayers]color.RGBA{
	{0x00, 0x72, 0xb2, 0xff}, // blue
	{0xe6, 0x9f, 0x00, 0xff}, // orange
	{0x00, 0x9e, 0x73, 0xff}, // green
	{0xcc, 0x79, 0xa7, 0xff}, // purple
	{0xd5, 0x5e, 0x00, 0xff}, // vermilion
	{0x56, 0xb4, 0xe9, 0xff}, // sky blue
	{0x55, 0x55, 0x55, 0xff}, // grey
}

// ansi are the same for a terminal: the nearest of its 256 colours.
var ansi = [maxLayers]int{25, 214, 36, 175, 166, 74, 240}

var (
	paper = color.RGBA{0xff, 0xff, 0xff, 0xff}
	ink   = color.RGBA{0x22, 0x22, 0x22, 0xff}
	empty = color.RGBA{0xee, 0xee, 0xee, 0xff} // unallocated
)

// A look is how an area is filled: with one colour, or with stripes of two.
type look struct {
	fore    color.RGBA
	back    color.RGBA
	striped bool
}

func solid(c color.RGBA) look { return look{fore: c, back: c} }

// look returns how s is drawn.
func (s slot) look() look {
	hue := hues[s.layer()]
	switch s.kind() {
	case Data:
		return solid(hue)
	case Compressed:
		return look{fore: hue, back: tint(hue, 60), striped: true}
	case Zero:
		return solid(tint(hue, 28))
	}
	return solid(empty)
}

// tint returns percent parts of c in white.
func tint(c color.RGBA, percent int) color.RGBA {
	mix := func(v uint8) uint8 { return uint8(255 - (255-int(v))*percent/100) }
	return color.RGBA{mix(c.R), mix(c.G), mix(c.B), 0xff}
}
