package tests

import (
	"fmt"
	"strings"
	"testing"

	"cstructgen/internal/testseed"
)

// compareMeasure runs measure on the image in dir, for a few kinds of target.
func compareMeasure(t *testing.T, tool string, r *recipe, dir string) {
	t.Helper()
	kinds := [][]string{
		{"-O", "qcow2"},
		{"-O", "qcow2", "--output=json"},
		{"-O", "qcow2", "-o", "cluster_size=512,refcount_bits=1"},
		{"-O", "qcow2", "-o", "cluster_size=2M,extended_l2=on", "--output=json"},
		{"-O", "qcow2", "-o", "compat=0.10"},
		{"--output=json"},
	}
	first := turn(t, len(kinds))
	for _, i := range []int{first, (first + 1) % len(kinds)} {
		sameMeasure(t, tool, r, dir, append(kinds[i], "-f", "qcow2", diskName))
	}
}

// sameMeasure reports where the tool and qemu-img differ.
func sameMeasure(t *testing.T, tool string, r *recipe, dir string, args []string) (code int) {
	t.Helper()
	args = append([]string{"measure"}, args...)
	theirs, theirErr := runTool(t, dir, "qemu-img", withSecret(args, r.password)...)
	ours, ourErr := runFound(dir, tool, withOptions(r, args)...)
	if string(ours) != string(theirs) || exitCode(ourErr) != exitCode(theirErr) {
		t.Errorf("%s\n%s%v\nqemu-img\n%s%v", strings.Join(args, " "), ours, ourErr, theirs, theirErr)
	}
	return exitCode(ourErr)
}

// TestMeasureSizes measures empty disks of random sizes in files of random
// kinds, good ones and some that there cannot be.
func TestMeasureSizes(t *testing.T) {
	t.Parallel()
	requireTool(t, "qemu-img")
	tool := buildTool(t)
	runs := 40
	if wholeCorpus() {
		runs = 120
	}
	rng := testseed.Rand(t)
	codes := map[int]int{}
	for range runs {
		options := []string{fmt.Sprintf("cluster_size=%d", 1<<(8+rng.IntN(15)))}
		for _, values := range [][]string{
			{"refcount_bits=1", "refcount_bits=2", "refcount_bits=4", "refcount_bits=8", "refcount_bits=16", "refcount_bits=32", "refcount_bits=64", "refcount_bits=3", "refcount_bits=128"},
			{"extended_l2=on", "extended_l2=off"},
			{"compat=0.10", "compat=1.1", "compat=v2", "compat=v3"},
			{"preallocation=off", "preallocation=metadata", "preallocation=falloc", "preallocation=full"},
			{"backing_file=b"},
			{"lazy_refcounts=on", "lazy_refcounts=off"},
		} {
			if rng.IntN(4) == 0 {
				options = append(options, pick(rng, values...))
			}
		}
		rng.Shuffle(len(options), func(i, j int) { options[i], options[j] = options[j], options[i] })
		size := rng.Uint64() >> (1 + rng.IntN(63))
		args := []string{"-O", "qcow2", "-o", strings.Join(options, ","), "--size", fmt.Sprint(size)}
		codes[sameMeasure(t, tool, new(recipe), ".", args)]++
	}
	if codes[0] == 0 || codes[1] == 0 {
		t.Errorf("exit codes %v: nothing told apart", codes)
	}
}

// TestMeasureOthers measures what the corpus has not: raw files, and options
// that count only where an image is copied.
func TestMeasureOthers(t *testing.T) {
	t.Parallel()
	b := newBuilder(t)
	tool := buildTool(t)
	dir := t.TempDir()
	r := recipe{name: "others", steps: []command{
		{"sparse", "raw", "1500000", "3"},
		create(diskName, 5<<20, "cluster_size=4k"),
		qio("qcow2", diskName, "write -P 1 1M 10000", "write -z 2M 64k"),
		img("bitmap", "-f", "qcow2", "--add", diskName, "one"),
		img("bitmap", "-f", "qcow2", "--add", "-g", "2M", diskName, "another"),
	}}
	if err := b.build(&r, dir); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"-f", "raw", "raw"},
		{"-f", "raw", "-O", "qcow2", "raw"},
		{"-f", "raw", "-O", "qcow2", "-o", "cluster_size=1M", "raw"},
		{"-f", "qcow2", "-O", "qcow2", "-o", "backing_file=x", diskName},
		{"-f", "qcow2", "-O", "qcow2", "-o", "preallocation=full", diskName},
		{"-f", "qcow2", "-O", "qcow2", "-o", "cluster_size=512", "-o", "refcount_bits=64", "--output=json", diskName},
	} {
		sameMeasure(t, tool, new(recipe), dir, args)
	}
}
