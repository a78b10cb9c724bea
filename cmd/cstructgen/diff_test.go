package main

import (
	"fmt"
	"strings"
	"testing"
)

func TestDiff(t *testing.T) {
	for _, c := range []struct{ name, old, new, want string }{
		{"equal", "a\nb\n", "a\nb\n", ""},
		{"from nothing", "", "a\n", "@@ -1,0 +1,1 @@\n+a\n"},
		{"one line", "a\nb\nc\n", "a\nx\nc\n", "@@ -1,3 +1,3 @@\n a\n-b\n+x\n c\n"},
		{"an insertion", "a\nb\n", "a\nx\nb\n", "@@ -1,2 +1,3 @@\n a\n+x\n b\n"},
		{
			"two far apart", "1\n2\n3\n4\n5\n6\n7\n8\n9\n", "x\n2\n3\n4\n5\n6\n7\n8\ny\n",
			"@@ -1,4 +1,4 @@\n-1\n+x\n 2\n 3\n 4\n@@ -6,4 +6,4 @@\n 6\n 7\n 8\n-9\n+y\n",
		},
		{
			"two near", "1\n2\n3\n4\n5\n", "x\n2\n3\n4\ny\n",
			"@@ -1,5 +1,5 @@\n-1\n+x\n 2\n 3\n 4\n-5\n+y\n",
		},
	} {
		got := strings.TrimPrefix(diff("f", c.old, c.new), "--- f\n+++ f (generated)\n")
		if got != c.want {
			t.Errorf("%s: got\n%swant\n%s", c.name, got, c.want)
		}
	}
}

// Texts too different for the table are shown whole.
func TestDiffOfLargeTexts(t *testing.T) {
	var old, new strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&old, "old %d\n", i)
		fmt.Fprintf(&new, "new %d\n", i)
	}
	got := diff("f", old.String(), new.String())
	if n := strings.Count(got, "\n-old"); n != 3000 {
		t.Errorf("%d lines removed", n)
	}
	if n := strings.Count(got, "\n+new"); n != 3000 {
		t.Errorf("%d lines added", n)
	}
}
