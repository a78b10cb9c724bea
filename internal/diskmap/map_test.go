package diskmap

import (
	"bytes"
	"encoding/xml"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite testdata with what is drawn")

const kib, mib, gib, tib = 1 << 10, 1 << 20, 1 << 30, 1 << 40

// chain is a disk of three layers with all kinds of pieces.
func chain(rows int) *Map {
	m := New(0, 3*mib-512, rows)
	m.Title, m.Subtitle = "top <&> \"disk\".qcow2", "virtual size 3 MiB (3145216 bytes), 3 layers"
	m.Layers = []string{"top <&> \"disk\".qcow2", "mid.qcow2", "bäse.raw"}
	m.Add(0, 300*kib, Data, 0)
	m.Add(300*kib, 200*kib, Compressed, 0)
	m.Add(500*kib, 100*kib, Zero, 0)
	m.Add(600*kib, 512, Data, 1)
	m.Add(600*kib+512, 424*kib-512, Data, 2)
	m.Add(mib, 64*kib, Compressed, 1)
	m.Add(mib+64*kib, 64*kib, Zero, 1)
	m.Add(mib+128*kib, 2*mib-129*kib, Unallocated, 0)
	m.Add(3*mib-kib, 512, Data, 2)
	return m
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s: %s", name, diff)
	}
}

func svg(t *testing.T, m *Map) string {
	t.Helper()
	var b bytes.Buffer
	if err := m.WriteSVG(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func text(t *testing.T, m *Map, colour bool) string {
	t.Helper()
	var b bytes.Buffer
	if err := m.WriteText(&b, colour); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestSVG(t *testing.T) {
	got := svg(t, chain(PictureRows))
	golden(t, "chain.svg", got)
	for d := xml.NewDecoder(strings.NewReader(got)); ; {
		if _, err := d.Token(); err != nil {
			if err.Error() != "EOF" {
				t.Error(err)
			}
			break
		}
	}
	if again := svg(t, chain(PictureRows)); again != got {
		t.Error("the same pieces gave other bytes")
	}
}

func TestText(t *testing.T) {
	golden(t, "chain.txt", text(t, chain(TextRows), false))
	golden(t, "chain.ansi", text(t, chain(TextRows), true))
	if plain := text(t, chain(TextRows), false); strings.ContainsRune(plain, '\x1b') {
		t.Errorf("colours where none were asked for: %q", plain)
	}
}

// A PNG has the colours of the pieces where the pieces are.
func TestPNG(t *testing.T) {
	m := chain(PictureRows)
	var b bytes.Buffer
	if err := m.WritePNG(&b); err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	s := m.scene()
	if img.Bounds() != image.Rect(0, 0, s.width, s.height) {
		t.Errorf("%v, want %d by %d", img.Bounds(), s.width, s.height)
	}
	const top = margin + 3*lineHeight + lineHeight/2 - 5
	if m.cellSize != 1024 {
		t.Fatalf("cells of %d bytes", m.cellSize)
	}
	// at returns the colours of the square of the cell that holds a byte, from
	// its top to its bottom.
	at := func(off int) (list []color.RGBA) {
		i := off / 1024
		x, y := margin+axis+i%Columns*square+square/2, top+i/Columns*square
		for dy := range square {
			list = append(list, color.RGBAModel.Convert(img.At(x, y+dy)).(color.RGBA))
		}
		return list
	}
	for _, tt := range []struct {
		name string
		off  int
		want look
	}{
		{"data", 100 * kib, solid(hues[0])},
		{"compressed", 400 * kib, slotOf(Compressed, 0).look()},
		{"zeros", 550 * kib, solid(tint(hues[0], 28))},
		{"data of the lowest layer", 700 * kib, solid(hues[2])},
		{"compressed in the middle", mib, slotOf(Compressed, 1).look()},
		{"zeros of the middle", mib + 64*kib, solid(tint(hues[1], 28))},
		{"unallocated", 2 * mib, solid(empty)},
		{"the last half a cell", 3*mib - kib, solid(hues[2])},
	} {
		for dy, c := range at(tt.off)[1:] {
			if c != tt.want.fore && c != tt.want.back {
				t.Errorf("%s: pixel %d is %v, want %v", tt.name, dy+1, c, tt.want)
			}
		}
	}
	// Two kinds in one cell: both are seen.
	mixed := at(600 * kib)
	if mixed[1] != hues[2] || mixed[square-1] != hues[1] {
		t.Errorf("of two layers: %v", mixed)
	}
}

// Whatever the size of the disk, the map stays small, and a little data in it
// is seen.
func TestSizes(t *testing.T) {
	for _, size := range []int64{0, 1, 511, 512, 513, 51200, mib, 64 * mib, 10 * gib, tib, 64 * tib, math.MaxInt64} {
		for _, rows := range []int{TextRows, PictureRows} {
			m := New(0, size, rows)
			if n := len(m.cells); n > rows*Columns || size > minCell*Columns*TextRows && n < rows*Columns/2-1 || (n == 0) != (size == 0) {
				t.Errorf("%d bytes: %d cells", size, n)
			}
			m.Add(0, size, Unallocated, 0)
			if size > 0 {
				m.Add(size-1, 1, Data, 0)
				c := &m.cells[len(m.cells)-1]
				if s, _ := c.main(); s.kind() != Data {
					t.Errorf("%d bytes: the last cell shows %v", size, s)
				}
				if b := c.bands(square, least); b[0].slot.kind() != Data || b[0].height < least {
					t.Errorf("%d bytes: bands %v", size, b)
				}
			}
			var b bytes.Buffer
			if size != 64*tib && size != math.MaxInt64 {
				continue
			}
			if err := m.WritePNG(&b); err != nil || b.Len() > 1<<16 {
				t.Errorf("%d bytes: a PNG of %d bytes, %v", size, b.Len(), err)
			}
			if s := svg(t, m); len(s) > 1<<20 {
				t.Errorf("%d bytes: an SVG of %d bytes", size, len(s))
			}
		}
	}
}

// A part of a disk is shown from where it begins.
func TestPart(t *testing.T) {
	m := New(10*mib, 4*mib, TextRows)
	m.Add(0, 11*mib, Data, 0) // begins before, ends inside
	m.Add(11*mib, 2*mib, Unallocated, 0)
	m.Add(13*mib, math.MaxInt64-13*mib, Zero, 0) // ends behind
	got := text(t, m, false)
	if m.total[slotOf(Data, 0)] != mib || m.total[0] != 2*mib || m.total[slotOf(Zero, 0)] != mib || !strings.Contains(got, "\n    10 MiB #####") {
		t.Errorf("%s", got)
	}
}

// Every layer, however many there are, is drawn; those too deep as one.
func TestManyLayers(t *testing.T) {
	m := New(0, 100*mib, PictureRows)
	for i := range 100 {
		m.Layers = append(m.Layers, fmt.Sprintf("layer-%d", i))
		m.Add(int64(i)*mib, mib, []Kind{Data, Compressed, Zero}[i%3], i)
	}
	m.Title = strings.Repeat("long ", 100)
	got := text(t, m, false)
	for _, want := range []string{"layer 5: layer-5\n", "layers 6 to 99\n", "6 data", "f compressed"} {
		if !strings.Contains(got, want) {
			t.Errorf("without %q:\n%s", want, got)
		}
	}
	svg(t, m)
	if n := len(m.image().Palette); n > 256 {
		t.Errorf("%d colours", n)
	}
}

// The parts of a cell fill it, and none is lost while there is room.
func TestBands(t *testing.T) {
	for i := range 1 << 12 {
		var c cell
		for k := range 12 {
			if i>>k&1 != 0 {
				c[k] = uint64(1) << (k * 5)
			}
		}
		for _, height := range []int{square, strip} {
			sum, seen := 0, 0
			for _, b := range c.bands(height, least) {
				sum += b.height
				seen++
				if b.height <= 0 || c[b.slot] == 0 {
					t.Fatalf("%v: %v", c, b)
				}
			}
			kinds := 0
			for _, n := range c {
				if n > 0 {
					kinds++
				}
			}
			if sum != height && kinds > 0 || seen != min(kinds, height) {
				t.Fatalf("%v: %d bands of %d kinds fill %d of %d", c, seen, kinds, sum, height)
			}
		}
	}
}

// Colours are far from each other for all eyes: in lightness, or in hue as
// people without red, green or blue cones see it.
func TestKindsDifferWithoutColour(t *testing.T) {
	light := func(c color.RGBA) float64 {
		return 0.2126*float64(c.R) + 0.7152*float64(c.G) + 0.0722*float64(c.B)
	}
	for i := range maxLayers {
		data, zero := slotOf(Data, i).look(), slotOf(Zero, i).look()
		if light(zero.fore)-light(data.fore) < 40 {
			t.Errorf("layer %d: data and zeros are as light", i)
		}
		if !slotOf(Compressed, i).look().striped || data.striped || zero.striped {
			t.Errorf("layer %d: compressed data, and no other, has stripes", i)
		}
	}
}

// Millions of pieces take time, not memory.
func TestMemory(t *testing.T) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	m := New(0, tib, PictureRows)
	start := time.Now()
	for i := range int64(1 << 20) {
		m.Add(i*mib, 64*kib, Data, int(i%3))
		m.Add(i*mib+64*kib, mib-64*kib, Unallocated, 0)
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
		t.Errorf("%d bytes", used)
	}
	t.Logf("%v", time.Since(start))
}

func BenchmarkPNG(b *testing.B) {
	m := chain(PictureRows)
	for b.Loop() {
		var out bytes.Buffer
		if err := m.WritePNG(&out); err != nil {
			b.Fatal(err)
		}
	}
}
