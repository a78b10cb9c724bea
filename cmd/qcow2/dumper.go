package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"cstructgen/qcow2"
)

// A dumper shows an image file as it is stored. It relies on nothing in it: all
// places and fields are those of the generated definitions, and what lies
// behind the end of the file is said, not read.
type dumper struct {
	file io.ReaderAt
	size uint64
	name string
	to   dumpWriter

	header  qcow2.QCowHeader
	title   string // of a part that has nothing yet; "": none waits
	titleAt uint64
	err     error // the first thing that could not be shown
}

// An extension is where a header extension lies.
type extension struct {
	qcow2.QCowExtension
	offset uint64 // of the QCowExtension
	data   uint64 // of its data
}

// A fieldTable is a generated table of fields.
type fieldTable = []struct {
	Name, Type      string
	Offset, Size    int
	BitOffset, Bits int
	Doc             string
}

// dump shows the parts.
func (d *dumper) dump(parts []dumpPart) error {
	if err := d.readHeader(); err != nil {
		return err
	}
	for _, p := range parts {
		d.begin()
		switch p.name {
		case "header":
			d.showHeader()
		case "extensions":
			d.showExtensions()
		case "l1":
			d.showL1()
		case "l2":
			d.showL2(p.index)
		case "refcounts":
			d.showRefcounts(p.index)
		case "snapshots":
			d.showSnapshots()
		case "bitmaps":
			d.showBitmaps()
		}
		if e := new(readError); errors.As(d.err, &e) {
			break
		}
	}
	d.begin()
	d.to.end()
	return d.err
}

// part begins a part. The one before it is not shown if it has nothing, as
// where each entry of a table is a part of its own.
func (d *dumper) part(title string, off uint64) { d.title, d.titleAt = title, off }

// begin shows the title of a part before the first thing in it.
func (d *dumper) begin() {
	if d.title != "" {
		d.to.part(d.title, d.titleAt)
		d.title = ""
	}
}

func (d *dumper) row(r *dumpRow) {
	d.begin()
	d.to.row(r)
}

func (d *dumper) note(text string) {
	d.begin()
	d.to.note(text)
}

// A readError is one of the file, not of what it holds.
type readError struct{ error }

// fail notes what is wrong in the part, which ends the command with an error.
func (d *dumper) fail(format string, args ...any) {
	err := fmt.Errorf(format, args...)
	d.note(err.Error())
	if d.err == nil {
		d.err = fmt.Errorf("%q: %w", d.name, err)
	}
}

// read returns the n bytes at off, or those before the end of the file, which
// it says of what.
func (d *dumper) read(what string, off, n uint64) (b []byte, whole bool) {
	if off > d.size || n > d.size-off {
		d.fail("%s: %d bytes at %#x end behind the file, of %d bytes", what, n, off, d.size)
		n = d.size - min(off, d.size)
		off = min(off, d.size)
	} else {
		whole = true
	}
	if n > maxDumpRead {
		d.fail("%s: of %d bytes at %#x no more than %d are shown", what, n, off, maxDumpRead)
		n, whole = maxDumpRead, false
	}
	b = make([]byte, n)
	if got, err := d.file.ReadAt(b, int64(off)); got < len(b) {
		d.err = &readError{fmt.Errorf("%q: %s at %#x: %w", d.name, what, off, err)}
		return b[:got], false
	}
	return b, whole
}

// maxDumpRead is how much is read at once, however much an image claims that
// there is: as much as the largest cluster.
const maxDumpRead = 1 << qcow2.MAX_CLUSTER_BITS

// readHeader reads what the other parts need to be found.
func (d *dumper) readHeader() error {
	b := make([]byte, min(d.size, qcow2.SizeofQCowHeader))
	if n, err := d.file.ReadAt(b, 0); n < len(b) {
		return err
	}
	if !strings.HasPrefix(string(b), qcow2.QCOW2_MAGIC_BYTES) {
		return fmt.Errorf("%q is not a qcow2 image", d.name)
	}
	h := &d.header
	h.DecodePrefix(b)
	if h.Version == qcow2.QCOW2_VERSION_2 {
		h.DecodePrefix(b[:min(len(b), qcow2.OffsetofQCowHeader_IncompatibleFeatures)])
		h.RefcountOrder, h.HeaderLength = qcow2.QCOW2_V2_REFCOUNT_ORDER, qcow2.OffsetofQCowHeader_IncompatibleFeatures
	} else {
		h.DecodePrefix(b[:min(len(b), int(d.headerFields()))])
	}
	return nil
}

// headerFields returns how long the known part of the header is: as its length
// says, but where that is too short for version 3 the fields of that are there
// all the same.
func (d *dumper) headerFields() uint32 {
	least := uint32(qcow2.OffsetofQCowHeader_CompressionType)
	if d.header.Version == qcow2.QCOW2_VERSION_2 {
		least = qcow2.OffsetofQCowHeader_IncompatibleFeatures
	}
	return min(max(d.header.HeaderLength, least), qcow2.SizeofQCowHeader)
}

// clustered reports whether the size of clusters is known, without which
// nothing can be found.
func (d *dumper) clustered(what string) bool {
	bits := d.header.ClusterBits
	least := uint32(qcow2.MIN_CLUSTER_BITS)
	if d.header.IncompatibleFeatures&qcow2.QCOW2_INCOMPAT_EXTL2 != 0 {
		least = qcow2.QCOW2_EXTL2_MIN_CLUSTER_BITS
	}
	if bits >= least && bits <= qcow2.MAX_CLUSTER_BITS {
		return true
	}
	d.fail("%s: cannot be found with %d cluster_bits, which are %d to %d", what, bits, least, qcow2.MAX_CLUSTER_BITS)
	return false
}

func (d *dumper) clusterSize() uint64 { return 1 << d.header.ClusterBits }

// fields shows the whole fields of a struct whose bytes, from off on, b
// begins with.
func (d *dumper) fields(b []byte, off uint64, fields fieldTable, meaning func(field string, v uint64) string) {
	for _, f := range fields {
		if f.Offset+f.Size > len(b) {
			return
		}
		part := b[f.Offset : f.Offset+f.Size]
		r := dumpRow{offset: off + uint64(f.Offset), bytes: part, name: f.Name, doc: f.Doc}
		switch {
		case strings.HasPrefix(f.Type, "char["):
			text, _, _ := strings.Cut(string(part), "\x00")
			r.value = text
		case strings.Contains(f.Type, "["):
		default:
			v := number(part)
			r.value, r.hex = v, isPlace(f.Name)
			r.meaning = meaning(f.Name, v)
		}
		d.row(&r)
	}
}

// number returns the big-endian number in b, of 8 bytes at most.
func number(b []byte) uint64 {
	var word [8]byte
	copy(word[len(word)-len(b):], b)
	return binary.BigEndian.Uint64(word[:])
}

// isPlace reports whether a field holds an offset, or bits, and not a count.
func isPlace(field string) bool {
	for _, s := range []string{"offset", "magic", "features", "flags", "entry"} {
		if strings.HasSuffix(field, s) {
			return true
		}
	}
	return false
}

// text shows n bytes of text.
func (d *dumper) text(name string, off, n uint64) {
	b, _ := d.read(name, off, n)
	if len(b) > 0 || n == 0 {
		d.row(&dumpRow{offset: off, bytes: b, name: name, value: string(b)})
	}
}
