package main

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"cstructgen/qcow2"
)

// A meteredWriter counts what is written to it, and looks now and then at how
// much memory is in use meanwhile.
type meteredWriter struct {
	written, looked int
	most            uint64 // bytes in use
}

func (w *meteredWriter) Write(p []byte) (int, error) {
	w.written += len(p)
	if w.written >= w.looked {
		w.looked = w.written + 1<<20
		w.most = max(w.most, inUse())
	}
	return len(p), nil
}

// inUse returns how many bytes of memory are in use.
func inUse() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// Lists of snapshots are printed as they are gone through: what they take is
// a small multiple of what the file holds of them, however long they get when
// printed.
func TestLongListsTakeLittleMemory(t *testing.T) {
	t.Chdir(t.TempDir())
	const count, length = 512, 1504
	e := qcow2.QCowSnapshotEntry{
		Header:    qcow2.QCowSnapshotHeader{ExtraDataSize: 16, NameSize: length},
		ExtraData: make([]byte, 16), Name: bytes.Repeat([]byte{0x80}, length), // which JSON writes as six bytes
	}
	entry, err := e.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	table := bytes.Repeat(entry, count)
	writeAliased(t, "image", 1<<20)
	rewriteAppended(t, "image", table, func(header []byte, at int64) {
		binary.BigEndian.PutUint32(header[qcow2.OffsetofQCowHeader_NbSnapshots:], count)
		binary.BigEndian.PutUint64(header[qcow2.OffsetofQCowHeader_SnapshotsOffset:], uint64(at))
	})
	for _, args := range [][]string{
		{"info", "--output=json", "image"}, {"info", "image"}, {"snapshot", "-l", "--output=json", "image"}, {"snapshot", "-l", "image"},
	} {
		var stdout meteredWriter
		before := inUse()
		if code := run(args, strings.NewReader(""), &stdout, io.Discard); code != 0 {
			t.Errorf("%q: exit code %d", args, code)
		}
		if stdout.written < len(table) {
			t.Errorf("%q: printed %d bytes", args, stdout.written)
		}
		if n := int64(stdout.most - before); n > int64(2*len(table))+1<<20 {
			t.Errorf("%q: %d bytes in use for a table of %d", args, n, len(table))
		}
	}
}

// rewriteAppended appends data to the file called name, at a multiple of 2
// MiB, and lets change alter its header.
func rewriteAppended(t *testing.T, name string, data []byte, change func(header []byte, at int64)) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	at := (len(b) + 1<<21 - 1) &^ (1<<21 - 1)
	b = append(b, make([]byte, at-len(b))...)
	change(b, int64(at))
	if err := os.WriteFile(name, append(b, data...), 0o644); err != nil {
		t.Fatal(err)
	}
}

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
	if _, err := os.Stat("/proc/self/status"); err != nil || raceEnabled {
		t.Skip("what a process has resident is not known here, or not its own")
	}
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
