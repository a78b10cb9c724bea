package main

import (
	"encoding/binary"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// Without --allow-dir no command opens a file that an image names, whatever it
// is asked to do; with --safety not even with it. The kernel is witness.
func TestCommandsOpenNothingElse(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, image := range []string{"chain", "data-file", "extended-l2", "zero-clusters"} {
		unpack(t, image)
	}
	fd, err := syscall.InotifyInit1(syscall.IN_NONBLOCK | syscall.IN_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	opened := func() (names []string) {
		var b [64 << 10]byte
		for {
			n, err := syscall.Read(fd, b[:])
			if err == syscall.EAGAIN {
				slices.Sort(names)
				return slices.Compact(names)
			}
			if err != nil {
				t.Fatal(err)
			}
			for e := b[:n]; len(e) > 0; {
				length := binary.NativeEndian.Uint32(e[12:16])
				names = append(names, strings.TrimRight(string(e[16:16+length]), "\x00"))
				e = e[16+length:]
			}
		}
	}
	for _, dir := range []string{"chain", "data-file", "extended-l2", "zero-clusters"} {
		if _, err := syscall.InotifyAddWatch(fd, dir, syscall.IN_OPEN); err != nil {
			t.Fatal(err)
		}
		image := dir + "/disk.qcow2"
		for _, args := range [][]string{
			{"info"}, {"info", "--backing-chain"}, {"info", "--output=json"}, {"info", "--partitions"}, {"info", "--safety"},
			{"info", "--safety", "--allow-dir", dir}, {"info", "--backing-format", "raw"},
			{"map"}, {"map", "--output=json"}, {"map", "--picture", "-"}, {"check"}, {"measure", "-O", "qcow2"}, {"dump"}, {"dump", "--output=json"},
			{"bitmap"}, {"snapshot", "-l"}, {"cat"}, {"convert"}, {"convert", "--salvage"}, {"compare", image},
		} {
			line := append(slices.Clone(args), image)
			if args[0] == "convert" {
				line = append(line, "-")
			}
			opened()
			command(line...)
			if got := opened(); !slices.Equal(got, []string{"disk.qcow2"}) {
				t.Errorf("%q opened %q", line, got)
			}
		}
		command("cat", "--allow-dir", dir, image)
		if got := opened(); !slices.ContainsFunc(got, func(name string) bool { return name != "" && name != "disk.qcow2" }) {
			t.Errorf("%s: the witness saw %q", dir, got)
		}
	}
}
