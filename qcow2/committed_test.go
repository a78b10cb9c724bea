package qcow2

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// committedImages returns the names of the images under testdata, which QEMU
// made.
func committedImages(t testing.TB) []string {
	t.Helper()
	list, err := filepath.Glob("testdata/images/*/expect.json")
	if err != nil || len(list) == 0 {
		t.Fatalf("no images under testdata: %v", err)
	}
	for i, name := range list {
		list[i] = filepath.Dir(name)
	}
	return list
}

// unpack puts the files of a committed image into a directory and returns the
// name of the image.
func unpack(t testing.TB, image string) string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(image, "*.gz"))
	if err != nil || len(list) == 0 {
		t.Fatalf("no files in %s: %v", image, err)
	}
	dir := t.TempDir()
	for _, packed := range list {
		name := filepath.Base(packed)
		name = filepath.Join(dir, name[:len(name)-len(".gz")])
		if err := os.WriteFile(name, gunzip(t, packed), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "disk.qcow2")
}

func gunzip(t testing.TB, name string) []byte {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// The disks of images that QEMU made are what qemu-img said they are, and so
// are those of their snapshots.
func TestCommittedImages(t *testing.T) {
	for _, image := range committedImages(t) {
		t.Run(filepath.Base(image), func(t *testing.T) {
			var expect struct {
				SHA256    string
				Password  string
				Snapshots []struct{ ID, SHA256 string }
			}
			text, err := os.ReadFile(filepath.Join(image, "expect.json"))
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(text, &expect); err != nil {
				t.Fatal(err)
			}
			name := unpack(t, image)
			opts := &Options{AllowDirs: []string{filepath.Dir(name)}}
			if expect.Password != "" {
				opts.Password = []byte(expect.Password)
			}
			im, err := Open(name, opts)
			if err != nil {
				t.Fatal(err)
			}
			defer im.Close()
			if d := im.Describe(); d.SnapshotsError != nil || d.BitmapsError != nil || len(d.Snapshots) != len(expect.Snapshots) {
				t.Errorf("Describe() = %+v", d)
			}
			if expect.SHA256 != "" {
				checkSum(t, im, im.Size(), expect.SHA256)
			}
			for _, s := range expect.Snapshots {
				view, err := im.OpenSnapshot(s.ID)
				if err != nil {
					t.Fatal(err)
				}
				checkSum(t, view, im.Size(), s.SHA256) // qemu-img keeps the active disk's size
			}
		})
	}
}

// checkSum compares the disk of im, cut or filled up with zeros to size, with
// its SHA-256.
func checkSum(t *testing.T, im *Image, size int64, want string) {
	t.Helper()
	var disk bytes.Buffer
	if _, err := im.WriteTo(&disk); err != nil {
		t.Error(err)
		return
	}
	sum := sha256.Sum256(slice(disk.Bytes(), 0, uint64(size)))
	if got := hex.EncodeToString(sum[:]); got != want {
		t.Errorf("SHA-256 %s, want %s", got, want)
	}
}
