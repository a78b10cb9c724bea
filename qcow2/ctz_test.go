package qcow2

import "testing"

func TestCtz(t *testing.T) {
	for _, c := range []struct {
		value uint64
		size  int
		want  int
	}{
		{0, 0, 0},
		{0, 1, 1},
		{0, 32, 32}, // of nothing set the width, not 0
		{0, 64, 64},
		{1, 32, 0},
		{1, 0, 0},
		{0b1000, 32, 3},
		{0b1000, 3, 3}, // the set bit lies outside
		{0b1000, 2, 2},
		{0x8000_0000, 32, 31},
		{1 << 32, 32, 32},
		{1 << 63, 64, 63},
		{^uint64(0), 64, 0},
		{^uint64(0) &^ (1<<17 - 1), 64, 17},
	} {
		if got := Ctz(c.value, c.size); got != c.want {
			t.Errorf("Ctz(%#x, %d) = %d, want %d", c.value, c.size, got, c.want)
		}
	}
}
