package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func parsed(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return v
}

func sum(data []byte) string {
	return fmt.Sprintf("%x", sha256.Sum256(data))
}

// Every committed image, against what qemu-img said of it.
func TestExpected(t *testing.T) {
	for _, name := range imageNames(t) {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			want := unpack(t, name)
			disk := name + "/disk.qcow2"

			info := parsed(t, succeed(t, "info", "--output=json", disk)).(map[string]any)
			for _, key := range []string{"actual-size", "filename", "full-backing-filename"} {
				delete(info, key) // depend on where the image lies
				delete(want.Info, key)
			}
			// Not said by the version that was asked.
			delete(info, "children")
			if encrypt, ok := info["format-specific"].(map[string]any)["data"].(map[string]any)["encrypt"].(map[string]any); ok {
				delete(encrypt, "detached-header")
			}
			if diff := cmp.Diff(want.Info, info); diff != "" {
				t.Errorf("info (-qemu-img +qcow2):\n%s", diff)
			}

			if want.Map != nil {
				var got []map[string]any
				for _, e := range parsed(t, succeed(t, "map", "--output=json", "--allow-dir", name, disk)).([]any) {
					delete(e.(map[string]any), "compressed")
					got = append(got, e.(map[string]any))
				}
				if diff := cmp.Diff(want.Map, got); diff != "" {
					t.Errorf("map (-qemu-img +qcow2):\n%s", diff)
				}
			}

			if want.Password == "" && info["encrypted"] == true {
				return
			}
			t.Setenv("SECRET", want.Password) // unencrypted images do not ask for it
			if got := sum([]byte(succeed(t, "cat", "--secret-env", "SECRET", "--allow-dir", name, disk))); got != want.SHA256 {
				t.Errorf("cat: SHA-256 %s, want %s", got, want.SHA256)
			}
			if got := sum([]byte(succeed(t, "convert", "--secret-env", "SECRET", "--allow-dir", name, disk, "-"))); got != want.SHA256 {
				t.Errorf("convert to standard output: SHA-256 %s, want %s", got, want.SHA256)
			}
			for _, flags := range [][]string{nil, {"-S", "0"}, {"-S", "64k"}, {"-m", "1"}, {"-m", "16"}} {
				succeed(t, append([]string{"convert", "-O", "raw", "--secret-env", "SECRET", "--allow-dir", name, disk, "out"}, flags...)...)
				got, err := os.ReadFile("out")
				if err != nil || sum(got) != want.SHA256 {
					t.Errorf("convert %v: SHA-256 %s, want %s (%v)", flags, sum(got), want.SHA256, err)
				}
			}
		})
	}
}
