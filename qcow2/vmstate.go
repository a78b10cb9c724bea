package qcow2

import (
	"fmt"
	"io"
)

// OpenVMState returns the state of the machine that im.Snapshots listed with
// s: as many bytes as s.VMStateSize says, which only the QEMU that wrote them
// understands. It reads while im is open. A size that the snapshot's L1 table
// has no room for is an error that wraps [ErrCorrupt].
//
// The state lies behind the disk, from the first L1 entry on that the disk
// does not need. It has no backing file. Specification: "Snapshots";
// qcow2_vm_state_offset.
func (im *Image) OpenVMState(s *Snapshot) (*io.SectionReader, error) {
	view, err := im.OpenListedSnapshot(s)
	if err != nil {
		return nil, err
	}
	m := &view.active
	start := m.l1Needed(view.diskSize)
	room := uint64(0)
	if m.l1Size > start {
		room = (m.l1Size - start) * m.l2Span()
	}
	if s.VMStateSize > room {
		return nil, im.file.errorAt(fmt.Sprintf("snapshot %q", s.ID), hostOffset(s.Offset), s.VMStateSize,
			fmt.Sprintf("bytes of VM state, the L1 table has room for %#x", room), ErrCorrupt)
	}
	view.backing, view.backingErr = nil, nil
	return io.NewSectionReader(vmState{view, guestOffset(start * m.l2Span())}, 0, int64(s.VMStateSize)), nil
}

// A vmState reads what lies behind a disk.
type vmState struct {
	im    *Image
	start guestOffset
}

// ReadAt is called by an io.SectionReader, within its bounds.
func (v vmState) ReadAt(p []byte, off int64) (int, error) {
	if err := v.im.chain.enter(); err != nil {
		return 0, err
	}
	defer v.im.chain.leave()
	return v.im.read(p, v.start+guestOffset(off))
}
