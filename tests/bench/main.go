// Bench compares "qcow2 convert" with "qemu-img convert" on images of every
// kind of cluster:
//
//	go run ./tests/bench [-size MIB] [-runs N] [-dir DIR]
//
// Each image is converted to a raw file by one program, then by the other, as
// often as -runs says, so that whatever else the machine does meets both. The
// table has the median of each in milliseconds, the spread, and the
// quotient. Before anything is measured the two outputs are compared.
//
// Put -dir on a memory file system to measure programs and not disks.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"
)

func main() {
	size := flag.Int64("size", 1024, "MiB of data in each image")
	runs := flag.Int("runs", 5, "conversions by each program")
	dir := flag.String("dir", os.TempDir(), "where images and copies are written")
	flag.Parse()
	if err := run(os.Stdout, *dir, *size<<20, *runs); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// A subject is an image to convert.
type subject struct {
	name    string
	options []string // of qemu-img convert, which makes it from a raw file
}

var subjects = []subject{
	{"plain, 64k", nil},
	{"plain, 4k", []string{"-o", "cluster_size=4k"}},
	{"plain, 2M", []string{"-o", "cluster_size=2M"}},
	{"extended L2, 128k", []string{"-o", "cluster_size=128k,extended_l2=on"}},
	{"deflate, 64k", []string{"-c"}},
	{"deflate, 2M", []string{"-c", "-o", "cluster_size=2M"}},
	{"zstd, 64k", []string{"-c", "-o", "compression_type=zstd"}},
	{"zstd, 2M", []string{"-c", "-o", "compression_type=zstd,cluster_size=2M"}},
}

func run(w io.Writer, parent string, size int64, runs int) error {
	dir, err := os.MkdirTemp(parent, "qcow2-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := bench{dir: dir, tool: filepath.Join(dir, "qcow2")}
	if err := command("go", "build", "-o", b.tool, "cstructgen/cmd/qcow2"); err != nil {
		return err
	}
	if err := writeDisk(b.path("in.raw"), size); err != nil {
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(table, "image\tMiB\tqcow2 ms\tspread\tqemu-img ms\tspread\tqemu-img / qcow2\t\n")
	for _, s := range subjects {
		row, err := b.measure(s, size, runs)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		fmt.Fprintln(table, row)
	}
	return table.Flush()
}

// A bench holds the files that are measured.
type bench struct {
	dir, tool string
}

func (b *bench) path(name string) string { return filepath.Join(b.dir, name) }

// measure makes the image of s, converts it in turns, and returns its row.
func (b *bench) measure(s subject, size int64, runs int) (string, error) {
	image := b.path("disk.qcow2")
	make := append([]string{"convert", "-f", "raw", "-O", "qcow2"}, s.options...)
	if err := command("qemu-img", append(make, b.path("in.raw"), image)...); err != nil {
		return "", err
	}
	ours := []string{b.tool, "convert", "-O", "raw", image, b.path("ours.raw")}
	theirs := []string{"qemu-img", "convert", "-f", "qcow2", "-O", "raw", image, b.path("theirs.raw")}
	// Once before the clock starts: the file is in the page cache then.
	for _, c := range [][]string{ours, theirs} {
		if err := command(c[0], c[1:]...); err != nil {
			return "", err
		}
	}
	if err := same(ours[len(ours)-1], theirs[len(theirs)-1]); err != nil {
		return "", err
	}
	var times [2][]time.Duration
	for range runs {
		for i, c := range [][]string{ours, theirs} {
			if err := os.Remove(c[len(c)-1]); err != nil {
				return "", err
			}
			start := time.Now()
			if err := command(c[0], c[1:]...); err != nil {
				return "", err
			}
			times[i] = append(times[i], time.Since(start))
		}
	}
	a, q := summarise(times[0]), summarise(times[1])
	return fmt.Sprintf("%s\t%d\t%d\t%s\t%d\t%s\t%.2f\t", s.name, size>>20,
		a.median.Milliseconds(), a.spread(), q.median.Milliseconds(), q.spread(),
		float64(q.median)/float64(a.median)), nil
}

// A summary is what is printed of several runs.
type summary struct{ median, fastest, slowest time.Duration }

func summarise(times []time.Duration) summary {
	slices.Sort(times)
	return summary{times[len(times)/2], times[0], times[len(times)-1]}
}

func (s summary) spread() string {
	return fmt.Sprintf("%d..%d", s.fastest.Milliseconds(), s.slowest.Milliseconds())
}

// command runs a program; its error has what the program said.
func command(name string, args ...string) error {
	var stderr bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, stderr.Bytes())
	}
	return nil
}

// same returns an error unless two files have the same bytes.
func same(a, b string) error {
	if err := command("cmp", a, b); err != nil {
		return fmt.Errorf("the two programs do not agree: %w", err)
	}
	return nil
}

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
