package qcow2

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// clusterOf returns size bytes that compress to about half.
func clusterOf(size int, seed uint64) []byte {
	rng := rand.New(rand.NewPCG(seed, 0))
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(rng.ExpFloat64() * 12)
	}
	return b
}

func deflated(t testing.TB, level int, final bool, data ...[]byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, level)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range data {
		w.Write(d)
	}
	if final {
		err = w.Close()
	} else {
		err = w.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// A zstdFrame is written by hand, so that every field can be wrong.
type zstdFrame struct {
	window   byte   // window descriptor
	single   bool   // instead of the window, the content size
	content  byte   // content size of a single segment, one byte
	dict     byte   // dictionary ID, if not 0
	checksum []byte // appended if not nil
	reserved bool   // reserved bit of the frame header
	blocks   []zstdBlock
}

type zstdBlock struct {
	kind ZstdBlockType
	size int // as the header says; for RLE the length of the run
	last bool
	data []byte
}

func (f zstdFrame) bytes() []byte {
	out := []byte{0x28, 0xb5, 0x2f, 0xfd, 0}
	descriptor := &out[4]
	if f.single {
		*descriptor |= 1 << 5
	} else {
		out = append(out, f.window)
		descriptor = &out[4]
	}
	if f.dict != 0 {
		*descriptor |= 1
	}
	if f.checksum != nil {
		*descriptor |= 1 << 2
	}
	if f.reserved {
		*descriptor |= 1 << 3
	}
	if f.dict != 0 {
		out = append(out, f.dict)
	}
	if f.single {
		out = append(out, f.content)
	}
	for _, b := range f.blocks {
		header := uint32(b.size)<<ZSTD_BLOCK_SIZE_SHIFT | uint32(b.kind)<<ZSTD_BLOCK_TYPE_SHIFT
		if b.last {
			header |= ZSTD_BLOCK_LAST_MASK
		}
		out = append(out, byte(header), byte(header>>8), byte(header>>16))
		out = append(out, b.data...)
	}
	return append(out, f.checksum...)
}

func raw(last bool, data []byte) zstdBlock {
	return zstdBlock{kind: ZSTD_BLOCK_RAW, size: len(data), last: last, data: data}
}

func rle(last bool, value byte, size int) zstdBlock {
	return zstdBlock{kind: ZSTD_BLOCK_RLE, size: size, last: last, data: []byte{value}}
}

func skippable(size uint32, data ...byte) []byte {
	return append(binary.LittleEndian.AppendUint32([]byte{0x5a, 0x2a, 0x4d, 0x18}, size), data...)
}

func zstdEncoded(t testing.TB, data []byte, opts ...zstd.EOption) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(data, nil)
}

func concat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func TestDecodeCluster(t *testing.T) {
	const size = 65536
	cluster := clusterOf(size, 1)
	half := size / 2
	junk := []byte("behind the cluster lies another one's data")
	far := concat(cluster[:200], make([]byte, 32768-200), cluster[:200], make([]byte, size-32768-200))
	plain := zstdEncoded(t, cluster)
	noSum := zstdEncoded(t, cluster, zstd.WithEncoderCRC(false))
	badSum := bytes.Clone(plain)
	badSum[len(badSum)-1] ^= 1
	window27 := byte(17 << 3)
	const zlibMethod, zstdMethod = QCOW2_COMPRESSION_TYPE_ZLIB, QCOW2_COMPRESSION_TYPE_ZSTD

	for _, tt := range []struct {
		name   string
		method uint8
		src    []byte
		want   []byte // nil: corrupt
	}{
		{"deflate", zlibMethod, deflated(t, 6, true, cluster), cluster},
		{"deflate, stored", zlibMethod, deflated(t, 0, true, cluster), cluster},
		{"deflate, fastest", zlibMethod, deflated(t, 1, true, cluster), cluster},
		{"deflate, Huffman only", zlibMethod, deflated(t, flate.HuffmanOnly, true, cluster), cluster},
		{"deflate, trailing bytes", zlibMethod, concat(deflated(t, 6, true, cluster), junk), cluster},
		{"deflate, window of 32 KiB", zlibMethod, deflated(t, 9, true, far), far},
		{"deflate, no final block", zlibMethod, deflated(t, 6, false, cluster), cluster},
		{"deflate, no final block, trailing bytes", zlibMethod, concat(deflated(t, 6, false, cluster), junk), cluster},
		{"deflate, more than a cluster", zlibMethod, deflated(t, 6, true, cluster, junk), cluster},
		{"deflate, short", zlibMethod, deflated(t, 6, true, cluster[:size-1]), nil},
		{"deflate, cut", zlibMethod, deflated(t, 6, true, cluster)[:1000], nil},
		{"deflate, empty", zlibMethod, nil, nil},
		{"deflate, reserved block type", zlibMethod, []byte{0xff, 0xff, 0xff, 0xff}, nil},
		{"deflate, zlib header", zlibMethod, concat([]byte{0x78, 0x9c}, deflated(t, 6, true, cluster)), nil},

		{"zstd", zstdMethod, plain, cluster},
		{"zstd, no checksum", zstdMethod, noSum, cluster},
		{"zstd, trailing bytes", zstdMethod, concat(plain, junk), cluster},
		{"zstd, trailing frame magic", zstdMethod, concat(plain, plain[:5]), cluster},
		{"zstd, two frames", zstdMethod, concat(zstdEncoded(t, cluster[:half]), zstdEncoded(t, cluster[half:])), cluster},
		{"zstd, skippable frames", zstdMethod, concat(skippable(3, 1, 2, 3), zstdEncoded(t, cluster[:half]), skippable(0), zstdEncoded(t, cluster[half:])), cluster},
		{"zstd, empty frame first", zstdMethod, concat(zstdFrame{blocks: []zstdBlock{raw(true, nil)}}.bytes(), plain), cluster},
		{"zstd, raw blocks", zstdMethod, zstdFrame{window: 10 << 3, blocks: []zstdBlock{raw(false, cluster[:half]), raw(true, cluster[half:])}}.bytes(), cluster},
		{"zstd, empty last block", zstdMethod, zstdFrame{window: 10 << 3, blocks: []zstdBlock{raw(false, cluster), raw(true, nil)}}.bytes(), cluster},
		{"zstd, one run", zstdMethod, zstdFrame{window: 10 << 3, blocks: []zstdBlock{rle(true, 7, size)}}.bytes(), bytes.Repeat([]byte{7}, size)},
		{"zstd, window of 128 MiB", zstdMethod, zstdFrame{window: window27, blocks: []zstdBlock{raw(true, cluster)}}.bytes(), cluster},

		{"zstd, window above 128 MiB", zstdMethod, zstdFrame{window: window27 + 1, blocks: []zstdBlock{raw(true, cluster)}}.bytes(), nil},
		{"zstd, largest window", zstdMethod, zstdFrame{window: 0xff, blocks: []zstdBlock{raw(true, cluster)}}.bytes(), nil},
		{"zstd, dictionary", zstdMethod, zstdFrame{window: 10 << 3, dict: 9, blocks: []zstdBlock{raw(true, cluster)}}.bytes(), nil},
		{"zstd, reserved header bit", zstdMethod, zstdFrame{window: 10 << 3, reserved: true, blocks: []zstdBlock{raw(true, cluster)}}.bytes(), nil},
		{"zstd, reserved block", zstdMethod, zstdFrame{window: 10 << 3, blocks: []zstdBlock{{kind: ZSTD_BLOCK_RESERVED, size: size, last: true, data: cluster}}}.bytes(), nil},
		{"zstd, block above 128 KiB", zstdMethod, zstdFrame{window: window27, blocks: []zstdBlock{rle(true, 7, ZSTD_BLOCK_SIZE_MAX+1)}}.bytes(), nil},
		{"zstd, block above the window", zstdMethod, zstdFrame{window: 0, blocks: []zstdBlock{rle(true, 7, size)}}.bytes(), nil},
		{"zstd, wrong checksum", zstdMethod, badSum, nil},
		{"zstd, cut in the checksum", zstdMethod, plain[:len(plain)-1], nil},
		{"zstd, cut in a block", zstdMethod, plain[:len(plain)/2], nil},
		{"zstd, cut in the block header", zstdMethod, noSum[:9], nil},
		{"zstd, cut in the frame header", zstdMethod, plain[:5], nil},
		{"zstd, no last block", zstdMethod, zstdFrame{window: 10 << 3, blocks: []zstdBlock{raw(false, cluster)}}.bytes(), nil},
		{"zstd, frame shorter than the cluster", zstdMethod, zstdEncoded(t, cluster[:half]), nil},
		{"zstd, frame longer than the cluster", zstdMethod, zstdEncoded(t, concat(cluster, junk)), nil},
		{"zstd, frame a few bytes longer", zstdMethod, zstdFrame{window: 10 << 3, blocks: []zstdBlock{raw(false, cluster), rle(true, 0, 9)}}.bytes(), nil},
		{"zstd, run longer than the cluster", zstdMethod, zstdFrame{window: window27, blocks: []zstdBlock{rle(true, 7, ZSTD_BLOCK_SIZE_MAX)}}.bytes(), nil},
		{"zstd, content size too small", zstdMethod, concat(zstdFrame{single: true, content: 8, blocks: []zstdBlock{rle(true, 7, 9)}}.bytes(), plain), nil},
		{"zstd, content size too large", zstdMethod, concat(zstdFrame{single: true, content: 10, blocks: []zstdBlock{rle(true, 7, 9)}}.bytes(), plain), nil},
		{"zstd, skippable frame past the end", zstdMethod, concat(skippable(1<<32-1), plain), nil},
		{"zstd, skippable frames only", zstdMethod, concat(skippable(0), skippable(1, 9)), nil},
		{"zstd, empty", zstdMethod, nil, nil},
		{"zstd, another magic", zstdMethod, deflated(t, 6, true, cluster), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, slack := range []int{0, decoderSlack, 64, 0} { // pooled state must not leak into the next call
				room := bytes.Repeat([]byte{0xa5}, size+64)
				err := decodeCluster(tt.method, room[:size:size+slack], tt.src)
				if !bytes.Equal(room[size+min(slack, decoderSlack):], bytes.Repeat([]byte{0xa5}, 64-min(slack, decoderSlack))) {
					t.Errorf("with room for %d bytes: wrote behind it", slack)
				}
				if tt.want == nil {
					if !errors.Is(err, ErrCorrupt) {
						t.Fatalf("got %v, want ErrCorrupt", err)
					}
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(room[:size], tt.want) {
					t.Fatal("wrong bytes")
				}
			}
		})
	}
}

func TestDecodeClusterUnknownMethod(t *testing.T) {
	if err := decodeCluster(2, make([]byte, 512), nil); !errors.Is(err, ErrUnsupported) {
		t.Errorf("got %v, want ErrUnsupported", err)
	}
}

// Pooled decoders serve many readers and every cluster size.
func TestDecodeClusterConcurrently(t *testing.T) {
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			for i := range 60 {
				size := 1 << (MIN_CLUSTER_BITS + (g+i)%9)
				cluster, got := clusterOf(size, uint64(g*100+i)), make([]byte, size)
				method, src := uint8(QCOW2_COMPRESSION_TYPE_ZLIB), []byte(nil)
				if i%2 == 0 {
					src = deflated(t, 1, true, cluster)
				} else {
					method, src = QCOW2_COMPRESSION_TYPE_ZSTD, zstdEncoded(t, cluster, zstd.WithEncoderConcurrency(1))
				}
				if err := decodeCluster(method, got, src); err != nil || !bytes.Equal(got, cluster) {
					t.Errorf("goroutine %d, cluster %d: %v", g, i, err)
				}
				if err := decodeCluster(method, got, src[:len(src)/2]); !errors.Is(err, ErrCorrupt) {
					t.Errorf("goroutine %d, cluster %d, cut: %v", g, i, err)
				}
			}
		})
	}
	wg.Wait()
}

// A frame may declare a window of 128 MiB; it must not cost that.
func TestZstdWindowIsNotAllocated(t *testing.T) {
	src := zstdFrame{window: 17 << 3, blocks: []zstdBlock{rle(true, 7, 65536)}}.bytes()
	dst := make([]byte, 65536)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const n = 20
	for range n {
		if err := decodeCluster(QCOW2_COMPRESSION_TYPE_ZSTD, dst, src); err != nil {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	if got := (after.TotalAlloc - before.TotalAlloc) / n; got > 1<<20 {
		t.Errorf("%d bytes allocated a cluster", got)
	}
}

// A frame may hold far more than a cluster, which costs no more than that, and
// is refused.
func TestZstdBombIsNotDecoded(t *testing.T) {
	blocks := slices.Repeat([]zstdBlock{rle(false, 7, ZSTD_BLOCK_SIZE_MAX)}, 256) // 32 MiB
	src := zstdFrame{window: 17 << 3, blocks: append(blocks, rle(true, 7, 1))}.bytes()
	dst := make([]byte, 65536)
	zstdDecoder() // whose making is not measured
	before := allocatedSoFar()
	if err := decodeCluster(QCOW2_COMPRESSION_TYPE_ZSTD, dst, src); !errors.Is(err, ErrCorrupt) {
		t.Error(err)
	}
	if n := allocatedSoFar() - before; n > 1<<20 {
		t.Errorf("%d bytes allocated", n)
	}
}

// Input that yields nothing, however much there is of it, ends with its end and
// takes no memory.
func TestInputThatYieldsNothing(t *testing.T) {
	zstdDecoder() // whose making is not measured
	for name, c := range map[string]struct {
		method uint8
		piece  []byte
	}{
		"zstd, skippable frames":             {1, []byte{0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0}},
		"zstd, empty frames":                 {1, []byte{0x28, 0xb5, 0x2f, 0xfd, 0x20, 0, 1, 0, 0}},
		"zstd, empty frames of large window": {1, []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 17 << 3, 1, 0, 0}},
		"zstd, one frame of empty blocks":    {1, []byte{0, 0, 0}},
		"deflate, empty stored blocks":       {0, []byte{0, 0, 0, 0xff, 0xff}},
		"deflate, empty fixed blocks":        {0, []byte{0x02, 0x08, 0x20, 0x80, 0x00}}, // four of 10 bits
	} {
		src := bytes.Repeat(c.piece, 1<<20/len(c.piece))
		if len(c.piece) == ZSTD_BLOCK_HEADER_SIZE {
			src = append([]byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 17 << 3}, src...)
		}
		dst := make([]byte, 1<<19, 1<<19+decoderSlack)
		before := allocatedSoFar()
		if err := decodeCluster(c.method, dst, src); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
		if n := allocatedSoFar() - before; n > 2<<20 {
			t.Errorf("%s: %d bytes allocated", name, n)
		}
	}
}

// FuzzDecodeCluster decodes any bytes, by both methods: the same each time and
// whatever the memory held before, at little cost. What zstd gives is what a
// plain decoder makes of it, or an error for both; package inflate compares
// deflate, in which compress/flate wants more bits at the end than there need
// be.
func FuzzDecodeCluster(f *testing.F) {
	zstdDecoder() // whose making is not measured
	cluster := clusterOf(4096, 3)
	f.Add(uint8(0), deflated(f, 6, true, cluster))
	f.Add(uint8(0), deflated(f, 0, false, cluster))
	f.Add(uint8(1), zstdEncoded(f, cluster))
	f.Add(uint8(1), concat(skippable(1, 0), zstdFrame{blocks: []zstdBlock{rle(false, 1, 1000), raw(true, cluster[1000:])}}.bytes()))
	f.Fuzz(func(t *testing.T, method uint8, src []byte) {
		method &= 1
		first, second := make([]byte, 4096), bytes.Repeat([]byte{0xff}, 4096)
		before := allocatedSoFar()
		err := decodeCluster(method, first, src)
		if n := allocatedSoFar() - before; n > 4<<20 {
			t.Fatalf("%d bytes allocated", n)
		}
		again := decodeCluster(method, second, src)
		if (err == nil) != (again == nil) {
			t.Fatalf("first %v, then %v", err, again)
		}
		if err != nil && !errors.Is(err, ErrCorrupt) {
			t.Fatalf("%v is not ErrCorrupt", err)
		}
		if err == nil && !bytes.Equal(first, second) {
			t.Fatal("two decodes differ")
		}
		if src = src[:min(len(src), 8192)]; len(src) == 0 || method == QCOW2_COMPRESSION_TYPE_ZLIB { // no cluster takes more than two
			return
		}
		// The entry of a cluster at the start of a file that is no longer.
		plain := &reference{file: src}
		err = decodeCluster(method, first, src)
		if _, want := plain.compressed(15<<58, 12, method, 0); (err == nil) != (want == nil) || err == nil && !bytes.Equal(first, plain.plain) {
			t.Fatalf("%v; a plain decoder: %v, or other bytes", err, want)
		}
	})
}
