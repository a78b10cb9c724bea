//go:build !race

// The race detector takes memory of its own.

package main

import (
	"encoding/binary"
	"os"
	"strconv"
	"testing"

	"cstructgen/qcow2"
)

// An image made to fill everything at once: 24 L2 tables of 2 MiB that fill
// the cache, then clusters of 2 MiB that are compressed and claim twice that
// as input.
func writeGreedy(t *testing.T, name string, zstd bool) {
	t.Helper()
	const bits, cluster = 21, 1 << 21
	const perTable = cluster / qcow2.L2E_SIZE_NORMAL
	const tables, clusters = 25, 200
	h := qcow2.QCowHeader{
		Magic: qcow2.QCOW2_MAGIC, Version: qcow2.QCOW2_VERSION_3, HeaderLength: qcow2.SizeofQCowHeader,
		ClusterBits: bits, Size: ((tables-1)*perTable + clusters) * cluster, RefcountOrder: 4,
		L1Size: tables, L1TableOffset: cluster, RefcountTableOffset: 2 * cluster, RefcountTableClusters: 1,
	}
	packed := packedZeros(t, cluster)
	if zstd {
		h.IncompatibleFeatures, h.CompressionType, h.HeaderLength = qcow2.QCOW2_INCOMPAT_COMPRESSION, qcow2.QCOW2_COMPRESSION_TYPE_ZSTD, qcow2.SizeofQCowHeader
		packed = zstdZeros(cluster)
	}
	var header [qcow2.SizeofQCowHeader]byte
	h.Encode(&header)
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	write := func(b []byte, at int64) {
		if _, err := f.WriteAt(b, at); err != nil {
			t.Fatal(err)
		}
	}
	write(header[:], 0)
	l1 := make([]byte, tables*qcow2.L1E_SIZE)
	for i := range uint64(tables) {
		binary.BigEndian.PutUint64(l1[i*qcow2.L1E_SIZE:], (4+i)*cluster|qcow2.QCOW_OFLAG_COPIED)
	}
	write(l1, cluster)
	write(packed, 3*cluster)
	shift := 62 - (bits - qcow2.QCOW2_COMPRESSED_SIZE_BITS_BASE)
	l2 := make([]byte, clusters*qcow2.L2E_SIZE_NORMAL)
	for i := range uint64(clusters) { // each of another length, so that none is another's
		sectors := uint64(1)<<(62-shift) - 1 - i
		binary.BigEndian.PutUint64(l2[i*qcow2.L2E_SIZE_NORMAL:], qcow2.QCOW_OFLAG_COMPRESSED|sectors<<shift|3*cluster)
	}
	write(l2, (4+tables-1)*cluster)
	if err := f.Truncate((4 + tables) * cluster); err != nil {
		t.Fatal(err)
	}
}

// zstdZeros returns a frame (RFC 8878) of n zeros, a multiple of 128 KiB, in
// blocks of one repeated byte.
func zstdZeros(n int) []byte {
	const block = 128 << 10
	frame := []byte{0x28, 0xb5, 0x2f, 0xfd, 0xa0} // magic; one segment, its size in four bytes
	frame = binary.LittleEndian.AppendUint32(frame, uint32(n))
	for at := 0; at < n; at += block {
		head := uint32(block)<<3 | 1<<1
		if at+block == n {
			head |= 1
		}
		frame = append(frame, byte(head), byte(head>>8), byte(head>>16), 0)
	}
	return frame
}

// Whatever the image, convert stays within the cache's budget, which is 64
// MiB, and 64 MiB more: all that the process has resident.
func TestConvertMemory(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, zstd := range []bool{false, true} {
		writeGreedy(t, "image", zstd)
		cmd := process(t, "convert", "-m", "16", "image", "target")
		cmd.Env = append(cmd.Env, peakFile+"=peak")
		if r := finish(t, cmd); r.code != 0 || r.stderr != "" {
			t.Fatalf("exit code %d, %q", r.code, r.stderr)
		}
		text, err := os.ReadFile("peak")
		if err != nil {
			t.Fatal(err)
		}
		peak, err := strconv.Atoi(string(text))
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("zstd %v: %d MiB", zstd, peak>>10)
		if peak > 128<<10 {
			t.Errorf("zstd %v: %d KiB resident", zstd, peak)
		}
	}
}
