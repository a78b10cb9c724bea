package main

import (
	"bytes"
	"encoding/binary"

	"github.com/lunixbochs/struc"

	"cstructgen/qcow2"
)

// A work is something to be done in several ways, the first of them by
// generated code.
type work struct {
	name  string
	bytes int // that one call reads or writes
	ways  []way
}

// A way does a work n times. After that, result returns what it made: a
// decoded value, or bytes.
type way struct {
	name   string
	run    func(n int)
	result func() any
}

// works lists what is measured. Every call of works has data of its own.
func works() []work {
	return []work{
		{"decode qcow2 header, 112 bytes", qcow2.SizeofQCowHeader, decoding(
			decoder[qcow2.QCowHeader, [qcow2.SizeofQCowHeader]byte]{
				size:      qcow2.SizeofQCowHeader,
				array:     func(b []byte) *[qcow2.SizeofQCowHeader]byte { return (*[qcow2.SizeofQCowHeader]byte)(b) },
				generated: (*qcow2.QCowHeader).Decode,
				unmarshal: (*qcow2.QCowHeader).UnmarshalBinary,
				byHand:    decodeQcow2,
			})},
		{"encode qcow2 header, 112 bytes", qcow2.SizeofQCowHeader, encoding(
			encoder[qcow2.QCowHeader, [qcow2.SizeofQCowHeader]byte]{
				size:      qcow2.SizeofQCowHeader,
				array:     func(b []byte) *[qcow2.SizeofQCowHeader]byte { return (*[qcow2.SizeofQCowHeader]byte)(b) },
				generated: (*qcow2.QCowHeader).Encode,
				byHand:    encodeQcow2,
			})},
		{"decode header, 150 bytes, 22 fields", SizeofHeader, decoding(
			decoder[Header, [SizeofHeader]byte]{
				size:      SizeofHeader,
				array:     func(b []byte) *[SizeofHeader]byte { return (*[SizeofHeader]byte)(b) },
				generated: (*Header).Decode,
				unmarshal: (*Header).UnmarshalBinary,
				byHand:    decodeHeader,
			})},
		{"encode header, 150 bytes, 22 fields", SizeofHeader, encoding(
			encoder[Header, [SizeofHeader]byte]{
				size:      SizeofHeader,
				array:     func(b []byte) *[SizeofHeader]byte { return (*[SizeofHeader]byte)(b) },
				generated: (*Header).Encode,
				byHand:    encodeHeader,
			})},
		{"decode 8192 numbers, 64 KiB", SizeofTable, decoding(
			decoder[Table, [SizeofTable]byte]{
				size:      SizeofTable,
				array:     func(b []byte) *[SizeofTable]byte { return (*[SizeofTable]byte)(b) },
				generated: (*Table).Decode,
				unmarshal: (*Table).UnmarshalBinary,
				byHand:    decodeTable,
				standard:  func(v *Table, b []byte) (int, error) { return binary.Decode(b, binary.BigEndian, v.Entries[:]) },
			})},
		{"encode 8192 numbers, 64 KiB", SizeofTable, encoding(
			encoder[Table, [SizeofTable]byte]{
				size:      SizeofTable,
				array:     func(b []byte) *[SizeofTable]byte { return (*[SizeofTable]byte)(b) },
				generated: (*Table).Encode,
				byHand:    encodeTable,
				standard:  func(v *Table, b []byte) (int, error) { return binary.Encode(b, binary.BigEndian, v.Entries[:]) },
			})},
	}
}

// data returns n bytes, no two neighbours the same.
func data(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + i>>8 + 1)
	}
	return b
}

// In a decoder and an encoder, T is the type and B the array of its bytes.
type decoder[T, B any] struct {
	size      int
	array     func(b []byte) *B
	generated func(v *T, b *B)
	unmarshal func(v *T, b []byte) error
	byHand    func(v *T, b []byte) bool
	// standard is encoding/binary where it has a faster way than for any
	// struct; nil: it has not.
	standard func(v *T, b []byte) (int, error)
}

// decoding returns the ways to decode. A call that fails is a bug of ours.
func decoding[T, B any](d decoder[T, B]) []way {
	b := data(d.size)
	array := d.array(b)
	if d.standard == nil {
		d.standard = func(v *T, b []byte) (int, error) { return binary.Decode(b, binary.BigEndian, v) }
	}
	reader := bytes.NewReader(b)
	var ways []way
	add := func(name string, v *T, run func(n int)) {
		ways = append(ways, way{name, run, func() any { return *v }})
	}
	for _, name := range []string{"generated", "UnmarshalBinary", "by hand", "encoding/binary", "struc"} {
		v := new(T)
		switch name {
		case "generated":
			add(name, v, func(n int) {
				for range n {
					d.generated(v, array)
				}
			})
		case "UnmarshalBinary":
			add(name, v, func(n int) {
				for range n {
					must(d.unmarshal(v, b))
				}
			})
		case "by hand":
			add(name, v, func(n int) {
				for range n {
					if !d.byHand(v, b) {
						panic("too short")
					}
				}
			})
		case "encoding/binary":
			add(name, v, func(n int) {
				for range n {
					_, err := d.standard(v, b)
					must(err)
				}
			})
		case "struc":
			add(name, v, func(n int) {
				for range n {
					reader.Reset(b)
					must(struc.Unpack(reader, v))
				}
			})
		}
	}
	return ways
}

type encoder[T, B any] struct {
	size      int
	array     func(b []byte) *B
	generated func(v *T, b *B)
	byHand    func(v *T, b []byte) bool
	standard  func(v *T, b []byte) (int, error) // as in decoder
}

// encoding returns the ways to encode.
func encoding[T, B any](e encoder[T, B]) []way {
	v := new(T)
	if _, err := binary.Decode(data(e.size), binary.BigEndian, v); err != nil {
		panic(err)
	}
	if e.standard == nil {
		e.standard = func(v *T, b []byte) (int, error) { return binary.Encode(b, binary.BigEndian, v) }
	}
	var ways []way
	add := func(name string, b []byte, run func(n int)) {
		ways = append(ways, way{name, run, func() any { return string(b) }})
	}
	for _, name := range []string{"generated", "by hand", "encoding/binary", "struc"} {
		b := make([]byte, e.size)
		switch name {
		case "generated":
			array := e.array(b)
			add(name, b, func(n int) {
				for range n {
					e.generated(v, array)
				}
			})
		case "by hand":
			add(name, b, func(n int) {
				for range n {
					if !e.byHand(v, b) {
						panic("too short")
					}
				}
			})
		case "encoding/binary":
			add(name, b, func(n int) {
				for range n {
					_, err := e.standard(v, b)
					must(err)
				}
			})
		case "struc":
			out := bytes.NewBuffer(b)
			add(name, b, func(n int) {
				for range n {
					out.Reset()
					must(struc.Pack(out, v))
				}
			})
		}
	}
	return ways
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
