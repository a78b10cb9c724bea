package tests

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"cstructgen/qcow2"
)

// An alteration is a committed image with something changed, what the reader
// must say of it, and where QEMU says something else.
type alteration struct {
	rule  string // that it shows kept or broken: see rules
	name  string
	image string // the committed image, or that of a replay, it starts from
	alter func(e *editor)

	// Errors that Open and reading the whole disk must wrap; nil is success.
	// Where open is not nil nothing is read.
	open, read error
	// Errors of listing, and of reading snapshot 1; nil is success.
	snapshots, bitmaps, snapshot error

	// unlike says why QEMU's verdict is another one, opening or reading. It
	// must be another one then: a difference that is none any more fails.
	unlike *difference
	// check says why check ends in another way.
	check *difference
	// noQEMU says why QEMU is not asked at all.
	noQEMU string
}

// sound tells whether nothing of the image is refused, by us or by QEMU.
func (a *alteration) sound() bool {
	return a.unlike == nil && errors.Join(a.open, a.read, a.snapshots, a.bitmaps, a.snapshot) == nil
}

// about says of which rule and which committed image alterations are; an
// image that one names itself stays.
func about(rule, image string, list ...alteration) []alteration {
	for i := range list {
		list[i].rule = rule
		if list[i].image == "" {
			list[i].image = image
		}
	}
	return list
}

// alterations are all there are.
func alterations() []alteration {
	return slices.Concat(headerAlterations(), version2Alterations(), extensionAlterations(), bitmapAlterations(),
		snapshotAlterations(), tableAlterations(), subclusterAlterations(), compressedAlterations(), iotestAlterations())
}

// run asks the reader first, which needs nothing, then QEMU where there is one.
func (a *alteration) run(t *testing.T) {
	t.Parallel()
	dir := unpackImage(t, a.image)
	editImage(t, dir, a.alter)
	if err := compareReference(filesIn(t, dir)); err != nil {
		t.Error(err)
	}
	ours := a.readOurs(t, dir)
	if t.Failed() || a.noQEMU != "" {
		return
	}
	requireTool(t, "qemu-img")
	a.runCheck(t, dir)
	theirs := askVerdict(t, dir)
	differ := ours.opens != theirs.opens || ours.reads != theirs.reads || ours.snapshot != theirs.snapshot || ours.mapped != theirs.mapped
	switch {
	case differ && a.unlike == nil:
		t.Errorf("we: %s\nQEMU: %s", &ours, &theirs)
	case !differ && a.unlike != nil:
		t.Errorf("no longer %s", a.unlike.says)
	case a.unlike == pastEnd:
		compareZeroFilled(t, dir, theirs)
	case a.unlike == nil && a.snapshots == nil && a.bitmaps == nil:
		compareToolVerdict(t, dir, &theirs)
		if !ours.opens {
			return
		}
		im := openImage(t, dir)
		compareInfo(t, im, theirs.info)
		if ours.mapped {
			compareMap(t, im, theirs.mapping)
		}
		if ours.reads {
			compareContents(t, im, theirs.raw)
		}
	}
}

// runCheck compares check where both open the image.
func (a *alteration) runCheck(t *testing.T, dir string) {
	t.Helper()
	tool := buildTool(t)
	switch {
	case a.check != nil:
		theirs := runCheck(t, dir, "qemu-img", "json", "-f", "qcow2", diskName)
		if ours := runCheck(t, dir, tool, "json", diskName); ours.exit == theirs.exit {
			t.Errorf("check: no longer %s", a.check.says)
		}
	case a.unlike == nil || a.unlike == onlyPart:
		compareCheck(t, tool, dir, []string{"-f", "qcow2", diskName})
	}
}

// A verdict is what a reader makes of an image.
type verdict struct {
	opens, reads, snapshot, mapped bool

	raw           string // QEMU's copy of the disk, if it reads
	info, mapping []byte // as QEMU prints them
	says          string // the messages
}

func (v *verdict) String() string {
	return fmt.Sprintf("opens %t, reads %t, map %t, snapshot %t: %s", v.opens, v.reads, v.mapped, v.snapshot, v.says)
}

// readOurs reads the image and its lists, and checks the errors.
func (a *alteration) readOurs(t *testing.T, dir string) verdict {
	t.Helper()
	im, err := qcow2.Open(filepath.Join(dir, diskName), &qcow2.Options{AllowDirs: []string{dir}})
	checkError(t, "open", err, a.open)
	if err != nil {
		return verdict{says: err.Error()}
	}
	defer im.Close()
	_, err = im.WriteTo(io.Discard)
	checkError(t, "read", err, a.read)
	v := verdict{opens: true, reads: err == nil, mapped: true}
	if err != nil {
		v.says = err.Error()
	}
	for _, err := range im.Extents(0, im.Size()) {
		if err != nil {
			v.mapped = false
			v.says += "; map: " + err.Error()
		}
	}
	_, err = im.Bitmaps()
	checkError(t, "bitmaps", err, a.bitmaps)
	_, err = im.Snapshots()
	checkError(t, "snapshots", err, a.snapshots)
	if snap, err := im.OpenSnapshot("1"); err == nil {
		_, err = snap.WriteTo(io.Discard)
		v.snapshot = err == nil
		checkError(t, "snapshot 1", err, a.snapshot)
	} else if a.snapshot != nil {
		checkError(t, "snapshot 1", err, a.snapshot)
	}
	return v
}

// compareZeroFilled compares the image, read with ZeroFillTruncated, with what
// QEMU made of it: with that option no difference is left.
func compareZeroFilled(t *testing.T, dir string, theirs verdict) {
	t.Helper()
	im, err := qcow2.Open(filepath.Join(dir, diskName), &qcow2.Options{AllowDirs: []string{dir}, ZeroFillTruncated: true})
	if err != nil {
		if theirs.opens {
			t.Errorf("ZeroFillTruncated: %v, QEMU opens it", err)
		}
		return
	}
	defer im.Close()
	if !theirs.reads {
		if _, err := im.WriteTo(io.Discard); err == nil {
			t.Errorf("ZeroFillTruncated: it reads, QEMU says %s", theirs.says)
		}
		return
	}
	compareContents(t, im, theirs.raw)
}

// checkError checks that err is of the wanted kind, and that it says where.
func checkError(t *testing.T, doing string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) { // of two nils, too
		t.Errorf("%s: %v, want %v", doing, err, want)
		return
	}
	e, ref := new(qcow2.Error), new(qcow2.ReferenceError)
	if err != nil && !errors.As(err, &e) && !errors.As(err, &ref) {
		t.Errorf("%s: %v: neither an *Error nor a *ReferenceError", doing, err)
	}
}

// askVerdict asks qemu-img to describe the image, to map it and to copy it, and
// where it has snapshots to copy the first.
func askVerdict(t *testing.T, dir string) verdict {
	t.Helper()
	return askVerdictOf(t, new(recipe), dir)
}

// askVerdictOf is askVerdict of an image that r made, with its password.
func askVerdictOf(t *testing.T, r *recipe, dir string) verdict {
	t.Helper()
	v := verdict{raw: filepath.Join(t.TempDir(), "raw")}
	ask := func(args ...string) ([]byte, bool) {
		out, err := runTool(t, dir, "qemu-img", withSecret(args, r.password)...)
		if te := new(toolError); errors.As(err, &te) {
			if errors.Is(te.err, context.DeadlineExceeded) {
				t.Fatal(err) // no verdict; a crash is one
			}
			v.says += te.stderr
		}
		return out, err == nil
	}
	v.info, v.opens = ask("info", "-f", "qcow2", "--output=json", diskName)
	if !v.opens {
		// Without options convert opens the image in the same way.
		_, v.reads = ask("convert", "-f", "qcow2", "-O", "raw", diskName, v.raw)
		return v
	}
	v.mapping, v.mapped = ask("map", "-f", "qcow2", "--output=json", diskName)
	if bytes.Contains(v.info, []byte(`"snapshots"`)) {
		_, v.snapshot = ask("convert", "-f", "qcow2", "-O", "raw", "-l", "snapshot.id=1", diskName, v.raw)
	}
	_, v.reads = ask("convert", "-f", "qcow2", "-O", "raw", diskName, v.raw)
	return v
}

// An editor changes an image in memory. It finds its way by the generated
// definitions alone.
type editor struct {
	t testing.TB
	b []byte
}

// editImage changes the image in dir.
func editImage(t testing.TB, dir string, alter func(e *editor)) {
	t.Helper()
	name := filepath.Join(dir, diskName)
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	e := &editor{t, b}
	alter(e)
	if bytes.Equal(b, e.b) && len(b) > 0 && &b[0] != &e.b[0] {
		t.Fatal("nothing was changed")
	}
	if err := os.WriteFile(name, e.b, 0o666); err != nil {
		t.Fatal(err)
	}
}

func (e *editor) u8(off int64, v uint8)   { e.b[off] = v }
func (e *editor) u16(off int64, v uint16) { binary.BigEndian.PutUint16(e.b[off:], v) }
func (e *editor) u32(off int64, v uint32) { binary.BigEndian.PutUint32(e.b[off:], v) }
func (e *editor) u64(off int64, v uint64) { binary.BigEndian.PutUint64(e.b[off:], v) }

func (e *editor) get64(off int64) uint64 { return binary.BigEndian.Uint64(e.b[off:]) }

// or sets bits of the big-endian word at off.
func (e *editor) or(off int64, bits uint64) { e.u64(off, e.get64(off)|bits) }

// header is the header as it is now.
func (e *editor) header() (h qcow2.QCowHeader) {
	h.DecodePrefix(e.b[:min(len(e.b), qcow2.SizeofQCowHeader)])
	return h
}

// extended tells whether L2 entries have bitmaps.
func (e *editor) extended() bool {
	h := e.header()
	return h.Version >= qcow2.QCOW2_VERSION_3 && h.IncompatibleFeatures&qcow2.QCOW2_INCOMPAT_EXTL2 != 0
}

// l1 is where the i-th entry of the active L1 table lies.
func (e *editor) l1(i int64) int64 {
	h := e.header()
	return int64(h.L1TableOffset) + i*qcow2.L1E_SIZE
}

// l2 is where the L2 entry of the i-th guest cluster lies.
func (e *editor) l2(i int64) int64 {
	size := int64(qcow2.L2E_SIZE_NORMAL)
	if e.extended() {
		size = qcow2.L2E_SIZE_EXTENDED
	}
	perTable := e.cluster() / size
	table := e.get64(e.l1(i/perTable)) & qcow2.L1E_OFFSET_MASK
	if table == 0 {
		e.t.Fatalf("guest cluster %d has no L2 table", i)
	}
	return int64(table) + i%perTable*size
}

// bitmap is where the subcluster bitmap of the i-th guest cluster lies.
func (e *editor) bitmap(i int64) int64 {
	return e.l2(i) + qcow2.OffsetofQCow2L2EntryExtended_Bitmap
}

// host is where the i-th guest cluster lies in the file.
func (e *editor) host(i int64) int64 {
	return int64(e.get64(e.l2(i)) & qcow2.L2E_OFFSET_MASK)
}

func (e *editor) cluster() int64 {
	h := e.header()
	return 1 << h.ClusterBits
}

// An extension is a header extension to be written.
type extension struct {
	magic uint32
	data  string
}

// extensions replaces the header extensions. The announced length of the last
// one is longer than its data by extra bytes, if that is given.
func (e *editor) extensions(extra uint32, list ...extension) {
	h := e.header()
	at := int64(h.HeaderLength)
	if h.Version == qcow2.QCOW2_VERSION_2 {
		at = qcow2.OffsetofQCowHeader_IncompatibleFeatures
	}
	clear(e.b[at:e.cluster()])
	for i, x := range list {
		e.u32(at+qcow2.OffsetofQCowExtension_Magic, x.magic)
		length := uint32(len(x.data))
		if i == len(list)-1 {
			length += extra
		}
		e.u32(at+qcow2.OffsetofQCowExtension_Len, length)
		copy(e.b[at+qcow2.SizeofQCowExtension:], x.data)
		at += qcow2.SizeofQCowExtension + (int64(len(x.data))+qcow2.QCOW2_ALIGNMENT-1)&^(qcow2.QCOW2_ALIGNMENT-1)
	}
}

// find is where the data of the first extension of that magic lies.
func (e *editor) find(magic uint32) int64 {
	e.t.Helper()
	h := e.header()
	for at := int64(h.HeaderLength); at < e.cluster(); {
		var x qcow2.QCowExtension
		x.Decode((*[qcow2.SizeofQCowExtension]byte)(e.b[at:]))
		at += qcow2.SizeofQCowExtension
		if x.Magic == magic {
			return at
		}
		at += (int64(x.Len) + qcow2.QCOW2_ALIGNMENT - 1) &^ (qcow2.QCOW2_ALIGNMENT - 1)
	}
	e.t.Fatalf("no extension %#x", magic)
	return 0
}
