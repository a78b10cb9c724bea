package tests

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"cstructgen/qcow2"
)

// dirtyRanges compares what bitmaps mark with what qemu-nbd tells of them to
// who asks it as a server: x-dirty-bitmap has no data where a bit is set.
func dirtyRanges(t *testing.T) {
	nbd := requireTool(t, "qemu-nbd")
	b := newBuilder(t)
	recipes := iotestBitmaps()
	for _, r := range specialRecipes() {
		if r.name == "bitmaps" {
			recipes = append(recipes, r)
		}
	}
	// Coarse and fine over a disk whose end no bit meets.
	recipes = append(recipes, recipe{name: "odd-end", steps: []command{create(diskName, 3*mib+512, "cluster_size=512"),
		img("bitmap", "--add", "-f", "qcow2", "-g", "512", diskName, "fine"), img("bitmap", "--add", "-f", "qcow2", "-g", "2M", diskName, "coarse"),
		qio("qcow2", diskName, "write -q -P 1 1M 1M", "write -q -P 2 3M 512", "write -q -z 5k 1k")}})
	for _, r := range recipes {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			withImage(t, b, &r, func(dir string) {
				im := openImage(t, dir)
				bitmaps, err := im.Bitmaps()
				if err != nil || len(bitmaps) == 0 {
					t.Fatalf("%d bitmaps, %v", len(bitmaps), err)
				}
				for i := range bitmaps {
					if !bitmaps[i].InUse {
						compareDirty(t, im, &bitmaps[i], dir, nbd)
					}
				}
			})
		})
	}
}

// compareDirty compares one bitmap.
func compareDirty(t *testing.T, im *qcow2.Image, b *qcow2.Bitmap, dir, nbd string) {
	t.Helper()
	var got, want []qcow2.Range
	for r, err := range im.DirtyRanges(b) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, r)
	}
	// A socket's name must be short.
	place, err := os.MkdirTemp("", "nbd")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(place)
	socket := filepath.Join(place, "s")
	ctx, cancel := context.WithTimeout(t.Context(), oracleTimeout)
	defer cancel()
	server := exec.CommandContext(ctx, nbd, "-r", "-f", "qcow2", "-B", b.Name, "-k", socket, diskName)
	server.Dir = dir
	var says bytes.Buffer
	server.Stderr = &says
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := server.Wait(); err != nil { // it ends with its first client
			t.Errorf("qemu-nbd: %v: %s", err, &says)
		}
	}()
	var out []byte
	for ctx.Err() == nil {
		out, err = runTool(t, dir, "qemu-img", "map", "--output=json", "--image-opts",
			"driver=nbd,server.type=unix,server.path="+socket+",x-dirty-bitmap=qemu:dirty-bitmap:"+b.Name)
		// The socket is there first, and somebody listens to it then.
		if err == nil || !strings.Contains(err.Error(), "Failed to connect to") {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	entries, err := parseMap(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		switch n := len(want); {
		case e.Data || e.Length == 0:
		case n > 0 && want[n-1].Start+want[n-1].Length == e.Start:
			want[n-1].Length += e.Length
		default:
			want = append(want, qcow2.Range{Start: e.Start, Length: e.Length})
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("bitmap %q: %v\nqemu-nbd %v", b.Name, got, want)
	}
}

// vmState writes where the state of a machine is kept, and says in the
// snapshot that it is there, as only a running machine does.
func vmState(t *testing.T) {
	b := newBuilder(t)
	dir := t.TempDir()
	r := recipe{name: "vm-state", steps: []command{create(diskName, mib+512, "cluster_size=4k"),
		qio("qcow2", diskName, "write -q -P 1 0 1M", "write -q -b -P 0x5a 0 10k", "write -q -b -P 0x5b 9000k 3k"), img("snapshot", "-c", "one", diskName),
		qio("qcow2", diskName, "write -q -b -P 0x66 0 20k")}}
	if err := b.build(&r, dir); err != nil {
		t.Fatal(err)
	}
	const size = 9003 * kib
	editImage(t, dir, func(e *editor) {
		at := e.snapshot(0)
		e.u32(at+qcow2.OffsetofQCowSnapshotHeader_VmStateSize, size)
		e.u64(at+qcow2.SizeofQCowSnapshotHeader+qcow2.OffsetofQCowSnapshotExtraData_VmStateSizeLarge, size)
	})
	im := openImage(t, dir)
	list, err := im.Snapshots()
	if err != nil {
		t.Fatal(err)
	}
	state, err := im.OpenVMState(&list[0])
	if err != nil {
		t.Fatal(err)
	}
	got := make([]byte, size)
	if n, err := state.ReadAt(got, 0); n != size {
		t.Fatalf("%d bytes, %v", n, err)
	}
	if state.Size() != size || !bytes.Equal(got[:10*kib], bytes.Repeat([]byte{0x5a}, 10*kib)) ||
		!bytes.Equal(got[9000*kib:], bytes.Repeat([]byte{0x5b}, 3*kib)) || len(bytes.Trim(got[10*kib:9000*kib], "\x00")) > 0 {
		t.Errorf("%d bytes, or others than were written", state.Size())
	}
	// QEMU reads that of the disk as it is now: first that, then the snapshot's.
	ask := func(pattern string) {
		out := mustTool(t, dir, "qemu-io", "-r", "-f", "qcow2", "-c", "read -q -b -P "+pattern, "-c", "read -q -b -P 0x5b 9000k 3k", diskName)
		if len(out) > 0 {
			t.Errorf("QEMU: %s", out)
		}
	}
	ask("0x66 0 20k")
	mustTool(t, dir, "qemu-img", "snapshot", "-a", "one", diskName)
	ask("0x5a 0 10k")
}
