package qcow2

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"cstructgen/luks"
)

// A table is a generated table of the fields of a structure.
type table struct {
	of     string // the C type
	fields []struct {
		Name, Type      string
		Offset, Size    int
		BitOffset, Bits int
		Doc             string
	}
}

// The structures that seeds have.
var (
	tableHeader      = table{"QCowHeader", LayoutOfQCowHeader}
	tableExtension   = table{"QCowExtension", LayoutOfQCowExtension}
	tableFeature     = table{"Qcow2Feature", LayoutOfQcow2Feature}
	tableCrypto      = table{"Qcow2CryptoHeaderExtension", LayoutOfQcow2CryptoHeaderExtension}
	tableBitmaps     = table{"Qcow2BitmapHeaderExt", LayoutOfQcow2BitmapHeaderExt}
	tableL1          = table{"QCow2L1Entry", LayoutOfQCow2L1Entry}
	tableL2          = table{"QCow2L2Entry", LayoutOfQCow2L2Entry}
	tableL2Extended  = table{"QCow2L2EntryExtended", LayoutOfQCow2L2EntryExtended}
	tableRefcounts   = table{"QCow2RefcountTableEntry", LayoutOfQCow2RefcountTableEntry}
	tableBitmapTable = table{"Qcow2BitmapTableEntry", LayoutOfQcow2BitmapTableEntry}
	tableSnapshot    = table{"QCowSnapshotHeader", LayoutOfQCowSnapshotHeader}
	tableExtra       = table{"QCowSnapshotExtraData", LayoutOfQCowSnapshotExtraData}
	tableBitmap      = table{"Qcow2BitmapDirEntry", LayoutOfQcow2BitmapDirEntry}
	tableLUKS        = table{"LuksPhdr", luks.LayoutOfLuksPhdr}
	tableSlot        = table{"LuksKeySlot", luks.LayoutOfLuksKeySlot}
)

// A place is where a seed has a structure: a field that is added to its
// definition is altered there.
type place struct {
	table
	at uint64 // in the file
}

// A spot is a field of a seed, or eight bytes of a longer one.
type spot struct {
	at   uint64
	size int
}

// spots returns the fields of those places of the seed that are asked for.
func (s *seed) spots(of func(p place) bool) (list []spot) {
	for _, p := range s.places {
		if !of(p) {
			continue
		}
		for _, f := range p.fields {
			at := p.at + uint64(f.Offset)
			for left := f.Size; left > 0; left -= 8 {
				list = append(list, spot{at, min(left, 8)})
				at += 8
			}
		}
	}
	return list
}

// setField writes the lowest size bytes of v, in the order of the format.
func setField(b []byte, size int, v uint64) {
	var word [8]byte
	binary.BigEndian.PutUint64(word[:], v)
	copy(b[:size], word[8-size:])
}

// Whatever is defined is altered: each table that was generated, of images and
// of LUKS headers in them, lies somewhere in a seed. Those of entries that vary
// in length consist of others.
func TestEveryTableIsInASeed(t *testing.T) {
	of := make(map[string]bool)
	for _, s := range seeds(t) {
		for _, p := range s.places {
			of[p.of] = true
		}
	}
	generated, err := filepath.Glob("*_gen.go")
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, name := range append(generated, "../luks/defs_gen.go") {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^var LayoutOf(\w+) = `).FindAllStringSubmatch(string(text), -1) {
			count++
			if made := []string{"QCowSnapshotEntry", "Qcow2BitmapEntry"}; !of[m[1]] && !slices.Contains(made, m[1]) {
				t.Errorf("no seed has a %s", m[1])
			}
		}
	}
	if count < len(of) || len(of) < 15 {
		t.Errorf("%d tables generated, %d in seeds", count, len(of))
	}
}

// Every field of every structure gets every value that is likely to hurt.
func TestEveryFieldEveryValue(t *testing.T) {
	altered := 0
	done := make(map[string]bool) // but L2 entries mean something else in every seed
	for _, s := range seeds(t) {
		values := []uint64{3, 5, 6, 7, 511, 513, 1 << 20, uint64(len(s.file)), uint64(len(s.file)) - 1, uint64(len(s.file)) &^ 511}
		for bit := range 64 {
			values = append(values, 1<<bit)
			if bit%2 == 0 {
				values = append(values, 1<<bit-1, ^uint64(0)<<bit)
			}
		}
		file := bytes.Clone(s.file)
		first := func(p place) bool { return !done[p.of] || p.of == "QCow2L2Entry" && !s.luks }
		list := s.spots(first)
		for _, p := range s.places {
			done[p.of] = true
		}
		for _, f := range list {
			b := file[f.at:][:f.size]
			old := bytes.Clone(b)
			seen := make(map[string]bool)
			for _, v := range values {
				setField(b, f.size, v)
				if !seen[string(b)] {
					seen[string(b)] = true
					if altered++; !raceEnabled || altered%16 == 0 {
						s.exercise(t, file, altered%16 == 0)
					}
				}
			}
			copy(b, old)
		}
	}
	t.Logf("%d alterations", altered)
	if altered < 10000 {
		t.Errorf("only %d alterations", altered)
	}
}

// FuzzFields alters two fields of a seed at a time.
func FuzzFields(f *testing.F) {
	all := seeds(f)
	for which := range all {
		for i := range byte(20) {
			f.Add(byte(which), uint16(i), uint64(1)<<(3*i), 3*uint16(i), uint64(i)*511)
		}
	}
	f.Fuzz(func(t *testing.T, which byte, field1 uint16, v1 uint64, field2 uint16, v2 uint64) {
		s := all[int(which)%len(all)]
		file, spots := bytes.Clone(s.file), s.spots(func(place) bool { return true })
		for _, a := range []struct {
			field uint16
			v     uint64
		}{{field1, v1}, {field2, v2}} {
			at := spots[int(a.field)%len(spots)]
			setField(file[at.at:], at.size, a.v)
		}
		s.exercise(t, file, true)
	})
}
