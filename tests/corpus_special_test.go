package tests

import (
	"fmt"
	"math/rand/v2"
)

// specialRecipes are images with properties that the combinations leave out:
// how they were preallocated, what happened to them, what else they carry.
func specialRecipes() []recipe {
	const (
		k = 1 << 10
		m = 1 << 20
	)
	var all []recipe
	add := func(name string, steps ...command) { all = append(all, recipe{name: name, steps: steps}) }

	// Preallocated clusters that nobody wrote: zeros and data at once.
	for _, mode := range []string{"metadata", "falloc", "full"} {
		for _, options := range [][]string{
			{"cluster_size=512"}, {"cluster_size=4k"}, {"cluster_size=64k"}, {"cluster_size=2M"},
			{"cluster_size=64k", "compat=v2"}, {"cluster_size=64k", "extended_l2=on"},
		} {
			add(fmt.Sprintf("preallocation,%s,%v", mode, options),
				create(diskName, 4*m+512, append(options, "preallocation="+mode)...),
				qio("qcow2", diskName, "write -q -P 1 100k 70k", "write -q -z 1M 64k", "write -q -P 2 3M 512"))
		}
		add("preallocation,data-file,"+mode,
			create(diskName, 4*m, "data_file=disk.data", "preallocation="+mode),
			qio("qcow2", diskName, "write -q -P 1 100k 70k"))
		add("preallocation,data-file-raw,"+mode,
			create(diskName, 4*m, "data_file=disk.data", "data_file_raw=on", "preallocation="+mode),
			qio("qcow2", diskName, "write -q -P 1 100k 70k"))
	}
	add("preallocation,metadata,on-backing",
		create("base.qcow2", 2*m), qio("qcow2", "base.qcow2", "write -q -P 9 0 2M"),
		create(diskName, 4*m, "extended_l2=on", "preallocation=metadata", "backing_file=base.qcow2", "backing_fmt=qcow2"),
		qio("qcow2", diskName, "write -q -P 1 100k 70k"))

	for _, bits := range []int{1, 2, 4, 8, 16, 32, 64} {
		add(fmt.Sprintf("refcount-bits,%d", bits),
			create(diskName, 512*k, "cluster_size=512", fmt.Sprint("refcount_bits=", bits)),
			qio("qcow2", diskName, "write -q -P 1 0 100k", "write -q -c -P 2 200k 512", "write -q -z 10k 5k"))
	}
	for _, bits := range []int{1, 2, 4} {
		// All refcounts are in one word, or byte.
		add(fmt.Sprintf("refcount-bits,%d,few", bits), create(diskName, m, "cluster_size=256k", fmt.Sprint("refcount_bits=", bits)),
			qio("qcow2", diskName, "write -q -P 1 0 10k"))
	}
	add("lazy-refcounts", create(diskName, m, "lazy_refcounts=on"), qio("qcow2", diskName, "write -q -P 1 0 100k"))
	add("dirty", create(diskName, m, "lazy_refcounts=on"),
		qioKilled(diskName, "write -q -P 1 0 100k", "flush"))

	// What operations leave behind.
	add("resized,grown", create(diskName, 100*k, "cluster_size=512"), qio("qcow2", diskName, "write -q -P 1 0 100k"),
		img("resize", "-q", "-f", "qcow2", diskName, "5M"), qio("qcow2", diskName, "write -q -P 2 4M 64k"))
	add("resized,shrunk", create(diskName, 5*m, "cluster_size=4k"), qio("qcow2", diskName, "write -q -P 1 0 5M"),
		img("resize", "-q", "-f", "qcow2", "--shrink", diskName, fmt.Sprint(m+512)))
	add("amended,v2-to-v3", create(diskName, m, "compat=v2"), qio("qcow2", diskName, "write -q -P 1 0 100k"),
		img("amend", "-f", "qcow2", "-o", "compat=v3", diskName), qio("qcow2", diskName, "write -q -z 0 64k"))
	add("amended,v3-to-v2", create(diskName, m, "compat=v3"),
		qio("qcow2", diskName, "write -q -P 1 0 200k", "write -q -z 0 64k", "write -q -z 512k 64k"),
		img("amend", "-f", "qcow2", "-o", "compat=v2", diskName))
	add("amended,refcount-bits", create(diskName, m), qio("qcow2", diskName, "write -q -P 1 0 200k"),
		img("amend", "-f", "qcow2", "-o", "refcount_bits=64", diskName))
	add("committed", create("base.qcow2", m), create(diskName, m, "backing_file=base.qcow2", "backing_fmt=qcow2"),
		qio("qcow2", diskName, "write -q -P 1 0 200k"), img("commit", "-q", "-f", "qcow2", diskName),
		qio("qcow2", diskName, "write -q -P 2 0 1k"))
	add("rebased", create("old.qcow2", m), qio("qcow2", "old.qcow2", "write -q -P 1 0 300k"),
		create("new.qcow2", m), qio("qcow2", "new.qcow2", "write -q -P 2 100k 300k"),
		create(diskName, m, "backing_file=old.qcow2", "backing_fmt=qcow2"), qio("qcow2", diskName, "write -q -P 3 64k 64k"),
		img("rebase", "-f", "qcow2", "-b", "new.qcow2", "-F", "qcow2", diskName))
	add("discarded", create(diskName, m, "cluster_size=4k"), qio("qcow2", diskName, "write -q -P 1 0 1M",
		"discard -q 0 100k", "discard -q 300k 4k", "write -q -P 2 50k 10k"))

	// Whole disks compressed by convert, as downloads are.
	for _, options := range []string{"cluster_size=512", "cluster_size=4k", "cluster_size=64k", "cluster_size=2M",
		"compat=v2", "compression_type=zstd", "compression_type=zstd,cluster_size=2M", "compression_type=zstd,cluster_size=512",
		"extended_l2=on", "extended_l2=on,compression_type=zstd"} {
		add("converted,"+options, command{"sparse", "in.raw", fmt.Sprint(5*m + 700), "11"},
			img("convert", "-q", "-c", "-f", "raw", "-O", "qcow2", "-o", options, "in.raw", diskName))
	}

	// Clusters in every order but the right one.
	scattered := []string{}
	r := rand.New(rand.NewPCG(1, 0))
	for i, cluster := range r.Perm(400) {
		scattered = append(scattered, fmt.Sprintf("write -q -P %d %d 4k", i%255+1, cluster*4*k))
	}
	add("scattered", create(diskName, 2*m, "cluster_size=4k"), qio("qcow2", diskName, scattered...))

	// The most L1 entries that there can be.
	add("largest-l1", create(diskName, 128<<30, "cluster_size=512"),
		qio("qcow2", diskName, "write -q -P 1 0 512", "write -q -P 2 70G 1k", "write -q -P 3 137438952960 512"))
	largest := &all[len(all)-1]
	largest.below, largest.steps, largest.slow = largest.steps, nil, true // all of it is made once
	// Larger ones there are, but no raw copies of them on ext4.
	add("15-tebibytes", create(diskName, 15<<40, "cluster_size=2M"),
		qio("qcow2", diskName, "write -q -P 1 14T 64k"))

	// What lies beside the disk in the file.
	add("snapshots", create(diskName, m, "cluster_size=4k"),
		qio("qcow2", diskName, "write -q -P 1 0 300k", "write -q -b -P 7 0 10k"),
		img("snapshot", "-c", "one", diskName),
		qio("qcow2", diskName, "write -q -P 2 100k 300k"),
		img("snapshot", "-c", "two", diskName),
		img("snapshot", "-c", "three", diskName),
		img("snapshot", "-d", "two", diskName),
		img("resize", "-q", "-f", "qcow2", diskName, "2M"),
		qio("qcow2", diskName, "write -q -P 3 200k 100k", "write -q -z 50k 50k"),
		img("snapshot", "-c", "ünïcödé name", diskName))
	add("snapshot,applied", create(diskName, m, "cluster_size=4k"), qio("qcow2", diskName, "write -q -P 1 0 300k"),
		img("snapshot", "-c", "one", diskName), qio("qcow2", diskName, "write -q -P 2 0 1M"),
		img("snapshot", "-a", "one", diskName), qio("qcow2", diskName, "write -q -P 3 8k 4k"))
	add("snapshots,extended", create(diskName, m, "cluster_size=16k", "extended_l2=on"),
		qio("qcow2", diskName, "write -q -P 1 0 40k"), img("snapshot", "-c", "one", diskName),
		qio("qcow2", diskName, "write -q -P 2 1k 2k", "write -q -z 20k 3k"))
	bitmaps := []command{create(diskName, m, "cluster_size=4k")}
	for i, name := range []string{"a", "long" + fmt.Sprintf("%0200d", 7), "c"} {
		bitmaps = append(bitmaps, img("bitmap", "--add", "-g", fmt.Sprint(512<<(3*i)), "-f", "qcow2", diskName, name),
			qio("qcow2", diskName, fmt.Sprintf("write -q -P %d %dk 64k", i+1, 100*i)))
	}
	add("bitmaps", append(bitmaps, img("bitmap", "--disable", "-f", "qcow2", diskName, "c"))...)
	add("bitmaps,in-use", create(diskName, m), img("bitmap", "--add", "-f", "qcow2", diskName, "left"),
		qioKilled(diskName, "write -q -P 1 0 100k"))

	// The last sector of a raw file that does not fill it.
	add("backing,raw,odd-length", command{"text", "base.raw", fmt.Sprint(100*k + 188), "1"},
		create(diskName, m, "cluster_size=4k", "backing_file=base.raw", "backing_fmt=raw"),
		qio("qcow2", diskName, "write -q -P 1 0 4k"))
	add("backing,raw,shorter-than-a-sector", command{"text", "base.raw", "100", "1"},
		create(diskName, m, "backing_file=base.raw", "backing_fmt=raw"))

	// Names of backing files as the world has them.
	add("backing-name,dots", command{"text", "base.raw", fmt.Sprint(100 * k), "1"},
		create(diskName, m, "backing_file=../image/.//base.raw", "backing_fmt=raw"))
	add("backing-name,longest", command{"text", "base.raw", fmt.Sprint(100 * k), "1"},
		create(diskName, m, "backing_fmt=raw", "backing_file="+dots(1023-8)+"base.raw"))
	add("backing-format,raw-over-qcow2", create("base.qcow2", m), qio("qcow2", "base.qcow2", "write -q -P 1 0 64k"),
		create(diskName, m, "backing_file=base.qcow2", "backing_fmt=raw"))

	secret := "secret,id=key,data=letmein"
	crypt := func(name, options string, noData bool) {
		all = append(all, recipe{name: name, password: "letmein", noData: noData, steps: []command{
			img("create", "-q", "-f", "qcow2", "--object", secret, "-o", options+",encrypt.key-secret=key", diskName, fmt.Sprint(m))}})
	}
	crypt("encrypted,luks", "encrypt.format=luks,encrypt.iter-time=10", true)
	crypt("encrypted,luks,cbc-essiv", "encrypt.format=luks,encrypt.iter-time=10,encrypt.cipher-alg=aes-128,"+
		"encrypt.cipher-mode=cbc,encrypt.ivgen-alg=essiv,encrypt.ivgen-hash-alg=sha256,encrypt.hash-alg=sha1", true)
	crypt("encrypted,aes", "compat=v2,encrypt.format=aes", true)
	return all
}

// dots is a path of n bytes, an even or odd number, that leads nowhere else.
func dots(n int) string {
	b := make([]byte, 0, n)
	for len(b)+2 <= n {
		b = append(b, "./"...)
	}
	if len(b) < n {
		b = append(b, '/')
	}
	return string(b)
}

// qioKilled is qio with an end as in a crash: nothing more is written back.
func qioKilled(name string, commands ...string) command {
	return qio("qcow2", name, append(commands, sigKill)...)
}

// randomRecipe is an image of random properties with random writes: the
// states that nobody thought of. The seed is in its name.
func randomRecipe(seed uint64) recipe {
	r := rand.New(rand.NewPCG(seed, 7))
	pick := func(names ...string) string { return names[r.IntN(len(names))] }
	size := r.Int64N(3<<20)/512*512 + 512
	r1 := recipe{name: fmt.Sprintf("random,seed=%d", seed)}
	for depth, layer := range []string{"base.qcow2", "middle.qcow2", diskName} {
		cluster := int64(512) << r.IntN(10)
		c := combination{version: 3, cluster: cluster, compression: pick("plain", "deflate", "zstd"), l2: "standard", size: "odd"}
		if cluster >= 16<<10 && r.IntN(2) == 0 {
			c.l2 = "extended"
		}
		options := c.options()
		if depth > 0 {
			options = append(options, "backing_fmt=qcow2", "backing_file="+[]string{"", "base.qcow2", "middle.qcow2"}[depth])
		}
		layerSize := size
		if r.IntN(3) == 0 {
			layerSize = r.Int64N(3<<20)/512*512 + 512
		}
		w := &writer{size: layerSize, mark: byte(1 + 80*depth)}
		used := make(map[int64]bool) // clusters: QEMU compresses over none that is in use
		for range 20 + r.IntN(60) {
			off, n := r.Int64N(layerSize), 1+r.Int64N(3*cluster)
			aligned := off / cluster * cluster
			kind := r.IntN(10)
			if kind == 9 && (c.compression == "plain" || used[aligned]) {
				continue
			}
			switch {
			case kind < 4:
				w.fill(off, n)
			case kind < 6:
				w.fill(off/512*512, 512*(1+r.Int64N(8)))
			case kind == 6:
				w.zero(off/512*512, 512*(1+r.Int64N(64)))
			case kind == 7:
				w.add("write -q -z -u", aligned, cluster*(1+r.Int64N(3)))
			case kind == 8:
				w.add("discard -q", aligned, cluster*(1+r.Int64N(3)))
			default:
				w.compressed(aligned, cluster)
			}
			for i := aligned; i < off+max(n, 3*cluster, 64*512); i += cluster {
				used[i] = true
			}
		}
		r1.steps = append(r1.steps, create(layer, layerSize, options...))
		if len(w.commands) > 0 {
			r1.steps = append(r1.steps, qio("qcow2", layer, w.commands...))
		}
	}
	return r1
}
