package qcow2

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/bits"
	"strings"
)

// Names of the checks of a SafetyReport, in their order. The words are those
// that cloud software uses, where it has one.
const (
	SafetyFormat        = "format"                 // it is a qcow2 image whose header is sound
	SafetyVersion       = "version"                // of the format: 2 or 3
	SafetyFeatures      = "unknown_features"       // no incompatible feature is unknown
	SafetyBacking       = "backing_file"           // it names no backing file
	SafetyBackingFormat = "backing_without_format" // it names none without a format, which somebody would guess
	SafetyDataFile      = "data_file"              // it names no external data file
	SafetyEncrypted     = "encrypted"              // its data can be looked at
	SafetyCorrupt       = "corrupt"                // it is not marked corrupt
	SafetyDirty         = "dirty"                  // it was closed properly
	SafetySnapshotTable = "snapshot_table"         // its snapshots can be listed
	SafetyBitmaps       = "bitmaps"                // its bitmaps can be listed
	SafetyTruncated     = "truncated"              // all that it refers to is inside the file
	SafetyStructures    = "structures"             // Check finds no other corruption
	SafetyAmplification = "amplification"          // its data is not a thousand times the file, see SafeAmplification
)

// SafetyNames returns the names of all checks, in their order.
func SafetyNames() []string {
	return []string{
		SafetyFormat, SafetyVersion, SafetyFeatures, SafetyBacking, SafetyBackingFormat, SafetyDataFile, SafetyEncrypted,
		SafetyCorrupt, SafetyDirty, SafetySnapshotTable, SafetyBitmaps, SafetyTruncated, SafetyStructures, SafetyAmplification,
	}
}

// SafeAmplification is how many times the length of its file the data of an
// image may have: not the zeros and holes, which cost nothing, but what is
// allocated. Only compressed clusters that a disk uses again and again, and
// whole disks of one byte, have more.
const SafeAmplification = 1000

// A SafetyCheck is one question about an image, and its answer.
type SafetyCheck struct {
	Name   string // one of the Safety constants
	Passed bool
	Detail string // why not; text of the image in it is quoted
}

// A SafetyReport says what there is about an image that whoever takes images
// from others should know before anything opens it.
type SafetyReport struct {
	// Checks are all that were made, in the order of the constants. Where an
	// image cannot be opened that is the one that says why.
	Checks []SafetyCheck
	// References are the files that the image names, not to be trusted.
	References []Reference

	VirtualSize int64 // of the disk in bytes
	FileSize    int64 // of the image file in bytes
	DataSize    int64 // allocated clusters of the disk, in bytes
}

// Safe reports whether all checks were passed, but for those of the given
// names.
func (r *SafetyReport) Safe(except ...string) bool {
checks:
	for _, c := range r.Checks {
		for _, name := range except {
			if c.Name == name {
				continue checks
			}
		}
		if !c.Passed {
			return false
		}
	}
	return true
}

func (r *SafetyReport) add(name string, passed bool, format string, args ...any) {
	c := SafetyCheck{Name: name, Passed: passed}
	if !passed {
		c.Detail = fmt.Sprintf(format, args...)
	}
	r.Checks = append(r.Checks, c)
}

// SafetyOf is [Image.Safety] for the image of size bytes that r reads, whether
// it can be opened or not. It opens no other file. name is for messages.
func SafetyOf(ctx context.Context, r io.ReaderAt, size int64, name string) (*SafetyReport, error) {
	im, err := New(r, size, &Options{Name: name, ZeroFillTruncated: true})
	if err == nil {
		defer im.Close()
		return im.Safety(ctx)
	}
	report := &SafetyReport{FileSize: size}
	var e *Error
	if !errors.As(err, &e) || !isVerdict(err) {
		return nil, err
	}
	check := SafetyFormat
	switch {
	case errors.Is(err, ErrTruncated):
		check = SafetyTruncated
	case e.Offset == OffsetofQCowHeader_Version && e.Err == ErrUnsupported:
		check = SafetyVersion
	case e.Offset == OffsetofQCowHeader_IncompatibleFeatures && e.Err == ErrUnsupported:
		check = SafetyFeatures
	}
	report.add(check, false, "%v", err)
	return report, nil
}

// isVerdict reports whether err is about the image, not about reading it.
func isVerdict(err error) bool {
	for _, kind := range []error{ErrFormat, ErrUnsupported, ErrCorrupt, ErrTruncated, ErrLimit} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

// Safety tells what there is about the image that whoever takes images from
// others should know before anything opens it: the files that it names, in
// the first place. It makes a [Image.Check] with its defaults, which is what
// takes time, and opens nothing. Only this layer is looked at.
//
// An error says that the file could not be read or that ctx was done. An image
// that cannot be opened has no method: see [SafetyOf].
func (im *Image) Safety(ctx context.Context) (*SafetyReport, error) {
	h := &im.header
	r := &SafetyReport{VirtualSize: int64(h.Size), FileSize: int64(im.file.size)}
	r.add(SafetyFormat, true, "")
	r.add(SafetyVersion, true, "")
	r.add(SafetyFeatures, true, "")
	im.addReferences(r)
	method := "AES"
	if h.CryptMethod == QCOW_CRYPT_LUKS {
		method = "LUKS"
	}
	r.add(SafetyEncrypted, h.CryptMethod == QCOW_CRYPT_NONE, "the data is encrypted with %s", method)
	r.add(SafetyCorrupt, h.IncompatibleFeatures&QCOW2_INCOMPAT_CORRUPT == 0, "the image is marked corrupt")
	r.add(SafetyDirty, h.IncompatibleFeatures&QCOW2_INCOMPAT_DIRTY == 0, "the image was not closed properly: its refcounts may be wrong")
	for _, list := range []struct {
		name string
		get  func() error
	}{
		{SafetySnapshotTable, func() error { _, err := im.Snapshots(); return err }},
		{SafetyBitmaps, func() error { _, err := im.Bitmaps(); return err }},
	} {
		err := list.get()
		if err != nil && !isVerdict(err) {
			return nil, err
		}
		r.add(list.name, err == nil, "%v", err)
	}
	return r, im.addStructures(ctx, r)
}

// addReferences adds the checks about files that the image names.
func (im *Image) addReferences(r *SafetyReport) {
	name, format, ok := im.BackingFile()
	if ok {
		r.References = append(r.References, Reference{Kind: KindBacking, Name: name, Format: format, From: im.file.name})
	}
	r.add(SafetyBacking, !ok, "%s", describeReference(KindBacking, name, format))
	r.add(SafetyBackingFormat, !ok || format != "", "the backing file %q has no format: its content would decide", name)

	// A name without the feature is not used, but what is it there for?
	x := find(im.extensions, QCOW2_EXT_MAGIC_DATA_FILE)
	detail := "the data lies in another file, which the image does not name"
	if x != nil {
		name = string(x.Data)
		r.References = append(r.References, Reference{Kind: KindData, Name: name, Format: formatRaw, From: im.file.name})
		detail = describeReference(KindData, name, "")
	}
	if im.readErr != nil {
		detail = im.readErr.Error()
	}
	r.add(SafetyDataFile, x == nil && !im.hasDataFile() && im.readErr == nil, "%s", detail)
}

// describeReference says what an image names.
func describeReference(kind, name, format string) string {
	text := fmt.Sprintf("the image names a %s, %q", kind, name)
	if format != "" {
		text += fmt.Sprintf(" of format %q", format)
	}
	if protocol, ok := referenceProtocol(name); ok {
		text += fmt.Sprintf(", by the protocol %q", protocol)
	}
	return text
}

// referenceProtocol returns what QEMU would take for a protocol in a file name
// (path_has_protocol): "json", "nbd", "ssh".
func referenceProtocol(name string) (protocol string, ok bool) {
	i := strings.IndexAny(name, ":/")
	if i < 0 || name[i] != ':' {
		return "", false
	}
	return name[:i], true
}

// addStructures adds the checks that take reading all tables.
func (im *Image) addStructures(ctx context.Context, r *SafetyReport) error {
	c := newChecker(ctx, im, &CheckOptions{MaxFindings: 1})
	var outside, other Finding
	var outsides int64
	c.opts.Report = func(f Finding) {
		switch {
		case f.Kind == FindingOutside:
			if outsides++; outsides == 1 {
				outside = f
			}
		case other.Times == 0 && f.Severity() != SeverityLeak:
			other = f
		}
	}
	err := c.run()
	if err != nil && !isVerdict(err) || errors.Is(err, fs.ErrClosed) {
		return err
	}
	result := c.result
	detail := ""
	switch {
	case err != nil:
		detail = "not known, as the check came to no end"
	case outsides > 0:
		detail = fmt.Sprintf("%d structures lie past the end of the file, the first %d bytes at %#x", outsides, outside.Value, outside.Offset)
	case c.missing != 0:
		detail = fmt.Sprintf("data of the disk is needed up to %#x, the file ends at %#x", c.missing, im.file.size)
	}
	r.add(SafetyTruncated, detail == "", "%s", detail)
	faults := result.Corruptions + result.CheckErrors - outsides
	detail = fmt.Sprintf("%d things are wrong; the first: %v", faults, other)
	if err != nil {
		detail = fmt.Sprintf("the check came to no end: %v", err)
	}
	r.add(SafetyStructures, faults == 0 && err == nil, "%s", detail)
	high, low := bits.Mul64(uint64(result.AllocatedClusters), im.active.clusterSize())
	data := low
	if high != 0 || low > 1<<63-1 {
		data = 1<<63 - 1
	}
	r.DataSize = int64(data)
	detail = fmt.Sprintf("%d bytes of data in a file of %d bytes", data, im.file.size)
	if err != nil {
		detail = "not known, as the check came to no end"
	}
	r.add(SafetyAmplification, data/SafeAmplification <= im.file.size && err == nil, "%s", detail)
	return nil
}
