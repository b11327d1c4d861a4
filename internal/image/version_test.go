package image

import "testing"

func TestSameVersion(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"1.4", "1.4", true},
		{"1.4", "1.5", false},
		{"1.4", "1.4.0", false},
		{"v1.4", "1.4", false},
		{"1.4", "1.4@sha256:aa", true},
		{"sha256:aa", "1.4@sha256:aa", true},
		{"1.4@sha256:aa", "1.4@sha256:aa", true},
		{"1.4@sha256:aa", "1.4@sha256:bb", false},
		{"1.4@sha256:aa", "1.5@sha256:aa", false},
		{"1.5", "1.4@sha256:aa", false},
		{"sha256:bb", "1.4@sha256:aa", false},
		{"sha256:aa", "sha256:aa", true},
		{"sha256:aa", "sha256:bb", false},
		{"sha256:aa", "sha512:aa", false},
		{"1.4", "sha256:aa", false},
		{"sha256", "sha256:aa", false},
		{"", "", true},
		{"", "1.4", false},
		{"", "sha256:aa", false},
		{"", "1.4@sha256:aa", false},
	} {
		t.Run(tt.a+" "+tt.b, func(t *testing.T) {
			t.Parallel()
			if got := SameVersion(tt.a, tt.b); got != tt.want {
				t.Errorf("SameVersion(%q, %q) = %t", tt.a, tt.b, got)
			}
			if got := SameVersion(tt.b, tt.a); got != tt.want {
				t.Errorf("SameVersion(%q, %q) = %t", tt.b, tt.a, got)
			}
		})
	}
}
