package main

import (
	"encoding/json"
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares text with a file in testdata.
func golden(t *testing.T, name, text string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want := read(t, name); text != want {
		t.Errorf("%s: got\n%s\nwant\n%s", name, text, want)
	}
}

func TestLayout(t *testing.T) {
	r := call("layout", "testdata/demo.h")
	if r.code != 0 || r.stderr != "" {
		t.Fatalf("%+v", r)
	}
	golden(t, "testdata/demo.layout", r.stdout)
}

func TestLayoutJSON(t *testing.T) {
	r := call("layout", "--json", "testdata/demo.h")
	if r.code != 0 || r.stderr != "" {
		t.Fatalf("%+v", r)
	}
	var any map[string]any
	if err := json.Unmarshal([]byte(r.stdout), &any); err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/demo.json", r.stdout)
}
