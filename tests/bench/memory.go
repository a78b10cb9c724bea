package main

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"cstructgen/qcow2"
)

// scattered is how many reads a process makes that is measured for reads.
const scattered = 1000

// memoryRows are images that want memory, or claim what would.
var memoryRows = []struct {
	name, image string
	whole, copy bool // every byte of the disk is read; it is converted
}{
	{"1 TiB, scattered data", sparse, false, true},
	{"64 TiB, scattered data: an L1 of 1 MiB", huge, false, true},
	{"100,000 snapshots claimed", manySnapshots, true, true},
	{"65,536 snapshots claimed, past the end", lostSnapshots, true, true},
	{"65,536 snapshots, named by 64 MiB", longSnapshots, true, true},
	{"an L1 of 32 MiB, 524,288 L2 tables", fullL1, false, true},
	{"a chain of 16 such L1s, 65,536 tables each", fullChain, false, true},
	{"one compressed cluster, named by 256 GiB", aliased, false, false},
	{"LUKS, aes-256-xts", luksXTS, true, true},
	{"deflate, clusters of 2 MiB", deflate2M, true, true},
	{"zstd, clusters of 2 MiB", zstd2M, true, true},
}

// memoryWork is what is done with each image, by a process of its own.
var memoryWork = []struct {
	name string
	args func(b *bench, image string) []string // nil: this program, reading
}{
	{"info", func(b *bench, image string) []string { return []string{"info", "--output=json"} }},
	{fmt.Sprintf("%d reads of 4 KiB", scattered), nil},
	{wholeWork, func(b *bench, image string) []string { return append([]string{"cat"}, b.secret(image)...) }},
	{"map", func(b *bench, image string) []string { return []string{"map", "--output=json"} }},
	{"check", func(b *bench, image string) []string { return []string{"check"} }},
	{copyWork, func(b *bench, image string) []string {
		return append([]string{"convert", "-m", "16", "-O", "raw"}, b.secret(image)...)
	}},
}

// Work that not every disk is fit for.
const (
	wholeWork = "every byte"
	copyWork  = "convert"
)

// memory prints what each work on each image takes at most.
func (b *bench) memory(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
	defer table.Flush()
	fmt.Fprint(table, "| image\t|")
	for _, work := range memoryWork {
		fmt.Fprintf(table, " %s\t|", work.name)
	}
	fmt.Fprintf(table, "\n|---\t|%s\n", strings.Repeat("---:\t|", len(memoryWork)))
	self, err := os.Executable()
	if err != nil {
		return err
	}
	var have []string
	for _, row := range memoryRows {
		if !b.only.MatchString(row.name) {
			continue
		}
		fmt.Fprintf(os.Stderr, "%s\n", row.name)
		// Images are made by others: what a process had resident counts for
		// those that it starts.
		for _, image := range have {
			os.Remove(b.path(image))
		}
		if _, _, err = output(self, "-child", "make:"+row.image, "-table", "memory", "-dir", b.dir, "-size", fmt.Sprint(b.size>>20)); err != nil {
			return fmt.Errorf("%s: %w", row.name, err)
		}
		have = []string{row.image, raw}
		fmt.Fprintf(table, "| %s\t|", row.name)
		for _, work := range memoryWork {
			if work.name == wholeWork && !row.whole || work.name == copyWork && !row.copy {
				fmt.Fprint(table, " \t|")
				continue
			}
			cell, err := b.peakOf(row.image, work.args)
			if err != nil {
				return fmt.Errorf("%s: %s: %w", row.name, work.name, err)
			}
			fmt.Fprintf(table, " %s\t|", cell)
		}
		fmt.Fprintln(table)
	}
	return nil
}

// memoryChild does what a process of its own is wanted for: it makes an image,
// or reads it.
func (b *bench) memoryChild(work string) error {
	if image, ok := strings.CutPrefix(work, "make:"); ok {
		_, err := b.keep(nil, []string{image})
		return err
	}
	return b.readScattered(work)
}

// secret returns the flags that unlock an image, if it is locked.
func (b *bench) secret(image string) []string {
	if image == luksXTS {
		return []string{"--secret-file", b.path(secretName)}
	}
	return nil
}

// peakOf runs a process and returns a cell of the table: its peak of memory,
// and its time, and whether it refused its work.
func (b *bench) peakOf(image string, args func(*bench, string) []string) (string, error) {
	target := b.path("target.raw")
	defer os.Remove(target)
	var cmd *exec.Cmd
	if args == nil {
		self, err := os.Executable()
		if err != nil {
			return "", err
		}
		cmd = exec.Command(self, "-child", image, "-table", "memory", "-dir", b.dir)
	} else {
		line := append(args(b, image), "--allow-dir", b.dir, b.path(image))
		if line[0] == "convert" {
			line = append(line, target)
		}
		if line[0] == "check" {
			line = slices.DeleteFunc(line, func(s string) bool { return s == "--allow-dir" || s == b.dir })
		}
		cmd = exec.Command(b.tool, line...)
	}
	// A pipe would be read into memory of this process, which counts for those
	// that it starts.
	name := b.path("stderr")
	stderr, err := os.Create(name)
	if err != nil {
		return "", err
	}
	defer os.Remove(name)
	defer stderr.Close()
	cmd.Stderr = stderr
	start := time.Now()
	err = cmd.Run()
	took := time.Since(start)
	cell := fmt.Sprintf("%d MiB, %s", (peak(cmd.ProcessState)+1<<20-1)>>20, seconds(took.Seconds()))
	switch exit := (*exec.ExitError)(nil); {
	case err == nil:
	case errors.As(err, &exit) && exit.ExitCode() == 1:
		fmt.Fprintf(os.Stderr, "  refused: %s", firstOf(name))
		cell += ", refused"
	case errors.As(err, &exit) && exit.ExitCode() > 1: // what check found
	default:
		return "", fmt.Errorf("%w: %s", err, firstOf(name))
	}
	return cell, nil
}

// firstOf returns how a file begins.
func firstOf(name string) []byte {
	f, err := os.Open(name)
	if err != nil {
		return nil
	}
	defer f.Close()
	text, _ := io.ReadAll(io.LimitReader(f, 1000))
	return text
}

// readScattered reads pages of the disk of an image at random places.
func (b *bench) readScattered(image string) error {
	opts := qcow2.Options{AllowDirs: []string{b.dir}}
	if b.secret(image) != nil {
		password, err := os.ReadFile(b.path(secretName))
		if err != nil {
			return err
		}
		opts.Password = password
	}
	im, err := qcow2.Open(b.path(image), &opts)
	if err != nil {
		return err
	}
	defer im.Close()
	r := rand.New(rand.NewPCG(1, 1))
	var p [pageBytes]byte
	for range scattered {
		if _, err := im.ReadAt(p[:], r.Int64N(im.Size()/pageBytes)*pageBytes); err != nil {
			return err
		}
	}
	return nil
}
