package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// Names of what is read. in.raw is the disk of all but sparse.qcow2 and
// huge.qcow2 and chain.qcow2.
const (
	raw        = "in.raw"
	plain      = "plain.qcow2"
	smallest   = "c512.qcow2"
	fragmented = "fragmented.qcow2"
	extended   = "extended.qcow2"
	dataFile   = "datafile.qcow2"
	chain      = "chain.qcow2"
	chainRaw   = "chain.raw"
	deflate    = "deflate.qcow2"
	deflate2M  = "deflate2m.qcow2"
	zstd       = "zstd.qcow2"
	zstd2M     = "zstd2m.qcow2"
	luksXTS    = "luks.qcow2"
	luksCBC    = "lukscbc.qcow2"
	aesCBC     = "aes.qcow2"
	sparse     = "sparse.qcow2"
	huge       = "huge.qcow2"
)

// recipes make images from in.raw, which is there.
var recipes = map[string]func(b *bench, name string) error{
	raw:       func(b *bench, name string) error { return writeDisk(name, b.size) },
	plain:     convertedWith(),
	smallest:  convertedWith("-o", "cluster_size=512"),
	extended:  convertedWith("-o", "cluster_size=128k,extended_l2=on"),
	deflate:   convertedWith("-c"),
	deflate2M: convertedWith("-c", "-o", "cluster_size=2M"),
	zstd:      convertedWith("-c", "-o", "compression_type=zstd"),
	zstd2M:    convertedWith("-c", "-o", "compression_type=zstd,cluster_size=2M"),
	luksXTS:   encryptedWith("encrypt.format=luks,encrypt.iter-time=10"),
	luksCBC: encryptedWith("encrypt.format=luks,encrypt.iter-time=10,encrypt.cipher-mode=cbc," +
		"encrypt.ivgen-alg=essiv,encrypt.ivgen-hash-alg=sha256"),
	aesCBC: encryptedWith("encrypt.format=aes"),
	dataFile: func(b *bench, name string) error {
		return convertedWith("-o", "data_file="+name+".data,data_file_raw=on")(b, name)
	},
	fragmented: func(b *bench, name string) error {
		if err := command("qemu-img", "create", "-q", "-f", "qcow2", name, fmt.Sprint(b.size)); err != nil {
			return err
		}
		var script strings.Builder
		for _, i := range rand.New(rand.NewPCG(3, 4)).Perm(int(b.size >> 16)) {
			if !isHole(int64(i) << 16) {
				fmt.Fprintf(&script, "write -q -P 1 %d 64k\n", int64(i)<<16)
			}
		}
		if err := qemuIO(name, script.String()); err != nil {
			return err
		}
		// Now each cluster has its place, and gets its data.
		return command("qemu-img", "convert", "-n", "-f", "raw", "-O", "qcow2", b.path(raw), name)
	},
	chain: func(b *bench, name string) error {
		below, format := b.path(plain), "qcow2"
		for i, overlay := range []string{b.path("middle.qcow2"), name} {
			if err := command("qemu-img", "create", "-q", "-f", "qcow2", "-b", below, "-F", format, overlay); err != nil {
				return err
			}
			var script strings.Builder
			for at := int64(i) << 20; at < b.size; at += 3 << 20 {
				fmt.Fprintf(&script, "write -q -P %d %d 512k\n", i+1, at)
			}
			if err := qemuIO(overlay, script.String()); err != nil {
				return err
			}
			below = overlay
		}
		return nil
	},
	chainRaw: func(b *bench, name string) error {
		return command("qemu-img", "convert", "-f", "qcow2", "-O", "raw", b.path(chain), name)
	},
	sparse: func(b *bench, name string) error {
		if err := command("qemu-img", "create", "-q", "-f", "qcow2", name, "1T"); err != nil {
			return err
		}
		var script strings.Builder
		r := rand.New(rand.NewPCG(5, 6))
		for i := range b.size >> 18 {
			fmt.Fprintf(&script, "write -q -P %d %d 64k\n", i%255+1, r.Int64N(1<<24)<<16)
		}
		return qemuIO(name, script.String())
	},
	huge: func(b *bench, name string) error {
		return command("qemu-img", "create", "-q", "-f", "qcow2", name, "64T")
	},
}

// needs are the images that others are made of.
var needs = map[string][]string{chain: {plain}, chainRaw: {chain}}

// convertedWith returns a recipe: qemu-img convert with options.
func convertedWith(options ...string) func(b *bench, name string) error {
	return func(b *bench, name string) error {
		args := append([]string{"convert", "-f", "raw", "-O", "qcow2"}, options...)
		return command("qemu-img", append(args, b.path(raw), name)...)
	}
}

// secretName is the file with the password of encrypted images.
const secretName = "secret"

// unlocked are the arguments by which qemu-img opens an encrypted image.
func (b *bench) unlocked(flag, name string) []string {
	return []string{"--object", "secret,id=key,file=" + b.path(secretName), flag,
		"driver=qcow2,encrypt.key-secret=key,file.driver=file,file.filename=" + name}
}

// encryptedWith returns a recipe: an image with options, encrypted.
func encryptedWith(options string) func(b *bench, name string) error {
	return func(b *bench, name string) error {
		if err := os.WriteFile(b.path(secretName), []byte("open sesame"), 0o600); err != nil {
			return err
		}
		if err := command("qemu-img", "create", "-q", "-f", "qcow2", "--object", "secret,id=key,file="+b.path(secretName),
			"-o", options+",encrypt.key-secret=key", name, fmt.Sprint(b.size)); err != nil {
			return err
		}
		return command("qemu-img", append([]string{"convert", "-n", "-f", "raw", b.path(raw)}, b.unlocked("--target-image-opts", name)...)...)
	}
}

// qemuIO runs a script on an image.
func qemuIO(name, script string) error {
	cmd := exec.Command("qemu-io", "-f", "qcow2", "--cache", "unsafe", name)
	cmd.Stdin = strings.NewReader(script)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("qemu-io: %w: %s", err, out)
	}
	return nil
}

// keep makes the images of the given names and what they need, and removes
// others that are there. It returns those that are there.
func (b *bench) keep(have, names []string) ([]string, error) {
	want := []string{raw}
	var add func(names []string)
	add = func(names []string) {
		for _, n := range names {
			add(needs[n])
			if !slices.Contains(want, n) {
				want = append(want, n)
			}
		}
	}
	add(names)
	for _, n := range have {
		if !slices.Contains(want, n) {
			os.Remove(b.path(n))
			os.Remove(b.path(n) + ".data")
		}
	}
	for _, n := range want {
		if slices.Contains(have, n) {
			continue
		}
		if err := recipes[n](b, b.path(n)); err != nil {
			return nil, fmt.Errorf("making %s: %w", n, err)
		}
	}
	return want, nil
}

// isHole reports whether the disk that writeDisk writes has a hole at off.
func isHole(off int64) bool { return off>>20%8 == 0 }

// writeDisk writes a raw disk of size bytes that looks like a file system:
// pieces that compress well, pieces that hardly do, and one hole in eight.
func writeDisk(name string, size int64) (err error) {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
	}()
	const piece = 1 << 20
	r := rand.New(rand.NewPCG(1, 2))
	buf := make([]byte, piece)
	for at := int64(0); at < size; at += piece {
		switch at / piece % 8 {
		case 0:
			continue
		case 1, 2:
			for i := range buf {
				buf[i] = byte(r.Uint32())
			}
		default:
			text(buf, r)
		}
		if _, err := f.WriteAt(buf, at); err != nil {
			return err
		}
	}
	return f.Truncate(size)
}

// text fills buf with words in random order.
func text(buf []byte, r *rand.Rand) {
	const words = "the quick brown fox jumps over a lazy dog while root daemon usr lib bin share locale"
	for at := 0; at < len(buf); {
		from := r.IntN(len(words) - 8)
		at += copy(buf[at:], words[from:from+3+r.IntN(5)])
		if at < len(buf) && r.IntN(4) == 0 {
			buf[at] = byte(r.Uint32())
			at++
		}
	}
}
