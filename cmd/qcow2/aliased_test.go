package main

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"os"
	"testing"

	"cstructgen/qcow2"
)

// writeAliased writes an image of the given size, at most 512 GiB, all clusters
// of which are one and the same compressed one, of 2 MiB of zeros that nobody
// knows to be zeros. The file has 4 MiB and little more.
func writeAliased(t *testing.T, name string, size uint64) {
	t.Helper()
	const bits, cluster = 21, 1 << 21
	packed := packedZeros(t, cluster)
	h := qcow2.QCowHeader{
		Magic: qcow2.QCOW2_MAGIC, Version: qcow2.QCOW2_VERSION_3, HeaderLength: qcow2.SizeofQCowHeader,
		ClusterBits: bits, Size: size, RefcountOrder: 4,
		L1Size: 1, L1TableOffset: cluster,
		RefcountTableOffset: 3 * cluster, RefcountTableClusters: 1,
	}
	var header [qcow2.SizeofQCowHeader]byte
	h.Encode(&header)
	file := make([]byte, 3*cluster+(len(packed)+511)&^511)
	copy(file, header[:])
	binary.BigEndian.PutUint64(file[cluster:], 2*cluster|qcow2.QCOW_OFLAG_COPIED)
	shift := 62 - (bits - qcow2.QCOW2_COMPRESSED_SIZE_BITS_BASE)
	sectors := uint64(len(packed)-1) / qcow2.QCOW2_COMPRESSED_SECTOR_SIZE
	for i := 2 * cluster; i < 3*cluster; i += qcow2.L2E_SIZE_NORMAL {
		binary.BigEndian.PutUint64(file[i:], qcow2.QCOW_OFLAG_COMPRESSED|sectors<<shift|3*cluster)
	}
	copy(file[3*cluster:], packed)
	if err := os.WriteFile(name, file, 0o644); err != nil {
		t.Fatal(err)
	}
}

// packedZeros returns a raw deflate stream of n zeros.
func packedZeros(t *testing.T, n int) []byte {
	t.Helper()
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	w.Write(make([]byte, n))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}
