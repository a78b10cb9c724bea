package main

import "slices"

// A summary is what several measurements of one thing come to.
type summary struct{ Median, Least, Most float64 }

func summarise(x []float64) summary {
	x = slices.Sorted(slices.Values(x))
	return summary{x[len(x)/2], x[0], x[len(x)-1]}
}

// compared returns the result of times of two sides that took turns.
func compared(ours, theirs []float64) result {
	ratios := make([]float64, len(ours))
	for i := range ours {
		ratios[i] = ours[i] / theirs[i]
	}
	return result{Ours: summarise(ours), Theirs: summarise(theirs), Ratio: summarise(ratios), Allocs: -1}
}
