package main

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"runtime"
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
