package edit

import (
	"strings"
	"testing"
)

func TestReplace(t *testing.T) {
	t.Parallel()
	notNumeric := func(v string) bool { return strings.Trim(v, "0123456789.") != "" }
	bare := Text{Value: "1.9", Raw: Span{5, 8}, Runs: []Run{{0, 5, 3}}, IsPlain: notNumeric}
	single := Text{Value: "it's", Raw: Span{0, 7}, Style: Single, Runs: []Run{{0, 1, 2}, {2, 4, 2}}}
	double := Text{Value: "a\tb", Raw: Span{0, 6}, Style: Double, Runs: []Run{{0, 1, 1}, {2, 4, 1}}}
	block := Text{Value: "one\ntwo\n", Raw: Span{0, 14}, Style: Block, Runs: []Run{{0, 4, 3}, {4, 10, 3}}}
	empty := Text{Raw: Span{3, 5}, Style: Double}
	tests := []struct {
		name     string
		text     Text
		from, to int
		with     string
		want     Change
		err      string
	}{
		{"bare", bare, 0, 3, "v2", Change{Span{5, 8}, "v2"}, ""},
		{"a part of bare", bare, 2, 3, "x", Change{Span{7, 8}, "x"}, ""},
		{"bare that needs quotes", bare, 0, 3, "1.10", Change{Span{5, 8}, `"1.10"`}, ""},
		{"a part that makes it need quotes", bare, 2, 3, "10", Change{Span{5, 8}, `"1.10"`}, ""},
		{"bare where nothing is plain", Text{Value: "1", Raw: Span{0, 1}, Runs: []Run{{0, 0, 1}}}, 0, 1, `a"b\`, Change{Span{0, 1}, `"a\"b\\"`}, ""},
		{"single", single, 0, 2, "I", Change{Span{1, 3}, "I"}, ""},
		{"a quote in single", single, 0, 2, "'", Change{Span{1, 3}, "''"}, ""},
		{"over an escape", single, 0, 4, "x", Change{}, "not written as one piece"},
		{"double", double, 2, 3, `"\`, Change{Span{4, 5}, `\"\\`}, ""},
		{"the escape itself", double, 1, 2, "x", Change{}, "not written as one piece"},
		{"insert at the end of a run", double, 1, 1, "x", Change{Span{2, 2}, "x"}, ""},
		{"insert at the end", double, 3, 3, "x", Change{Span{5, 5}, "x"}, ""},
		{"block", block, 4, 7, "2", Change{Span{10, 13}, "2"}, ""},
		{"over a line's end", block, 2, 5, "2", Change{}, "not written as one piece"},
		{"a line break", block, 4, 7, "a\nb", Change{}, "control character"},
		{"a delete character", block, 4, 7, "\x7f", Change{}, "control character"},
		{"empty", empty, 0, 0, "x", Change{Span{4, 4}, "x"}, ""},
		{"empty without quotes", Text{Style: Block}, 0, 0, "x", Change{}, "not written as one piece"},
		{"outside", bare, 0, 4, "x", Change{}, "lies outside"},
		{"backwards", bare, 2, 1, "x", Change{}, "lies outside"},
		{"negative", bare, -1, 1, "x", Change{}, "lies outside"},
	}
	for _, tt := range tests {
		got, err := tt.text.Replace(tt.from, tt.to, tt.with)
		if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
			t.Errorf("%s: error = %v, want %q", tt.name, err, tt.err)
		}
		if got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
	if got, err := bare.Set("latest"); err != nil || got != (Change{Span{5, 8}, "latest"}) {
		t.Errorf("Set = %+v, %v", got, err)
	}
}

func TestOffset(t *testing.T) {
	t.Parallel()
	text := Text{Value: "ab\ncd", Runs: []Run{{0, 10, 2}, {3, 20, 2}}}
	for i, want := range []int{10, 11, -1, 20, 21, 22, -1} {
		got, ok := text.Offset(i)
		if !ok {
			got = -1
		}
		if got != want {
			t.Errorf("Offset(%d) = %d, want %d", i, got, want)
		}
	}
	if _, ok := text.Offset(-1); ok {
		t.Error("Offset(-1) was found")
	}
	if _, ok := (Text{}).Offset(0); ok {
		t.Error("Offset of nothing was found")
	}
}
