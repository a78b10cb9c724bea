package main

import (
	"fmt"
	"slices"
	"strings"
)

// context is how many equal lines a diff shows around a change.
const context = 3

// An edit is a line of a diff: kept (' '), removed ('-') or added ('+').
type edit struct {
	op   byte
	line string
}

// diff returns the difference between two texts of a file in the unified
// format, "" if there is none.
func diff(name, old, new string) string {
	edits := compare(lines(old), lines(new))
	var b strings.Builder
	a, c := 1, 1 // numbers of the next lines of old and new
	for i := 0; i < len(edits); {
		next := slices.IndexFunc(edits[i:], func(e edit) bool { return e.op != ' ' })
		if next < 0 {
			break
		}
		start := i + max(0, next-context)
		a, c = a+start-i, c+start-i
		end := hunkEnd(edits, i+next)
		if b.Len() == 0 {
			fmt.Fprintf(&b, "--- %s\n+++ %s (generated)\n", name, name)
		}
		hunk := edits[start:end]
		removed, added := counts(hunk)
		fmt.Fprintf(&b, "@@ -%d,%d +%d,%d @@\n", a, removed, c, added)
		for _, e := range hunk {
			fmt.Fprintf(&b, "%c%s\n", e.op, e.line)
		}
		a, c, i = a+removed, c+added, end
	}
	return b.String()
}

// hunkEnd returns where the hunk with a change at i ends.
func hunkEnd(edits []edit, i int) int {
	last := i
	for j := i; j < len(edits) && j-last <= 2*context; j++ {
		if edits[j].op != ' ' {
			last = j
		}
	}
	return min(len(edits), last+1+context)
}

// counts returns how many lines of the old and the new text a hunk has.
func counts(hunk []edit) (removed, added int) {
	for _, e := range hunk {
		if e.op != '+' {
			removed++
		}
		if e.op != '-' {
			added++
		}
	}
	return removed, added
}

func lines(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(s, "\n"), "\n")
}

// maxTable bounds the table of common subsequences. Beyond it, all that
// differs is shown as one change.
const maxTable = 1 << 22

// compare returns the edits that make a into b, few of them.
func compare(a, b []string) []edit {
	var head, tail []edit
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		head = append(head, edit{' ', a[0]})
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		tail = append(tail, edit{' ', a[len(a)-1]})
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	slices.Reverse(tail)
	return slices.Concat(head, middle(a, b), tail)
}

// middle compares by the longest common subsequence.
func middle(a, b []string) []edit {
	var edits []edit
	width := len(b) + 1
	var common []int32 // common[i*width+j]: of a[i:] and b[j:]
	if (len(a)+1)*width <= maxTable {
		common = make([]int32, (len(a)+1)*width)
		for i := len(a) - 1; i >= 0; i-- {
			for j := len(b) - 1; j >= 0; j-- {
				if a[i] == b[j] {
					common[i*width+j] = common[(i+1)*width+j+1] + 1
				} else {
					common[i*width+j] = max(common[(i+1)*width+j], common[i*width+j+1])
				}
			}
		}
	}
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case common != nil && i < len(a) && j < len(b) && a[i] == b[j]:
			edits = append(edits, edit{' ', a[i]})
			i, j = i+1, j+1
		case i < len(a) && (j == len(b) || common == nil || common[(i+1)*width+j] >= common[i*width+j+1]):
			edits = append(edits, edit{'-', a[i]})
			i++
		default:
			edits = append(edits, edit{'+', b[j]})
			j++
		}
	}
	return edits
}
