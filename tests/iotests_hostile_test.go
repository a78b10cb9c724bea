package tests

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"cstructgen/qcow2"
)

// iotestSources are the images that replays of bad input begin with.
func iotestSources() []recipe {
	return []recipe{
		{name: "iotest-080", steps: []command{create(diskName, 64*mib), qio("qcow2", diskName, "write -q -P 0xa 0 64k"),
			img("snapshot", "-c", "one", diskName), qio("qcow2", diskName, "write -q -P 0xb 32k 64k")}},
		{name: "iotest-060", steps: []command{create(diskName, 64*mib), qio("qcow2", diskName, "write -q -P 1 0 512k", "write -q -z 256k 64k")}},
		{name: "iotest-214", steps: []command{create(diskName, 8*mib, "cluster_size=2M"), qio("qcow2", diskName, "write -q -c -P 0x11 0 2M", "write -q -c -P 0x11 2M 2M")}},
		{name: "iotest-261", steps: []command{create(diskName, 64*mib, "compat=v2"), qio("qcow2", diskName, "write -q -P 1 0 64k"),
			img("snapshot", "-c", "one", diskName), img("snapshot", "-c", "two", diskName)}},
		{name: "iotest-287", steps: []command{create(diskName, 4*mib, "compression_type=zstd"), qio("qcow2", diskName, "write -q -c -P 0xac 0 64k", "write -q -P 2 64k 64k")}},
		{name: "iotest-138", steps: []command{create(diskName, 64*mib, "cluster_size=512"), qio("qcow2", diskName, "write -q -c -P 0 0 1k", "write -q -P 3 4k 4k")}},
	}
}

// madeFiles are the files of each of iotestSources, made once.
var madeFiles sync.Map // name -> func() (map[string][]byte, error)

// unpackImage writes the files of a committed image, or of one of
// iotestSources, to a new directory and returns that. They have no holes.
func unpackImage(t *testing.T, name string) string {
	t.Helper()
	i := slices.IndexFunc(iotestSources(), func(r recipe) bool { return r.name == name })
	if i < 0 {
		return unpackCommitted(t, name)
	}
	b := newBuilder(t)
	make, _ := madeFiles.LoadOrStore(name, sync.OnceValues(func() (map[string][]byte, error) {
		dir, err := os.MkdirTemp("", name)
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(dir)
		if err := b.build(&iotestSources()[i], dir); err != nil {
			return nil, err
		}
		disk, err := os.ReadFile(filepath.Join(dir, diskName))
		return map[string][]byte{diskName: disk}, err
	}))
	files, err := make.(func() (map[string][]byte, error))()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for file, b := range files {
		if err := os.WriteFile(filepath.Join(dir, file), b, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// iotestAlterations are the replays of bad input.
func iotestAlterations() []alteration {
	snapshot := func(edit func(e *editor, at int64)) func(e *editor) {
		return func(e *editor) { edit(e, int64(e.header().SnapshotsOffset)) }
	}
	return slices.Concat(
		about("iotests/080-fields-out-of-range", "iotest-080",
			alteration{name: "header_length=2^32-1", alter: set32(qcow2.OffsetofQCowHeader_HeaderLength, math.MaxUint32), open: qcow2.ErrCorrupt},
			alteration{name: "header_length=2^31-1", alter: set32(qcow2.OffsetofQCowHeader_HeaderLength, math.MaxInt32), open: qcow2.ErrCorrupt},
			alteration{name: "backing name behind 2^31", alter: func(e *editor) {
				e.u64(qcow2.OffsetofQCowHeader_BackingFileOffset, math.MaxUint32)
				e.u32(qcow2.OffsetofQCowHeader_BackingFileSize, 1)
			}, open: qcow2.ErrCorrupt},
			alteration{name: "backing name of 2^31-1 bytes", alter: func(e *editor) {
				e.u64(qcow2.OffsetofQCowHeader_BackingFileOffset, 0x178)
				e.u32(qcow2.OffsetofQCowHeader_BackingFileSize, math.MaxInt32)
			}, open: qcow2.ErrCorrupt},
			alteration{name: "refcount table of 2^32-1 clusters", alter: set32(qcow2.OffsetofQCowHeader_RefcountTableClusters, math.MaxUint32), unlike: onlyPart},
			alteration{name: "refcount table of 2^17+1 clusters", alter: set32(qcow2.OffsetofQCowHeader_RefcountTableClusters, 1<<17+1), unlike: onlyPart},
			alteration{name: "refcount table unaligned", alter: set64(qcow2.OffsetofQCowHeader_RefcountTableOffset, 0x123456789abcdef0), unlike: onlyPart},
			alteration{name: "refcount table around 2^63", alter: set64(qcow2.OffsetofQCowHeader_RefcountTableOffset, math.MaxInt64&^0xffff), unlike: onlyPart},
			alteration{name: "snapshot table of 2^32-1", alter: set32(qcow2.OffsetofQCowHeader_NbSnapshots, math.MaxUint32), snapshots: qcow2.ErrLimit, unlike: onlyPart},
			alteration{name: "snapshot table of 2^31-1", alter: set32(qcow2.OffsetofQCowHeader_NbSnapshots, math.MaxInt32), snapshots: qcow2.ErrLimit, unlike: onlyPart},
			alteration{name: "snapshot table unaligned", alter: set64(qcow2.OffsetofQCowHeader_SnapshotsOffset, 0x123456789abcdef0), snapshots: qcow2.ErrCorrupt, unlike: onlyPart},
			alteration{name: "L1 of 2^32-1 entries", alter: set32(qcow2.OffsetofQCowHeader_L1Size, math.MaxUint32), open: qcow2.ErrLimit},
			alteration{name: "L1 of 2^31-1 entries", alter: set32(qcow2.OffsetofQCowHeader_L1Size, math.MaxInt32), open: qcow2.ErrLimit},
			alteration{name: "L1 unaligned", alter: set64(qcow2.OffsetofQCowHeader_L1TableOffset, 0x123456789abcdef0), open: qcow2.ErrCorrupt},
			alteration{name: "L1 around 2^63", alter: set64(qcow2.OffsetofQCowHeader_L1TableOffset, math.MaxInt64&^0xffff), open: qcow2.ErrTruncated, check: checkGoesOn},
			alteration{name: "snapshot's L1 of 2^28 entries", alter: snapshot(func(e *editor, at int64) {
				e.u32(at+qcow2.OffsetofQCowSnapshotHeader_L1Size, 1<<28)
			}), snapshot: qcow2.ErrLimit},
			alteration{name: "snapshot's L1 unaligned", alter: snapshot(func(e *editor, at int64) {
				e.u64(at+qcow2.OffsetofQCowSnapshotHeader_L1TableOffset, 0x123456789abcdef0)
			}), snapshot: qcow2.ErrCorrupt},
		),
		about("iotests/060-tables-that-overlap", "iotest-060",
			alteration{name: "data in the refcount block", alter: func(e *editor) { e.u64(e.l2(0), qcow2.QCOW_OFLAG_COPIED|e.refcountBlock(0)) }},
			alteration{name: "data in the L2 table", alter: func(e *editor) { e.u64(e.l2(0), e.get64(e.l1(0))) }},
			alteration{name: "L2 table in the refcount table", alter: func(e *editor) { e.u64(e.l1(0), qcow2.QCOW_OFLAG_COPIED|e.header().RefcountTableOffset) }},
			alteration{name: "L2 table unaligned", alter: func(e *editor) { e.or(e.l1(0), 0x2a00) }, read: qcow2.ErrCorrupt},
			alteration{name: "data unaligned", alter: orL2(0, 0x2a00), read: qcow2.ErrCorrupt},
			alteration{name: "zeros that keep an unaligned cluster", alter: orL2(4, 0x2a00), read: qcow2.ErrCorrupt},
			alteration{name: "refcount block unaligned", alter: func(e *editor) { e.or(int64(e.header().RefcountTableOffset), 0x2a00) }},
			alteration{name: "no refcount block", alter: func(e *editor) { e.u64(int64(e.header().RefcountTableOffset), 0) }},
			alteration{name: "refcounts of zero", alter: func(e *editor) { clear(e.b[e.refcountBlock(0):][:20]) }},
			alteration{name: "marked corrupt", alter: set64(qcow2.OffsetofQCowHeader_IncompatibleFeatures, qcow2.QCOW2_INCOMPAT_CORRUPT)},
			alteration{name: "compressed data in the L2 table", alter: func(e *editor) {
				e.u64(e.l2(0), qcow2.QCOW_OFLAG_COMPRESSED|e.get64(e.l1(0))&qcow2.L1E_OFFSET_MASK)
			}, read: qcow2.ErrCorrupt},
		),
		about("iotests/214-sectors-of-compressed-clusters", "iotest-214",
			alteration{name: "all sectors there can be", alter: func(e *editor) { e.or(e.l2(0), e.sectors(1<<13-1)) }},
			alteration{name: "of the last cluster, past the end", alter: func(e *editor) { e.or(e.l2(1), e.sectors(1<<13-1)) }},
			alteration{name: "offset past the end", alter: func(e *editor) { e.or(e.l2(1), 1<<40) }, read: qcow2.ErrTruncated},
		),
		about("iotests/261-extra-data-of-snapshots", "iotest-261",
			alteration{name: "none", alter: snapshotExtra(0)},
			alteration{name: "of the first kind", alter: snapshotExtra(8)},
			alteration{name: "cut", alter: snapshotExtra(12)},
			alteration{name: "of the second kind", alter: snapshotExtra(16)},
			alteration{name: "more than is known", alter: snapshotExtra(40)},
			alteration{name: "too much", alter: snapshotExtra(1032), snapshots: qcow2.ErrLimit, unlike: onlyPart},
		),
		about("iotests/287-compression-types", "iotest-287",
			alteration{name: "the bit is missing", alter: set64(qcow2.OffsetofQCowHeader_IncompatibleFeatures, 0), open: qcow2.ErrCorrupt},
			alteration{name: "the type is zlib", alter: func(e *editor) { e.u8(qcow2.OffsetofQCowHeader_CompressionType, qcow2.QCOW2_COMPRESSION_TYPE_ZLIB) }, open: qcow2.ErrCorrupt},
			alteration{name: "the type is unknown", alter: func(e *editor) { e.u8(qcow2.OffsetofQCowHeader_CompressionType, 0xff) }, open: qcow2.ErrUnsupported},
			alteration{name: "the field is missing", alter: func(e *editor) {
				e.extensions(0)
				e.u32(qcow2.OffsetofQCowHeader_HeaderLength, qcow2.OffsetofQCowHeader_CompressionType)
			}, open: qcow2.ErrCorrupt},
			alteration{name: "bit and type are gone", alter: func(e *editor) {
				e.u64(qcow2.OffsetofQCowHeader_IncompatibleFeatures, 0)
				e.u8(qcow2.OffsetofQCowHeader_CompressionType, qcow2.QCOW2_COMPRESSION_TYPE_ZLIB)
			}, read: qcow2.ErrCorrupt},
		),
		about("iotests/036-feature-bits", "iotest-080",
			alteration{name: "compatible bit 63", alter: set64(qcow2.OffsetofQCowHeader_CompatibleFeatures, 1<<63)},
			alteration{name: "autoclear bit 63", alter: set64(qcow2.OffsetofQCowHeader_AutoclearFeatures, 1<<63)},
			alteration{name: "incompatible bit 63 without a name", alter: func(e *editor) {
				e.extensions(0)
				e.u64(qcow2.OffsetofQCowHeader_IncompatibleFeatures, 1<<63)
			}, open: qcow2.ErrUnsupported},
			alteration{name: "incompatible bits 61 to 63 with names", alter: func(e *editor) {
				var table strings.Builder
				for bit := byte(61); bit <= 63; bit++ {
					table.WriteString(string([]byte{qcow2.QCOW2_FEAT_TYPE_INCOMPATIBLE, bit}) + strings.Repeat("Test feature", 4)[:46])
				}
				e.extensions(0, extension{qcow2.QCOW2_EXT_MAGIC_FEATURE_TABLE, table.String()})
				e.u64(qcow2.OffsetofQCowHeader_IncompatibleFeatures, 7<<61)
			}, open: qcow2.ErrUnsupported},
		),
		about("iotests/138-clusters-past-the-end", "iotest-138",
			alteration{name: "compressed data past 2^40", alter: func(e *editor) { e.or(e.l2(0), 1<<40) }, read: qcow2.ErrTruncated},
			alteration{name: "data past 2^40", alter: orL2(8, 1<<40), read: qcow2.ErrTruncated, unlike: pastEnd},
			alteration{name: "data at the last offset", alter: setL2(8, qcow2.QCOW_OFLAG_COPIED|qcow2.L2E_OFFSET_MASK), read: qcow2.ErrTruncated, unlike: pastEnd},
			alteration{name: "refcount block past the end", alter: func(e *editor) { e.u64(int64(e.header().RefcountTableOffset), 1<<50) }},
		),
	)
}

// refcountBlock is where the refcount block of that number lies.
func (e *editor) refcountBlock(number int64) uint64 {
	return e.get64(int64(e.header().RefcountTableOffset)+number*qcow2.REFTABLE_ENTRY_SIZE) & qcow2.REFT_OFFSET_MASK
}

// extensionsSurvive is 031: an extension that nobody knows is there after
// QEMU wrote the header anew, and read as it was.
func extensionsSurvive(t *testing.T) {
	for _, image := range []string{"v2-plain", "v3-plain"} {
		dir := unpackCommitted(t, image)
		const magic, data = 0x12345678, "This is a test header extension"
		editImage(t, dir, func(e *editor) { e.extensions(0, extension{magic, data}) })
		for _, rewrite := range [][]string{
			{"rebase", "-u", "-f", "qcow2", "-b", "some_backing_file_that_is_longer_than_the_name_before", "-F", "host_device", diskName},
			{"rebase", "-u", "-f", "qcow2", "-b", "", diskName},
		} {
			mustTool(t, dir, "qemu-img", rewrite...)
			im := openImage(t, dir)
			found := 0
			for _, x := range im.Extensions() {
				if x.Magic == magic {
					found++
					if string(x.Data) != data {
						t.Errorf("%s, after %v: %q", image, rewrite, x.Data)
					}
				}
			}
			if found != 1 {
				t.Errorf("%s, after %v: %d of the unknown extension", image, rewrite, found)
			}
			compareInfo(t, im, mustTool(t, dir, "qemu-img", "info", "-f", "qcow2", "--output=json", diskName))
		}
	}
}
