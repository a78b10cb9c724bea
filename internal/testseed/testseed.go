// Package testseed gives tests the seeds of their random input. They are the same
// at each run, so that a test which fails says something of the change that is
// tested, and of nothing else. Who looks for what nobody thought of asks for
// other ones, and has them again by their number, which a test that fails
// prints:
//
//	CSTRUCTGEN_SEED=random go test -count=1 ./...
//	CSTRUCTGEN_SEED=17473954433515486860 go test -run TestX ./tests
package testseed

import (
	"hash/fnv"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

const variable = "CSTRUCTGEN_SEED"

// Of returns the seed of test t, and has it printed if t fails. By default it
// is made of the test's name, so that no two tests see the same numbers.
func Of(t testing.TB) uint64 {
	t.Helper()
	var seed uint64
	switch value := os.Getenv(variable); value {
	case "":
		name := fnv.New64a()
		name.Write([]byte(t.Name()))
		seed = name.Sum64()
	case "random":
		seed = rand.Uint64()
	default:
		var err error
		if seed, err = strconv.ParseUint(value, 10, 64); err != nil {
			t.Fatalf("%s: %v; it is a number or %q", variable, err, "random")
		}
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s=%d", variable, seed)
		}
	})
	return seed
}

// Rand returns random numbers of the seed of test t.
func Rand(t testing.TB) *rand.Rand {
	t.Helper()
	return rand.New(rand.NewPCG(Of(t), 0))
}
