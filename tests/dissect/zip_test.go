package dissect

import (
	"archive/zip"
	"bytes"
	"hash/crc32"
	"reflect"
	"strings"
	"testing"
	"time"
)

// archive makes an archive with the standard library: what it compresses as
// it comes, with sizes behind the data, and what is known before.
func archive(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	at := time.Date(2024, 2, 29, 13, 37, 42, 0, time.UTC)
	add := func(h *zip.FileHeader, text string) {
		create := w.CreateHeader
		if h.UncompressedSize64 > 0 {
			create = w.CreateRaw
		}
		f, err := create(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	long := strings.Repeat("compresses well ", 100)
	deflated := &zip.FileHeader{Name: "long.txt", Method: zip.Deflate, Modified: at, Comment: "of 1600 bytes"}
	deflated.SetMode(0o640)
	add(deflated, long)
	stored := &zip.FileHeader{
		Name: "stored.bin", Method: zip.Store, Comment: "Grüße", CRC32: crc32.ChecksumIEEE([]byte("data")),
		CompressedSize64: 4, UncompressedSize64: 4,
	}
	stored.SetMode(0o755)
	add(stored, "data")
	add(&zip.FileHeader{Name: "directory/"}, "")
	if err := w.SetComment("the whole"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// decoded decodes x from the start of b, checks that it encodes to the same,
// and returns what follows.
func decoded(t *testing.T, b []byte, x interface {
	Decode([]byte) (int, error)
	MarshalBinary() ([]byte, error)
}) []byte {
	t.Helper()
	n, err := x.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	again, err := x.MarshalBinary()
	if err != nil || !bytes.Equal(again, b[:n]) {
		t.Fatalf("%T of\n%x encodes to\n%x, %v", x, b[:n], again, err)
	}
	return b[n:]
}

// The structs say of an archive what the standard library's reader says.
func TestZip(t *testing.T) {
	b := archive(t)
	r, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	var end ZipEnd
	if rest := decoded(t, b[bytes.LastIndex(b, []byte(ZIP_END)):], &end); len(rest) > 0 {
		t.Errorf("%d bytes behind the end", len(rest))
	}
	if end.CommentText() != r.Comment || int(end.Entries) != len(r.File) {
		t.Errorf("end: %+v", end)
	}
	directory := b[end.Offset:][:end.Size]
	for _, f := range r.File {
		var e ZipEntry
		directory = decoded(t, directory, &e)
		year, month, day := f.Modified.Date()
		got := []any{
			string(e.Name), string(e.Comment), e.Crc32, uint64(e.Size), uint64(e.Compressed), uint16(e.Method), e.Utf8 == 0,
			e.System, uint32(e.Anon0.Mode()), int(e.Modified.Year()) + 1980, time.Month(e.Modified.Month()), int(e.Modified.Day()),
			string(e.Extra),
		}
		want := []any{
			f.Name, f.Comment, f.CRC32, f.UncompressedSize64, f.CompressedSize64, f.Method, f.NonUTF8 || f.Flags&0x800 == 0,
			ZipSystem(f.CreatorVersion >> 8), f.ExternalAttrs >> 16, year, month, day, string(f.Extra),
		}
		if e.Modified.Value() == 0 {
			got, want = append(got[:9:9], got[12]), append(want[:9:9], want[12])
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, want %v", f.Name, got, want)
		}
		for extra := e.Extra; len(extra) > 0; {
			var x ZipExtra
			var times ZipTimes
			extra = decoded(t, extra, &x)
			if decoded(t, x.Data, &times); x.Kind != ZipExtraKind_TIMES || !time.Unix(int64(times.Mtime[0]), 0).Equal(f.Modified) {
				t.Errorf("%s: %v: %v, want %v", f.Name, x.Kind, times.Mtime, f.Modified)
			}
		}
		var l ZipLocal
		decoded(t, b[e.Offset:], &l)
		if string(l.Magic[:]) != ZIP_LOCAL || string(l.Name) != f.Name || l.Follows == 0 && f.Name == "stored.bin" && string(l.Data) != "data" {
			t.Errorf("%s: local header %+v", f.Name, l)
		}
	}
	if len(directory) > 0 {
		t.Errorf("%d bytes behind the last entry", len(directory))
	}
}
