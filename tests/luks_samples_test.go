package tests

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cstructgen/luks"
)

const (
	samplesDir   = "../luks/testdata"
	samplesLimit = 180 << 10 // of all files together, compressed: key material cannot be
)

// A luksSample is a stand-alone LUKS volume under ../luks/testdata, as
// samples.json there describes it.
type luksSample struct {
	Name     string   `json:"name"` // the file is NAME.luks.gz
	About    string   `json:"about"`
	Recipe   []string `json:"recipe"`
	Password string   `json:"password"`
	Slot     int      `json:"slot"` // that the password opens
	SHA256   string   `json:"sha256"`
	commands []command
}

// luksSamples are the samples, without what their makers say of them.
func luksSamples() []luksSample {
	const file = "volume.luks"
	samples := []luksSample{{
		Name:     "qemu",
		About:    "made by QEMU: AES with 128 bits, cbc-essiv:sha256, the password in slot 0; 64 KiB, of which 1500 bytes from 1000 on were written",
		Password: "open sesame",
		commands: []command{
			{"secret", "key", "open sesame"},
			img("create", "-q", "-f", "luks", "--object", "secret,id=key,file=key", "-o",
				"key-secret=key,cipher-alg=aes-128,cipher-mode=cbc,ivgen-alg=essiv,ivgen-hash-alg=sha256,iter-time=1", file, "64k"),
			{"qemu-io", "--object", "secret,id=key,file=key", "--image-opts", "-c", "write -q -P 0x41 1000 1500",
				"driver=luks,key-secret=key,file.driver=file,file.filename=" + file},
		},
	}, {
		Name:     "cryptsetup",
		About:    "made by cryptsetup: AES with 192 bits, cbc-essiv:sha256, hash sha512, the password in slot 3; no data. QEMU cannot read it: its key material ends inside a sector",
		Password: "a longer password",
		Slot:     3,
		commands: []command{
			{"secret", "key", "a longer password"},
			img("create", "-q", "-f", "raw", file, "1M"),
			{"cryptsetup", "luksFormat", "-q", "--type", "luks1", "--cipher", "aes-cbc-essiv:sha256", "--key-size", "192",
				"--hash", "sha512", "--pbkdf-force-iterations", "1000", "--key-slot", "3", "--key-file", "key", file},
			{"clear", file, "0x1000", "0x48000"}, // what cryptsetup put into unused slots: noise
			{"clear", file, "0x61000", "0x60000"},
		},
	}}
	for i := range samples {
		for _, c := range samples[i].commands {
			samples[i].Recipe = append(samples[i].Recipe, c.String())
		}
	}
	return samples
}

// TestUpdateLUKSSamples makes the samples when it is asked to, which takes
// cryptsetup besides QEMU:
//
//	go test ./tests -run TestUpdateLUKSSamples -update
//
// Otherwise it holds them against what their makers said of them.
func TestUpdateLUKSSamples(t *testing.T) {
	samples := luksSamples()
	name := filepath.Join(samplesDir, "samples.json")
	if *update {
		for i := range samples {
			makeSample(t, &samples[i])
		}
		if err := os.WriteFile(name, []byte(jsonText(t, samples)+"\n"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var stored []luksSample
	if err := json.Unmarshal(text, &stored); err != nil {
		t.Fatal(err)
	}
	total := 0
	for i, s := range stored {
		packed, err := os.ReadFile(filepath.Join(samplesDir, s.Name+".luks.gz"))
		if err != nil {
			t.Fatal(err)
		}
		total += len(packed)
		if i < len(samples) {
			samples[i].SHA256, samples[i].commands = s.SHA256, nil
		}
		z, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			t.Fatal(err)
		}
		file, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		v, err := luks.Open(context.Background(), bytes.NewReader(file), int64(len(file)), []byte(s.Password), nil)
		if err != nil {
			t.Fatalf("%s: %v", s.Name, err)
		}
		if sum := volumeSum(t, v); v.Slot() != s.Slot || sum != s.SHA256 {
			t.Errorf("%s: slot %d, digest %s, want %s", s.Name, v.Slot(), sum, s.SHA256)
		}
		v.Close()
	}
	if d := cmp.Diff(samples, stored, cmp.AllowUnexported(luksSample{})); d != "" {
		t.Errorf("%s differs from the recipes; run with -update\n%s", name, d)
	}
	if total > samplesLimit {
		t.Errorf("%d bytes of samples, limit %d", total, samplesLimit)
	}
}

// makeSample makes one sample, and asks QEMU what it holds, if anything.
func makeSample(t *testing.T, s *luksSample) {
	t.Helper()
	dir := t.TempDir()
	b := newBuilder(t)
	if path, err := exec.LookPath("cryptsetup"); err == nil {
		b.tools["cryptsetup"] = path
	}
	for _, c := range s.commands {
		if err := b.run(c, dir); err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.ReadFile(filepath.Join(dir, "volume.luks"))
	if err != nil {
		t.Fatal(err)
	}
	h, err := luks.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	if s.Name == "cryptsetup" {
		file = file[:h.PayloadOffset] // no data
		empty := sha256.Sum256(nil)
		s.SHA256 = hex.EncodeToString(empty[:])
	} else {
		raw := filepath.Join(dir, "raw")
		mustTool(t, dir, "qemu-img", "convert", "-O", "raw", "--object", "secret,id=key,file=key", "--image-opts",
			"driver=luks,key-secret=key,file.driver=file,file.filename=volume.luks", raw)
		s.SHA256 = fileSum(t, raw)
	}
	var packed bytes.Buffer
	z, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression) // the level exists
	_, werr := z.Write(file)
	if err := errors.Join(werr, z.Close()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(samplesDir, fmt.Sprintf("%s.luks.gz", s.Name)), packed.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
}

// volumeSum is the digest of the plain data of v.
func volumeSum(t *testing.T, v *luks.Volume) string {
	t.Helper()
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(v, 0, v.Size())); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(h.Sum(nil))
}
