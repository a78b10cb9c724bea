package tests

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"testing"

	"cstructgen/qcow2"
)

// compareSnapshots compares the contents of each internal snapshot with the
// copy that qemu-img makes of it. That has the size of the active disk: only
// what both have is compared, and that the copy goes on with zeros.
func compareSnapshots(t *testing.T, im *qcow2.Image, r *recipe, dir string) {
	t.Helper()
	snapshots, err := im.Snapshots()
	if err != nil {
		t.Fatal(err)
	}
	rawName := filepath.Join(t.TempDir(), "raw")
	for _, s := range snapshots {
		mustTool(t, dir, "qemu-img", withSecret([]string{"convert", "-f", "qcow2", "-O", "raw", "-l", "snapshot.id=" + s.ID, diskName, rawName}, r.password)...)
		raw, err := os.Open(rawName)
		if err != nil {
			t.Fatal(err)
		}
		defer raw.Close()
		for _, key := range []string{s.ID, s.Name} {
			snap, err := im.OpenSnapshot(key)
			if err != nil {
				t.Errorf("snapshot %q: %v", key, err)
				continue
			}
			if uint64(snap.Size()) != s.DiskSize {
				t.Errorf("snapshot %q: %d bytes, listed with %d", key, snap.Size(), s.DiskSize)
			}
			compareRange(t, snap, raw, 0, min(snap.Size(), im.Size()), 70003)
			if err := snap.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		}
	}
	if _, err := im.OpenSnapshot("no such snapshot"); err == nil {
		t.Error("a snapshot that is not there opens")
	}
}

// snapshotDigest is the SHA-256 of a snapshot in the size of the active disk.
func snapshotDigest(t *testing.T, im *qcow2.Image, id string) string {
	t.Helper()
	snap, err := im.OpenSnapshot(id)
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close()
	h := sha256.New()
	n, err := io.Copy(h, io.NewSectionReader(snap, 0, min(snap.Size(), im.Size())))
	if err != nil {
		t.Fatal(err)
	}
	h.Write(make([]byte, im.Size()-n))
	return hex.EncodeToString(h.Sum(nil))
}
