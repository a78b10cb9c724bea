package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

func main() {
	rounds := flag.Int("rounds", 21, "how often each is measured")
	turn := flag.Duration("turn", 5*time.Millisecond, "how long each measurement lasts, about")
	flag.Parse()
	fmt.Printf("%s, %s/%s, median of %d rounds\n\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, *rounds)
	names := []string{"generated", "UnmarshalBinary", "by hand", "encoding/binary", "struc"}
	tab := tabwriter.NewWriter(os.Stdout, 0, 8, 1, ' ', 0)
	fmt.Fprintf(tab, "| work\t| %s\t|\n", strings.Join(names, "\t| "))
	fmt.Fprintf(tab, "|---\t%s|\n", strings.Repeat("|---:\t", len(names)))
	for _, w := range slices.Concat(works(), dynamicWorks()) {
		fmt.Fprintf(tab, "| %s\t", w.name)
		results := measure(w.ways, *rounds, *turn)
		for _, name := range names {
			cell := ""
			for i, m := range results {
				switch {
				case w.ways[i].name != name:
				case i == 0:
					cell = shortTime(m.time)
				default:
					cell = fmt.Sprintf("%.2f", m.ratio)
					if m.ratio >= 10 {
						cell = fmt.Sprintf("%.0f", m.ratio)
					}
				}
			}
			fmt.Fprintf(tab, "| %s\t", cell)
		}
		fmt.Fprintln(tab, "|")
	}
	tab.Flush()
}

// A measured is the result of one way: the median of its times, and the median
// of what they were to those of the first way in the same rounds.
type measured struct {
	time  float64 // nanoseconds
	ratio float64
}

// measure runs all ways in turn, so many rounds.
func measure(ways []way, rounds int, turn time.Duration) []measured {
	times := make([][]float64, len(ways))
	ratios := make([][]float64, len(ways))
	calls := make([]int, len(ways))
	for i, w := range ways {
		calls[i] = callsIn(w.run, turn)
	}
	for range rounds {
		for i, w := range ways {
			t := timed(w.run, calls[i])
			times[i] = append(times[i], t)
			ratios[i] = append(ratios[i], t/times[0][len(times[0])-1])
		}
	}
	out := make([]measured, len(ways))
	for i := range ways {
		out[i] = measured{median(times[i]), median(ratios[i])}
	}
	return out
}

// maxCalls ends the search for a way that takes no time.
const maxCalls = 1 << 24

// callsIn returns how many calls take about as long as turn.
func callsIn(run func(n int), turn time.Duration) int {
	for n := 1; ; n *= 2 {
		if t := timed(run, n) * float64(n); t >= float64(turn)/2 || n >= maxCalls {
			return n
		}
	}
}

// timed returns nanoseconds a call.
func timed(run func(n int), n int) float64 {
	start := time.Now()
	run(n)
	return float64(time.Since(start).Nanoseconds()) / float64(n)
}

func median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	return x[len(x)/2]
}

func shortTime(ns float64) string {
	if ns < 1000 {
		return fmt.Sprintf("%.1f ns", ns)
	}
	return fmt.Sprintf("%.1f µs", ns/1000)
}
