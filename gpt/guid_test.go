package gpt

import (
	"strings"
	"testing"
)

// The EFI system partition's type, as it lies on every disk that has one.
func TestGUIDIsMixedEndian(t *testing.T) {
	stored := [SizeofEfiGuid]byte{0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11, 0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b}
	const text = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"
	var g EfiGuid
	g.Decode(&stored)
	if g.String() != text {
		t.Errorf("%s, want %s", g, text)
	}
	for _, s := range []string{text, strings.ToLower(text)} {
		if parsed, err := ParseGUID(s); err != nil || parsed != g {
			t.Errorf("%s: %s, %v", s, parsed, err)
		}
	}
}

func TestParseGUIDErrors(t *testing.T) {
	for _, s := range []string{
		"", "C12A7328", "C12A7328-F81F-11D2-BA4B-00A0C93EC93", "C12A7328-F81F-11D2-BA4B-00A0C93EC93BB",
		"C12A7328F81F11D2BA4B00A0C93EC93B", "C12A7328-F81F-11D2-BA4B-00A0C93EC93G", "C12A7328-F81F-11D2-BA4B00A0C93EC9-3B",
		"{C12A7328-F81F-11D2-BA4B-00A0C93EC93}", "C12A7328-F81F-11D2-BA4B-00A0C93EC9\xff\xff",
	} {
		if g, err := ParseGUID(s); err == nil {
			t.Errorf("%q is %s", s, g)
		}
	}
}

// Every type has the form in which partitions have it.
func TestTypeNames(t *testing.T) {
	for text, name := range typeNames {
		g, err := ParseGUID(text)
		if len(text) != 2 && (err != nil || g.String() != text) {
			t.Errorf("%q: %v", text, err)
		}
		if len(text) == 2 && strings.Trim(text, "0123456789abcdef") != "" || name == "" {
			t.Errorf("%q is %q", text, name)
		}
	}
}
