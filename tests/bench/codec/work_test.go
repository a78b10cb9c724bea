package main

import (
	"strings"
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

// Generated code is far ahead of what looks at types at run time. The bounds
// are such that they hold on any machine, busy or not; the goals are more.
func TestRatios(t *testing.T) {
	if testing.Short() {
		t.Skip("measures time")
	}
	for _, w := range works() {
		got := measure(w.ways, 5, time.Millisecond)
		for i, way := range w.ways {
			bound := map[string]float64{"encoding/binary": 10, "struc": 20}[way.name]
			if strings.Contains(w.name, "numbers") {
				bound /= 10
			}
			if got[i].ratio < bound {
				t.Errorf("%s: %s takes %.1f times as long as generated code, want %.0f", w.name, way.name, got[i].ratio, bound)
			}
		}
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
