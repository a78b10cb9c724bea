package testseed

import (
	"math/rand/v2"
	"testing"
)

func TestOf(t *testing.T) {
	t.Setenv(variable, "")
	first := Of(t)
	if again := Of(t); again != first {
		t.Errorf("%d, then %d", first, again)
	}
	t.Run("other", func(t *testing.T) {
		if other := Of(t); other == first {
			t.Errorf("%d for two tests", other)
		}
	})

	t.Setenv(variable, "17")
	if got, want := Rand(t).Uint64(), rand.New(rand.NewPCG(17, 0)).Uint64(); got != want {
		t.Errorf("%d, want %d", got, want)
	}

	t.Setenv(variable, "random")
	if one, two := Of(t), Of(t); one == two || one == first {
		t.Errorf("%d, then %d", one, two)
	}
}
