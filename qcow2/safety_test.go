package qcow2

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Each way an image can do harm fails its check, and no other.
func TestSafety(t *testing.T) {
	header := func(alter func(h *QCowHeader)) func(file []byte) []byte {
		return func(file []byte) []byte {
			var h QCowHeader
			h.DecodePrefix(file[:SizeofQCowHeader])
			alter(&h)
			head, _ := h.MarshalBinary()
			copy(file, head[:min(uint32(len(head)), max(h.HeaderLength, headerLengthV2))])
			return file
		}
	}
	// named puts a name, and header extensions before it, behind the header.
	named := func(name string, extensions ...Extension) func(file []byte) []byte {
		return func(file []byte) []byte {
			var area []byte
			for _, x := range append(extensions, Extension{Magic: QCOW2_EXT_MAGIC_END}) {
				area, _ = (&QCowExtension{Magic: x.Magic, Len: uint32(len(x.Data))}).AppendBinary(area)
				area = append(area, x.Data...)
				area = append(area, make([]byte, -len(x.Data)&(QCOW2_ALIGNMENT-1))...)
			}
			file = header(func(h *QCowHeader) {
				if name != "" {
					h.BackingFileOffset, h.BackingFileSize = uint64(int(h.HeaderLength)+len(area)), uint32(len(name))
				}
			})(file)
			copy(file[SizeofQCowHeader:], append(area, name...))
			return file
		}
	}
	format := func(name string) Extension {
		return Extension{Magic: QCOW2_EXT_MAGIC_BACKING_FORMAT, Data: []byte(name)}
	}
	dataFile := func(name string) Extension { return Extension{Magic: QCOW2_EXT_MAGIC_DATA_FILE, Data: []byte(name)} }

	for _, c := range []struct {
		name   string
		image  string // committed; v3-plain unless told
		alter  func(file []byte) []byte
		failed []string
		detail string // part of the first failed check's detail
		refs   string // the files that are named
	}{
		{name: "sound"},
		{name: "with snapshots", image: "snapshots"},
		{name: "with bitmaps", image: "bitmaps"},
		{name: "version 2", image: "v2-plain"},
		{name: "no qcow2", alter: func([]byte) []byte { return []byte("#!/bin/sh\n") }, failed: []string{SafetyFormat}},
		{name: "empty", alter: func([]byte) []byte { return nil }, failed: []string{SafetyFormat}},
		{name: "half a header", alter: func(f []byte) []byte { return f[:50] }, failed: []string{SafetyTruncated}},
		{name: "version 4", alter: header(func(h *QCowHeader) { h.Version = 4 }), failed: []string{SafetyVersion}},
		{name: "unknown feature", alter: header(func(h *QCowHeader) { h.IncompatibleFeatures |= 1 << 40 }),
			failed: []string{SafetyFeatures}, detail: "bit 40"},
		{name: "header_length", alter: header(func(h *QCowHeader) { h.HeaderLength = 107 }), failed: []string{SafetyFormat}},
		{name: "backing file", alter: named("/etc/shadow", format("raw")), failed: []string{SafetyBacking}, detail: `"/etc/shadow" of format "raw"`,
			refs: `backing file "/etc/shadow" raw`},
		{name: "backing file without format", alter: named("/etc/shadow"), failed: []string{SafetyBacking, SafetyBackingFormat},
			refs: `backing file "/etc/shadow" `},
		{name: "protocol", alter: named("nbd://10.0.0.1/secret", format("raw")), failed: []string{SafetyBacking}, detail: `protocol "nbd"`,
			refs: `backing file "nbd://10.0.0.1/secret" raw`},
		{name: "json", alter: named(`json:{"driver":"host_device"}`, format("qcow2")), failed: []string{SafetyBacking}, detail: `protocol "json"`,
			refs: `backing file "json:{\"driver\":\"host_device\"}" qcow2`},
		{name: "a name for a terminal", alter: named("\x1b]0;pwned\x07", format("raw")), failed: []string{SafetyBacking}, detail: `"\x1b]0;pwned\a"`,
			refs: `backing file "\x1b]0;pwned\a" raw`},
		{name: "data file", image: "data-file", failed: []string{SafetyDataFile}, detail: `"data.raw"`, refs: `data file "data.raw" raw`},
		{name: "data file by protocol", alter: named("", dataFile("ssh://x/y")), failed: []string{SafetyDataFile}, detail: `protocol "ssh"`,
			refs: `data file "ssh://x/y" raw`},
		{name: "data file without a name", image: "data-file", alter: func(f []byte) []byte {
			clear(f[SizeofQCowHeader:4096])
			return f
		}, failed: []string{SafetyDataFile}},
		{name: "raw data file, and none", alter: header(func(h *QCowHeader) { h.AutoclearFeatures |= QCOW2_AUTOCLEAR_DATA_FILE_RAW }),
			failed: []string{SafetyDataFile, SafetyTruncated, SafetyStructures, SafetyAmplification}},
		{name: "AES", image: "aes", failed: []string{SafetyEncrypted}, detail: "AES"},
		{name: "LUKS", image: "luks-metadata", failed: []string{SafetyEncrypted}, detail: "LUKS"},
		{name: "marked corrupt", alter: header(func(h *QCowHeader) { h.IncompatibleFeatures |= QCOW2_INCOMPAT_CORRUPT }), failed: []string{SafetyCorrupt}},
		{name: "marked dirty", alter: header(func(h *QCowHeader) { h.IncompatibleFeatures |= QCOW2_INCOMPAT_DIRTY }), failed: []string{SafetyDirty}},
		{name: "snapshots nowhere", alter: header(func(h *QCowHeader) { h.NbSnapshots, h.SnapshotsOffset = 65536, 1<<40 }),
			failed: []string{SafetySnapshotTable, SafetyTruncated, SafetyStructures, SafetyAmplification}},
		{name: "bitmaps nowhere", image: "bitmaps", alter: func(f []byte) []byte {
			im := open(t, f, nil)
			x := find(im.Extensions(), QCOW2_EXT_MAGIC_BITMAPS)
			setField(f[x.Offset+OffsetofQcow2BitmapHeaderExt_BitmapDirectoryOffset:], 8, 1<<40)
			return f
		}, failed: []string{SafetyBitmaps, SafetyTruncated, SafetyStructures, SafetyAmplification}},
		{name: "a byte of data missing", image: "v3-plain-64k", alter: func(f []byte) []byte { return f[:len(f)-1] }, failed: []string{SafetyTruncated}},
		{name: "half of it missing", alter: func(f []byte) []byte { return f[:len(f)/2] }, failed: []string{SafetyTruncated}},
		{name: "an L2 entry into the L1 table", alter: func(f []byte) []byte {
			im := open(t, f, nil)
			table := l1Entry(f[im.Header().L1TableOffset:])
			setField(f[table:], 8, im.Header().L1TableOffset|QCOW_OFLAG_COPIED)
			return f
		}, failed: []string{SafetyStructures}},
		{name: "an L1 table beyond the end", alter: header(func(h *QCowHeader) { h.L1TableOffset = 1 << 40 }), failed: []string{SafetyTruncated}},
	} {
		image := c.image
		if image == "" {
			image = "v3-plain"
		}
		file := committed(t, image)
		if c.alter != nil {
			file = c.alter(file)
		}
		r, err := SafetyOf(t.Context(), bytes.NewReader(file), int64(len(file)), "disk")
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var failed, names []string
		detail := ""
		for _, check := range r.Checks {
			names = append(names, check.Name)
			if !check.Passed {
				failed = append(failed, check.Name)
				if detail == "" {
					detail = check.Detail
				}
			}
			if check.Passed != (check.Detail == "") || strings.ContainsAny(check.Detail, "\x1b\x07\n") {
				t.Errorf("%s: %+v", c.name, check)
			}
		}
		if !slices.Equal(failed, c.failed) || !strings.Contains(detail, c.detail) {
			t.Errorf("%s: failed %q, want %q: %s", c.name, failed, c.failed, detail)
		}
		if len(names) > 1 && !slices.Equal(names, SafetyNames()) {
			t.Errorf("%s: checks %q", c.name, names)
		}
		var refs []string
		for _, ref := range r.References {
			refs = append(refs, fmt.Sprintf("%s %q %s", ref.Kind, ref.Name, ref.Format))
		}
		if got := strings.Join(refs, "; "); got != c.refs {
			t.Errorf("%s: References %s, want %s", c.name, got, c.refs)
		}
		if r.Safe() != (len(failed) == 0) || !r.Safe(failed...) || r.FileSize != int64(len(file)) {
			t.Errorf("%s: Safe() = %v, %+v", c.name, r.Safe(), r)
		}
	}
}

// One compressed cluster as the data of a whole disk.
func TestSafetyOfAmplification(t *testing.T) {
	b := newBuilder(t, recipe{bits: 16, size: 1 << 30})
	entry := b.compressed(0, nil)
	for i := range b.header.Size >> 16 {
		b.entry(i, entry, 0)
	}
	r, err := b.image(nil).Safety(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	last := r.Checks[len(r.Checks)-1]
	if last.Name != SafetyAmplification || last.Passed || r.DataSize != 1<<30 {
		t.Errorf("%+v, data size %d", last, r.DataSize)
	}
}

// What is not the image's fault is an error.
func TestSafetyErrors(t *testing.T) {
	file := committed(t, "snapshots")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r, err := SafetyOf(ctx, bytes.NewReader(file), int64(len(file)), ""); !errors.Is(err, context.Canceled) {
		t.Errorf("%+v, %v", r, err)
	}
	for n := range 6 {
		if r, err := SafetyOf(t.Context(), &failing{bytes.NewReader(file), n}, int64(len(file)), ""); !errors.Is(err, errFailing) {
			t.Errorf("after %d reads: %+v, %v", n, r, err)
		}
	}
	im := open(t, file, nil)
	im.Close()
	if r, err := im.Safety(t.Context()); err == nil {
		t.Errorf("closed: %+v", r)
	}
}
