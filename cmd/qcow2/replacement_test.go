package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// What was asked to stop while the file was forced to disk puts nothing in its
// place.
func TestReplacementInterrupted(t *testing.T) {
	dir := t.TempDir()
	place := filepath.Join(dir, "target")
	if err := os.WriteFile(place, []byte("as it was"), 0o644); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(place)
	if err != nil {
		t.Fatal(err)
	}
	r, err := newReplacement(place, info)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.commit(ctx, true); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if err := r.discard(); err != nil {
		t.Error(err)
	}
	if got, err := os.ReadFile(place); err != nil || string(got) != "as it was" {
		t.Errorf("%q, %v", got, err)
	}
	if left := entries(t, dir); len(left) != 1 {
		t.Errorf("left %q", left)
	}
}
