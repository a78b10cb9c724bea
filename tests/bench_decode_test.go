package tests

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/lunixbochs/struc"

	"cstructgen/qcow2"
)

// The same work, decoding and encoding a qcow2 header of 112 bytes, done by
// generated code, by hand, and by libraries that look at types at run time.
//
//	go test -run '^$' -bench 'Header' ./tests

// decodeByHand is what one would write without a generator, with one check of
// the length for all fields.
func decodeByHand(h *qcow2.QCowHeader, b []byte) bool {
	if len(b) < 112 {
		return false
	}
	b = b[:112]
	h.Magic = binary.BigEndian.Uint32(b[0:])
	h.Version = binary.BigEndian.Uint32(b[4:])
	h.BackingFileOffset = binary.BigEndian.Uint64(b[8:])
	h.BackingFileSize = binary.BigEndian.Uint32(b[16:])
	h.ClusterBits = binary.BigEndian.Uint32(b[20:])
	h.Size = binary.BigEndian.Uint64(b[24:])
	h.CryptMethod = binary.BigEndian.Uint32(b[32:])
	h.L1Size = binary.BigEndian.Uint32(b[36:])
	h.L1TableOffset = binary.BigEndian.Uint64(b[40:])
	h.RefcountTableOffset = binary.BigEndian.Uint64(b[48:])
	h.RefcountTableClusters = binary.BigEndian.Uint32(b[56:])
	h.NbSnapshots = binary.BigEndian.Uint32(b[60:])
	h.SnapshotsOffset = binary.BigEndian.Uint64(b[64:])
	h.IncompatibleFeatures = binary.BigEndian.Uint64(b[72:])
	h.CompatibleFeatures = binary.BigEndian.Uint64(b[80:])
	h.AutoclearFeatures = binary.BigEndian.Uint64(b[88:])
	h.RefcountOrder = binary.BigEndian.Uint32(b[96:])
	h.HeaderLength = binary.BigEndian.Uint32(b[100:])
	h.CompressionType = b[104]
	copy(h.Padding[:], b[105:112])
	return true
}

// encodeByHand is its inverse.
func encodeByHand(h *qcow2.QCowHeader, b []byte) bool {
	if len(b) < 112 {
		return false
	}
	b = b[:112]
	binary.BigEndian.PutUint32(b[0:], h.Magic)
	binary.BigEndian.PutUint32(b[4:], h.Version)
	binary.BigEndian.PutUint64(b[8:], h.BackingFileOffset)
	binary.BigEndian.PutUint32(b[16:], h.BackingFileSize)
	binary.BigEndian.PutUint32(b[20:], h.ClusterBits)
	binary.BigEndian.PutUint64(b[24:], h.Size)
	binary.BigEndian.PutUint32(b[32:], h.CryptMethod)
	binary.BigEndian.PutUint32(b[36:], h.L1Size)
	binary.BigEndian.PutUint64(b[40:], h.L1TableOffset)
	binary.BigEndian.PutUint64(b[48:], h.RefcountTableOffset)
	binary.BigEndian.PutUint32(b[56:], h.RefcountTableClusters)
	binary.BigEndian.PutUint32(b[60:], h.NbSnapshots)
	binary.BigEndian.PutUint64(b[64:], h.SnapshotsOffset)
	binary.BigEndian.PutUint64(b[72:], h.IncompatibleFeatures)
	binary.BigEndian.PutUint64(b[80:], h.CompatibleFeatures)
	binary.BigEndian.PutUint64(b[88:], h.AutoclearFeatures)
	binary.BigEndian.PutUint32(b[96:], h.RefcountOrder)
	binary.BigEndian.PutUint32(b[100:], h.HeaderLength)
	b[104] = h.CompressionType
	copy(b[105:112], h.Padding[:])
	return true
}

// headerBytes is a header in which no two bytes are the same.
func headerBytes() (b [qcow2.SizeofQCowHeader]byte) {
	for i := range b {
		b[i] = byte(i + 1)
	}
	return b
}

// What is measured does the same work.
func TestBenchmarkedHeadersAgree(t *testing.T) {
	b := headerBytes()
	var generated, hand, read, decoded, unpacked qcow2.QCowHeader
	generated.Decode(&b)
	if !decodeByHand(&hand, b[:]) {
		t.Fatal("by hand: too short")
	}
	if err := binary.Read(bytes.NewReader(b[:]), binary.BigEndian, &read); err != nil {
		t.Fatal(err)
	}
	if _, err := binary.Decode(b[:], binary.BigEndian, &decoded); err != nil {
		t.Fatal(err)
	}
	if err := struc.Unpack(bytes.NewReader(b[:]), &unpacked); err != nil {
		t.Fatal(err)
	}
	for name, h := range map[string]qcow2.QCowHeader{
		"by hand": hand, "binary.Read": read, "binary.Decode": decoded, "struc.Unpack": unpacked,
	} {
		if h != generated {
			t.Errorf("%s: %+v, want %+v", name, h, generated)
		}
	}
	var e, f [qcow2.SizeofQCowHeader]byte
	generated.Encode(&e)
	encodeByHand(&generated, f[:])
	if e != b || f != b {
		t.Errorf("encoded: %x, by hand %x, want %x", e, f, b)
	}
}

var benchHeader qcow2.QCowHeader

func BenchmarkHeaderDecode(b *testing.B) {
	data := headerBytes()
	reader := bytes.NewReader(data[:])
	for _, c := range []struct {
		name string
		run  func() error
	}{
		{"generated", func() error { benchHeader.Decode(&data); return nil }},
		{"unmarshal", func() error { return benchHeader.UnmarshalBinary(data[:]) }},
		{"byhand", func() error { decodeByHand(&benchHeader, data[:]); return nil }},
		{"binary.Decode", func() error {
			_, err := binary.Decode(data[:], binary.BigEndian, &benchHeader)
			return err
		}},
		{"binary.Read", func() error {
			reader.Reset(data[:])
			return binary.Read(reader, binary.BigEndian, &benchHeader)
		}},
		{"struc", func() error {
			reader.Reset(data[:])
			return struc.Unpack(reader, &benchHeader)
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(qcow2.SizeofQCowHeader)
			for b.Loop() {
				if err := c.run(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkHeaderEncode(b *testing.B) {
	data := headerBytes()
	var h qcow2.QCowHeader
	h.Decode(&data)
	var out bytes.Buffer
	for _, c := range []struct {
		name string
		run  func() error
	}{
		{"generated", func() error { h.Encode(&data); return nil }},
		{"byhand", func() error { encodeByHand(&h, data[:]); return nil }},
		{"binary.Encode", func() error {
			_, err := binary.Encode(data[:], binary.BigEndian, &h)
			return err
		}},
		{"binary.Write", func() error {
			out.Reset()
			return binary.Write(&out, binary.BigEndian, &h)
		}},
		{"struc", func() error {
			out.Reset()
			return struc.Pack(&out, &h)
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(qcow2.SizeofQCowHeader)
			for b.Loop() {
				if err := c.run(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
