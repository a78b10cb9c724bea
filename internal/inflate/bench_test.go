package inflate

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"testing"

	kflate "github.com/klauspost/compress/flate"
)

// clusters returns compressed clusters of a size, each of mixed data: up to
// 16 MiB of it, so that they do not all stay in the processor's cache.
func clusters(b *testing.B, size int) (srcs [][]byte) {
	const total = 16 << 20
	for i := range max(8, min(256, total/size)) {
		data := make([]byte, size)
		for at := 0; at < size; {
			n := min(size-at, max(400, size/32))
			copy(data[at:], sample((at/n+i)%len(samples), n, uint64(i*size+at)))
			at += n
		}
		srcs = append(srcs, compressed(b, 6, data))
	}
	return srcs
}

func BenchmarkDecode(b *testing.B) {
	for _, size := range []int{4 << 10, 64 << 10, 2 << 20} {
		srcs := clusters(b, size)
		dst := make([]byte, size)
		run := func(name string, decode func(src []byte) error) {
			b.Run(fmt.Sprintf("%s/%dKiB", name, size>>10), func(b *testing.B) {
				b.SetBytes(int64(size))
				for i := 0; b.Loop(); i++ {
					if err := decode(srcs[i%len(srcs)]); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		var d Decoder
		run("inflate", func(src []byte) error { return d.Decode(dst, src) })
		var r bytes.Reader
		k := kflate.NewReader(&r)
		run("klauspost", func(src []byte) error {
			r.Reset(src)
			k.(kflate.Resetter).Reset(&r, nil)
			_, err := io.ReadFull(k, dst)
			return err
		})
		std := flate.NewReader(&r)
		run("standard", func(src []byte) error {
			r.Reset(src)
			std.(flate.Resetter).Reset(&r, nil)
			_, err := io.ReadFull(std, dst)
			return err
		})
	}
}
