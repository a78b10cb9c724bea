package tests

import (
	"bytes"
	"regexp"
	"testing"
)

// The tool prints what qemu-img 10 does. Earlier versions say less, and keep
// the list of snapshots in narrower columns.
var (
	laterCompressed = regexp.MustCompile(`, "compressed": (true|false)`)
	laterChildren   = regexp.MustCompile(`(?s)\n    "children": \[\n        \{.*?\n    \],`)
	laterNode       = regexp.MustCompile(`(?m)^Child node .*\n(    .*\n)*`)
	laterDetached   = regexp.MustCompile(`(?m)^ *("detached-header"|detached header): false,?\n`)
	laterTitle      = regexp.MustCompile(`(?m)^ID      TAG               VM_SIZE                DATE        VM_CLOCK     ICOUNT$`)
	laterSnapshot   = regexp.MustCompile(`(?m)^(.* \d{4}-\d\d-\d\d \d\d:\d\d:\d\d) +0{0,2}(\d\d+:\d\d:\d\d\.\d{3}) +(?:--|(\d+))$`)
)

// asOldAs returns ours, which the tool printed, as it was before what is not in
// theirs came to qemu-img.
func asOldAs(theirs, ours []byte) []byte {
	for _, later := range []*regexp.Regexp{laterCompressed, laterChildren, laterNode, laterDetached} {
		if !later.Match(theirs) {
			ours = later.ReplaceAll(ours, nil)
		}
	}
	if bytes.Contains(theirs, []byte("VM SIZE")) {
		ours = laterTitle.ReplaceAll(ours, []byte("ID        TAG               VM SIZE                DATE     VM CLOCK     ICOUNT"))
		ours = laterSnapshot.ReplaceAll(ours, []byte("$1 $2 $3"))
	}
	return ours
}

// withoutLater does the same with what `info --output=json` says.
func withoutLater(ours, theirs map[string]any) {
	if theirs["children"] == nil {
		delete(ours, "children")
	}
	if e := encryptionIn(ours); e != nil && encryptionIn(theirs)["detached-header"] == nil {
		delete(e, "detached-header")
	}
}

func TestAsOldAs(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, ours, theirs string }{
		{"map", `[{ "start": 0, "data": true, "compressed": false, "offset": 0}]`, `[{ "start": 0, "data": true, "offset": 0}]`},
		{
			"info",
			"image: a\nencrypt:\n    detached header: false\n    slots:\nChild node '/file':\n    filename: a\n    disk size: 1\n\nimage: b\n",
			"image: a\nencrypt:\n    slots:\n\nimage: b\n",
		},
		{
			"info as JSON",
			"{\n    \"children\": [\n        {\n            \"children\": [\n            ],\n        }\n    ],\n    \"virtual-size\": 512\n}",
			"{\n    \"virtual-size\": 512\n}",
		},
		{
			"snapshots",
			"Snapshot list:\nID      TAG               VM_SIZE                DATE        VM_CLOCK     ICOUNT\n" +
				"1       one                   0 B 2026-11-23 07:01:26  0012:34:56.789          0\n" +
				"2       two                   0 B 2026-11-23 07:01:26  1234:34:56.789         --\n",
			"Snapshot list:\nID        TAG               VM SIZE                DATE     VM CLOCK     ICOUNT\n" +
				"1       one                   0 B 2026-11-23 07:01:26 12:34:56.789 0\n" +
				"2       two                   0 B 2026-11-23 07:01:26 1234:34:56.789 \n",
		},
	} {
		if got := asOldAs([]byte(tt.theirs), []byte(tt.ours)); string(got) != tt.theirs {
			t.Errorf("%s\n%s\nwant\n%s", tt.name, got, tt.theirs)
		}
		if got := asOldAs([]byte(tt.ours), []byte(tt.ours)); string(got) != tt.ours {
			t.Errorf("%s: not left alone\n%s", tt.name, got)
		}
	}
}
