package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"

	"cstructgen/internal/testseed"
	"cstructgen/qcow2"
)

func lost(off, n int64, what string) qcow2.Lost {
	return qcow2.Lost{Offset: off, Length: n, Err: &qcow2.Error{What: what, Offset: off * 7, Err: qcow2.ErrCorrupt}}
}

// However the pieces come, what is listed is in order, without gaps where there
// are none, and each byte counts once.
func TestLossesJoin(t *testing.T) {
	rng := testseed.Rand(t)
	var pieces []qcow2.Lost
	for off := int64(0); off < 100<<10; off += 10 {
		what := "a"
		if off >= 50<<10 {
			what = "b"
		}
		if off/1000%10 != 3 {
			pieces = append(pieces, lost(off, 10, what))
			if rng.IntN(10) == 0 {
				pieces = append(pieces, lost(off, 1+rng.Int64N(10), what))
			}
		}
	}
	rng.Shuffle(len(pieces), func(i, j int) { pieces[i], pieces[j] = pieces[j], pieces[i] })
	var l losses
	for _, p := range pieces {
		l.add(p)
	}
	l.join()
	var got, want []string
	for _, x := range l.list {
		got = append(got, fmt.Sprint(x.Offset, x.Length, x.Err.(*qcow2.Error).What))
	}
	for off := int64(0); off < 100<<10; {
		end := off
		for ; end < 100<<10 && end/1000%10 != 3 && (end < 50<<10 == (off < 50<<10)); end += 10 {
		}
		if end > off {
			want = append(want, fmt.Sprint(off, end-off, map[bool]string{true: "a", false: "b"}[off < 50<<10]))
		}
		off = max(end, off+10)
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

// So many ranges that nobody reads them are counted only.
func TestLossesLimit(t *testing.T) {
	var l losses
	const n = 3 * maxLosses
	for i := range int64(n) {
		l.add(lost(2*i, 1, "x"))
	}
	l.join()
	if len(l.list) > 2*maxLosses || int64(len(l.list))+l.more != n || l.bytes != l.more {
		t.Errorf("%d ranges kept, %d counted with %d bytes", len(l.list), l.more, l.bytes)
	}
}

// However many ranges are lost, and for reasons however long, the list stays a
// part of what convert may take.
func TestLossesMemory(t *testing.T) {
	var l losses
	before := inUse()
	for i := range int64(2*maxLosses - 1) {
		l.add(qcow2.Lost{Offset: 2 * i, Length: 1, Err: &qcow2.Error{
			File: "disk.qcow2", What: "compressed cluster", Offset: i,
			Err: fmt.Errorf("%w: zstd: %w", qcow2.ErrCorrupt, fmt.Errorf("frame header: %w", io.ErrUnexpectedEOF)),
		}})
	}
	if n := int64(inUse() - before); n > 48<<20 {
		t.Errorf("%d ranges take %d bytes", len(l.list), n)
	}
	runtime.KeepAlive(&l)
}

// Damage is zeros in the target, is listed, and is in the exit code.
func TestConvertSalvage(t *testing.T) {
	t.Chdir(t.TempDir())
	unpack(t, "v3-plain")
	const disk = "v3-plain/disk.qcow2"
	whole := succeed(t, "cat", disk)
	if got := succeed(t, "convert", "--salvage", "--output=json", disk, "out"); strings.TrimSpace(got) != "[\n]" {
		t.Errorf("a sound image: %q", got)
	}
	// The L2 table's entry of cluster 3 becomes one that is not aligned, and the
	// last cluster is cut off.
	var entry int64
	for e, err := range mustOpen(t, disk).Extents(0, 1<<19) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Start == 12288 {
			entry = e.Offset
		}
	}
	rewrite(t, disk, func(b []byte) {
		at := bytes.Index(b, []byte{0x80, 0, 0, 0, 0, 0, byte(entry >> 8), byte(entry)})
		b[at+6] |= 2
	})
	info, err := os.Stat(disk)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(disk, info.Size()-4096+100); err != nil {
		t.Fatal(err)
	}
	fail(t, "corrupt image", "convert", disk, "out")

	want := []byte(whole)
	clear(want[12288:16384])
	clear(want[327680+100 : 331776])
	r := command("convert", "--salvage", disk, "out")
	const text = `qcow2: lost 4096 bytes at 12288: "v3-plain/disk.qcow2": L2 entry at 0x4018: 0x8000000000008200: the cluster is not cluster aligned: corrupt image
qcow2: lost 3996 bytes at 327780: "v3-plain/disk.qcow2": data at 0xe000: 0x1000: bytes needed, the file has 0xe064: beyond the end of the file
qcow2: lost 8092 bytes in 2 ranges, which are zeros in the target
`
	if r.code != exitLost || r.stdout != "" || r.stderr != text {
		t.Errorf("exit code %d, printed %q\n%s\nwant %s", r.code, r.stdout, r.stderr, text)
	}
	if got, err := os.ReadFile("out"); err != nil || !bytes.Equal(got, want) {
		t.Errorf("wrong bytes (%v)", err)
	}
	r = command("convert", "--salvage", disk, "-")
	if r.code != exitLost || r.stdout != string(want) || r.stderr != text {
		t.Errorf("to standard output: exit code %d, %d bytes, %s", r.code, len(r.stdout), r.stderr)
	}

	r = command("convert", "--salvage", "--output=json", disk, "out")
	var list []struct {
		Start, Length int64
		Reason        string
	}
	if err := json.Unmarshal([]byte(r.stdout), &list); err != nil || len(list) != 2 || list[1].Start != 327780 || list[1].Length != 3996 || list[1].Reason == "" {
		t.Errorf("JSON: %v in %s", err, r.stdout)
	}
	if r.code != exitLost || strings.Count(r.stderr, "\n") != 1 {
		t.Errorf("JSON: exit code %d, %s", r.code, r.stderr)
	}
}

// Without its backing file an overlay still has what it holds itself; the hint
// is that of every refused file.
func TestConvertSalvageOverlay(t *testing.T) {
	t.Chdir(t.TempDir())
	unpack(t, "chain")
	whole := succeed(t, "cat", "--allow-dir", "chain", "chain/disk.qcow2")
	r := command("convert", "--salvage", "chain/disk.qcow2", "out")
	if r.code != exitLost || !strings.HasSuffix(r.stderr, " in 3 ranges, which are zeros in the target"+hint+"\n") {
		t.Errorf("exit code %d, %s", r.code, r.stderr)
	}
	got, err := os.ReadFile("out")
	if err != nil || string(got[4096:8192]) != whole[4096:8192] || !isZero(got[:4096]) {
		t.Errorf("wrong bytes (%v)", err)
	}
}

// mustOpen opens an image.
func mustOpen(t *testing.T, name string) *qcow2.Image {
	t.Helper()
	im, err := qcow2.Open(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { im.Close() })
	return im
}

func TestSameCause(t *testing.T) {
	a := &qcow2.Error{What: "a", Offset: 1, Err: qcow2.ErrCorrupt}
	for _, tt := range []struct {
		b    error
		want bool
	}{
		{&qcow2.Error{What: "a", Offset: 2, Value: 7, Err: qcow2.ErrCorrupt}, true},
		{&qcow2.Error{What: "b", Err: qcow2.ErrCorrupt}, false},
		{&qcow2.Error{What: "a", File: "below", Err: qcow2.ErrCorrupt}, false},
		{&qcow2.Error{What: "a", Err: qcow2.ErrTruncated}, false},
		{errors.New("a"), false},
	} {
		if sameCause(a, tt.b) != tt.want {
			t.Errorf("%v and %v: %v", a, tt.b, !tt.want)
		}
	}
}
