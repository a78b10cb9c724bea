package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"sync/atomic"
)

// convertRows are whole disks written to raw files by the tool, and by
// qemu-img with all its parallelism. Beside plain images stands what the
// machine allows: the same bytes from a raw file to another.
func convertRows() []row {
	rows := []row{{"bound: copy of the raw file by 2 threads", "convert plain by qemu-img", []string{plain}, func(b *bench) (result, error) {
		self, err := os.Executable()
		if err != nil {
			return result{}, err
		}
		return b.converts([]string{self, "-child", copyChild, "-dir", b.dir},
			[]string{"qemu-img", "convert", "-m", "8", "-W", "-f", "qcow2", "-O", "raw", b.path(plain)}, true)
	}}}
	for _, c := range []struct{ work, image string }{
		{"convert plain, 64k", plain},
		{"convert fragmented, 64k", fragmented},
		{"convert data file", dataFile},
		{"convert chain of three", chain},
		{"convert extended L2, 128k", extended},
		{"convert 512-byte clusters", smallest},
		{"convert 1 TiB, scattered data", sparse},
		{"convert deflate, 64k", deflate},
		{"convert deflate, 2M", deflate2M},
		{"convert zstd, 64k", zstd},
		{"convert zstd, 2M", zstd2M},
	} {
		rows = append(rows, row{c.work, "qemu-img convert -m 8 -W", []string{c.image}, func(b *bench) (result, error) {
			return b.converts([]string{b.tool, "convert", "--allow-dir", b.dir, "-O", "raw", b.path(c.image)},
				[]string{"qemu-img", "convert", "-m", "8", "-W", "-f", "qcow2", "-O", "raw", b.path(c.image)}, c.image != sparse)
		}})
	}
	for _, c := range []struct{ work, image string }{
		{"convert LUKS, aes-256-xts", luksXTS},
		{"convert LUKS, aes-256-cbc-essiv", luksCBC},
		{"convert AES", aesCBC},
	} {
		rows = append(rows, row{c.work, "qemu-img convert -m 8 -W", []string{c.image}, func(b *bench) (result, error) {
			return b.converts([]string{b.tool, "convert", "--secret-file", b.path(secretName), "-O", "raw", b.path(c.image)},
				append(append([]string{"qemu-img", "convert", "-m", "8", "-W"}, b.unlocked("--image-opts", b.path(c.image))...), "-O", "raw"), true)
		}})
	}
	return append(rows, row{"convert plain, --sparse=extents", "cp of the raw file", []string{plain}, func(b *bench) (result, error) {
		return b.converts([]string{b.tool, "convert", "--sparse=extents", "-O", "raw", b.path(plain)}, []string{"cp", b.path(raw)}, true)
	}})
}

// copyChild names the child that calls copyRaw.
const copyChild = "copy"

// copyRaw copies the raw file to target by nothing but pread and pwrite, in
// two threads, and leaves out blocks of zeros: the least that any program does
// that writes a plain image so.
func (b *bench) copyRaw(target string) error {
	const piece, block = 1 << 20, 4096
	src, err := os.Open(b.path(raw))
	if err != nil {
		return err
	}
	defer src.Close()
	info, err := src.Stat()
	if err != nil {
		return err
	}
	dst, err := os.Create(target)
	if err != nil {
		return err
	}
	defer dst.Close()
	if err := dst.Truncate(info.Size()); err != nil {
		return err
	}
	var next atomic.Int64
	work := func() error {
		buf, zeros := make([]byte, piece), make([]byte, block)
		for {
			at := next.Add(piece) - piece
			n, err := src.ReadAt(buf, at)
			if n == 0 && err == io.EOF {
				return nil
			} else if n == 0 {
				return err
			}
			for i := 0; i < n; {
				start := i
				for i < n && !bytes.Equal(buf[i:min(i+block, n)], zeros[:min(block, n-i)]) {
					i = min(i+block, n)
				}
				if _, err := dst.WriteAt(buf[start:i], at+int64(start)); err != nil {
					return err
				}
				i += block
			}
		}
	}
	other := make(chan error)
	go func() { other <- work() }()
	return errors.Join(work(), <-other)
}

// converts measures two programs that write a file, whose name is their last
// argument. The files are compared byte by byte, if whole is set.
func (b *bench) converts(ours, theirs []string, whole bool) (result, error) {
	targets := []string{b.path("ours.raw"), b.path("theirs.raw")}
	defer func() {
		for _, t := range targets {
			os.Remove(t)
		}
	}()
	prepare := func(side int) error {
		if err := os.Remove(targets[side]); err != nil && !os.IsNotExist(err) {
			return err
		}
		return nil
	}
	check := func() error {
		if !whole {
			return command("qemu-img", "compare", "-q", "-f", "raw", "-F", "raw", targets[0], targets[1])
		}
		return command("cmp", targets[0], targets[1])
	}
	return b.turns(append(ours, targets[0]), append(theirs, targets[1]), prepare, check)
}
