package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"cstructgen/qcow2"
)

// losses are the ranges of a disk that could not be read. They arrive in any
// order, in pieces, perhaps more than once, and are joined where they touch and
// have one cause.
type losses struct {
	mu    sync.Mutex
	list  []qcow2.Lost
	next  int // how long list may get before it is joined
	bytes int64
	more  int64 // ranges that were not kept
}

// maxLosses is how many ranges are kept: who has lost so many needs no list.
// Each takes some 300 bytes with its reason, and twice as many are joined.
const maxLosses = 1 << 16

func (l *losses) add(x qcow2.Lost) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, x)
	if len(l.list) < max(l.next, 1<<10) {
		return
	}
	l.join()
	if n := len(l.list); n > maxLosses {
		for _, x := range l.list[maxLosses:] {
			l.bytes += x.Length
		}
		l.more += int64(n - maxLosses)
		l.list = l.list[:maxLosses]
	}
	l.next = 2 * len(l.list) // so that joining costs little for each range
}

// join sorts the list, and joins what belongs together.
func (l *losses) join() {
	slices.SortStableFunc(l.list, func(a, b qcow2.Lost) int { return cmp.Compare(a.Offset, b.Offset) })
	joined := l.list[:0]
	var end int64
	for _, x := range l.list {
		if len(joined) > 0 && x.Offset < end { // lost before
			n := min(end-x.Offset, x.Length)
			x.Offset, x.Length = x.Offset+n, x.Length-n
			if x.Length == 0 {
				continue
			}
		}
		end = x.Offset + x.Length
		if n := len(joined); n > 0 && joined[n-1].Offset+joined[n-1].Length == x.Offset && sameCause(joined[n-1].Err, x.Err) {
			joined[n-1].Length += x.Length
			continue
		}
		joined = append(joined, x)
	}
	clear(l.list[len(joined):])
	l.list = joined
}

// sameCause reports whether two errors say the same of different places.
func sameCause(a, b error) bool {
	var x, y *qcow2.Error
	if errors.As(a, &x) && errors.As(b, &y) {
		return x.File == y.File && x.What == y.What && x.Err.Error() == y.Err.Error()
	}
	return a.Error() == b.Error()
}

// print lists what was lost, and returns how the command ends.
func (l *losses) print(cmd *cobra.Command, json bool) error {
	l.join()
	ranges := int64(len(l.list)) + l.more
	end := &lossError{ranges: ranges, bytes: l.bytes}
	w := bufio.NewWriter(cmd.ErrOrStderr())
	for _, x := range l.list {
		end.bytes += x.Length
		end.refused = end.refused || errors.Is(x.Err, qcow2.ErrReference)
		if !json {
			fmt.Fprintf(w, "qcow2: lost %d bytes at %d: %s\n", x.Length, x.Offset, reason(&x))
		}
	}
	if l.more > 0 {
		fmt.Fprintf(w, "qcow2: lost %d more ranges\n", l.more)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if json {
		if err := printed(cmd, func(w *bufio.Writer) error {
			writeJSON(w, eachOf(l.list, func(x *qcow2.Lost) object {
				return object{{"start", x.Offset}, {"length", x.Length}, {"reason", reason(x)}}
			}))
			return nil
		}); err != nil {
			return err
		}
	}
	if ranges == 0 {
		return nil
	}
	return &exitError{exitLost, end}
}

// reason is why x was lost, as it may go to a terminal.
func reason(x *qcow2.Lost) string { return oneLine(strings.TrimPrefix(x.Err.Error(), "qcow2: ")) }

// exitLost is the exit code of convert --salvage where something was lost.
const exitLost = 2

// A lossError says that a target was written and some of it is zeros that
// should not be.
type lossError struct {
	ranges, bytes int64
	refused       bool // for want of a file that an image names
}

func (e *lossError) Error() string {
	plural := "s"
	if e.ranges == 1 {
		plural = ""
	}
	return fmt.Sprintf("lost %d bytes in %d range%s, which are zeros in the target", e.bytes, e.ranges, plural)
}

func (e *lossError) Is(err error) bool { return err == qcow2.ErrReference && e.refused }
