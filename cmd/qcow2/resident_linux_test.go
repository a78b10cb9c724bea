//go:build !race

// The race detector takes memory of its own.

package main

import (
	"bytes"
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
	const tables, clusters = 25, 100
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

// writeScattered writes an image of 256 GiB in clusters of 64 KiB whose 512 L2
// tables, of 32 MiB, say something else of each 64th cluster: it has 131,072
// extents.
func writeScattered(t *testing.T, name string) {
	t.Helper()
	const bits, cluster, tables = 16, 1 << 16, 512
	h := qcow2.QCowHeader{
		Magic: qcow2.QCOW2_MAGIC, Version: qcow2.QCOW2_VERSION_3, HeaderLength: qcow2.SizeofQCowHeader,
		ClusterBits: bits, Size: tables * cluster / qcow2.L2E_SIZE_NORMAL * cluster, RefcountOrder: 4,
		L1Size: tables, L1TableOffset: cluster, RefcountTableOffset: 2 * cluster, RefcountTableClusters: 1,
	}
	file := make([]byte, 3*cluster, (3+tables)*cluster)
	h.Encode((*[qcow2.SizeofQCowHeader]byte)(file))
	for i := range uint64(tables) {
		binary.BigEndian.PutUint64(file[cluster+i*qcow2.L1E_SIZE:], (3+i)*cluster|qcow2.QCOW_OFLAG_COPIED)
	}
	l2 := make([]byte, cluster)
	for i := 0; i < cluster; i += 64 * qcow2.L2E_SIZE_NORMAL {
		binary.BigEndian.PutUint64(l2[i:], qcow2.QCOW_OFLAG_ZERO)
	}
	for range tables {
		file = append(file, l2...)
	}
	if err := os.WriteFile(name, file, 0o644); err != nil {
		t.Fatal(err)
	}
}

// writeNames writes an image with a snapshot table of 8 MiB, of names that
// JSON writes as six times as many bytes.
func writeNames(t *testing.T, name string) {
	t.Helper()
	const count, length = 8192, 960
	e := qcow2.QCowSnapshotEntry{
		Header:    qcow2.QCowSnapshotHeader{ExtraDataSize: 16, NameSize: length},
		ExtraData: make([]byte, 16), Name: bytes.Repeat([]byte{0x80}, length),
	}
	entry, err := e.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	writeAliased(t, name, 1<<20)
	rewriteAppended(t, name, bytes.Repeat(entry, count), func(header []byte, at int64) {
		binary.BigEndian.PutUint32(header[qcow2.OffsetofQCowHeader_NbSnapshots:], count)
		binary.BigEndian.PutUint64(header[qcow2.OffsetofQCowHeader_SnapshotsOffset:], uint64(at))
	})
}

// residentKiB runs the command line with as many processors as there may be,
// and returns how much memory it had resident at most.
func residentKiB(t *testing.T, args ...string) int {
	t.Helper()
	cmd := process(t, args...)
	cmd.Env = append(cmd.Env, peakFile+"=peak")
	if args[0] == "compare" {
		cmd.Env = append(cmd.Env, "GOMAXPROCS=16") // so many workers, if they can be had
	}
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	cmd.Stdout = null
	if r := finish(t, cmd); args[0] != "check" && args[0] != "dump" && (r.code != 0 || r.stderr != "") { // these find a lot
		t.Fatalf("%q: exit code %d, %q", args, r.code, r.stderr)
	}
	text, err := os.ReadFile("peak")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove("peak"); err != nil {
		t.Fatal(err)
	}
	peak, err := strconv.Atoi(string(text))
	if err != nil {
		t.Fatal(err)
	}
	return peak
}

// Whatever the image and the command, memory stays within the cache's budget,
// which is 64 MiB, and 64 MiB more: all that the process has resident. Those
// that go through the tables once need less.
func TestMemory(t *testing.T) {
	t.Chdir(t.TempDir())
	writeGreedy(t, "deflate", false)
	writeGreedy(t, "zstd", true)
	writeAliased(t, "aliased", 256<<20)
	writeScattered(t, "scattered")
	writeNames(t, "names")
	const last = "12884901888k" // where the clusters of a greedy image begin
	for _, tt := range []struct {
		mib  int
		args []string
	}{
		{128, []string{"convert", "-m", "16", "deflate", "target"}},
		{128, []string{"convert", "-m", "16", "zstd", "target"}},
		{128, []string{"compare", "deflate", "zstd"}},
		{128, []string{"cat", "--offset", last, "zstd"}},
		{128, []string{"cat", "aliased"}},
		{128, []string{"check", "zstd"}},
		{64, []string{"map", "--output=json", "zstd"}},
		{64, []string{"dump", "zstd"}},
		{64, []string{"map", "--output=json", "scattered"}},
		{96, []string{"compare", "scattered", "scattered"}},
		{64, []string{"check", "scattered"}},
		{64, []string{"info", "scattered"}},
		{64, []string{"dump", "--what", "header,l1,l2", "scattered"}},
		{64, []string{"measure", "-O", "qcow2", "scattered"}},
		// The table twice, and 32 MiB.
		{48, []string{"info", "--output=json", "names"}},
		{48, []string{"info", "names"}},
		{48, []string{"check", "names"}},
		{64, []string{"dump", "--what", "header,l1", "names"}},
	} {
		peak := residentKiB(t, tt.args...)
		t.Logf("%q: %d MiB", tt.args, peak>>10)
		if peak > tt.mib<<10 {
			t.Errorf("%q: %d KiB resident, at most %d MiB", tt.args, peak, tt.mib)
		}
	}
}
