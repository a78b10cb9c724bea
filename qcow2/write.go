package qcow2

import (
	"io"
	"runtime"
	"sync"
)

// chunkSize is what one goroutine of WriteTo reads at a time, in bytes, if
// clusters are not larger: so much that neighbours are read together.
const chunkSize = 1 << 20

// WriteTo writes the whole disk to w, in order, and returns how much of it it
// wrote. It reads ahead, on all processors at once, and holds two chunks of 1
// MiB, or of one cluster if that is more, for each processor.
func (im *Image) WriteTo(w io.Writer) (int64, error) {
	type chunk struct {
		buf []byte
		n   int
		err error
	}
	workers := runtime.GOMAXPROCS(0)
	size := max(chunkSize, im.ClusterSize()) // no cluster is decoded twice
	queue := make(chan chan chunk, workers)  // in the order of the disk
	free := make(chan []byte, 2*workers)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	defer wg.Wait()
	defer close(stop)

	for range cap(free) {
		free <- nil // allocated when first used
	}
	wg.Go(func() {
		defer close(queue)
		for off := int64(0); off < im.Size(); off += size {
			var buf []byte
			select {
			case buf = <-free:
			case <-stop:
				return
			}
			result := make(chan chunk, 1)
			select {
			case queue <- result:
			case <-stop:
				return
			}
			wg.Go(func() {
				if buf == nil {
					buf = make([]byte, min(size, im.Size()))
				}
				n, err := im.ReadAt(buf[:min(size, im.Size()-off)], off)
				result <- chunk{buf, n, err}
			})
		}
	})
	var written int64
	for result := range queue {
		c := <-result
		n, err := w.Write(c.buf[:c.n])
		written += int64(n)
		switch {
		case err != nil:
			return written, err
		case n < c.n:
			return written, io.ErrShortWrite
		case c.err != nil:
			return written, c.err
		}
		free <- c.buf
	}
	return written, nil
}
