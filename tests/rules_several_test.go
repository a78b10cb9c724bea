package tests

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"cstructgen/qcow2"
)

// What follows shows rules that need more than one image, or more than a
// verdict.

// unknownFeatureIsNamed takes the name of a feature from the image.
func unknownFeatureIsNamed(t *testing.T) {
	dir := unpackCommitted(t, "v3-plain")
	editImage(t, dir, func(e *editor) {
		e.u64(qcow2.OffsetofQCowHeader_IncompatibleFeatures, 1<<40)
		entry := make([]byte, qcow2.SizeofQcow2Feature)
		entry[qcow2.OffsetofQcow2Feature_Type] = qcow2.QCOW2_FEAT_TYPE_INCOMPATIBLE
		entry[qcow2.OffsetofQcow2Feature_Bit] = 40
		copy(entry[qcow2.OffsetofQcow2Feature_Name:], "holographic clusters")
		e.extensions(0, extension{qcow2.QCOW2_EXT_MAGIC_FEATURE_TABLE, string(entry)})
	})
	_, err := qcow2.Open(filepath.Join(dir, diskName), nil)
	checkError(t, "open", err, qcow2.ErrUnsupported)
	for who, says := range map[string]string{"we": fmt.Sprint(err), "QEMU": askVerdict(t, dir).says} {
		if !strings.Contains(says, "holographic clusters") {
			t.Errorf("%s say %s", who, says)
		}
	}
}

// sizeInBytes has a disk that does not end with a sector. QEMU counts in
// sectors and leaves its last bytes out; the header counts in bytes.
func sizeInBytes(t *testing.T) {
	dir := unpackCommitted(t, "v3-plain")
	editImage(t, dir, set64(qcow2.OffsetofQCowHeader_Size, 1000))
	im := openImage(t, dir)
	p := make([]byte, 2000)
	if n, err := im.ReadAt(p, 0); im.Size() != 1000 || n != 1000 || err == nil {
		t.Errorf("size %d, %d bytes read, %v", im.Size(), n, err)
	}
	if v := askVerdict(t, dir); !v.reads || fileSize(t, v.raw) != 512 {
		t.Errorf("QEMU no longer rounds 1000 bytes to 512: %+v", v)
	}
}

// snapshotSize has a snapshot taken of a smaller disk.
func snapshotSize(t *testing.T) {
	dir := unpackCommitted(t, "snapshots")
	im := openImage(t, dir)
	snap, err := im.OpenSnapshot("first")
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close()
	if snap.Size() != 16<<10 || im.Size() != 40<<10 {
		t.Errorf("%d bytes, now %d", snap.Size(), im.Size())
	}
	raw := filepath.Join(t.TempDir(), "raw")
	mustTool(t, dir, "qemu-img", "convert", "-f", "qcow2", "-O", "raw", "-l", "first", diskName, raw)
	if fileSize(t, raw) != im.Size() {
		t.Errorf("QEMU no longer shows snapshots in the size of the disk: %d bytes", fileSize(t, raw))
	}
}

// idBeforeName has a snapshot whose name is another one's id.
func idBeforeName(t *testing.T) {
	b := newBuilder(t)
	r := recipe{name: "named-as-another", steps: []command{create(diskName, 64<<10, "cluster_size=4k"),
		qio("qcow2", diskName, "write -q -P 1 0 64k"), img("snapshot", "-c", "2", diskName),
		qio("qcow2", diskName, "write -q -P 2 0 64k"), img("snapshot", "-c", "1", diskName),
		qio("qcow2", diskName, "write -q -P 3 0 64k"), img("snapshot", "-c", "other", diskName),
		qio("qcow2", diskName, "write -q -P 4 0 64k")}}
	dir := t.TempDir()
	if err := b.build(&r, dir); err != nil {
		t.Fatal(err)
	}
	im := openImage(t, dir)
	raw := filepath.Join(t.TempDir(), "raw")
	for _, key := range []string{"1", "2", "3", "other"} {
		snap, err := im.OpenSnapshot(key)
		if err != nil {
			t.Fatal(err)
		}
		defer snap.Close()
		mustTool(t, dir, "qemu-img", "convert", "-f", "qcow2", "-O", "raw", "-l", key, diskName, raw)
		compareContents(t, snap, raw)
	}
}

// compareUsage calls compare with one image and with a flag that is none.
func compareUsage(t *testing.T) {
	dir := unpackCommitted(t, "v3-plain")
	tool := buildTool(t)
	for _, args := range [][]string{{"compare", diskName}, {"compare", "--no-such-flag", diskName, diskName}} {
		_, ours := runFound(dir, tool, args...)
		_, theirs := runTool(t, dir, "qemu-img", args...)
		if exitCode(ours) != 2 || exitCode(theirs) != 1 {
			t.Errorf("%v: %v; qemu-img: %v", args, ours, theirs)
		}
	}
}

// dataFileBeside reads an image with a data file from another directory.
func dataFileBeside(t *testing.T) {
	dir, elsewhere := unpackCommitted(t, "data-file"), t.TempDir()
	name := filepath.Join(dir, diskName)
	im, err := qcow2.Open(name, &qcow2.Options{AllowDirs: []string{dir}})
	if err != nil {
		t.Fatal(err)
	}
	defer im.Close()
	if _, err := im.WriteTo(io.Discard); err != nil {
		t.Errorf("from elsewhere: %v", err)
	}
	raw := filepath.Join(elsewhere, "raw")
	if _, err := runTool(t, elsewhere, "qemu-img", "convert", "-f", "qcow2", "-O", "raw", name, raw); err == nil {
		t.Error("QEMU no longer takes data files relative to its own directory")
	}
	// Where both directories are the same both read the same.
	mustTool(t, dir, "qemu-img", "convert", "-f", "qcow2", "-O", "raw", diskName, raw)
	compareContents(t, im, raw)
}

// loopOfTwo has two images, each of which is the other's backing file.
func loopOfTwo(t *testing.T) {
	dir := unpackCommitted(t, "v3-plain")
	overlay := func(name, on string) {
		editImage(t, dir, func(e *editor) {
			e.extensions(0, extension{qcow2.QCOW2_EXT_MAGIC_BACKING_FORMAT, "qcow2"})
			e.backing(on)
		})
		if err := os.Rename(filepath.Join(dir, diskName), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	good, err := os.ReadFile(filepath.Join(dir, diskName))
	if err != nil {
		t.Fatal(err)
	}
	overlay("other.qcow2", diskName)
	if err := os.WriteFile(filepath.Join(dir, diskName), good, 0o666); err != nil {
		t.Fatal(err)
	}
	overlay("this.qcow2", "other.qcow2")
	if err := os.Rename(filepath.Join(dir, "this.qcow2"), filepath.Join(dir, diskName)); err != nil {
		t.Fatal(err)
	}
	_, err = qcow2.Open(filepath.Join(dir, diskName), &qcow2.Options{AllowDirs: []string{dir}})
	checkError(t, "open", err, qcow2.ErrCorrupt)
}

// depthOfChains has chains of as many layers as are allowed, and one more.
func depthOfChains(t *testing.T) {
	b := newBuilder(t)
	r := recipe{name: "chain-of-65", steps: []command{create("0.qcow2", 1<<20, "cluster_size=4k"),
		qio("qcow2", "0.qcow2", "write -q -P 1 0 4k")}}
	for i := range 64 {
		// What the files below are is known: QEMU need not look.
		r.steps = append(r.steps, img("create", "-q", "-f", "qcow2", "-u", "-F", "qcow2", "-o", "cluster_size=4k",
			"-b", fmt.Sprintf("%d.qcow2", i), fmt.Sprintf("%d.qcow2", i+1), "1M"))
	}
	dir := t.TempDir()
	if err := b.build(&r, dir); err != nil {
		t.Fatal(err)
	}
	opts := &qcow2.Options{AllowDirs: []string{dir}}
	im, err := qcow2.Open(filepath.Join(dir, "63.qcow2"), opts)
	if err != nil {
		t.Fatalf("64 layers: %v", err)
	}
	defer im.Close()
	raw := filepath.Join(dir, "raw")
	mustTool(t, dir, "qemu-img", "convert", "-f", "qcow2", "-O", "raw", "63.qcow2", raw)
	compareContents(t, im, raw)
	compareMap(t, im, mustTool(t, dir, "qemu-img", "map", "-f", "qcow2", "--output=json", "63.qcow2"))
	_, err = qcow2.Open(filepath.Join(dir, "64.qcow2"), opts)
	checkError(t, "65 layers", err, qcow2.ErrLimit)
	mustTool(t, dir, "qemu-img", "info", "-f", "qcow2", "64.qcow2")
}

// readerAt holds reads of committed images against package iotest, and the
// borders that it does not look at.
func readerAt(t *testing.T) {
	for _, name := range []string{"v2-plain", "v3-deflate", "extended-l2", "chain", "data-file", "size-0"} {
		t.Run(name, func(t *testing.T) {
			dir := unpackCommitted(t, name)
			im := openImage(t, dir)
			want := rawContents(t, dir, &qcow2.Options{AllowDirs: []string{dir}}, readExpectation(t, name).SHA256)
			if err := iotest.TestReader(io.NewSectionReader(im, 0, im.Size()), want); err != nil {
				t.Error(err)
			}
			p := bytes.Repeat([]byte{0xee}, 100)
			if n, err := im.ReadAt(p, -1); n != 0 || err == nil || errors.Is(err, io.EOF) {
				t.Errorf("at -1: %d, %v", n, err)
			}
			for past := range int64(3) {
				if n, err := im.ReadAt(p, im.Size()+past); n != 0 || err != io.EOF {
					t.Errorf("%d past the end: %d, %v", past, n, err)
				}
			}
			if tail := min(len(want), 60); tail > 0 {
				n, err := im.ReadAt(p, im.Size()-int64(tail))
				if n != tail || err != io.EOF || !bytes.Equal(p[:n], want[len(want)-tail:]) || !bytes.Equal(p[n:], bytes.Repeat([]byte{0xee}, len(p)-n)) {
					t.Errorf("across the end: %d, %v, or other bytes than there are, or more", n, err)
				}
			}
		})
	}
}
