package main

import "sync"

// A finding is what ends work on a disk at some place: where two disks differ,
// or why one cannot be read.
type finding struct {
	off    int64
	text   string // for people, if there is no error
	err    error
	status bool // err is about what there is, not about its bytes
}

// An earliest keeps the finding that lies first on the disk, in whatever order
// workers come upon them: so what is told does not depend on who was faster.
// They must begin on their pieces in the order of the disk, and leave out those
// that are settled only.
type earliest struct {
	mu sync.Mutex
	*finding
}

// report keeps f, nil for none, if it lies before what was found so far.
func (e *earliest) report(f *finding) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if f != nil && (e.finding == nil || f.off < e.off) {
		e.finding = f
	}
}

// settled reports whether something was found at off or before.
func (e *earliest) settled(off int64) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.finding != nil && e.off <= off
}
