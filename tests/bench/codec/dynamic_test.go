package main

import (
	"reflect"
	"testing"
)

// Structs of dynamic size: all ways do the same work, and generated code
// allocates no more than what is written by hand, which is what the values
// need.
func TestDynamicWays(t *testing.T) {
	for _, w := range dynamicWorks() {
		want, allocations := any(nil), 0.0
		for i, way := range w.ways {
			way.run(1)
			got, n := way.result(), testing.AllocsPerRun(10, func() { way.run(10) })
			if i == 0 {
				want, allocations = got, n
			}
			if !reflect.DeepEqual(got, want) || n != allocations {
				t.Errorf("%s, %s: %v with %v allocations, want %v with %v", w.name, way.name, got, n, want, allocations)
			}
		}
	}
}
