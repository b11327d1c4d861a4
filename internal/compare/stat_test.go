package main

import (
	"testing"
	"time"
)

func TestSpread(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		in   []int
		want spread[int]
	}{
		{"none", nil, spread[int]{}},
		{"one", []int{3}, spread[int]{3, 3, 3}},
		{"odd", []int{9, 1, 4}, spread[int]{1, 4, 9}},
		{"even", []int{9, 4, 1, 7}, spread[int]{1, 4, 9}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := spreadOf(tt.in); got != tt.want {
				t.Errorf("spreadOf(%v) = %v, want %v", tt.in, got, tt.want)
			}
		})
	}
}

func TestRatio(t *testing.T) {
	t.Parallel()
	if got := ratio(3*time.Second, 2*time.Second); got != 1.5 {
		t.Errorf("ratio of 3s to 2s is %v", got)
	}
	if got := ratio(time.Second, 0); got != 0 {
		t.Errorf("ratio to nothing is %v", got)
	}
}
