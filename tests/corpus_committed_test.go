package tests

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "make the images under qcow2/testdata again, with qemu-img and qemu-io")

const (
	committedDir   = "../qcow2/testdata/images"
	committedLimit = 300 << 10 // of all files together, compressed
	expectName     = "expect.json"
)

// expectation is what qemu-img says of a committed image, beside the image in
// expect.json.
type expectation struct {
	About     string         `json:"about"`
	Recipe    []string       `json:"recipe"`
	Oracle    string         `json:"oracle"`
	Files     []string       `json:"files"` // each as FILE.gz beside
	Password  string         `json:"password,omitempty"`
	SHA256    string         `json:"sha256,omitempty"`    // of `convert -O raw`
	Map       []mapEntry     `json:"map,omitempty"`       // of `map`, normalised
	Info      map[string]any `json:"info"`                // of `info`, normalised
	Check     map[string]any `json:"check,omitempty"`     // of `check`
	CheckExit int            `json:"check_exit"`          // and how it ended
	Snaps     []snapshotSum  `json:"snapshots,omitempty"` // of `convert -l ID`
}

// snapshotSum is what one internal snapshot holds, clipped or padded with
// zeros to the active disk's size as qemu-img has it.
type snapshotSum struct {
	ID     string `json:"id"`
	SHA256 string `json:"sha256"`
}

// TestUpdateCommittedImages makes the committed images and their expectations
// from committedRecipes. It does so only when asked:
//
//	go test ./tests -run TestUpdateCommittedImages -update
//
// Without -update it holds the recipes against the manifest, so that the two
// cannot drift apart.
func TestUpdateCommittedImages(t *testing.T) {
	if !*update {
		dirs, err := os.ReadDir(committedDir)
		if err != nil {
			t.Fatal(err)
		}
		var have, want []string
		for _, d := range dirs {
			have = append(have, d.Name())
		}
		for _, r := range committedRecipes() {
			want = append(want, r.name)
			e := readExpectation(t, r.name)
			if e.About != r.about || e.Password != r.password || !slices.Equal(e.Recipe, stepTexts(&r)) {
				t.Errorf("%s: recipe and %s differ; run with -update", r.name, expectName)
			}
		}
		slices.Sort(want)
		if !slices.Equal(have, want) {
			t.Errorf("images\n%v\nrecipes\n%v", have, want)
		}
		return
	}
	b := newBuilder(t)
	if err := os.RemoveAll(committedDir); err != nil {
		t.Fatal(err)
	}
	for _, r := range committedRecipes() {
		work := t.TempDir()
		if err := b.build(&r, work); err != nil {
			t.Fatal(err)
		}
		writeCommitted(t, &r, work)
	}
}

func TestCommittedImagesAreSmall(t *testing.T) {
	var total int64
	files := 0
	err := filepath.WalkDir(committedDir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		files++
		total += info.Size()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if files == 0 || total > committedLimit {
		t.Errorf("%d files of %d bytes together, limit %d", files, total, committedLimit)
	}
}

// TestCommittedImages holds the reader against the manifest. It needs no
// QEMU.
func TestCommittedImages(t *testing.T) {
	t.Parallel()
	for _, r := range committedRecipes() {
		t.Run(r.name, func(t *testing.T) {
			want := readExpectation(t, r.name)
			im := openRecipe(t, &r, unpackCommitted(t, r.name))
			if g, w := jsonText(t, infoOf(t, im)), jsonText(t, describable(want.Info)); g != w {
				t.Errorf("info\n%s\nmanifest\n%s", g, w)
			}
			if r.noData {
				return
			}
			compareEntries(t, mapOf(t, im, 0, im.Size()), want.Map)
			h := sha256.New()
			n, err := im.WriteTo(h)
			if sum := hex.EncodeToString(h.Sum(nil)); err != nil || n != im.Size() || sum != want.SHA256 {
				t.Errorf("%d bytes of %d, %v\nhave digest %s\nmanifest    %s", n, im.Size(), err, sum, want.SHA256)
			}
			for _, s := range want.Snaps {
				if sum := snapshotDigest(t, im, s.ID); sum != s.SHA256 {
					t.Errorf("snapshot %s has digest %s, manifest %s", s.ID, sum, s.SHA256)
				}
			}
		})
	}
}

// TestCommittedImagesAgainstInstalledQEMU asks the qemu-img that is installed
// what the committed manifest says, so that a newer one cannot differ unseen.
func TestCommittedImagesAgainstInstalledQEMU(t *testing.T) {
	t.Parallel()
	requireTool(t, "qemu-img")
	for _, r := range committedRecipes() {
		t.Run(r.name, func(t *testing.T) {
			want := readExpectation(t, r.name)
			got := askQEMU(t, &r, unpackCommitted(t, r.name))
			if got.SHA256 != want.SHA256 || fmt.Sprint(got.Snaps) != fmt.Sprint(want.Snaps) {
				t.Errorf("contents %s %v, manifest %s %v", got.SHA256, got.Snaps, want.SHA256, want.Snaps)
			}
			if g, w := fmt.Sprint(got.Map), fmt.Sprint(want.Map); g != w {
				t.Errorf("map\n%s\nmanifest\n%s", g, w)
			}
			if g, w := jsonText(t, got.Info), jsonText(t, want.Info); g != w {
				t.Errorf("info\n%s\nmanifest\n%s", g, w)
			}
			if got.CheckExit != want.CheckExit {
				t.Errorf("check ends with %d, manifest %d", got.CheckExit, want.CheckExit)
			}
		})
	}
}

// stepTexts are the commands of a recipe as the manifest has them.
func stepTexts(r *recipe) []string {
	texts := make([]string, len(r.steps))
	for i, s := range r.steps {
		texts[i] = s.String()
	}
	return texts
}

func readExpectation(t testing.TB, name string) *expectation {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(committedDir, name, expectName))
	if err != nil {
		t.Fatal(err)
	}
	e := new(expectation)
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	d.DisallowUnknownFields()
	if err := d.Decode(e); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return e
}

// unpackCommitted writes the files of a committed image to a new directory and
// returns that. The files have no holes: every byte is written, so that what
// `map` says of them depends on no file system.
func unpackCommitted(t testing.TB, name string) string {
	t.Helper()
	dir := t.TempDir()
	for _, file := range readExpectation(t, name).Files {
		data := readCommitted(t, name, file)
		if err := os.WriteFile(filepath.Join(dir, file), data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// readCommitted returns one file of a committed image, unpacked.
func readCommitted(t testing.TB, name, file string) []byte {
	t.Helper()
	packed, err := os.ReadFile(filepath.Join(committedDir, name, file+".gz"))
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// writeCommitted packs the files in dir, which r made, and what qemu-img says
// of them.
func writeCommitted(t *testing.T, r *recipe, dir string) {
	t.Helper()
	target := filepath.Join(committedDir, r.name)
	if err := os.MkdirAll(target, 0o777); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, entry := range entries {
		if strings.HasSuffix(entry.Name(), ".bin") {
			continue // what the disk's contents were taken from
		}
		name := filepath.Join(dir, entry.Name())
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var packed bytes.Buffer
		z, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression) // the level exists
		_, werr := z.Write(data)
		if err := errors.Join(werr, z.Close()); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(target, entry.Name()+".gz"), packed.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
		// Without its holes, as the users of the image will unpack it.
		if err := os.WriteFile(name, data, 0o666); err != nil {
			t.Fatal(err)
		}
		files = append(files, entry.Name())
	}
	e := askQEMU(t, r, dir)
	e.Files = files
	text, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(target, expectName), append(text, '\n'), 0o666); err != nil {
		t.Fatal(err)
	}
}

// askQEMU asks qemu-img everything about the image that r made in dir.
func askQEMU(t *testing.T, r *recipe, dir string) *expectation {
	t.Helper()
	e := &expectation{About: r.about, Recipe: stepTexts(r), Password: r.password}
	e.Oracle, _, _ = strings.Cut(qemuVersion(t), "\n")

	info, err := normaliseInfo(mustTool(t, dir, "qemu-img", "info", "-f", "qcow2", "--output=json", diskName))
	if err != nil {
		t.Fatal(err)
	}
	e.Info = info
	if !r.noData {
		raw := filepath.Join(t.TempDir(), "raw")
		mustTool(t, dir, "qemu-img", append([]string{"convert", "-O", "raw"}, append(source(r), raw)...)...)
		e.SHA256 = fileSum(t, raw)
		m, err := parseMap(mustTool(t, dir, "qemu-img", append([]string{"map", "--output=json"}, source(r)...)...))
		if err != nil {
			t.Fatal(err)
		}
		e.Map = withoutCompressed(m) // whichever version it is
		snaps, _ := info["snapshots"].([]any)
		for _, s := range snaps {
			id := s.(map[string]any)["id"].(string)
			mustTool(t, dir, "qemu-img", "convert", "-f", "qcow2", "-O", "raw", "-l", "snapshot.id="+id, diskName, raw)
			e.Snaps = append(e.Snaps, snapshotSum{ID: id, SHA256: fileSum(t, raw)})
		}
		check, err := runTool(t, dir, "qemu-img", append([]string{"check", "--output=json"}, source(r)...)...)
		if te := new(toolError); err != nil {
			if !errors.As(err, &te) {
				t.Fatal(err)
			}
			e.CheckExit = te.exit
		}
		d := json.NewDecoder(bytes.NewReader(check))
		d.UseNumber()
		if err := d.Decode(&e.Check); err != nil {
			t.Fatal(err)
		}
	}
	return e
}

// source are the arguments that name the image to qemu-img, with its password
// where it has one.
func source(r *recipe) []string {
	return withSecret([]string{"-f", "qcow2", diskName}, r.password)
}

func fileSum(t *testing.T, name string) string {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func bytesSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// jsonText is v as JSON with sorted keys.
func jsonText(t testing.TB, v any) string {
	t.Helper()
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
