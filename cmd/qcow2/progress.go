package main

import (
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// A progress shows how far long work is, on a terminal and nowhere else.
type progress struct {
	done atomic.Int64
	quit chan struct{} // nil: nothing is shown
	wg   sync.WaitGroup
}

// newProgress starts to show progress towards total on w: at once if that was
// asked for, else when a second has passed; never if quiet.
func newProgress(w io.Writer, total int64, asked, quiet bool) *progress {
	p := new(progress)
	if f, ok := w.(*os.File); quiet || !ok || !term.IsTerminal(int(f.Fd())) {
		return p
	}
	delay := time.Second
	if asked {
		delay = 0
	}
	p.quit = make(chan struct{})
	p.wg.Go(func() { p.show(w, total, delay) })
	return p
}

func (p *progress) show(w io.Writer, total int64, delay time.Duration) {
	bar := progressbar.NewOptions64(total, progressbar.OptionSetWriter(w),
		progressbar.OptionShowBytes(true), progressbar.OptionClearOnFinish())
	bar.StartWithoutRender() // counts the time from now on
	select {
	case <-time.After(delay):
	case <-p.quit:
		return
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			bar.Set64(p.done.Load())
		case <-p.quit:
			bar.Clear()
			return
		}
	}
}

// add counts n more bytes as done.
func (p *progress) add(n int64) { p.done.Add(n) }

// stop removes what is shown. Nothing may be counted afterwards.
func (p *progress) stop() {
	if p.quit != nil {
		close(p.quit)
		p.wg.Wait()
	}
}
