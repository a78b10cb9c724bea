package main

import (
	"testing"
	"time"
)

// All ways do the same work.
func TestWaysAgree(t *testing.T) {
	for _, w := range works() {
		var want any
		for i, way := range w.ways {
			way.run(1)
			got := way.result()
			if i == 0 {
				want = got
			}
			if got != want {
				t.Errorf("%s, %s: %v, want %v", w.name, way.name, got, want)
			}
		}
	}
}

// Generated code allocates nothing.
func TestAllocations(t *testing.T) {
	for _, w := range works() {
		for _, way := range w.ways {
			if way.name != "generated" && way.name != "UnmarshalBinary" {
				continue
			}
			if n := testing.AllocsPerRun(10, func() { way.run(10) }); n != 0 {
				t.Errorf("%s, %s: %v allocations", w.name, way.name, n)
			}
		}
	}
}

// The first way is what the others are measured by.
func TestMeasure(t *testing.T) {
	calls := 0
	count := way{name: "count", run: func(n int) { calls += n }}
	got := measure([]way{count, count}, 3, time.Microsecond)
	if len(got) != 2 || got[0].ratio != 1 || got[1].ratio <= 0 || calls < 6 {
		t.Errorf("%+v after %d calls", got, calls)
	}
}

func BenchmarkCodec(b *testing.B) {
	for _, w := range works() {
		for _, way := range w.ways {
			b.Run(w.name+"/"+way.name, func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(w.bytes))
				way.run(b.N)
			})
		}
	}
}
