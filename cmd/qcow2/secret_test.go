package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/spf13/cobra"

	"cstructgen/qcow2"
)

// Of several secrets the first is that of the topmost encrypted layer, the
// last that of all others. Files and variables count in one order.
func TestSecretsOrder(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("ONE", "one")
	t.Setenv("THREE", "three")
	if err := os.WriteFile("two", []byte("two\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := new(cobra.Command)
	s := registerSecrets(cmd)
	if err := cmd.ParseFlags([]string{"--secret-env=ONE", "--secret-file", "two", "--secret-env", "THREE"}); err != nil {
		t.Fatal(err)
	}
	for range 2 { // images
		var opts qcow2.Options
		if err := s.options(&opts); err != nil {
			t.Fatal(err)
		}
		for depth, want := range []string{"one", "two\n", "three", "three"} {
			if got, err := opts.PasswordOf(qcow2.EncryptedLayer{Depth: depth}); string(got) != want || err != nil {
				t.Errorf("layer %d: %q, %v; want %q", depth, got, err, want)
			}
		}
	}
}

// A pipe gives its secret once, however many images want it.
func TestSecretOfPipe(t *testing.T) {
	t.Chdir(t.TempDir())
	want := unpack(t, "luks")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	w.WriteString(want.Password)
	w.Close()
	name := filepath.Join("/dev/fd", strconv.Itoa(int(r.Fd())))
	if _, err := os.Stat(name); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err) // a system without /dev/fd
	}
	disk := "luks/disk.qcow2"
	if got := succeed(t, "compare", "--secret-file", name, disk, disk); got != "Images are identical.\n" {
		t.Errorf("compare: %q", got)
	}
	if err := os.WriteFile("long", bytes.Repeat([]byte("x"), maxSecret+1), 0o600); err != nil {
		t.Fatal(err)
	}
	fail(t, "more than", "cat", "--secret-file", "long", disk)
}
