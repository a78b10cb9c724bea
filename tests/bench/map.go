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
	return append(rows, row{"start of the program", "qemu-img --help", nil, func(b *bench) (result, error) {
		return b.prints([]string{b.tool, "--help"}, []string{"qemu-img", "--help"})
	}})
}

// prints measures two programs that write to standard output.
func (b *bench) prints(ours, theirs []string) (result, error) {
	nothing := func() error { return nil }
	return b.turns(ours, theirs, func(int) error { return nil }, nothing)
}
