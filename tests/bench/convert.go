package main

import "os"

// convertRows are whole disks written to raw files by the tool, and by
// qemu-img with all its parallelism.
func convertRows() []row {
	var rows []row
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
