package qcow2

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"time"
)

// A Snapshot is an entry of the snapshot table: the disk, and perhaps the
// machine, as they were at some time.
type Snapshot struct {
	ID, Name    string // not to be trusted
	Date        time.Time
	VMClock     time.Duration // how long the guest had run
	VMStateSize uint64        // of the machine's state in bytes; 0: none
	DiskSize    uint64        // of the disk in bytes
	HasICount   bool
	ICount      uint64 // instructions executed, if HasICount

	Header QCowSnapshotHeader    // as stored
	Extra  QCowSnapshotExtraData // as much as is stored, else 0
	Offset int64                 // of the entry in the file
}

const whatSnapshot = "snapshot table"

// maxSnapshotEntry is more than any entry of the snapshot table has, in bytes.
const maxSnapshotEntry = MinSizeofQCowSnapshotEntry + QCOW_MAX_SNAPSHOT_EXTRA_DATA + 2*math.MaxUint16 + QCOW2_ALIGNMENT

// Snapshots returns the image's snapshots in the order of the table. A broken
// table makes the list fail, not the disk. Specification: "Snapshots".
func (im *Image) Snapshots() ([]Snapshot, error) {
	if err := im.chain.enter(); err != nil {
		return nil, err
	}
	defer im.chain.leave()
	h, f := &im.header, im.file
	off := hostOffset(h.SnapshotsOffset)
	switch {
	case h.NbSnapshots > QCOW_MAX_SNAPSHOTS:
		return nil, f.headerError("nb_snapshots", OffsetofQCowHeader_NbSnapshots, uint64(h.NbSnapshots),
			fmt.Sprintf("at most %d", QCOW_MAX_SNAPSHOTS), ErrLimit)
	case !im.active.aligned(off) || off > math.MaxInt64:
		return nil, f.headerError("snapshots_offset", OffsetofQCowHeader_SnapshotsOffset, uint64(off),
			"must be cluster aligned and below 2^63", ErrCorrupt)
	}
	var list []Snapshot
	c := cursor{file: f}
	for range h.NbSnapshots {
		s, size, err := im.snapshot(&c, off)
		if err != nil {
			return nil, err
		}
		list = append(list, s)
		off = alignUp(off + hostOffset(size))
		if size := uint64(off) - h.SnapshotsOffset; size > QCOW_MAX_SNAPSHOTS_SIZE {
			return nil, f.headerError("snapshots_offset", OffsetofQCowHeader_SnapshotsOffset, size,
				fmt.Sprintf("table of at most %d bytes", QCOW_MAX_SNAPSHOTS_SIZE), ErrLimit)
		}
	}
	return list, nil
}

// snapshot returns the snapshot whose entry begins at off, and the size of
// that entry, with the padding that the file has.
func (im *Image) snapshot(c *cursor, off hostOffset) (s Snapshot, size uint64, err error) {
	var e QCowSnapshotEntry
	size, err = c.decode(whatSnapshot, off, maxSnapshotEntry, &e)
	s.Header = e.Header
	h := &s.Header
	if h.ExtraDataSize > QCOW_MAX_SNAPSHOT_EXTRA_DATA {
		return s, 0, im.file.errorAt("snapshot extra_data_size", off+OffsetofQCowSnapshotHeader_ExtraDataSize,
			uint64(h.ExtraDataSize), fmt.Sprintf("at most %d", QCOW_MAX_SNAPSHOT_EXTRA_DATA), ErrLimit)
	}
	if cut, ok := errors.AsType[*Qcow2TablesError](err); ok && cut.Field != "padding" {
		return s, 0, im.file.errorAt("snapshot "+cut.Field, off+hostOffset(cut.Offset), im.file.size, "the file ends before", ErrTruncated)
	} else if !ok && err != nil {
		return s, 0, err
	}
	s.Offset = int64(off)
	s.ID, s.Name = string(e.IdStr), string(e.Name)
	s.Date = time.Unix(int64(h.DateSec), int64(h.DateNsec)).UTC()
	s.VMClock = time.Duration(min(h.VmClockNsec, math.MaxInt64))
	s.VMStateSize = uint64(h.VmStateSize)
	s.DiskSize = im.header.Size // in images older than the field
	// The extra data grew over time: what is there counts.
	n := s.Extra.DecodePrefix(e.ExtraData)
	if n > OffsetofQCowSnapshotExtraData_VmStateSizeLarge {
		s.VMStateSize = s.Extra.VmStateSizeLarge
	}
	if n > OffsetofQCowSnapshotExtraData_DiskSize {
		s.DiskSize = s.Extra.DiskSize
	}
	if n > OffsetofQCowSnapshotExtraData_Icount && s.Extra.Icount != math.MaxUint64 {
		s.HasICount, s.ICount = true, s.Extra.Icount
	}
	return s, size, nil
}

// OpenSnapshot returns the disk as the snapshot of the given id, or else of
// the given name, holds it: its own L1 table and size, over the same backing
// and data files. The image closes with im, and only with it.
func (im *Image) OpenSnapshot(idOrName string) (*Image, error) {
	list, err := im.Snapshots()
	if err != nil {
		return nil, err
	}
	s := findSnapshot(list, idOrName)
	if s == nil {
		return nil, fmt.Errorf("qcow2: %q: snapshot %q: %w", im.file.shown, idOrName, fs.ErrNotExist)
	}
	return im.OpenListedSnapshot(s)
}

// OpenListedSnapshot is [Image.OpenSnapshot] for a snapshot that im.Snapshots
// listed: of several of one id or name it is the one that is meant.
func (im *Image) OpenListedSnapshot(s *Snapshot) (*Image, error) {
	g, h := &im.active.geometry, &s.Header
	what := fmt.Sprintf("snapshot %q", s.ID)
	at := hostOffset(s.Offset)
	err := im.file.checkL1(g, what, at+OffsetofQCowSnapshotHeader_L1TableOffset, h.L1TableOffset, at+OffsetofQCowSnapshotHeader_L1Size, h.L1Size)
	if err != nil {
		return nil, err
	}
	if limit := im.chain.maxSize; s.DiskSize > limit {
		return nil, im.file.errorAt(what, hostOffset(s.Offset), s.DiskSize,
			fmt.Sprintf("disk size, the limit is %d bytes", limit), ErrLimit)
	}
	view := &Image{
		chain: im.chain, file: im.file, header: im.header, extensions: im.extensions, backingName: im.backingName,
		diskSize: s.DiskSize, active: im.active, decoded: im.decoded,
		backing: im.backing, backingErr: im.backingErr, data: im.data, dataErr: im.dataErr, readErr: im.readErr, crypt: im.crypt,
	}
	view.active.l1Offset, view.active.l1Size = hostOffset(h.L1TableOffset), uint64(h.L1Size)
	return view, nil
}

// findSnapshot returns the snapshot of the given id, or else of the given
// name, or nil.
func findSnapshot(list []Snapshot, idOrName string) *Snapshot {
	for i := range list {
		if list[i].ID == idOrName {
			return &list[i]
		}
	}
	for i := range list {
		if list[i].Name == idOrName {
			return &list[i]
		}
	}
	return nil
}
