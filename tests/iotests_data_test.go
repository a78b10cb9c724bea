package tests

import (
	"fmt"
	"slices"
	"testing"
)

// What follows replays QEMU's own tests of the format (tests/qemu-iotests) as
// far as they are about reading: the same kinds of images, made anew by
// qemu-img and qemu-io, and read by both. The numbers are theirs, so that who
// knows those tests finds what became of them; nothing else is.

// iotestRecipes are the images with sound contents.
func iotestRecipes() []recipe {
	return slices.Concat(
		iotestPatterns(), iotestSnapshots(), iotestChains(), iotestSizes(), iotestZeros(),
		iotestSubclusters(), iotestDataFiles(), iotestRefcounts(), iotestBitmaps(), iotestEncrypted(),
	)
}

// TestIotestsData compares the images with QEMU.
func TestIotestsData(t *testing.T) {
	t.Parallel()
	b := newBuilder(t)
	tool := buildTool(t)
	for i, r := range iotestRecipes() {
		if !wholeCorpus() && i%5 != 0 {
			continue
		}
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			withImage(t, b, &r, func(dir string) {
				compareWithQEMU(t, &r, dir)
				compareCheck(t, tool, dir, source(&r))
				if !wholeCorpus() || i%2 == 0 { // it takes twenty runs of each program
					compareTool(t, tool, &r, dir)
				}
			})
		})
	}
}

const (
	kib = 1 << 10
	mib = 1 << 20
	gib = 1 << 30
)

// pattern fills count pieces of n bytes, step apart, each with a byte of its
// own, as far as w has a disk.
func (w *writer) pattern(off, n, step int64, count int) {
	for i := range int64(count) {
		w.fill(off+i*step, n)
	}
}

// sweep writes around off as the tests of patterns do: clusters side by side,
// pieces of clusters, pieces over borders of clusters, and on both sides of
// the place where the next L2 table begins.
func (w *writer) sweep(off int64) {
	n := w.cluster
	w.pattern(off, n, n, 6)
	w.pattern(off+8*n, n/2, n, 4)
	w.pattern(off+16*n+n/2, n, 3*n, 4)
	w.pattern(off+32*n+n/4, 2*n+n/2, 5*n, 3)
	table := n * n / 8
	w.pattern(off+table-2*n, n, n, 4)
	w.pattern(off+2*table-n/2, n, n, 1)
}

// iotestPatterns are 013, 023: writes of every alignment at both ends of a
// disk of more than 4 GiB, plain and, copied, compressed.
func iotestPatterns() []recipe {
	var all []recipe
	for _, c := range []struct {
		number  string
		cluster int64
	}{{"013", 4 * kib}, {"023", 1 * kib}, {"023", 4 * kib}, {"023", 16 * kib}, {"023", 64 * kib}} {
		w := &writer{size: 6 * gib, cluster: c.cluster, mark: 1}
		for _, off := range []int64{0, 4*gib - c.cluster*3} {
			w.sweep(off)
		}
		options := fmt.Sprint("cluster_size=", c.cluster)
		if c.number == "023" {
			all = append(all, recipe{name: fmt.Sprintf("iotest-%s,%s", c.number, byteSize(c.cluster)),
				steps: []command{create(diskName, w.size, options), qio("qcow2", diskName, w.commands...)}})
			continue
		}
		for _, version := range []string{"v2", "v3"} {
			source := []command{create("plain.qcow2", w.size, options, "compat="+version), qio("qcow2", "plain.qcow2", w.commands...)}
			all = append(all, recipe{name: "iotest-013," + version, steps: []command{
				create(diskName, w.size, options, "compat="+version), qio("qcow2", diskName, w.commands...)}})
			all = append(all, recipe{name: "iotest-013,compressed," + version, steps: append(source,
				img("convert", "-c", "-f", "qcow2", "-O", "qcow2", "-o", options+",compat="+version, "plain.qcow2", diskName),
				// Over compressed clusters, in part and whole.
				qio("qcow2", diskName, "write -q -P 201 512 1k", "write -q -P 202 8k 4k", "discard -q 16k 4k"))})
		}
	}
	return all
}

// iotestSnapshots is 014: patterns written between internal snapshots.
func iotestSnapshots() []recipe {
	var all []recipe
	for _, compat := range []string{"compat=v2", "compat=v3", "extended_l2=on,compat=v3"} {
		cluster := int64(4 * kib)
		if compat[0] == 'e' {
			cluster = 16 * kib
		}
		steps := []command{create(diskName, 32*mib, fmt.Sprint("cluster_size=", cluster), compat)}
		for i := range 4 {
			w := &writer{size: 32 * mib, cluster: cluster, mark: byte(50 * i)}
			w.sweep(int64(i) * cluster / 2)
			steps = append(steps, qio("qcow2", diskName, w.commands...), img("snapshot", "-c", fmt.Sprint("after ", i), diskName))
		}
		steps = append(steps, img("snapshot", "-d", "after 1", diskName), img("snapshot", "-a", "after 2", diskName),
			qio("qcow2", diskName, "write -q -P 77 1k 70k"))
		all = append(all, recipe{name: "iotest-014," + compat, steps: steps})
	}
	return all
}

// iotestChains are 017, where each layer has its own pieces, and 028, where
// the backing file ends before the disk.
func iotestChains() []recipe {
	base := &writer{size: 6 * gib, cluster: 64 * kib, mark: 1}
	over := &writer{size: 6 * gib, cluster: 64 * kib, mark: 101}
	for _, off := range []int64{0, 4 * gib} {
		base.pattern(off, 64*kib, 128*kib, 8)
		base.pattern(off+2*mib, 4*kib, 12*kib, 8)
		over.pattern(off+64*kib, 64*kib, 128*kib, 4)
		over.pattern(off+2*mib+2*kib, 4*kib, 12*kib, 8)
	}
	onBase := []string{"backing_file=base.qcow2", "backing_fmt=qcow2"}
	all := []recipe{{name: "iotest-017", steps: []command{
		create("base.qcow2", base.size), qio("qcow2", "base.qcow2", base.commands...),
		create(diskName, over.size, onBase...), qio("qcow2", diskName, over.commands...)}}}
	for _, end := range []int64{128 * kib, 96*kib + 512, 3*mib + 1536} {
		short := &writer{size: end, cluster: 64 * kib, mark: 1}
		short.pattern(0, 60*kib, 64*kib, 60)
		long := &writer{size: 10 * mib, cluster: 64 * kib, mark: 101}
		long.pattern(max(0, end-32*kib), 4*kib, 20*kib, 4)
		long.fill(8*mib, 3*kib)
		for _, format := range []string{"qcow2", "raw"} {
			steps := []command{create("base.qcow2", end), qio("qcow2", "base.qcow2", short.commands...)}
			name := "base.qcow2"
			if format == "raw" {
				name = "base.raw"
				steps = append(steps, img("convert", "-f", "qcow2", "-O", "raw", "base.qcow2", name))
			}
			for _, extended := range []string{"off", "on"} {
				all = append(all, recipe{name: fmt.Sprintf("iotest-028,%d,%s,extended=%s", end, format, extended), steps: append(slices.Clone(steps),
					create(diskName, long.size, "extended_l2="+extended, "backing_file="+name, "backing_fmt="+format), qio("qcow2", diskName, long.commands...))})
			}
		}
	}
	return all
}

// iotestSizes are 042, disks of no byte, and 053, disks that do not end with
// a cluster, copied with and without compression.
func iotestSizes() []recipe {
	var all []recipe
	for _, compat := range []string{"v2", "v3"} {
		all = append(all, recipe{name: "iotest-042," + compat, steps: []command{
			create("empty.qcow2", 0, "compat="+compat),
			img("convert", "-f", "qcow2", "-O", "qcow2", "-o", "compat="+compat, "empty.qcow2", diskName)}})
		for _, size := range []int64{512, 84 * kib, 64*kib - 512, mib + 512} {
			for _, flags := range [][]string{{"-c"}, {"-S", "0"}, {"-S", "4k"}} {
				all = append(all, recipe{name: fmt.Sprintf("iotest-053,%s,%d,%v", compat, size, flags[0]+flags[len(flags)-1]), steps: []command{
					create("odd.qcow2", size), qio("qcow2", "odd.qcow2", fmt.Sprintf("write -q -P 0xa 0 %d", min(size, 70*kib)),
						fmt.Sprintf("write -q -P 0xb %d 512", size-512)),
					append(append(img("convert", "-f", "qcow2", "-O", "qcow2", "-o", "compat="+compat), flags...), "odd.qcow2", diskName)}})
			}
		}
	}
	return all
}

// iotestZeros are 066, clusters of zeros that keep their place and are written
// again, and 154, zeros written with odd borders over every kind of backing.
func iotestZeros() []recipe {
	all := []recipe{{name: "iotest-066", steps: []command{create(diskName, 64*mib),
		qio("qcow2", diskName,
			"write -q -P 1 0 128k", "write -q -z 0 64k", "write -q -P 2 60k 8k", // the zeros keep their cluster
			"write -q -z 192k 128k", "write -q -P 3 252k 8k", // these have none
			"write -q -P 4 512k 64k", "write -q -z 512k 64k", "discard -q 512k 64k", "write -q -P 5 513k 1k",
			"write -q -P 6 1M 192k", "write -q -z -u 1088k 64k", "write -q -P 7 1087k 66k")}}}
	const cluster = 4 * kib
	for _, base := range []string{"zero", "data", "short"} {
		for _, version := range []string{"v3", "v3,extended_l2=on,cluster_size=16k"} {
			size := int64(4 * mib)
			baseSize := size
			if base == "short" {
				baseSize = 100*kib + 512
			}
			steps := []command{create("base.qcow2", baseSize, "cluster_size=4k")}
			switch base {
			case "zero":
				steps = append(steps, qio("qcow2", "base.qcow2", "write -q -z 0 64k"))
			default:
				steps = append(steps, qio("qcow2", "base.qcow2", "write -q -P 9 0 60k", "write -q -P 8 66k 3k", fmt.Sprintf("write -q -P 7 %d 1k", baseSize-kib)))
			}
			options := "compat=" + version
			if version == "v3" {
				options += fmt.Sprint(",cluster_size=", cluster)
			}
			steps = append(steps, create(diskName, size, options, "backing_file=base.qcow2", "backing_fmt=qcow2"))
			w := &writer{size: size, cluster: cluster, mark: 33}
			for i, piece := range [][2]int64{
				{0, kib}, {kib, 2 * kib}, {3 * kib, kib}, {0, 5 * kib}, {3 * kib, 6 * kib}, {2 * kib, 16 * kib}, {512, cluster}, {0, 3 * cluster},
			} {
				at := int64(i) * 12 * kib
				w.zero(at+piece[0], piece[1])
				w.zero(at+64*kib*3+piece[0], piece[1])
				// The same over clusters that have data.
				w.fill(at+mib, 8*kib)
				w.zero(at+mib+piece[0], piece[1])
			}
			w.zero(baseSize-kib-512, 4*kib)
			all = append(all, recipe{name: fmt.Sprintf("iotest-154,%s,%s", base, version), steps: append(steps, qio("qcow2", diskName, w.commands...))})
		}
	}
	return all
}

// iotestSubclusters is 271: each state of a cluster, then each kind of write
// to its subclusters.
func iotestSubclusters() []recipe {
	states := []func(w *writer, at int64){
		func(*writer, int64) {},
		func(w *writer, at int64) { w.fill(at, w.cluster) },
		func(w *writer, at int64) { w.fill(at+w.cluster/32*3, w.cluster/32*9) },
		func(w *writer, at int64) { w.fill(at, w.cluster); w.zero(at, w.cluster) },
		func(w *writer, at int64) { w.zero(at, w.cluster) },
		func(w *writer, at int64) { w.zero(at+w.cluster/32*5, w.cluster/32*4) },
		func(w *writer, at int64) { w.compressed(at, w.cluster) },
	}
	writes := []func(w *writer, at int64){
		func(w *writer, at int64) { w.fill(at, 1) },
		func(w *writer, at int64) { w.fill(at+w.cluster/32*7-1, w.cluster/32+2) },
		func(w *writer, at int64) { w.fill(at+w.cluster/32*31, w.cluster/32) },
		func(w *writer, at int64) { w.fill(at, w.cluster) },
		func(w *writer, at int64) { w.zero(at+w.cluster/32*4, w.cluster/32) },
		func(w *writer, at int64) { w.zero(at+w.cluster/32*4+512, w.cluster/32*2) },
		func(w *writer, at int64) { w.add("write -q -z -u", at, w.cluster) },
		func(w *writer, at int64) { w.add("discard -q", at+w.cluster/32*2, w.cluster/32*8) },
		func(w *writer, at int64) { w.add("discard -q", at, w.cluster) },
	}
	var all []recipe
	for _, cluster := range []int64{16 * kib, 64 * kib, 256 * kib} {
		for _, backing := range []bool{false, true} {
			w := &writer{size: 80 * cluster, cluster: cluster, mark: 1}
			for s, state := range states {
				for i, write := range writes {
					// Some runs go on from one cluster to the next.
					at := int64(s*len(writes)+i) * cluster
					state(w, at)
					write(w, at)
				}
			}
			options := []string{"extended_l2=on", fmt.Sprint("cluster_size=", cluster)}
			var steps []command
			if backing {
				steps = append(steps, command{"sparse", "base.raw", fmt.Sprint(60*cluster + 512), "3"})
				options = append(options, "backing_file=base.raw", "backing_fmt=raw")
			}
			all = append(all, recipe{name: fmt.Sprintf("iotest-271,%s,backing=%t", byteSize(cluster), backing),
				steps: append(steps, create(diskName, w.size, options...), qio("qcow2", diskName, w.commands...))})
		}
	}
	return all
}

// iotestDataFiles is 244: what is written, zeroed and discarded with a data
// file, raw or not, and one that became so later.
func iotestDataFiles() []recipe {
	writes := qio("qcow2", diskName, "write -q -P 1 0 1M", "write -q -P 2 2M 1M", "write -q -z 0 64k", "write -q -z -u 128k 64k",
		"discard -q 2M 128k", "write -q -z 4M 1M", "write -q -P 3 4100k 1k", "write -q -P 4 63M 1M")
	extended := create(diskName, 64*mib, "data_file=disk.data", "extended_l2=on")
	return []recipe{
		{name: "iotest-244,data-file", steps: []command{create(diskName, 64*mib, "data_file=disk.data"), writes}},
		{name: "iotest-244,data-file-raw", steps: []command{create(diskName, 64*mib, "data_file=disk.data", "data_file_raw=on"), writes}},
		{name: "iotest-244,extended", steps: []command{extended, writes, qio("qcow2", diskName, "write -q -P 9 10M 2k", "write -q -z 10242k 4k")}},
		{name: "iotest-244,empty", steps: []command{create(diskName, 64*mib, "data_file=disk.data")}},
		{name: "iotest-244,grown", steps: []command{create(diskName, mib, "data_file=disk.data"), qio("qcow2", diskName, "write -q -P 5 0 1M"),
			img("resize", "-q", "-f", "qcow2", diskName, "8M"), qio("qcow2", diskName, "write -q -P 6 7M 64k")}},
		{name: "iotest-244,converted", steps: []command{create("plain.qcow2", 8*mib), qio("qcow2", "plain.qcow2", "write -q -P 1 1M 1M"),
			img("convert", "-f", "qcow2", "-O", "qcow2", "-o", "data_file=disk.data,data_file_raw=on", "plain.qcow2", diskName)}},
	}
}

// iotestRefcounts is 112: refcounts of every width, counted up by snapshots
// as far as they go, and changed.
func iotestRefcounts() []recipe {
	var all []recipe
	for _, bits := range []int{1, 2, 4, 8, 16, 32, 64} {
		steps := []command{create(diskName, 4*mib, "cluster_size=4k", fmt.Sprint("refcount_bits=", bits)), qio("qcow2", diskName, "write -q -P 1 0 1M")}
		for i := range min(bits-1, 2) {
			steps = append(steps, img("snapshot", "-c", fmt.Sprint("copy-", i), diskName), qio("qcow2", diskName, fmt.Sprintf("write -q -P %d %dk 256k", i+2, 100*i)))
		}
		all = append(all, recipe{name: fmt.Sprint("iotest-112,", bits), steps: steps})
		if bits != 16 && bits > 1 {
			all = append(all, recipe{name: fmt.Sprintf("iotest-112,%d-to-16", bits), steps: append(slices.Clone(steps),
				img("amend", "-f", "qcow2", "-o", "refcount_bits=16", diskName), img("amend", "-f", "qcow2", "-o", "compat=v2", diskName))})
		}
	}
	return all
}

// iotestBitmaps is 303: bitmaps of several granularities, with dirty ranges.
func iotestBitmaps() []recipe {
	const size = 10 * mib
	steps := []command{create(diskName, size)}
	for i, granularity := range []string{"16k", "32k", "64k"} {
		steps = append(steps, img("bitmap", "--add", "-f", "qcow2", "-g", granularity, diskName, fmt.Sprint("bitmap-", i+1)),
			qio("qcow2", diskName, fmt.Sprintf("write -q -P %d %dM 1536k", i+1, 2*i+1), fmt.Sprintf("write -q -z %dk 8k", 700*i+8000)))
		if i == 1 {
			steps = append(steps, img("bitmap", "--disable", "-f", "qcow2", diskName, "bitmap-2"))
		}
	}
	return []recipe{
		{name: "iotest-303", steps: steps},
		{name: "iotest-303,merged", steps: append(slices.Clone(steps),
			img("bitmap", "--merge", "bitmap-1", "-f", "qcow2", diskName, "bitmap-3"), img("bitmap", "--clear", "-f", "qcow2", diskName, "bitmap-1"),
			img("bitmap", "--remove", "-f", "qcow2", diskName, "bitmap-2"))},
		{name: "iotest-303,in-use", steps: append(slices.Clone(steps), qioKilled(diskName, "write -q -P 9 0 1M"))},
	}
}
