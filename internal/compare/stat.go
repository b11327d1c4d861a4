package main

import (
	"cmp"
	"slices"
	"time"
)

// spread is the least, the middle and the greatest of some measured values.
type spread[T cmp.Ordered] struct{ min, median, max T }

// spreadOf returns the spread of values, the zero spread for none. Of an even
// number of values the lower of the two in the middle is the median: it is one
// that was measured.
func spreadOf[T cmp.Ordered](values []T) spread[T] {
	if len(values) == 0 {
		return spread[T]{}
	}
	sorted := slices.Sorted(slices.Values(values))
	return spread[T]{min: sorted[0], median: sorted[(len(sorted)-1)/2], max: sorted[len(sorted)-1]}
}

// ratio returns a/b, and 0 if b is 0.
func ratio(a, b time.Duration) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}
