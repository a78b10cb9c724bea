package tests

import (
	"fmt"
	"strings"
	"testing"

	"cstructgen/internal/testseed"
)

// A pairImage is one of the images that are compared with one another. They
// hold a few disks in many forms.
type pairImage struct {
	name   string
	format string
	steps  []command
}

// pairImages are the forms of a disk of 3 MiB with data, holes and zeros, of
// that disk with something changed, and of shorter and longer ones.
func pairImages() []pairImage {
	convert := func(from, to string, options ...string) command {
		c := img("convert", "-q", "-O", "qcow2")
		return append(c, append(options, from, to)...)
	}
	qcow2 := func(name string, steps ...command) pairImage { return pairImage{name, "qcow2", steps} }
	raw := func(name string, steps ...command) pairImage { return pairImage{name, "raw", steps} }
	const size = 3 << 20
	return []pairImage{
		raw("disk.raw", command{"sparse", "disk.raw", "3145728", "7"}),
		qcow2("64k", convert("disk.raw", "64k")),
		qcow2("512", convert("disk.raw", "512", "-o", "cluster_size=512")),
		qcow2("v2", convert("disk.raw", "v2", "-o", "compat=0.10,cluster_size=4k")),
		qcow2("extended", convert("disk.raw", "extended", "-o", "extended_l2=on,cluster_size=128k")),
		qcow2("deflate", convert("disk.raw", "deflate", "-c")),
		qcow2("zstd", convert("disk.raw", "zstd", "-c", "-o", "compression_type=zstd,cluster_size=4k")),
		qcow2("full", convert("disk.raw", "full", "-S", "0")),
		qcow2("overlay", create("overlay", size, "backing_file=64k", "backing_fmt=qcow2", "cluster_size=32k"),
			qio("qcow2", "overlay", "write -z 128k 96k", "write -P 0 2944k 4k")),
		qcow2("over-raw", create("over-raw", size+4<<20, "backing_file=disk.raw", "backing_fmt=raw", "cluster_size=512"),
			qio("qcow2", "over-raw", "write -z 4M 1k")),
		qcow2("empty", create("empty", size)),
		qcow2("allocated", create("allocated", size, "preallocation=metadata")),
		qcow2("zeros", create("zeros", size+512, "cluster_size=1k"), qio("qcow2", "zeros", "write -z 0 3M", "write -P 0 1M 64k")),
		raw("zeros.raw", img("create", "-q", "-f", "raw", "zeros.raw", "3M")),
		qcow2("changed", convert("disk.raw", "changed", "-o", "cluster_size=64k"), qio("qcow2", "changed", "write -P 9 1048600 1")),
		qcow2("longer", convert("disk.raw", "longer"), img("resize", "-q", "-f", "qcow2", "longer", "5M"),
			qio("qcow2", "longer", "write -P 5 4200k 3")),
		raw("shorter.raw", command{"sparse", "shorter.raw", "1048576", "7"}),
	}
}

// TestComparePairs runs compare on pairs of images: what is printed and how
// it ends is what qemu-img does, strict and not.
func TestComparePairs(t *testing.T) {
	t.Parallel()
	b := newBuilder(t)
	tool := buildTool(t)
	dir := t.TempDir()
	images := pairImages()
	for _, im := range images {
		if err := b.build(&recipe{name: im.name, steps: im.steps}, dir); err != nil {
			t.Fatal(err)
		}
	}
	pairs := 40
	if wholeCorpus() {
		pairs = 150
	}
	rng := testseed.Rand(t)
	verdicts := map[string]int{}
	for range pairs {
		one, two := images[rng.IntN(len(images))], images[rng.IntN(len(images))]
		args := []string{"compare", "-f", one.format, "-F", two.format}
		if rng.IntN(2) == 0 {
			args = append(args, "-s")
		}
		args = append(args, one.name, two.name)
		ours, ourErr := runFound(dir, tool, append(args, "--allow-dir", ".")...)
		theirs, theirErr := runTool(t, dir, "qemu-img", args...)
		if string(ours) != string(theirs) || exitCode(ourErr) != exitCode(theirErr) {
			t.Errorf("%s\n%s%v\nqemu-img\n%s%v", strings.Join(args, " "), ours, ourErr, theirs, theirErr)
		}
		verdicts[fmt.Sprint(exitCode(ourErr))]++
	}
	if verdicts["0"] == 0 || verdicts["1"] == 0 {
		t.Errorf("verdicts %v: nothing told apart", verdicts)
	}
}
