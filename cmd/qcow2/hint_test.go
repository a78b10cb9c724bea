package main

import (
	"os"
	"strings"
	"testing"
)

// Whatever the command, and whatever the reason not to open a file that an image
// names, the same hint follows, on one line.
func TestHintFollowsEveryRefusal(t *testing.T) {
	t.Chdir(t.TempDir())
	unpack(t, "chain")
	unpack(t, "data-file")
	if err := os.Mkdir("elsewhere", 0o755); err != nil {
		t.Fatal(err)
	}
	// An overlay whose backing file is not there.
	unpack(t, "extended-l2")
	if err := os.Remove("extended-l2/base.raw"); err != nil {
		t.Fatal(err)
	}
	// An overlay that does not say what its backing file is: without its
	// extensions.
	if err := os.Mkdir("no-format", 0o755); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile("chain/disk.qcow2")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("no-format/disk.qcow2", whole, 0o644); err != nil {
		t.Fatal(err)
	}
	rewrite(t, "no-format/disk.qcow2", func(b []byte) {
		at := strings.Index(string(b), "\xe2\x79\x2a\xca")
		copy(b[at:], "\x00\x00\x00\x00")
	})
	images := [][]string{
		{"chain/disk.qcow2"},
		{"data-file/disk.qcow2"},
		{"--allow-dir", "elsewhere", "chain/disk.qcow2"},
		{"--allow-dir", ".", "extended-l2/disk.qcow2"},
		{"--allow-dir", ".", "no-format/disk.qcow2"},
	}
	commands := map[string][]string{
		"map":     nil,
		"cat":     nil,
		"measure": {"-O", "qcow2"},
		"compare": nil,
		"convert": nil,
		"salvage": {"--salvage"},
		"info":    {"--backing-chain"},
	}
	for _, image := range images {
		for name, flags := range commands {
			dataFile := strings.HasPrefix(image[len(image)-1], "data-file")
			if dataFile && (name == "map" || name == "measure" || name == "info") {
				continue // tables say it all
			}
			args := append([]string{name}, flags...)
			args = append(args, image...)
			switch name {
			case "salvage":
				args[0] = "convert"
				fallthrough
			case "convert":
				args = append(args, "out")
			case "compare":
				args = append(args, image[len(image)-1])
			}
			r := command(args...)
			lines := strings.SplitAfter(strings.TrimSuffix(r.stderr, "\n"), "\n")
			if r.code == 0 || !strings.HasSuffix(lines[len(lines)-1], hint) || name != "salvage" && len(lines) != 1 {
				t.Errorf("%q: exit code %d, %q", args, r.code, r.stderr)
			}
		}
	}
}
