package gpt

import (
	"fmt"
	"io"
)

// A Scheme is a kind of partition table.
type Scheme string

// The kinds of partition tables, by the names that sfdisk has for them.
const (
	SchemeMBR Scheme = "dos"
	SchemeGPT Scheme = "gpt"
)

// Options say how a table is read. The zero value, and nil, are fine.
type Options struct {
	// SectorSize is the size of a sector in bytes: a power of two from 512 to
	// 4096. 0 means to find it: a GPT is where the size puts it, at 512 or at
	// 4096 bytes, and its header must say the same. Nothing in an MBR tells, so
	// there 0 means 512.
	SectorSize int64
}

// A Table is the partition table of a disk.
type Table struct {
	Scheme     Scheme
	SectorSize int64  // in bytes
	ID         string // of the disk: a GUID, or the signature of an MBR such as "0x5e3c1291"
	// Partitions are in the order of their numbers. An extended partition is
	// one of them, and so are the logical ones inside.
	Partitions []Partition
	// Hybrid has what a hybrid MBR says beside the GPT that it protects: the
	// same partitions, or some of them, for systems that know no GPT. Where
	// both differ the GPT is right.
	Hybrid []Partition

	// Primary is why the primary header of a GPT, or its entries, could not
	// be used; the table is then that of the backup. It is nil if it was used.
	Primary error
	// Backup is why the backup could not stand in for the primary one, nil if
	// it could. A disk that has grown has its backup before the end: see
	// Header.AlternateLBA.
	Backup error

	MBR    MasterBootRecord // as stored
	Header GPTHeader        // as stored, of a GPT: the one that was used
}

// A Partition is a part of a disk. Its reader has the partition's bytes and no
// others: it is an io.ReaderAt and an io.ReadSeeker.
type Partition struct {
	*io.SectionReader

	Number            int    // as Linux counts: place in the table from 1 on, logical ones from 5 on
	FirstLBA, Sectors uint64 // as the table has it
	// Start and Length are the same in bytes, as far as it lies on the disk,
	// and as far as the reader goes.
	Start, Length int64

	Type     string // GUID in a GPT, two hexadecimal digits in an MBR
	GUID     string // of this partition, "" in an MBR
	Name     string // not to be trusted; "" in an MBR. What is no UTF-16 is U+FFFD
	Bootable bool   // by a BIOS
	Extended bool   // holds logical partitions, no data
	Logical  bool   // lies in an extended partition

	Attributes Attributes // of a GPT

	// Err is what is wrong with the partition: it is empty or ends before it
	// begins, does not lie on the disk, or where it may, or overlaps another.
	// An overlap is said of the one that begins later.
	Err error

	// Offset is where on the disk the table says all this.
	Offset int64
}

// Read reads the partition table of the disk of size bytes that r reads.
//
// An error is the first thing found to be wrong. If the table can be read and
// it is about a partition, or about a link between partitions, the table is
// returned, too, with all that is known; its partitions have errors of their
// own. A table that needed its backup is no error: see Table.Primary. A disk
// without a table is ErrNoTable; so is one with a GPT that no MBR protects,
// which no system takes for a table.
func Read(r io.ReaderAt, size int64, opts *Options) (*Table, error) {
	d, err := newDisk(r, size, opts)
	if err != nil {
		return nil, err
	}
	mbr, err := d.masterBootRecord()
	if err != nil {
		return nil, err
	}
	if mbr.protects() {
		return d.readGPT(mbr)
	}
	return d.readMBR(mbr)
}

// TypeName returns what a partition of p's type is for, or "" if this package
// does not know.
func (p *Partition) TypeName() string { return typeNames[p.Type] }

// firstError returns the error of the first partition that has one, or nil.
func firstError(partitions []Partition) error {
	for i := range partitions {
		if err := partitions[i].Err; err != nil {
			return err
		}
	}
	return nil
}

// what returns what errors call p.
func (p *Partition) what() string { return fmt.Sprintf("partition %d", p.Number) }
