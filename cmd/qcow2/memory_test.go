package main

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"runtime"
	"slices"
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
// printed, and however many layers have some.
func TestLongListsTakeLittleMemory(t *testing.T) {
	t.Chdir(t.TempDir())
	const count, length, layers = 512, 1504, 4
	e := qcow2.QCowSnapshotEntry{
		Header:    qcow2.QCowSnapshotHeader{ExtraDataSize: 16, NameSize: length},
		ExtraData: make([]byte, 16), Name: bytes.Repeat([]byte{0x80}, length), // which JSON writes as six bytes
	}
	entry, err := e.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	table := bytes.Repeat(entry, count)
	for i := range layers {
		writeAliased(t, layerName(i), 1<<20)
		rewriteAppended(t, layerName(i), table, func(header []byte, at int64) {
			binary.BigEndian.PutUint32(header[qcow2.OffsetofQCowHeader_NbSnapshots:], count)
			binary.BigEndian.PutUint64(header[qcow2.OffsetofQCowHeader_SnapshotsOffset:], uint64(at))
			if i+1 < layers {
				setBacking(header, layerName(i+1))
			}
		})
	}
	for _, args := range [][]string{
		{"info", "--output=json", "0"}, {"info", "0"}, {"snapshot", "-l", "--output=json", "0"}, {"snapshot", "-l", "0"},
		{"info", "--output=json", "--backing-chain", "--allow-dir=.", "0"}, {"info", "--backing-chain", "--allow-dir=.", "0"},
	} {
		want := len(table)
		if slices.Contains(args, "--backing-chain") {
			want *= layers
		}
		var stdout meteredWriter
		before := inUse()
		if code := run(args, strings.NewReader(""), &stdout, io.Discard); code != 0 {
			t.Errorf("%q: exit code %d", args, code)
		}
		if stdout.written < want {
			t.Errorf("%q: printed %d bytes", args, stdout.written)
		}
		if n := int64(stdout.most - before); n > int64(2*len(table))+1<<20 {
			t.Errorf("%q: %d bytes in use for tables of %d", args, n, len(table))
		}
	}
}

// layerName is the name of the file of a layer.
func layerName(i int) string { return strconv.Itoa(i) }

// setBacking makes the image whose header, without extensions, is given one over
// the qcow2 image called name.
func setBacking(header []byte, name string) {
	var h qcow2.QCowHeader
	h.Decode((*[qcow2.SizeofQCowHeader]byte)(header))
	x := qcow2.QCowExtension{Magic: qcow2.QCOW2_EXT_MAGIC_BACKING_FORMAT, Len: uint32(len(formatQcow2))}
	x.Encode((*[qcow2.SizeofQCowExtension]byte)(header[h.HeaderLength:]))
	at := h.HeaderLength + qcow2.SizeofQCowExtension
	copy(header[at:], formatQcow2)
	at += qcow2.QCOW2_ALIGNMENT + qcow2.SizeofQCowExtension // END is zeros
	copy(header[at:], name)
	h.BackingFileOffset, h.BackingFileSize = uint64(at), uint32(len(name))
	h.Encode((*[qcow2.SizeofQCowHeader]byte)(header))
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
