package qcow2

import (
	"errors"
	"os"
	"strings"
	"testing"
)

// qemuDifferences are those of the differences in the README that a fuzzed
// image may show, by how they begin there: no other is let through.
var qemuDifferences = []struct {
	says  string
	holds func(c *trial) bool
}{
	// We refuse, QEMU does not.
	{"Files that an image names need", func(c *trial) bool { return errors.Is(c.ours, errNoFormat) }},
	{"Names of files are paths:", func(c *trial) bool { return strings.Contains(c.refused().Name, ":") }},
	{"The name of a file, or of a format, is all its bytes", func(c *trial) bool {
		return strings.Contains(c.refused().Name+c.refused().Format, "\x00")
	}},
	{"Bytes past the end of a cut file", func(c *trial) bool { // ZeroFillTruncated is about the rest
		e, ok := errors.AsType[*Error](c.ours)
		return ok && errors.Is(e, ErrTruncated) && e.Offset < 1<<c.header().ClusterBits
	}},
	{"A `header_length` that is no multiple of 8", func(c *trial) bool {
		e, ok := errors.AsType[*Error](c.ours)
		return ok && e.What == "header field header_length" && e.Value%QCOW2_ALIGNMENT != 0
	}},

	// QEMU refuses, we do not. It is about opening unless it says otherwise.
	{"Broken snapshot, bitmap or refcount tables", func(c *trial) bool {
		if c.im == nil || c.opens {
			return false
		}
		d := c.im.Describe()
		return d.SnapshotsError != nil || d.BitmapsError != nil || c.im.checkRefcountTable() != nil || c.im.header.RefcountTableClusters == 0
	}},
	{"A bitmap with extra data is listed", func(c *trial) bool {
		if c.im == nil || c.opens {
			return false
		}
		list, _ := c.im.Bitmaps()
		for _, b := range list {
			if b.Unusable {
				return true
			}
		}
		return false
	}},
	{"An image whose backing or data file is missing", func(c *trial) bool {
		return c.im != nil && !c.opens && (c.im.backingErr != nil || c.im.dataErr != nil)
	}},
	{"A deflate cluster is whole when it is full", func(c *trial) bool { // of reading
		return c.ours == nil && c.opens && c.im.hasDeflate()
	}},
}

// known returns the difference that a trial shows, "" if none is known.
func (c *trial) known() string {
	for _, d := range qemuDifferences {
		if d.holds(c) {
			return d.says
		}
	}
	return ""
}

// refused returns the reference whose refusal our error is.
func (c *trial) refused() Reference {
	if e, ok := errors.AsType[*ReferenceError](c.ours); ok {
		return e.Reference
	}
	return Reference{}
}

// The differences that are let through are in the README.
func TestQEMUDifferencesAreInTheReadme(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(readme), "\nWhere we differ from QEMU on purpose:\n\n")
	list, _, _ = strings.Cut("\n"+list, "\n\n")
	for _, d := range qemuDifferences {
		if n := strings.Count(list, "\n- "+d.says); n != 1 {
			t.Errorf("%d items of the README begin with %q", n, d.says)
		}
	}
}
