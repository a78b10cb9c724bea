package diskmap

import (
	"fmt"
	"strconv"
)

// sizeText returns n bytes in the largest unit that fits, four digits at most.
func sizeText(n uint64) string {
	const units = "KMGTPE"
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	v, i := float64(n)/1024, 0
	for v >= 1024 {
		v /= 1024
		i++
	}
	return fmt.Sprintf("%s %ciB", strconv.FormatFloat(v, 'g', 4, 64), units[i])
}

// percentText returns which part of total n is.
func percentText(n, total uint64) string {
	switch v := 100 * float64(n) / float64(total); {
	case v < 0.05:
		return "<0.1%"
	case n < total && v >= 99.95:
		return ">99.9%"
	default:
		return strconv.FormatFloat(v, 'f', 1, 64) + "%"
	}
}

// name returns what layer i is called.
func (m *Map) name(i int) string {
	name := ""
	if i < len(m.Layers) {
		name = m.Layers[i]
	}
	if i == maxLayers-1 && len(m.Layers) > maxLayers {
		return fmt.Sprintf("layers %d to %d", i, len(m.Layers)-1)
	}
	if i == 0 {
		return name
	}
	return fmt.Sprintf("layer %d: %s", i, name)
}

// words returns what s means.
func (s slot) words() string {
	switch s.kind() {
	case Data:
		return "data"
	case Compressed:
		return "compressed data"
	case Zero:
		return "zeros"
	}
	return "not allocated, reads as zeros"
}

// scale returns what a cell and a row stand for.
func (m *Map) scale(cell string) string {
	return fmt.Sprintf("each %s is %s, each row %s", cell, sizeText(m.cellSize), sizeText(m.cellSize*Columns))
}

// legend lists the slots that the map has, in the order of layers.
func (m *Map) legend(layer int) []slot {
	var list []slot
	for s := range slot(slots) {
		if s > 0 && m.total[s] > 0 && s.layer() == layer {
			list = append(list, s)
		}
	}
	return list
}

// cut shortens text to n characters.
func cut(text string, n int) string {
	if r := []rune(text); len(r) > n {
		return string(r[:n/2-1]) + "..." + string(r[len(r)-(n-n/2-2):])
	}
	return text
}
