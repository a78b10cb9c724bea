package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/term"
)

// A progress shows how far long work is, on a terminal and nowhere else.
type progress struct {
	total int64 // bytes
	done  atomic.Int64
	quit  chan struct{} // nil: nothing is shown
	wg    sync.WaitGroup
}

// newProgress starts to show progress towards total on w: at once if that was
// asked for, else when a second has passed; never if quiet.
func newProgress(w io.Writer, total int64, asked, quiet bool) *progress {
	p := &progress{total: total}
	if f, ok := w.(*os.File); quiet || !ok || !term.IsTerminal(int(f.Fd())) {
		return p
	}
	delay := time.Second
	if asked {
		delay = 0
	}
	p.start(w, delay)
	return p
}

// lineWidth is what a line is filled up to, so that it hides a longer one.
const lineWidth = 60

// start shows progress on w, on one line, from a delay on until stop is called.
func (p *progress) start(w io.Writer, delay time.Duration) {
	p.quit = make(chan struct{})
	begin := time.Now()
	p.wg.Go(func() {
		select {
		case <-time.After(delay):
		case <-p.quit:
			return
		}
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			fmt.Fprintf(w, "\r%-*s", lineWidth, p.line(time.Since(begin)))
			select {
			case <-tick.C:
			case <-p.quit:
				fmt.Fprintf(w, "\r%*s\r", lineWidth, "")
				return
			}
		}
	})
}

// line says how far the work is after so long.
func (p *progress) line(took time.Duration) string {
	done := min(max(p.done.Load(), 0), p.total)
	if done == 0 {
		return fmt.Sprintf("  0 %% of %s", humanSize(uint64(max(p.total, 0))))
	}
	share := float64(done) / float64(p.total)
	rate := float64(done) / took.Seconds()
	left := time.Duration(min((1-share)/share*float64(took), float64(maxLeft))).Round(time.Second)
	return fmt.Sprintf("%3.0f %% of %s, %s/s, %v left",
		math.Floor(share*100), humanSize(uint64(p.total)), humanSize(uint64(min(rate, math.MaxInt64))), left)
}

// maxLeft is the longest time that is foretold.
const maxLeft = 10000 * time.Hour

// add counts n more bytes as done.
func (p *progress) add(n int64) { p.done.Add(n) }

// stop removes what is shown. Nothing may be counted afterwards.
func (p *progress) stop() {
	if p.quit != nil {
		close(p.quit)
		p.wg.Wait()
	}
}
