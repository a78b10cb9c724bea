package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"

	"cstructgen/qcow2"
)

// Names of images that claim much.
const (
	manySnapshots = "manysnapshots.qcow2"
	lostSnapshots = "lostsnapshots.qcow2"
	longSnapshots = "longsnapshots.qcow2"
	fullL1        = "fulll1.qcow2"
	fullChain     = "fullchain.qcow2"
	aliased       = "aliased.qcow2"
)

func init() {
	recipes[manySnapshots] = claiming(func(f *os.File, h *qcow2.QCowHeader) error {
		h.NbSnapshots, h.SnapshotsOffset = 100000, 1<<20
		return nil
	})
	recipes[lostSnapshots] = claiming(func(f *os.File, h *qcow2.QCowHeader) error {
		h.NbSnapshots, h.SnapshotsOffset = qcow2.QCOW_MAX_SNAPSHOTS, 1<<40
		return nil
	})
	recipes[longSnapshots] = claiming(writeSnapshots)
	recipes[fullL1] = func(b *bench, name string) error { return writeFullL1(name, 8, "") }
	recipes[fullChain] = func(b *bench, name string) error {
		below := ""
		for i := range 15 {
			layer := fmt.Sprintf("layer%d.qcow2", i)
			if err := writeFullL1(b.path(layer), 64, below); err != nil {
				return err
			}
			below = layer
		}
		return writeFullL1(name, 64, below)
	}
	recipes[aliased] = writeAliased
}

// claiming returns a recipe: a disk of data whose header is altered.
func claiming(alter func(f *os.File, h *qcow2.QCowHeader) error) func(b *bench, name string) error {
	return func(b *bench, name string) error {
		if err := recipes[plain](b, name); err != nil {
			return err
		}
		return alterHeader(name, alter)
	}
}

// alterHeader calls alter with an image file and its header, and writes the
// header back.
func alterHeader(name string, alter func(f *os.File, h *qcow2.QCowHeader) error) (err error) {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
	}()
	var b [qcow2.SizeofQCowHeader]byte
	if _, err := f.ReadAt(b[:], 0); err != nil {
		return err
	}
	var h qcow2.QCowHeader
	h.Decode(&b)
	if err := alter(f, &h); err != nil {
		return err
	}
	h.Encode(&b)
	_, err = f.WriteAt(b[:], 0)
	return err
}

// writeSnapshots appends the largest snapshot table that there may be, whose
// names are of bytes that JSON writes as six.
func writeSnapshots(f *os.File, h *qcow2.QCowHeader) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	name := []byte(strings.Repeat("\x80", qcow2.QCOW_MAX_SNAPSHOTS_SIZE/qcow2.QCOW_MAX_SNAPSHOTS-64))
	e := qcow2.QCowSnapshotEntry{
		Header:    qcow2.QCowSnapshotHeader{L1TableOffset: h.L1TableOffset, ExtraDataSize: 16, NameSize: uint16(len(name))},
		ExtraData: make([]byte, 16), Name: name,
	}
	entry, err := e.AppendBinary(nil)
	if err != nil {
		return err
	}
	var table []byte
	for range qcow2.QCOW_MAX_SNAPSHOTS {
		table = append(table, entry...)
	}
	h.NbSnapshots, h.SnapshotsOffset = qcow2.QCOW_MAX_SNAPSHOTS, uint64(info.Size()+1<<21-1)&^(1<<21-1)
	_, err = f.WriteAt(table, int64(h.SnapshotsOffset))
	return err
}

// writeFullL1 makes an image of 128 GiB in clusters of 512 bytes, whose L1 is
// as long as any may be, 32 MiB: every so many entries have an L2 table of
// their own, full of nothing. below is the backing file, if it is not "".
func writeFullL1(name string, every int64, below string) (err error) {
	const cluster, entries = 512, qcow2.QCOW_MAX_L1_SIZE / qcow2.L1E_SIZE
	const perBlock = cluster / 2 // refcounts of 16 bits
	l1 := int64(qcow2.QCOW_MAX_L1_SIZE / cluster)
	l2 := entries / every
	blocks, table := int64(0), int64(0)
	for total := int64(0); total != 1+table+blocks+l1+l2; {
		total = 1 + table + blocks + l1 + l2
		blocks = (total + perBlock - 1) / perBlock
		table = (blocks*8 + cluster - 1) / cluster
	}
	h := qcow2.QCowHeader{
		Magic: qcow2.QCOW2_MAGIC, Version: qcow2.QCOW2_VERSION_3, HeaderLength: qcow2.SizeofQCowHeader,
		ClusterBits: 9, Size: 128 << 30, RefcountOrder: 4,
		RefcountTableOffset: cluster, RefcountTableClusters: uint32(table),
		L1Size: entries, L1TableOffset: uint64((1 + table + blocks) * cluster),
	}
	var extensions []byte
	if below != "" {
		format := qcow2.QCowExtension{Magic: qcow2.QCOW2_EXT_MAGIC_BACKING_FORMAT, Len: 5}
		if extensions, err = format.AppendBinary(nil); err != nil {
			return err
		}
		extensions = append(append(extensions, "qcow2\x00\x00\x00"...), make([]byte, qcow2.SizeofQCowExtension)...)
		h.BackingFileOffset, h.BackingFileSize = uint64(qcow2.SizeofQCowHeader+len(extensions)), uint32(len(below))
	}
	var header [qcow2.SizeofQCowHeader]byte
	h.Encode(&header)
	metadata := make([]byte, (1+table+blocks+l1)*cluster)
	copy(metadata, append(append(header[:], extensions...), below...))
	words := func(at int64) []byte { return metadata[at*cluster:] }
	for i := range blocks {
		binary.BigEndian.PutUint64(words(1)[i*8:], uint64((1+table+i)*cluster))
	}
	total := 1 + table + blocks + l1 + l2
	for i := range total {
		binary.BigEndian.PutUint16(words(1 + table)[i*2:], 1)
	}
	for i := range l2 {
		at := uint64((1 + table + blocks + l1 + i) * cluster)
		binary.BigEndian.PutUint64(words(1 + table + blocks)[i*every*qcow2.L1E_SIZE:], at|qcow2.QCOW_OFLAG_COPIED)
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	_, err = f.Write(metadata)
	return errors.Join(err, f.Truncate(total*cluster), f.Close())
}

// writeAliased makes an image of 256 GiB, each cluster of which is one and the
// same compressed one.
func writeAliased(b *bench, name string) error {
	if err := command("qemu-img", "create", "-q", "-f", "qcow2", "-o", "cluster_size=2M", name, "256G"); err != nil {
		return err
	}
	if err := qemuIO(name, "write -q -c -P 7 0 2M\n"); err != nil {
		return err
	}
	return alterHeader(name, func(f *os.File, h *qcow2.QCowHeader) error {
		var l1 [qcow2.L1E_SIZE]byte
		if _, err := f.ReadAt(l1[:], int64(h.L1TableOffset)); err != nil {
			return err
		}
		table := int64(binary.BigEndian.Uint64(l1[:]) & qcow2.L1E_OFFSET_MASK)
		l2 := make([]byte, 2<<20)
		if _, err := f.ReadAt(l2[:qcow2.L2E_SIZE_NORMAL], table); err != nil {
			return err
		}
		for i := qcow2.L2E_SIZE_NORMAL; i < len(l2); i += qcow2.L2E_SIZE_NORMAL {
			copy(l2[i:], l2[:qcow2.L2E_SIZE_NORMAL])
		}
		_, err := f.WriteAt(l2, table)
		return err
	})
}
