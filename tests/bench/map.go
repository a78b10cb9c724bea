package main

// mapRows are the tool's other work on whole images.
func mapRows() []row {
	var rows []row
	for _, c := range []struct{ work, image string }{
		{"map of 512-byte clusters", smallest},
		{"map of 1 TiB, scattered data", sparse},
	} {
		rows = append(rows, row{c.work, "qemu-img map --output=json", []string{c.image}, func(b *bench) (result, error) {
			return b.prints([]string{b.tool, "map", "--output=json", b.path(c.image)},
				[]string{"qemu-img", "map", "-f", "qcow2", "--output=json", b.path(c.image)})
		}})
	}
	for _, c := range []struct{ work, image string }{
		{"check of 512-byte clusters", smallest},
		{"check of 1 TiB, scattered data", sparse},
		{"check of deflate, 64k", deflate},
	} {
		rows = append(rows, row{c.work, "qemu-img check", []string{c.image}, func(b *bench) (result, error) {
			return b.prints([]string{b.tool, "check", b.path(c.image)}, []string{"qemu-img", "check", "-f", "qcow2", b.path(c.image)})
		}})
	}
	for _, c := range []struct{ work, image string }{
		{"compare plain with the raw file", plain},
		{"compare deflate with the raw file", deflate},
	} {
		rows = append(rows, row{c.work, "qemu-img compare", []string{c.image}, func(b *bench) (result, error) {
			return b.prints([]string{b.tool, "compare", "-F", "raw", b.path(c.image), b.path(raw)},
				[]string{"qemu-img", "compare", "-f", "qcow2", "-F", "raw", b.path(c.image), b.path(raw)})
		}})
	}
	return append(rows, row{"start of the program", "qemu-img --help", nil, func(b *bench) (result, error) {
		return b.prints([]string{b.tool, "--help"}, []string{"qemu-img", "--help"})
	}})
}

// prints measures two programs that write to standard output.
func (b *bench) prints(ours, theirs []string) (result, error) {
	nothing := func() error { return nil }
	return b.turns(ours, theirs, func(int) error { return nil }, nothing)
}
