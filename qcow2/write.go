package qcow2

import (
	"io"
	"runtime"
	"sync"
)

// chunkSize is what one goroutine of WriteTo reads at a time, in bytes: some
// clusters, so that neighbours are read together.
const chunkSize = 2 << 20

// WriteTo writes the whole disk to w, in order, and returns how much of it it
// wrote. The disk is read ahead by as many goroutines as there are
// processors, each of which holds a chunk of 2 MiB; so does each chunk that
// waits for its turn, of which there are no more.
func (im *Image) WriteTo(w io.Writer) (int64, error) {
	type chunk struct {
		buf []byte
		n   int
		err error
	}
	workers := runtime.GOMAXPROCS(0)
	queue := make(chan chan chunk, workers) // in the order of the disk
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
		for off := int64(0); off < im.Size(); off += chunkSize {
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
					buf = make([]byte, min(chunkSize, im.Size()))
				}
				n, err := im.ReadAt(buf[:min(chunkSize, im.Size()-off)], off)
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
