package tests

import "testing"

// withImage makes the image of r in a directory of its own and hands that to
// use. The files are gone afterwards: all of them together are gigabytes.
func withImage(t *testing.T, b *builder, r *recipe, use func(dir string)) {
	t.Helper()
	dir, err := b.imageDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := b.build(r, dir); err != nil {
		t.Fatal(err)
	}
	use(dir)
}

// sampled tells whether the i-th image of the corpus is looked at: all or every
// thirteenth. Thirteen is prime to the number of values of each property, so
// that the sample has all of them.
func sampled(i int) bool { return wholeCorpus() || i%13 == 0 }

// TestCorpus compares every combination of properties that an image made by
// QEMU can have.
func TestCorpus(t *testing.T) {
	t.Parallel()
	b := newBuilder(t)
	for i, c := range combinations() {
		if !sampled(i) {
			continue
		}
		r := c.recipe()
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			withImage(t, b, &r, func(dir string) { compareWithQEMU(t, &r, dir) })
		})
	}
}

// TestSpecial compares images with what the combinations leave out.
func TestSpecial(t *testing.T) {
	t.Parallel()
	b := newBuilder(t)
	for _, r := range specialRecipes() {
		if r.slow && !wholeCorpus() {
			continue
		}
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			withImage(t, b, &r, func(dir string) { compareWithQEMU(t, &r, dir) })
		})
	}
}

// randomImages is how many there are of randomRecipe.
const randomImages = 60

// TestRandom compares chains of three images with random properties and
// random writes. The seeds are fixed: what fails here fails everywhere.
func TestRandom(t *testing.T) {
	t.Parallel()
	b := newBuilder(t)
	count := 8
	if wholeCorpus() {
		count = randomImages
	}
	for seed := range uint64(count) {
		r := randomRecipe(seed)
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			withImage(t, b, &r, func(dir string) { compareWithQEMU(t, &r, dir) })
		})
	}
}
