package diskmap

import "slices"

// A Kind is a way in which bytes of a disk are stored.
type Kind int

// The kinds, from the one that takes no room on.
const (
	Unallocated Kind = iota // in no layer; reads as zeros
	Zero                    // a layer says that they are zeros
	Compressed
	Data
)

// Columns is how many cells a row has.
const Columns = 64

// Rows that a map has at most, on paper and in a terminal.
const (
	PictureRows = 48
	TextRows    = 16
)

// minCell is the size of the smallest cell: a sector.
const minCell = 512

// maxLayers is how many layers are told apart; deeper ones count as the last.
const maxLayers = 7

// A slot is a kind in a layer: what has a look of its own.
type slot int

const slots = 1 + 3*maxLayers

func slotOf(kind Kind, layer int) slot {
	if kind == Unallocated {
		return 0
	}
	return slot(1 + 3*min(layer, maxLayers-1) + int(Data-kind))
}

func (s slot) kind() Kind {
	if s == 0 {
		return Unallocated
	}
	return Data - Kind((s-1)%3)
}

func (s slot) layer() int { return max(0, int(s-1)/3) }

// A cell counts the bytes of one piece of the disk, by what they are.
type cell [slots]uint64

func (c *cell) bytes() (n uint64) {
	for _, b := range c {
		n += b
	}
	return n
}

// A Map is a disk, or a part of it, divided into cells.
type Map struct {
	// Title and Subtitle stand above the map, Layers are the names of the
	// files that the disk consists of, top first. They are shown as they are.
	Title, Subtitle string
	Layers          []string

	start, size uint64 // of the part that is shown, in bytes
	cellSize    uint64 // a power of two
	cells       []cell
	total       cell
}

// New returns a map, of so many rows at most, of the size bytes from start on.
func New(start, size int64, rows int) *Map {
	m := &Map{start: uint64(start), size: uint64(size), cellSize: minCell}
	for m.count() > uint64(rows*Columns) {
		m.cellSize *= 2
	}
	m.cells = make([]cell, m.count())
	return m
}

// count returns how many cells there are.
func (m *Map) count() uint64 { return (m.size + m.cellSize - 1) / m.cellSize }

// Add says that the n bytes from off on are of the given kind, and in which
// layer: 0 is the top. Bytes outside of the map are left out.
func (m *Map) Add(off, n int64, kind Kind, layer int) {
	from, to := uint64(max(off, 0)), uint64(max(off, 0))+uint64(max(n, 0))
	from, to = max(from, m.start), min(to, m.start+m.size)
	s := slotOf(kind, max(layer, 0))
	for from < to {
		i := (from - m.start) / m.cellSize
		end := min(to, m.start+(i+1)*m.cellSize)
		m.cells[i][s] += end - from
		m.total[s] += end - from
		from = end
	}
}

// rows returns how many rows the cells take.
func (m *Map) rows() int { return (len(m.cells) + Columns - 1) / Columns }

// layers returns how many layers hold bytes of the disk.
func (m *Map) layers() int {
	n := 0
	for s := range slot(slots) {
		if s > 0 && m.total[s] > 0 {
			n = max(n, s.layer()+1)
		}
	}
	return n
}

// A band is a part of a cell that is drawn alike.
type band struct {
	slot   slot
	height int
}

// bands divides a cell of the given height among what is in it, from the
// bottom up: in proportion, but at least least for each kind, or what there is
// room for.
func (c *cell) bands(height, least int) []band {
	var list []band
	total := c.bytes()
	for i := range slot(slots) {
		// Unallocated last: what is stored stands on the ground.
		if s := (i + 1) % slots; c[s] > 0 {
			list = append(list, band{s, 0})
		}
	}
	for len(list) > height { // of too many kinds the rarest goes
		rarest := 0
		for i, b := range list {
			if c[b.slot] < c[list[rarest].slot] {
				rarest = i
			}
		}
		list = slices.Delete(list, rarest, rarest+1)
	}
	if len(list) == 0 {
		return nil
	}
	least = min(least, height/len(list))
	left, highest := height, 0
	for i := range list {
		b := &list[i]
		b.height = max(least, int(float64(height)*float64(c[b.slot])/float64(total)+0.5))
		left -= b.height
	}
	// What rounding and the smallest left or took is of the highest ones.
	for ; left != 0; highest = 0 {
		for i := range list {
			if list[i].height > list[highest].height {
				highest = i
			}
		}
		step := 1
		if left < 0 {
			step = -1
		}
		list[highest].height += step
		left -= step
	}
	return list
}

// main returns what a cell shows if it can show but one thing: of what needs
// room, or else of zeros, the most. share is how much of the cell needs room.
func (c *cell) main() (s slot, share float64) {
	var stored uint64
	for i := range slot(slots) {
		if k := i.kind(); k == Data || k == Compressed {
			stored += c[i]
		}
	}
	for i := range slot(slots) {
		better := c[i] > 0 && (c[i] > c[s] || s == 0)
		if k := i.kind(); (k == Data || k == Compressed || stored == 0 && k == Zero) && better {
			s = i
		}
	}
	if total := c.bytes(); total > 0 {
		share = float64(stored) / float64(total)
	}
	return s, share
}
