package qcow2

import "sync"

// preallocation remembers whether an image has clusters that were allocated
// but not written, so that holes of the file tell zeros from data.
type preallocation struct {
	once sync.Once
	yes  bool
}

// mayHaveHoles reports whether holes of the file under the image's data mean
// something.
func (im *Image) mayHaveHoles() bool {
	return im.data != nil && im.data.holes != nil
}
