//go:build linux

// Headers compares reading C headers with "gcc -fsyntax-only":
//
//	go run ./tests/bench/headers [-dir DIR] [-runs N]
//
// Every header under DIR that gcc compiles standalone is read by each program
// in turn, one after another, as often as -runs says, so that whatever else
// the machine does meets all of them. The table has the median of each in
// seconds, the spread, the seconds of processor time, the most memory that a
// process took, and the quotient of the medians.
//
//   - gcc: one run of gcc with all headers, which starts its compiler once a
//     header;
//   - parse: cstruct.Parse on all headers, with their layout, in one process,
//     as a program with many definitions has it;
//   - layout: "cstructgen layout" once a header, which prints all of it.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"cstructgen/internal/cstruct"
)

// systemDirs are searched for headers as gcc does.
var systemDirs = []string{"/usr/include/x86_64-linux-gnu", "/usr/include"}

func main() {
	dir := flag.String("dir", "/usr/include/linux", "the headers to read")
	runs := flag.Int("runs", 5, "passes by each program")
	child := flag.Bool("parse", false, "parse the headers named on standard input, and nothing else")
	flag.Parse()
	var err error
	if *child {
		err = parseAll(os.Stdin)
	} else {
		err = run(os.Stdout, *dir, *runs)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "headers:", err)
		os.Exit(1)
	}
}

// parseAll parses each header as a translation unit of its own.
func parseAll(r io.Reader) error {
	var include []cstruct.Dir
	for _, d := range systemDirs {
		include = append(include, cstruct.Dir{Name: d, FS: os.DirFS(d)})
	}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		path := lines.Text()
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		dir, name := filepath.Split(path)
		_, err = cstruct.Parse(cstruct.Config{
			Files:   []cstruct.Source{{Name: path, Text: text, Dir: cstruct.Dir{Name: dir, FS: os.DirFS(dir)}, Path: name}},
			Include: include,
		})
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return lines.Err()
}

func run(w io.Writer, dir string, runs int) error {
	headers, err := standalone(dir)
	if err != nil {
		return err
	}
	tool, cleanup, err := buildTool()
	if err != nil {
		return err
	}
	defer cleanup()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	programs := []struct {
		name string
		pass func() (usage, error)
	}{
		{"gcc", func() (usage, error) {
			return command("", "gcc", append([]string{"-fsyntax-only", "-w", "-x", "c"}, headers...)...)
		}},
		{"parse", func() (usage, error) {
			return command(strings.Join(headers, "\n"), self, "-parse")
		}},
		{"layout", func() (sum usage, err error) {
			for _, h := range headers {
				u, err := command("", tool, "layout", "-I", systemDirs[0], "-I", systemDirs[1], h)
				if err != nil {
					return usage{}, err
				}
				sum.add(u)
			}
			return sum, nil
		}},
	}
	results := make([][]usage, len(programs))
	for range runs {
		for i, p := range programs {
			u, err := p.pass()
			if err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
			results[i] = append(results[i], u)
		}
	}
	fmt.Fprintf(w, "%d headers under %s, medians of %d passes\n", len(headers), dir, runs)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(table, "program\twall s\tspread\tprocessor s\tpeak MiB\tgcc / program\t\n")
	gcc := summarise(results[0])
	for i, p := range programs {
		s := summarise(results[i])
		fmt.Fprintf(table, "%s\t%.2f\t%.2f..%.2f\t%.2f\t%d\t%.1f\t\n", p.name, s.median.wall.Seconds(), s.fastest.Seconds(), s.slowest.Seconds(),
			s.median.processor.Seconds(), s.peak>>20, gcc.median.wall.Seconds()/s.median.wall.Seconds())
	}
	return table.Flush()
}

// standalone returns the headers under dir that gcc compiles by themselves.
func standalone(dir string) (headers []string, err error) {
	var candidates []string
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, ".h") {
			candidates = append(candidates, path)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	good := make([]bool, len(candidates))
	next := make(chan int)
	done := make(chan bool)
	for range runtime.GOMAXPROCS(0) {
		go func() {
			for i := range next {
				_, err := command("", "gcc", "-fsyntax-only", "-w", "-x", "c", candidates[i])
				good[i] = err == nil
			}
			done <- true
		}()
	}
	for i := range candidates {
		next <- i
	}
	close(next)
	for range runtime.GOMAXPROCS(0) {
		<-done
	}
	for i, path := range candidates {
		if good[i] {
			headers = append(headers, path)
		}
	}
	if len(headers) == 0 {
		return nil, fmt.Errorf("gcc compiles no header under %s", dir)
	}
	return headers, nil
}

func buildTool() (path string, cleanup func(), err error) {
	dir, err := os.MkdirTemp("", "headers-bench")
	if err != nil {
		return "", nil, err
	}
	cleanup = func() { os.RemoveAll(dir) }
	path = filepath.Join(dir, "cstructgen")
	if _, err := command("", "go", "build", "-o", path, "cstructgen/cmd/cstructgen"); err != nil {
		cleanup()
		return "", nil, err
	}
	return path, cleanup, nil
}

// A usage is what processes took.
type usage struct {
	wall, processor time.Duration
	peak            int64 // bytes of the largest process
}

func (u *usage) add(v usage) {
	u.wall += v.wall
	u.processor += v.processor
	u.peak = max(u.peak, v.peak)
}

// command runs a program; its error has what the program said.
func command(stdin, name string, args ...string) (usage, error) {
	var stderr strings.Builder
	cmd := exec.Command(name, args...)
	cmd.Stdin, cmd.Stderr = strings.NewReader(stdin), &stderr
	start := time.Now()
	err := cmd.Run()
	wall := time.Since(start)
	if err != nil {
		return usage{}, fmt.Errorf("%s: %w: %s", name, err, stderr.String())
	}
	u := usage{wall: wall, processor: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	if r, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		u.peak = int64(r.Maxrss) << 10 // Linux counts in KiB
	}
	return u, nil
}

// A summary is what is printed of several passes.
type summary struct {
	median           usage // of the pass with the median wall time
	fastest, slowest time.Duration
	peak             int64
}

func summarise(passes []usage) summary {
	slices.SortFunc(passes, func(a, b usage) int { return int(a.wall - b.wall) })
	s := summary{median: passes[len(passes)/2], fastest: passes[0].wall, slowest: passes[len(passes)-1].wall}
	for _, u := range passes {
		s.peak = max(s.peak, u.peak)
	}
	return s
}
