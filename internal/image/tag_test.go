package image

import (
	"math/rand/v2"
	"strings"
	"testing"
)

func TestValidTag(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]bool{
		"latest":                 true,
		"1":                      true,
		"_":                      true,
		"1.2.3-rc.1_x":           true,
		"V1":                     true,
		strings.Repeat("a", 128): true,
		"":                       false,
		".1":                     false,
		"-1":                     false,
		"1+2":                    false,
		"a b":                    false,
		"a/b":                    false,
		"a:b":                    false,
		"ö":                      false,
		"a\n":                    false,
		strings.Repeat("a", 129): false,
	} {
		if got := ValidTag(in); got != want {
			t.Errorf("ValidTag(%q) = %t, want %t", in, got, want)
		}
	}
}

const (
	hash40 = "0123456789abcdef0123456789abcdef01234567"
	other  = "76543210fedcba9876543210fedcba9876543210"
)

// ascending lists tags from old to new; each is older than all that follow it.
var ascending = map[string][]string{
	"major":            {"1", "2", "9", "10", "737"},
	"minor":            {"1.8", "1.9", "1.10", "2.0"},
	"patch":            {"0.9.9", "1.2.3", "1.2.10", "1.10.0", "2.0.0"},
	"four":             {"1.2.3.4", "1.2.3.10", "1.2.4.0"},
	"v":                {"v1.2.3", "v1.2.4", "v1.10.0"},
	"zero":             {"0", "1"},
	"padded":           {"007", "08", "9", "010"},
	"build number":     {"v9", "v99", "v496", "v737"},
	"long numbers":     {"v18446744073709551615", "v18446744073709551616", "v99999999999999999999", "v100000000000000000000"},
	"calver":           {"2023.12.31", "2024.01.02", "2024.1.10", "2024.02.01"},
	"date":             {"20231231", "20240101", "20240102"},
	"date and time":    {"20240101T235959Z", "20240102T000000Z"},
	"date-time":        {"20240101-235959", "20240102-000000"},
	"date and serial":  {"20240101.9", "20240101.10"},
	"unix time":        {"1712345678", "1712345679"},
	"branch and time":  {"main-abc1234-1712345678", "main-def5678-1712345679", "main-0a1b2c3-1712400000"},
	"branch and hash":  {"main-1712345678-abc1234", "main-1712345679-0a1b2c3"},
	"branch":           {"main-9", "main-10"},
	"flavour":          {"1.2.3-alpine", "1.2.4-alpine", "1.3.0-alpine"},
	"flavour version":  {"1.2.3-alpine3.9", "1.2.3-alpine3.18", "1.2.4-alpine3.9"},
	"package release":  {"1.2.3-r0", "1.2.3-r1", "1.2.3-r10"},
	"git describe":     {"1.2.3-4-gabc1234", "1.2.3-10-g7654321", "1.3.0-1-gabcdefa"},
	"java update":      {"8u292-b10", "8u292-b12", "8u302-b01"},
	"prefix":           {"release-1.2.3", "release-1.2.10"},
	"prefix digits":    {"k8s-1.2.3-rc1", "k8s-1.2.3", "k8s-1.2.4"},
	"after dots":       {"1.1.0", "1.2.0-alpha.1", "1.2.0-beta.1", "1.2.0-rc.1", "1.2.0-rc.9", "1.2.0-rc.10", "1.2.0", "1.2.1"},
	"after hyphens":    {"1.2.0-alpha", "1.2.0-beta-2", "1.2.0-rc9", "1.2.0-rc10", "1.2.0", "1.2.1-alpha"},
	"pep 440":          {"1.2.0a1", "1.2.0a2", "1.2.0b1", "1.2.0rc1", "1.2.0rc2", "1.2.0", "1.2.1a1"},
	"spring":           {"5.0.0.M1", "5.0.0.M3", "5.0.0.RC1", "5.0.0", "5.1.0.M1"},
	"maven":            {"1.2.0-SNAPSHOT", "1.2.0", "1.3.0-SNAPSHOT", "1.3.0"},
	"lower snapshot":   {"1.2.0-snapshot", "1.2.0"},
	"underscore":       {"1.2.0_rc_1", "1.2.0_rc_2", "1.2.0"},
	"plus":             {"1.2.0+rc+1", "1.2.0+rc+2", "1.2.0"},
	"early access":     {"22-ea-4", "22-ea-36", "22", "23-ea-1"},
	"early flavour":    {"22-ea-4-jdk-slim", "22-ea-36-jdk-slim", "22-jdk-slim"},
	"preview":          {"8.0.0-preview.7", "8.0.0", "9.0.0-preview.1"},
	"pre":              {"1.2-pre1", "1.2-pre2", "1.2"},
	"canary":           {"15.0.0-canary.9", "15.0.0-canary.10", "15.0.0"},
	"next":             {"3.0.0-next.1", "3.0.0-next.2", "3.0.0"},
	"milestones":       {"1.0.0-beta1", "1.0.0-milestone1", "1.0.0-rc1", "1.0.0"},
	"nightly":          {"1.2.0-nightly.20240101", "1.2.0-nightly.20240102", "1.2.0"},
	"dated nightly":    {"nightly-20240101", "nightly-20240102"},
	"dev with hash":    {"1.2.3-dev.5.abc1234", "1.2.3-dev.6.0a1b2c3", "1.2.3", "1.2.4-dev.1.abc1234"},
	"dev hash only":    {"1.2.3-dev.abc1234", "1.2.3", "1.2.4-dev.abc1234", "1.2.4"},
	"dev git describe": {"1.2.3-rc.1-4-gabc1234", "1.2.3-rc.1-5-g0a1b2c3", "1.2.3"},
	"pre and flavour":  {"1.2.0-rc1-alpine", "1.2.0-rc2-alpine", "1.2.0-alpine", "1.2.1-rc1-alpine"},
	"pre and base":     {"1.2.0-rc1-alpine3.18", "1.2.0-rc2-alpine3.17", "1.2.0-alpine3.9", "1.2.0-alpine3.18"},
	"v pre":            {"v1.2.0-rc.1", "v1.2.0", "v1.2.1-rc.1"},
	"pre and build":    {"1.2.0-rc1-build-5", "1.2.0-rc2-build-4", "1.2.0-build-3", "1.2.0-build-4"},
	"go":               {"go1.22rc1", "go1.22rc2", "go1.22", "go1.23rc1"},
	"go dotted":        {"go1.22.0-rc.1", "go1.22.0-rc.2", "go1.22.0"},
	"prefixed v":       {"web-v1.2.0-rc.1", "web-v1.2.0", "web-v1.2.1"},
	"digits in prefix": {"oauth2-proxy-v7.0.0-rc.1", "oauth2-proxy-v7.0.0"},
	"pre words differ": {"1.2.0-nightly.3", "1.3.0-dev.1", "1.4.0-rc1", "1.5.0-alpha"},
	"mixed case":       {"1.2.0-Alpha1", "1.2.0-BETA1", "1.2.0-rC1", "1.2.0"},
}

func TestCompareAscending(t *testing.T) {
	t.Parallel()
	for name, tags := range ascending {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for i, a := range tags {
				for j, b := range tags {
					want := 0
					switch {
					case i < j:
						want = -1
					case i > j:
						want = +1
					}
					if order, ordered := Compare(a, b); order != want || !ordered {
						t.Errorf("Compare(%q, %q) = %d, %t, want %d, true", a, b, order, ordered, want)
					}
				}
			}
		})
	}
}

func TestCompareEqual(t *testing.T) {
	t.Parallel()
	for _, tt := range [][2]string{
		{"latest", "latest"},
		{"", ""},
		{"abc1234", "abc1234"},
		{"sha-abc1234", "sha-abc1234"},
		{"1.2.3", "1.2.3"},
		{"not a tag!", "not a tag!"},
		{"2024.01.02", "2024.1.2"},
		{"1.2.0-rc01", "1.2.0-rc1"},
		{"1.2.0-dev.01.abc1234", "1.2.0-dev.1.abc1234"},
	} {
		for _, p := range [][2]string{tt, {tt[1], tt[0]}} {
			if order, ordered := Compare(p[0], p[1]); order != 0 || !ordered {
				t.Errorf("Compare(%q, %q) = %d, %t, want 0, true", p[0], p[1], order, ordered)
			}
		}
	}
}

var unordered = [][2]string{
	// another shape
	{"latest", "1.2.3"},
	{"latest", "stable"},
	{"latest", ""},
	{"", "1"},
	{"v1.2.3", "1.2.3"},
	{"v1.2.3", "V1.2.4"},
	{"1.2", "1.2.0"},
	{"1", "1.0"},
	{"1.2.3", "1.2.3.4"},
	{"1.2.3", "1.2.3-1"},
	{"1.2.3", "1-2-3"},
	{"1.2.3", "1.2_3"},
	{"1.2.3", "1.2..3"},
	{"1.2.3-alpine", "1.2.3-slim"},
	{"1.2.3-alpine", "1.2.3"},
	{"1.2.3-alpine", "1.2.4"},
	{"1.2.3-alpine", "1.2.4-Alpine"},
	{"1.2.3-alpine", "1.2.3-alpine3.18"},
	{"1.2.3-alpine3", "1.2.3-alpine3.18"},
	{"main-5", "develop-6"},
	{"main-abc1234-1712345678", "main-1712345679"},
	{"main-abc1234-1712345678", "feat-abc1234-1712345679"},
	{"1.2.3", "1.2.3-4-gabc1234"},
	{"20240101", "2024.01.02"},
	{"20240101", "1.2.3"},
	{"6801028", "1.2.3"},
	// hashes
	{"sha-abc1234", "sha-def5678"},
	{"abc1234", "6801028"},
	{"abc1234", "def5678"},
	{"1234567", "6801028"},
	{"12345678", "87654321"},
	{"20241301", "20241302"},
	{"20240100", "20240132"},
	{"20240101", "abc12345"},
	{"20240101", "20249999"},
	{hash40, other},
	{strings.Repeat("0", 40), strings.Repeat("1", 40)},
	{strings.Repeat("0", 64), strings.Repeat("1", 64)},
	{"sha-" + hash40, "sha-" + other},
	{"main-1-abc1234", "main-1-def5678"},
	{"abc1234-1.2.0", "def5678-1.2.0"},
	{"1.2.3-4-gabc1234", "1.2.3-4-g7654321"},
	{"1.2.3-gabcdefa", "1.2.3-gfedcbaf"},
	{"1.2.3-g1234567", "1.2.3-g7654321"},
	{"1.2.3-1234567", "1.2.3-7654321"},
	{"1.2.3-abc1234", "1.2.3"},
	{"abcdefa", "fedcbaf"},
	{"ABC1234", "abc1234"},
	// pre-releases
	{"1.2.0-dev.abc1234", "1.2.0-dev.def5678"},
	{"1.2.0-dev.abc1234", "1.2.0-dev.1"},
	{"1.2.0-rc1", "1.2.0-rc.2"},
	{"1.2.0-rc1", "1.2.0-RC2"},
	{"1.2.0-rc1", "1.2.0.rc2"},
	{"1.2.0-rc", "1.2.0-rc.1"},
	{"1.2.0-rc.1", "1.2.0-rc.1.2"},
	{"1.2.0-a1", "1.2.0-alpha2"},
	{"1.2.0-dev.1", "1.2.0-nightly.1"},
	{"1.2.0-dev.1", "1.2.0-alpha.1"},
	{"1.2.0-SNAPSHOT", "1.2.0-rc1"},
	{"1.2.0-preview1", "1.2.0-rc1"},
	{"1.2-rc1", "1.2.0"},
	{"1.2-rc1", "1.2.0-rc2"},
	{"v1.2.0-rc1", "1.2.0"},
	{"1.2.0-rc1-alpine", "1.2.0"},
	{"1.2.0-rc1-alpine", "1.2.1"},
	{"1.2.0-rc1", "1.2.0-alpine"},
	{"1.2.0-rc1-alpine", "1.2.0-slim"},
	{"1.2.0-alpine-rc1", "1.2.0"},
	{"1.2.0-dev.main.1", "1.2.0"},
	// what only looks like a pre-release
	{"3.3a", "3.3"},
	{"1.0.2b", "1.0.2"},
	{"1.2.0-a", "1.2.0"},
	{"1.2.0-b.abc1234", "1.2.0"},
	{"1.2.0-rc1x", "1.2.0"},
	{"1.2.0-rc1x", "1.2.0x"},
	{"1.2.0rc1alpine", "1.2.0"},
	{"1.2.0-rca1", "1.2.0"},
	{"1.2.0-debug", "1.2.0"},
	{"1.2.0--rc1", "1.2.0"},
	{"rc1", "1"},
	{"beta-1.2.0", "1.2.0"},
	{"latest-rc1", "latest"},
	{"abc1234-rc1", "abc1234"},
	{"1.2.0-", "1.2.0"},
	{"8u292-b10", "8u292"},
	// no tags at all
	{"a b", "b a"},
	{"\xff1", "\xfe2"},
	{"ä", "ö"},
	{"1:2", "1/2"},
}

func TestCompareUnordered(t *testing.T) {
	t.Parallel()
	for _, tt := range unordered {
		for _, p := range [][2]string{tt, {tt[1], tt[0]}} {
			if order, ordered := Compare(p[0], p[1]); order != 0 || ordered {
				t.Errorf("Compare(%q, %q) = %d, %t, want 0, false", p[0], p[1], order, ordered)
			}
		}
	}
}

// TestCompareLaws holds known tags, and random ones put together from parts
// that matter, against the laws of a partial order.
func TestCompareLaws(t *testing.T) {
	t.Parallel()
	t.Run("known", func(t *testing.T) {
		t.Parallel()
		var tags []string
		for _, chain := range ascending {
			tags = append(tags, chain[0], chain[len(chain)/2])
		}
		for _, pair := range unordered {
			tags = append(tags, pair[0])
		}
		checkLaws(t, tags)
	})
	t.Run("random", func(t *testing.T) {
		t.Parallel()
		parts := []string{
			"1", "2", "10", "02", "1.2", "v1", "go1", "-", ".", "_", "rc", "rc1", "-rc.1", "-rc.2", "-beta.1", "b", "a2",
			"-dev", ".M1", "-alpine", "-alpine3", "3.18", "x", "abc1234", "def5678", "-gabcdefa", "1234567", "20240101",
		}
		random := rand.New(rand.NewPCG(1, 2))
		for range 60 {
			// Few parts to a round, so that many tags of a round share a shape.
			some := make([]string, 4)
			for i := range some {
				some[i] = parts[random.IntN(len(parts))]
			}
			tags := make([]string, 20)
			for i := range tags {
				for range 1 + random.IntN(5) {
					tags[i] += some[random.IntN(len(some))]
				}
			}
			checkLaws(t, tags)
		}
	})
}

// checkLaws fails the test unless Compare is reflexive, antisymmetric and
// transitive among the tags.
func checkLaws(t *testing.T, tags []string) {
	t.Helper()
	type result struct {
		order   int
		ordered bool
	}
	results := make([][]result, len(tags))
	for i, a := range tags {
		results[i] = make([]result, len(tags))
		for j, b := range tags {
			r := &results[i][j]
			r.order, r.ordered = Compare(a, b)
			if r.order < -1 || r.order > 1 || r.order != 0 && !r.ordered || a == b && *r != (result{0, true}) {
				t.Fatalf("Compare(%q, %q) = %d, %t", a, b, r.order, r.ordered)
			}
			if back := (result{-r.order, r.ordered}); j < i && results[j][i] != back {
				t.Fatalf("Compare(%q, %q) = %+v, but the other way %+v", a, b, *r, results[j][i])
			}
		}
	}
	for i, a := range tags {
		for j, b := range tags {
			ab := results[i][j]
			if !ab.ordered || ab.order > 0 {
				continue
			}
			for k, c := range tags {
				bc, ac := results[j][k], results[i][k]
				if want := (result{min(ab.order, bc.order), true}); bc.ordered && bc.order <= 0 && ac != want {
					t.Fatalf("%q and %q compare as %+v, %q and %q as %+v, but %q and %q as %+v", a, b, ab, b, c, bc, a, c, ac)
				}
			}
		}
	}
}

func TestCompareDoesNotAllocate(t *testing.T) {
	if n := testing.AllocsPerRun(10, func() { Compare("v1.2.0-rc.1-alpine3.18", "v1.2.0-alpine3.9") }); n != 0 {
		t.Errorf("Compare allocates %v times", n)
	}
}

func FuzzCompare(f *testing.F) {
	for _, chain := range ascending {
		f.Add(chain[0], chain[len(chain)/2], chain[len(chain)-1])
	}
	for _, pair := range unordered {
		f.Add(pair[0], pair[1], pair[0])
	}
	f.Fuzz(func(t *testing.T, a, b, c string) {
		checkLaws(t, []string{a, b, c})
	})
}

func BenchmarkCompare(b *testing.B) {
	for _, bb := range []struct{ name, a, b string }{
		{"version", "v1.2.3", "v1.2.4"},
		{"pre-release", "1.2.0-rc.1-alpine3.18", "1.2.0-alpine3.18"},
		{"hash", hash40, other},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Compare(bb.a, bb.b)
			}
		})
	}
}
