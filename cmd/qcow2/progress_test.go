package main

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestProgressLine(t *testing.T) {
	for _, c := range []struct {
		done, total int64
		took        time.Duration
		want        string
	}{
		{0, 10 << 30, time.Hour, "  0 % of 10 GiB"},
		{1 << 30, 10 << 30, 2 * time.Second, " 10 % of 10 GiB, 512 MiB/s, 18s left"},
		{10<<30 - 1, 10 << 30, 10 * time.Second, " 99 % of 10 GiB, 1 GiB/s, 0s left"},
		{10 << 30, 10 << 30, 10 * time.Second, "100 % of 10 GiB, 1 GiB/s, 0s left"},
		{11 << 30, 10 << 30, 10 * time.Second, "100 % of 10 GiB, 1 GiB/s, 0s left"},
		{0, 0, time.Second, "  0 % of 0 B"},
		{1, math.MaxInt64, time.Second, "  0 % of 8 EiB, 1 B/s, 10000h0m0s left"},
		{math.MaxInt64, math.MaxInt64, 0, "100 % of 8 EiB, 8 EiB/s, 0s left"},
	} {
		p := &progress{total: c.total}
		p.add(c.done)
		got := p.line(c.took)
		if got != c.want {
			t.Errorf("%d of %d after %v: %q, want %q", c.done, c.total, c.took, got, c.want)
		}
		if len(got) > lineWidth {
			t.Errorf("%q is longer than %d", got, lineWidth)
		}
	}
}

// One line is written over and over, and nothing is left of it.
func TestProgressShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w bytes.Buffer
		p := &progress{total: 100 << 20}
		p.start(&w, time.Second)
		p.add(25 << 20)
		time.Sleep(time.Second + 50*time.Millisecond)
		p.add(25 << 20)
		time.Sleep(100 * time.Millisecond)
		p.stop()
		filled := func(s string) string { return "\r" + s + strings.Repeat(" ", lineWidth-len(s)) }
		want := filled(" 25 % of 100 MiB, 25 MiB/s, 3s left") +
			filled(" 50 % of 100 MiB, 45.5 MiB/s, 1s left") + filled("") + "\r"
		if got := w.String(); got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	})
}

// Short work is not worth a line.
func TestProgressNotShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w bytes.Buffer
		p := &progress{total: 1}
		p.start(&w, time.Second)
		time.Sleep(time.Second - 1)
		p.stop()
		if w.Len() != 0 {
			t.Errorf("%q is shown", w.String())
		}
	})
}
