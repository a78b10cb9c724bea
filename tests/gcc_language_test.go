package tests

import (
	"os"
	"path/filepath"
	"testing"
)

// TestGCCLanguage compares texts that use the C language one part after
// another: whatever of it gcc gives a size, an offset or a value has the same
// here, in both storage orders.
func TestGCCLanguage(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("testdata/language/*.h")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no texts: %v", err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.Base(path), func(t *testing.T) {
			compareText(t, string(text))
			compareText(t, "#pragma scalar_storage_order big-endian\n"+string(text))
		})
	}
}
