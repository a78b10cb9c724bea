package tests

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
)

// A mapEntry is one line of `qemu-img map --output=json`. Fields that versions
// of qemu-img print or leave out are pointers.
type mapEntry struct {
	Start      int64  `json:"start"`
	Length     int64  `json:"length"`
	Depth      int    `json:"depth"`
	Present    bool   `json:"present"`
	Zero       bool   `json:"zero"`
	Data       bool   `json:"data"`
	Compressed *bool  `json:"compressed,omitempty"` // printed since 8.2
	Offset     *int64 `json:"offset,omitempty"`
}

func (e mapEntry) String() string {
	s := fmt.Sprintf("[%#x +%#x depth %d", e.Start, e.Length, e.Depth)
	for _, f := range []struct {
		set  bool
		name string
	}{{e.Present, "present"}, {e.Zero, "zero"}, {e.Data, "data"}, {e.Compressed != nil && *e.Compressed, "compressed"}} {
		if f.set {
			s += " " + f.name
		}
	}
	if e.Offset != nil {
		s += fmt.Sprintf(" at %#x", *e.Offset)
	}
	return s + "]"
}

// parseMap reads the output of `map --output=json`.
func parseMap(out []byte) ([]mapEntry, error) {
	var entries []mapEntry
	d := json.NewDecoder(bytes.NewReader(out))
	d.DisallowUnknownFields() // a field nobody compares must not pass unseen
	if err := d.Decode(&entries); err != nil {
		return nil, fmt.Errorf("map: %w", err)
	}
	return entries, nil
}

// normaliseMap brings what different qemu-img versions print of one image to
// one form, but for withoutCompressed:
//
//   - two extents that touch and differ in nothing are one, however the tool's
//     walk over the disk cut them;
//   - a disk of size 0 has one extent without a byte (7.2) or none.
func normaliseMap(entries []mapEntry) []mapEntry {
	var merged []mapEntry
	for _, e := range entries {
		if e.Length == 0 {
			continue
		}
		if len(merged) > 0 && joins(&merged[len(merged)-1], &e) {
			merged[len(merged)-1].Length += e.Length
			continue
		}
		merged = append(merged, e)
	}
	return merged
}

// withoutCompressed is entries as qemu-img before 8.2 would have them.
func withoutCompressed(entries []mapEntry) []mapEntry {
	entries = slices.Clone(entries)
	for i := range entries {
		entries[i].Compressed = nil
	}
	return normaliseMap(entries)
}

// joins tells whether b goes on where a ends, with nothing different.
func joins(a, b *mapEntry) bool {
	if a.Start+a.Length != b.Start || a.Depth != b.Depth || a.Present != b.Present ||
		a.Zero != b.Zero || a.Data != b.Data || (a.Offset == nil) != (b.Offset == nil) ||
		(a.Compressed == nil) != (b.Compressed == nil) || a.Compressed != nil && *a.Compressed != *b.Compressed {
		return false
	}
	return a.Offset == nil || *a.Offset+a.Length == *b.Offset
}

// normaliseInfo brings what different qemu-img versions print of one image
// with `info --output=json` to one form, and so what different machines print:
//
//   - "actual-size" is the host's business (file system, holes);
//   - "children", the files and their sizes, and "detached-header" of LUKS are
//     not in all versions: see withoutLater;
//   - "filename" and "full-backing-filename" lose their directory;
//   - "dirty-flag" is about the protocol layer's state and always false here,
//     it is kept, as are all others.
func normaliseInfo(out []byte) (map[string]any, error) {
	info, err := parseInfo(out)
	if err != nil {
		return nil, err
	}
	withoutHost(info)
	delete(info, "children")
	if encrypt := encryptionIn(info); encrypt != nil {
		delete(encrypt, "detached-header")
	}
	return info, nil
}

func parseInfo(out []byte) (map[string]any, error) {
	var info map[string]any
	d := json.NewDecoder(bytes.NewReader(out))
	d.UseNumber() // sizes past 2^53 stay exact
	if err := d.Decode(&info); err != nil {
		return nil, fmt.Errorf("info: %w", err)
	}
	return info, nil
}

// encryptionIn is what info says of encryption, nil if it says nothing.
func encryptionIn(info map[string]any) map[string]any {
	specific, _ := info["format-specific"].(map[string]any)
	data, _ := specific["data"].(map[string]any)
	encrypt, _ := data["encrypt"].(map[string]any)
	return encrypt
}

// withoutHost drops from info what is the host's business.
func withoutHost(info map[string]any) {
	delete(info, "actual-size")
	for _, key := range []string{"filename", "full-backing-filename"} {
		if name, ok := info[key].(string); ok {
			info[key] = filepath.Base(name)
		}
	}
}

func TestNormaliseMapDropsWhatVersionsDiffer(t *testing.T) {
	const (
		old = `[{"start":0,"length":1024,"depth":0,"present":true,"zero":false,"data":true},
		        {"start":1024,"length":512,"depth":1,"present":true,"zero":false,"data":true,"offset":4096}]`
		recent = `[{"start":0,"length":512,"depth":0,"present":true,"zero":false,"data":true,"compressed":true},
		        {"start":512,"length":512,"depth":0,"present":true,"zero":false,"data":true,"compressed":false},
		        {"start":1024,"length":256,"depth":1,"present":true,"zero":false,"data":true,"compressed":false,"offset":4096},
		        {"start":1280,"length":256,"depth":1,"present":true,"zero":false,"data":true,"compressed":false,"offset":4352}]`
	)
	var texts [2]string
	for i, in := range []string{old, recent} {
		entries, err := parseMap([]byte(in))
		if err != nil {
			t.Fatal(err)
		}
		texts[i] = fmt.Sprint(withoutCompressed(entries))
	}
	if texts[0] != texts[1] {
		t.Errorf("versions differ after normalising:\n%s\n%s", texts[0], texts[1])
	}
}

func TestNormaliseMapKeepsWhatDiffers(t *testing.T) {
	at := func(n int64) *int64 { return &n }
	base := mapEntry{Start: 0, Length: 512, Present: true, Data: true, Offset: at(4096)}
	for name, second := range map[string]mapEntry{
		"gap":         {Start: 1024, Length: 512, Present: true, Data: true, Offset: at(4608)},
		"depth":       {Start: 512, Length: 512, Depth: 1, Present: true, Data: true, Offset: at(4608)},
		"present":     {Start: 512, Length: 512, Data: true, Offset: at(4608)},
		"zero":        {Start: 512, Length: 512, Present: true, Zero: true, Data: true, Offset: at(4608)},
		"data":        {Start: 512, Length: 512, Present: true, Offset: at(4608)},
		"no offset":   {Start: 512, Length: 512, Present: true, Data: true},
		"other place": {Start: 512, Length: 512, Present: true, Data: true, Offset: at(8192)},
		"compressed":  {Start: 512, Length: 512, Present: true, Data: true, Offset: at(4608), Compressed: new(bool)},
	} {
		if got := normaliseMap([]mapEntry{base, second}); len(got) != 2 {
			t.Errorf("%s: merged to %v", name, got)
		}
	}
	if _, err := parseMap([]byte(`[{"start":0,"news":1}]`)); err == nil {
		t.Error("an unknown field of map passes unseen")
	}
}

func TestNormaliseInfo(t *testing.T) {
	info, err := normaliseInfo([]byte(`{"virtual-size":9223372036854775296,"filename":"/tmp/x/disk.qcow2",
		"actual-size":1,"children":[],"full-backing-filename":"../b/base.raw","backing-filename":"../b/base.raw"}`))
	if err != nil {
		t.Fatal(err)
	}
	const want = `map[backing-filename:../b/base.raw filename:disk.qcow2 full-backing-filename:base.raw virtual-size:9223372036854775296]`
	if got := fmt.Sprint(info); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
