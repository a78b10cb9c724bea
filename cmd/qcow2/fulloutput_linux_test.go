package main

import (
	"os"
	"testing"
)

// Output that cannot be written is an error, never silence.
func TestFullOutput(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	t.Chdir(t.TempDir())
	unpack(t, "snapshots")
	unpack(t, "bitmaps")
	const image = "snapshots/disk.qcow2"
	for _, args := range [][]string{
		{"cat", image}, {"convert", image, "-"}, {"map", image}, {"map", "--output=json", image}, {"map", "--picture", "-", image},
		{"info", image}, {"info", "--output=json", image}, {"info", "--safety", image}, {"info", "--partitions", image},
		{"check", image}, {"check", "--output=json", image}, {"compare", image, image}, {"measure", image},
		{"snapshot", "-l", image}, {"bitmap", "bitmaps/disk.qcow2"}, {"dump", image}, {"dump", "--output=json", image},
	} {
		cmd := process(t, args...)
		cmd.Stdout = full
		if r := finish(t, cmd); r.code == 0 || r.stderr == "" {
			t.Errorf("%q: exit code %d, %q", args, r.code, r.stderr)
		}
	}
}
