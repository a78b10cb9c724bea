package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// A block device is written in place, as far as the disk reaches, and can be
// an image itself.
func TestConvertToBlockDevice(t *testing.T) {
	src := newFakeDisk(3<<20 + 512)
	old := bytes.Repeat([]byte{0xee}, 4<<20)
	backing := t.TempDir() + "/backing"
	if err := os.WriteFile(backing, old, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("losetup", "--find", "--show", backing).CombinedOutput()
	if err != nil {
		t.Skipf("no loop device may be made here: %v: %s", err, out)
	}
	device := strings.TrimSpace(string(out))
	defer exec.Command("losetup", "--detach", device).Run()

	if err := convert(t.Context(), src.copier(), destination{name: device}, io.Discard); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(device); err != nil || info.Mode().Type() != os.ModeDevice {
		t.Errorf("it is no longer a block device: %v (%v)", info, err)
	}
	got, err := os.ReadFile(device)
	if err != nil || !bytes.Equal(got, append(bytes.Clone(src.data), old[len(src.data):]...)) {
		t.Errorf("wrong bytes (%v)", err)
	}
	larger := newFakeDisk(5 << 20)
	if err := convert(t.Context(), larger.copier(), destination{name: device}, io.Discard); err == nil || !strings.Contains(err.Error(), "has 4194304 bytes, the disk 5242880") {
		t.Errorf("a disk that is too large: %v", err)
	}
	if now, err := os.ReadFile(device); err != nil || !bytes.Equal(now, got) {
		t.Errorf("a disk that is too large was written (%v)", err)
	}

	// The other way round.
	t.Chdir(t.TempDir())
	unpack(t, "v3-plain")
	image, err := os.ReadFile("v3-plain/disk.qcow2")
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(device, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(image); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if got, want := succeed(t, "cat", device), succeed(t, "cat", "v3-plain/disk.qcow2"); got != want {
		t.Error("the image on the device is another disk")
	}
	fail(t, "a file that the image is read from", "convert", device, device)
}
