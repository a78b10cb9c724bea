package cdump

import "fmt"

// Definitions multiply: a union of two structs that are unions of two, and so
// on, shows one byte 2^n times, and a formula may take its time for each
// element. So work is counted in steps, of which there are some, and more for
// each byte of the data.
const (
	freeSteps = 1 << 18
	byteSteps = 32
	stepBytes = 64 // of text, or of data to look at, that count as a step
)

// work is what making, measuring and showing the nodes of a root may take.
type work struct {
	free   int64 // whatever the data
	left   int64
	over   bool // there were not enough in this pass
	failed bool // nor in one of those up to now
}

// begin gives a pass over the nodes its steps.
func (r *root) begin() {
	r.work.left, r.work.over = r.work.free+byteSteps*int64(len(r.data)), false
}

// spend takes n steps, and reports whether there were so many. Once there were
// not, there are none.
func (r *root) spend(n int64) bool {
	r.work.left -= n
	if r.work.left < 0 {
		r.work.over, r.work.failed = true, true
	}
	return !r.work.over
}

// err returns a *WorkError if the steps did not do.
func (r *root) err() error {
	if r.work.failed {
		return &WorkError{int64(len(r.data))}
	}
	return nil
}

// show takes the steps of showing n, and reports whether there were so many.
func (n Node) show() bool {
	size := len(n.Bytes())
	if n.Field != nil {
		size += len(n.Field.Doc)
	}
	return n.root.spend(1 + int64(size)/stepBytes)
}

// A WorkError says that a definition makes so much of so few bytes that its
// dump was given up.
type WorkError struct{ Bytes int64 }

func (e *WorkError) Error() string {
	return fmt.Sprintf("the definition makes too much of %d bytes: what is shown ends early", e.Bytes)
}
