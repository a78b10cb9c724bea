package qcow2

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"testing"
	"time"
)

// A limitedWriter takes limit bytes, and then answers err.
type limitedWriter struct {
	limit int
	err   error
	got   []byte
}

func (w *limitedWriter) Write(p []byte) (int, error) {
	n := min(len(p), w.limit-len(w.got))
	w.got = append(w.got, p[:n]...)
	if n < len(p) {
		return n, w.err
	}
	return n, nil
}

// A disk of several chunks, in order, and what becomes of errors at either
// end.
func TestWriteTo(t *testing.T) {
	const size = 5*chunkSize + 1000
	b := newBuilder(t, recipe{size: size})
	want := make([]byte, size)
	for c := uint64(0); c < size>>16; c += 3 {
		copy(want[c<<16:], text(1<<16, byte(c)))
		if c%2 == 0 {
			b.data(c, text(1<<16, byte(c)))
		} else {
			b.compressed(c, text(1<<16, byte(c)))
		}
	}
	im := b.image(nil)
	var buf bytes.Buffer
	if n, err := im.WriteTo(&buf); n != size || err != nil || !bytes.Equal(buf.Bytes(), want) {
		t.Errorf("WriteTo: %d, %v", n, err)
	}
	var _ io.WriterTo = im

	for _, limit := range []int{0, 1, chunkSize, 3*chunkSize + 5} {
		for given, expected := range map[error]error{errTransient: errTransient, nil: io.ErrShortWrite} {
			w := &limitedWriter{limit: limit, err: given}
			if n, err := im.WriteTo(w); n != int64(limit) || !errors.Is(err, expected) || !bytes.Equal(w.got, want[:limit]) {
				t.Errorf("a writer that takes %d bytes, then %v: %d, %v", limit, given, n, err)
			}
		}
	}

	b.entry(50, 0x10200, 0) // not aligned
	buf.Reset()
	if n, err := b.image(nil).WriteTo(&buf); n != 50<<16 || !errors.Is(err, ErrCorrupt) || !bytes.Equal(buf.Bytes(), want[:n]) {
		t.Errorf("a broken cluster: %d, %v", n, err)
	}

	buf.Reset()
	if n, err := newBuilder(t, recipe{}).image(nil).WriteTo(&buf); n != 0 || err != nil {
		t.Errorf("a disk of no size: %d, %v", n, err)
	}
}

// Who takes what WriteTo writes slowly is not far behind what was read: two
// chunks for each processor.
func TestWriteToReadsAheadInBounds(t *testing.T) {
	const size = 256 << 20
	b := newBuilder(t, recipe{size: size})
	at := b.data(0, text(1<<16, 1)) // for the whole disk
	for c := range uint64(size >> 16) {
		b.entry(c, uint64(at)|QCOW_OFLAG_COPIED, 0)
	}
	file := b.bytes()
	r := new(countingReader)
	r.Reset(file)
	im, err := New(r, int64(len(file)), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer im.Close()
	read, errEnough := int64(0), errors.New("enough")
	w := writerFunc(func(p []byte) (int, error) {
		for read = -1; read != r.bytes.Load(); time.Sleep(50 * time.Millisecond) {
			read = r.bytes.Load()
		}
		return len(p), errEnough
	})
	if _, err := im.WriteTo(w); !errors.Is(err, errEnough) {
		t.Error(err)
	}
	if limit := int64(2*runtime.GOMAXPROCS(0)*chunkSize + len(file)); read > limit || read < chunkSize {
		t.Errorf("%d bytes read ahead, at most %d are expected", read, limit)
	}
}
