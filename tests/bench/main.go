// Bench compares package qcow2 and its tool with other ways to do the same
// work, in one run:
//
//	go run ./tests/bench [-dir DIR] [-size MIB] [-runs N] [-rows REGEXP]
//
// Reads of an image meet the same reads of the raw file, inside one process
// each; the tool meets qemu-img. The sides take turns, so that whatever else
// the machine does meets all of them. A row has the time of ours, the time of
// theirs, and the quotient ours / theirs: the median over the runs, the least
// and the most. Outputs are compared before anything is measured. With
// -cpuprofile FILE what ours does in the last row of reads is profiled.
//
//	go run ./tests/bench -table memory [-dir DIR] [-size MIB] [-rows REGEXP]
//
// measures how much memory, and time, work on images takes that are large or
// claim to be: each in a process of its own.
//
// Put -dir on a memory file system to measure programs and not disks. It takes
// about five times -size.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"text/tabwriter"
)

func main() {
	size := flag.Int64("size", 1024, "MiB of data in each image")
	runs := flag.Int("runs", 7, "how often each side is measured")
	dir := flag.String("dir", os.TempDir(), "where images and copies are written")
	rows := flag.String("rows", "", "measure only rows whose name matches")
	table := flag.String("table", "speed", "what to print: speed or memory")
	profile := flag.String("cpuprofile", "", "write a profile of the last row of reads that is measured to this file")
	child := flag.String("child", "", "used by the program itself: measure one row of reads in this process")
	flag.Parse()
	b := &bench{dir: *dir, size: *size << 20, runs: *runs, profile: *profile, images: map[string]bool{}}
	var err error
	b.only, err = regexp.Compile(*rows)
	switch {
	case err != nil:
	case *child != "" && *table == "memory":
		err = b.memoryChild(*child)
	case *child == copyChild:
		err = b.copyRaw(flag.Arg(0))
	case *child != "":
		err = b.child(*child)
	case *table == "memory":
		err = b.run(os.Stdout, b.memory)
	case *table == "speed":
		err = b.run(os.Stdout, b.speed)
	default:
		err = fmt.Errorf("-table %s: speed or memory", *table)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// A bench holds what is measured, and how.
type bench struct {
	dir    string // of the images
	size   int64  // of the data in each, in bytes
	runs   int
	only   *regexp.Regexp  // names of rows
	tool   string          // our program
	images map[string]bool // made already

	profile string // file for a profile; "": none
}

func (b *bench) path(name string) string { return filepath.Join(b.dir, name) }

// A row is one kind of work.
type row struct {
	work    string
	against string
	images  []string // that it needs
	measure func(b *bench) (result, error)
}

// image returns the image that r is about, "" if it is about none.
func (r *row) image() string {
	if len(r.images) == 0 {
		return ""
	}
	return r.images[0]
}

// A result is what is printed of a row.
type result struct {
	Ours, Theirs summary // of seconds
	Ratio        summary // ours / theirs, run by run, unless the row says otherwise
	CPU          float64 // the same for processor time; 0: not measured
	Peak         int64   // bytes resident in our process at most
	Allocs       float64 // a call; negative: not measured
}

// run prints a table to w, having made a directory for images and the program.
func (b *bench) run(w io.Writer, print func(io.Writer) error) (err error) {
	if b.dir, err = os.MkdirTemp(b.dir, "qcow2-bench"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	b.tool = b.path("qcow2")
	if err := command("go", "build", "-o", b.tool, "cstructgen/cmd/qcow2"); err != nil {
		return err
	}
	return print(w)
}

// speed prints what each work takes, beside others.
func (b *bench) speed(w io.Writer) (err error) {
	rows := append(append(readRows(), convertRows()...), mapRows()...)
	fmt.Fprintf(w, "%s, %s/%s, %d processors, %d MiB of data, median of %d runs (least..most)\n\n",
		runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0), b.size>>20, b.runs)
	table := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
	defer table.Flush()
	fmt.Fprintln(table, "| work\t| against\t| ours\t| theirs\t| ours / theirs\t| CPU\t| peak MiB\t| allocs\t|")
	fmt.Fprintln(table, "|---\t|---\t|---:\t|---:\t|---:\t|---:\t|---:\t|---:\t|")
	// What is measured of one image is measured together: making it takes time.
	lines := make([]string, len(rows))
	defer func() {
		for _, l := range lines {
			if l != "" {
				fmt.Fprintln(table, l)
			}
		}
	}()
	var have []string
	for i := range rows {
		for j := range rows[i:] {
			r, line := rows[i+j], &lines[i+j]
			if *line != "" || r.image() != rows[i].image() || !b.only.MatchString(r.work) {
				continue
			}
			if have, err = b.keep(have, r.images); err != nil {
				return fmt.Errorf("%s: %w", r.work, err)
			}
			fmt.Fprintf(os.Stderr, "%s\n", r.work)
			m, err := r.measure(b)
			if err != nil {
				return fmt.Errorf("%s: %w", r.work, err)
			}
			*line = m.row(r)
		}
	}
	return nil
}

// row returns the line of the table for r.
func (m result) row(r row) string {
	cpu, allocs := "", ""
	if m.CPU > 0 {
		cpu = fmt.Sprintf("%.2f", m.CPU)
	}
	if m.Allocs >= 0 {
		allocs = fmt.Sprintf("%.2f", m.Allocs)
	}
	return fmt.Sprintf("| %s\t| %s\t| %s\t| %s\t| %.2f (%.2f..%.2f)\t| %s\t| %d\t| %s\t|", r.work, r.against,
		seconds(m.Ours.Median), seconds(m.Theirs.Median), m.Ratio.Median, m.Ratio.Least, m.Ratio.Most, cpu, m.Peak>>20, allocs)
}

// seconds prints a duration with three figures.
func seconds(s float64) string {
	for _, unit := range []struct {
		size float64
		name string
	}{{1, "s"}, {1e-3, "ms"}, {1e-6, "µs"}} {
		if s >= unit.size {
			return strings.TrimSuffix(fmt.Sprintf("%.3g", s/unit.size), ".") + " " + unit.name
		}
	}
	return fmt.Sprintf("%.3g ns", s*1e9)
}

// reexecute measures a row of reads in a process of its own, so that its peak
// of memory is its own.
func (b *bench) reexecute(name string) (result, error) {
	self, err := os.Executable()
	if err != nil {
		return result{}, err
	}
	out, usage, err := output(self, "-child", name, "-dir", b.dir, "-size", fmt.Sprint(b.size>>20), "-runs", fmt.Sprint(b.runs), "-cpuprofile", b.profile)
	if err != nil {
		return result{}, err
	}
	var m result
	if err := json.Unmarshal(out, &m); err != nil {
		return result{}, err
	}
	m.Peak = usage.peak
	return m, nil
}

// child measures the row of reads of the given name and prints it as JSON.
func (b *bench) child(name string) error {
	for _, r := range readings() {
		if r.work == name {
			m, err := r.run(b)
			if err != nil {
				return err
			}
			return json.NewEncoder(os.Stdout).Encode(m)
		}
	}
	return fmt.Errorf("no row %q", name)
}
