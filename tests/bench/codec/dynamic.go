package main

import (
	"encoding/binary"

	"cstructgen/qcow2"
)

// snapshotEntry returns an entry of the snapshot table: 16 bytes of extra data,
// an id, a name, padding.
func snapshotEntry() []byte {
	id, name := "17", "before the upgrade"
	e := qcow2.QCowSnapshotEntry{
		Header: qcow2.QCowSnapshotHeader{
			L1TableOffset: 1 << 20, L1Size: 16, DateSec: 1e9, DateNsec: 5e8, VmClockNsec: 7e9, VmStateSize: 11,
			IdStrSize: uint16(len(id)), NameSize: uint16(len(name)), ExtraDataSize: 16,
		},
		ExtraData: data(16), IdStr: []byte(id), Name: []byte(name), Padding: make([]byte, 4),
	}
	b, err := e.MarshalBinary()
	if err != nil {
		panic(err)
	}
	return b
}

// dynamicWorks lists what is measured of structs of dynamic size.
func dynamicWorks() []work {
	b := snapshotEntry()
	var whole qcow2.QCowSnapshotEntry
	if n, err := whole.Decode(b); err != nil || n != len(b) {
		panic("the entry is not whole")
	}
	decoding := func(name string, decode func(e *qcow2.QCowSnapshotEntry) bool) way {
		var e qcow2.QCowSnapshotEntry
		return way{
			name: name,
			run: func(n int) {
				for range n {
					if !decode(&e) {
						panic("the entry is refused")
					}
				}
			},
			result: func() any { return e },
		}
	}
	encoding := func(name string, encode func(b []byte) []byte) way {
		var out []byte
		return way{
			name: name,
			run: func(n int) {
				for range n {
					out = encode(out[:0])
				}
			},
			result: func() any { return out },
		}
	}
	return []work{
		{"decode qcow2 snapshot entry, 80 bytes", len(b), []way{
			decoding("generated", func(e *qcow2.QCowSnapshotEntry) bool {
				_, err := e.Decode(b)
				return err == nil
			}),
			decoding("by hand", func(e *qcow2.QCowSnapshotEntry) bool { return decodeSnapshot(e, b) }),
		}},
		{"encode qcow2 snapshot entry, 80 bytes", len(b), []way{
			encoding("generated", func(b []byte) []byte {
				b, err := whole.AppendBinary(b)
				if err != nil {
					panic(err)
				}
				return b
			}),
			encoding("by hand", func(b []byte) []byte { return appendSnapshot(&whole, b) }),
		}},
	}
}

func decodeSnapshot(e *qcow2.QCowSnapshotEntry, b []byte) bool {
	if len(b) < 40 {
		return false
	}
	h := &e.Header
	h.L1TableOffset = binary.BigEndian.Uint64(b[0:])
	h.L1Size = binary.BigEndian.Uint32(b[8:])
	h.IdStrSize = binary.BigEndian.Uint16(b[12:])
	h.NameSize = binary.BigEndian.Uint16(b[14:])
	h.DateSec = binary.BigEndian.Uint32(b[16:])
	h.DateNsec = binary.BigEndian.Uint32(b[20:])
	h.VmClockNsec = binary.BigEndian.Uint64(b[24:])
	h.VmStateSize = binary.BigEndian.Uint32(b[32:])
	h.ExtraDataSize = binary.BigEndian.Uint32(b[36:])
	rest := b[40:]
	var ok bool
	for _, f := range [...]struct {
		to *[]byte
		n  int64
	}{
		{&e.ExtraData, int64(h.ExtraDataSize)},
		{&e.IdStr, int64(h.IdStrSize)},
		{&e.Name, int64(h.NameSize)},
		{&e.Padding, -(int64(h.ExtraDataSize) + int64(h.IdStrSize) + int64(h.NameSize)) & 7},
	} {
		if rest, ok = take(f.to, rest, f.n); !ok {
			return false
		}
	}
	return true
}

// take copies n bytes of b to a field and returns what is left.
func take(to *[]byte, b []byte, n int64) ([]byte, bool) {
	if n > int64(len(b)) {
		return nil, false
	}
	*to = append([]byte(nil), b[:n]...)
	return b[n:], true
}

func appendSnapshot(e *qcow2.QCowSnapshotEntry, b []byte) []byte {
	h := &e.Header
	b = binary.BigEndian.AppendUint64(b, h.L1TableOffset)
	b = binary.BigEndian.AppendUint32(b, h.L1Size)
	b = binary.BigEndian.AppendUint16(b, h.IdStrSize)
	b = binary.BigEndian.AppendUint16(b, h.NameSize)
	b = binary.BigEndian.AppendUint32(b, h.DateSec)
	b = binary.BigEndian.AppendUint32(b, h.DateNsec)
	b = binary.BigEndian.AppendUint64(b, h.VmClockNsec)
	b = binary.BigEndian.AppendUint32(b, h.VmStateSize)
	b = binary.BigEndian.AppendUint32(b, h.ExtraDataSize)
	b = append(b, e.ExtraData...)
	b = append(b, e.IdStr...)
	b = append(b, e.Name...)
	return append(b, e.Padding...)
}
