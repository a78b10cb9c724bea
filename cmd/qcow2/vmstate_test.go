package main

import (
	"bytes"
	"encoding/binary"
	"testing"

	"cstructgen/qcow2"
)

// qemu-img makes no VM state: a snapshot gets one here. Its L1 table gets an
// entry behind those of the disk, which names the L2 table of the disk's start:
// so the state is what the disk begins with.
func TestCatVMState(t *testing.T) {
	t.Chdir(t.TempDir())
	unpack(t, "snapshots")
	const disk, size = "snapshots/disk.qcow2", 3000
	list, err := mustOpen(t, disk).Snapshots()
	if err != nil {
		t.Fatal(err)
	}
	s := &list[0]
	rewrite(t, disk, func(b []byte) {
		be := binary.BigEndian
		h := s.Header
		be.PutUint32(b[s.Offset+qcow2.OffsetofQCowSnapshotHeader_L1Size:], h.L1Size+1)
		entry := b[h.L1TableOffset : h.L1TableOffset+qcow2.L1E_SIZE]
		copy(b[h.L1TableOffset+uint64(h.L1Size)*qcow2.L1E_SIZE:], entry)
		extra := s.Offset + qcow2.SizeofQCowSnapshotHeader
		be.PutUint64(b[extra+qcow2.OffsetofQCowSnapshotExtraData_VmStateSizeLarge:], size)
	})
	want := succeed(t, "cat", "-l", s.Name, disk)[:size]
	if !bytes.ContainsFunc([]byte(want), func(r rune) bool { return r != 0 }) {
		t.Fatal("nothing but zeros to compare")
	}
	if got := succeed(t, "cat", "--vm-state", "-l", s.Name, disk); got != want {
		t.Errorf("%d bytes, or wrong ones", len(got))
	}
	if got := succeed(t, "cat", "--vm-state", "-l", s.Name, "--offset", "2k", "--length", "100", disk); got != want[2048:2148] {
		t.Errorf("a part: %d bytes, or wrong ones", len(got))
	}
	if got := succeed(t, "snapshot", "-l", disk); !bytes.Contains([]byte(got), []byte("2.93 KiB")) {
		t.Errorf("listed as %s", got)
	}
}
