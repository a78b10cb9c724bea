package tests

import (
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	"cstructgen/qcow2"
)

// A history is what may happen to an image over years: layers of random
// kinds, written, zeroed, discarded, snapshots taken, applied, deleted, the
// disk resized, the format amended, bitmaps kept, backing files changed. All
// of it is data: the same seed gives the same commands.
type history struct {
	*rand.Rand
	recipe
	sizes     map[string]int64
	clusters  map[string]int64
	snapshots int
	bitmaps   []string
}

func (h *history) pick(names ...string) string { return names[h.IntN(len(names))] }

// do adds a command that may be refused: not everything can be done to
// everything, and what QEMU refuses leaves an image as good.
func (h *history) do(c command) {
	if slices.Contains(c, diskName) {
		c = append(command{c[0]}, withSecret(c[1:], h.password)...)
	}
	h.steps = append(h.steps, append(command{"try"}, c...))
}

// historyRecipe is the history of a seed.
func historyRecipe(seed uint64) recipe {
	h := &history{Rand: rand.New(rand.NewPCG(seed, 11)), sizes: map[string]int64{}, clusters: map[string]int64{}}
	h.name = fmt.Sprintf("history,seed=%d", seed)
	size := h.Int64N(2*mib)/512*512 + 512
	below := ""
	switch h.IntN(3) {
	case 0:
		h.steps = append(h.steps, command{"sparse", "base.raw", fmt.Sprint(h.Int64N(2*mib)/512*512 + 512), fmt.Sprint(seed)})
		below = "base.raw"
	case 1:
		h.layer("base.qcow2", "", size)
		below = "base.qcow2"
	}
	if below != "" && h.IntN(2) == 0 {
		h.layer("middle.qcow2", below, size)
		below = "middle.qcow2"
	}
	if h.IntN(4) == 0 {
		h.password = "a secret"
	}
	h.layer(diskName, below, size)
	for range 1 + h.IntN(5) {
		h.happen()
		h.write(diskName)
	}
	return h.recipe
}

// layer makes one image, on another if below names one, and writes to it.
func (h *history) layer(name, below string, size int64) {
	if h.IntN(3) == 0 {
		size = h.Int64N(2*mib)/512*512 + 512
	}
	cluster := int64(512) << h.IntN(10)
	options := []string{fmt.Sprint("cluster_size=", cluster)}
	maybe := func(n int, option string) {
		if h.IntN(n) == 0 {
			options = append(options, option)
		}
	}
	if h.IntN(5) == 0 {
		options = append(options, "compat=v2")
	} else {
		maybe(3, "compression_type=zstd")
		maybe(4, fmt.Sprint("refcount_bits=", 1<<h.IntN(7)))
		maybe(5, "lazy_refcounts=on")
		if cluster >= 16*kib {
			maybe(2, "extended_l2=on")
		}
		switch h.IntN(8) {
		case 0:
			options = append(options, "data_file="+name+".data")
		case 1:
			if below == "" {
				options = append(options, "data_file="+name+".data", "data_file_raw=on")
			}
		}
	}
	if below == "" {
		maybe(5, "preallocation="+h.pick("metadata", "falloc", "full"))
	} else {
		format := "qcow2"
		if below == "base.raw" {
			format = "raw"
		}
		options = append(options, "backing_file="+below, "backing_fmt="+format)
	}
	var object []string
	if name == diskName && h.password != "" {
		options = append(options, "encrypt.key-secret=key", h.pick(
			"encrypt.format=luks,encrypt.iter-time=10",
			"encrypt.format=luks,encrypt.iter-time=10,encrypt.cipher-alg=aes-128,encrypt.cipher-mode=cbc,encrypt.ivgen-alg=essiv,encrypt.ivgen-hash-alg=sha256",
			"encrypt.format=luks,encrypt.iter-time=10,encrypt.cipher-alg=twofish-256,encrypt.hash-alg=sha512",
			"encrypt.format=aes"))
		object = []string{"--object", "secret,id=key,data=" + h.password}
	}
	h.steps = append(h.steps, slices.Insert(create(name, size, options...), 2, object...))
	h.sizes[name], h.clusters[name] = size, cluster
	h.write(name)
}

// write writes to an image at random.
func (h *history) write(name string) {
	size, cluster := h.sizes[name], h.clusters[name]
	w := &writer{size: size, cluster: cluster, mark: byte(h.Uint32())}
	for range 3 + h.IntN(20) {
		off, n := h.Int64N(size), 1+h.Int64N(3*cluster)
		if h.IntN(3) == 0 {
			n = 1 + h.Int64N(4096)
		}
		aligned := off / cluster * cluster
		switch h.IntN(9) {
		case 0, 1, 2:
			w.fill(off, n)
		case 3:
			w.fill(aligned, cluster*(1+h.Int64N(4)))
		case 4:
			w.zero(off/512*512, 512*(1+h.Int64N(64)))
		case 5:
			w.add(h.pick("write -q -z", "write -q -z -u", "discard -q"), aligned, cluster*(1+h.Int64N(3)))
		case 6:
			w.add("discard -q", off/512*512, 512*(1+h.Int64N(128)))
		case 7:
			w.compressed(aligned, cluster)
		case 8:
			w.add(h.pick("write -q -c -s ../text.bin", "write -q -c -s ../noise.bin"), aligned, cluster)
		}
	}
	if len(w.commands) > 0 {
		h.do(qio("qcow2", name, w.commands...))
	}
}

// happen does one thing to the disk.
func (h *history) happen() {
	snapshot := fmt.Sprintf("snap-%d", h.IntN(h.snapshots+1))
	bitmap := "none"
	if len(h.bitmaps) > 0 {
		bitmap = h.bitmaps[h.IntN(len(h.bitmaps))]
	}
	switch h.IntN(12) {
	case 0, 1, 2:
		h.do(img("snapshot", "-c", fmt.Sprintf("snap-%d", h.snapshots), diskName))
		h.snapshots++
	case 3:
		h.do(img("snapshot", "-a", snapshot, diskName))
	case 4:
		h.do(img("snapshot", "-d", snapshot, diskName))
	case 5:
		size := h.Int64N(3*mib)/512*512 + 512
		h.do(img("resize", "-q", "-f", "qcow2", "--shrink", diskName, fmt.Sprint(size)))
		h.sizes[diskName] = min(size, h.sizes[diskName]) // it may have been refused
	case 6:
		h.do(img("amend", "-f", "qcow2", "-o", h.pick("compat=v2", "compat=v3", "refcount_bits=8", "refcount_bits=64", "lazy_refcounts=on"), diskName))
	case 7:
		name := fmt.Sprintf("bitmap-%d", len(h.bitmaps))
		h.bitmaps = append(h.bitmaps, name)
		h.do(img("bitmap", "--add", "-f", "qcow2", "-g", fmt.Sprint(512<<h.IntN(9)), diskName, name))
	case 8:
		h.do(img("bitmap", h.pick("--disable", "--enable", "--clear", "--remove"), "-f", "qcow2", diskName, bitmap))
	case 9:
		if len(h.bitmaps) > 1 {
			h.do(img("bitmap", "--merge", h.bitmaps[0], "-f", "qcow2", diskName, bitmap))
		}
	case 10:
		// To no backing file, or to another one.
		if h.IntN(2) == 0 {
			h.do(img("rebase", "-f", "qcow2", "-b", "", diskName))
		} else {
			h.steps = append(h.steps, command{"sparse", "other.raw", fmt.Sprint(h.Int64N(2*mib)/512*512 + 512), "99"})
			h.do(img("rebase", "-f", "qcow2", "-b", "other.raw", "-F", "raw", diskName))
		}
	case 11:
		h.do(img("commit", "-q", "-f", "qcow2", diskName))
	}
}

// histories is how many of them are in the registry.
const histories = 30

// TestHistories compares random histories with QEMU, and what the tool prints
// of them.
func TestHistories(t *testing.T) {
	t.Parallel()
	b := newBuilder(t)
	tool := buildTool(t)
	for seed := range uint64(randomRounds(6, histories)) {
		r := historyRecipe(seed)
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			withImage(t, b, &r, func(dir string) {
				compareCheck(t, tool, dir, source(&r))
				if v := askVerdictOf(t, &r, dir); !v.reads {
					// QEMU 7.2 has overwritten what it needs, as check says:
					// what one cannot read the other cannot.
					_, err := openRecipe(t, &r, dir).WriteTo(io.Discard)
					checkError(t, "read", err, qcow2.ErrCorrupt)
					return
				}
				compareWithQEMU(t, &r, dir)
				compareTool(t, tool, &r, dir)
			})
		})
	}
}
