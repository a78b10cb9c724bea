package main

import (
	"encoding/binary"

	"cstructgen/qcow2"
)

// What one would write without a generator, with one check of the length for
// all fields.

func decodeQcow2(h *qcow2.QCowHeader, b []byte) bool {
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

func encodeQcow2(h *qcow2.QCowHeader, b []byte) bool {
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

func decodeHeader(h *Header, b []byte) bool {
	if len(b) < 150 {
		return false
	}
	b = b[:150]
	copy(h.Magic[:], b[0:8])
	h.Version = binary.BigEndian.Uint32(b[8:])
	h.Flags = binary.BigEndian.Uint32(b[12:])
	h.Size = binary.BigEndian.Uint64(b[16:])
	h.TableOffset = binary.BigEndian.Uint64(b[24:])
	h.Created = binary.BigEndian.Uint64(b[32:])
	h.Modified = binary.BigEndian.Uint64(b[40:])
	copy(h.Uuid[:], b[48:64])
	h.BlockBits = binary.BigEndian.Uint32(b[64:])
	h.TableSize = binary.BigEndian.Uint32(b[68:])
	h.Owner = binary.BigEndian.Uint32(b[72:])
	h.Group = binary.BigEndian.Uint32(b[76:])
	h.Minor = binary.BigEndian.Uint16(b[80:])
	h.Mode = binary.BigEndian.Uint16(b[82:])
	h.Links = binary.BigEndian.Uint16(b[84:])
	h.State = binary.BigEndian.Uint16(b[86:])
	h.Features = binary.BigEndian.Uint64(b[88:])
	h.Compatible = binary.BigEndian.Uint64(b[96:])
	copy(h.Label[:], b[104:144])
	h.Checksum = binary.BigEndian.Uint32(b[144:])
	h.Kind = b[148]
	h.Level = b[149]
	return true
}

func encodeHeader(h *Header, b []byte) bool {
	if len(b) < 150 {
		return false
	}
	b = b[:150]
	copy(b[0:8], h.Magic[:])
	binary.BigEndian.PutUint32(b[8:], h.Version)
	binary.BigEndian.PutUint32(b[12:], h.Flags)
	binary.BigEndian.PutUint64(b[16:], h.Size)
	binary.BigEndian.PutUint64(b[24:], h.TableOffset)
	binary.BigEndian.PutUint64(b[32:], h.Created)
	binary.BigEndian.PutUint64(b[40:], h.Modified)
	copy(b[48:64], h.Uuid[:])
	binary.BigEndian.PutUint32(b[64:], h.BlockBits)
	binary.BigEndian.PutUint32(b[68:], h.TableSize)
	binary.BigEndian.PutUint32(b[72:], h.Owner)
	binary.BigEndian.PutUint32(b[76:], h.Group)
	binary.BigEndian.PutUint16(b[80:], h.Minor)
	binary.BigEndian.PutUint16(b[82:], h.Mode)
	binary.BigEndian.PutUint16(b[84:], h.Links)
	binary.BigEndian.PutUint16(b[86:], h.State)
	binary.BigEndian.PutUint64(b[88:], h.Features)
	binary.BigEndian.PutUint64(b[96:], h.Compatible)
	copy(b[104:144], h.Label[:])
	binary.BigEndian.PutUint32(b[144:], h.Checksum)
	b[148] = h.Kind
	b[149] = h.Level
	return true
}

func decodeTable(t *Table, b []byte) bool {
	if len(b) < 8*len(t.Entries) {
		return false
	}
	for i := range t.Entries {
		t.Entries[i] = binary.BigEndian.Uint64(b[8*i:])
	}
	return true
}

func encodeTable(t *Table, b []byte) bool {
	if len(b) < 8*len(t.Entries) {
		return false
	}
	for i := range t.Entries {
		binary.BigEndian.PutUint64(b[8*i:], t.Entries[i])
	}
	return true
}
