package schema

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/towpath-dev/towpath/internal/edit"
	"github.com/towpath-dev/towpath/internal/edit/yamledit"
)

// sample has a field of each sort.
type sample struct {
	Place
	Title   string           `key:"title,required" doc:"what it is called"`
	ID      string           `key:"id,name" doc:"how it is named"`
	Count   int              `key:"count" default:"3" min:"1" max:"9" doc:"how many"`
	Any     int              `key:"any" doc:"any number"`
	One     int              `key:"one" min:"1" max:"1"`
	Open    bool             `key:"open" default:"true" doc:"whether it is open"`
	Size    size             `key:"size" default:"small" doc:"how large it is"`
	Sizes   []size           `key:"sizes,unique" default:"[small, large]" doc:"all sizes"`
	Odd     odd              `key:"odd" doc:"an odd number of letters"`
	Tags    []string         `key:"tags,unique" max:"5" doc:"words"`
	Names   []string         `key:"names,name" doc:"names"`
	Inner   inner            `key:"inner" doc:"a part"`
	Maybe   *inner           `key:"maybe" doc:"a part that may be missing"`
	Parts   []part           `key:"parts,required" doc:"all parts"`
	Rules   map[size][]size  `key:"rules" doc:"what follows"`
	Left    string           `key:"left" one:"side" with:"far" doc:"to the left"`
	Right   string           `key:"right" one:"side" doc:"to the right"`
	Far     int              `key:"far" alias:"distance,how_far" doc:"how far"`
	Links   []string         `key:"links,filled" doc:"at least one, if any"`
	Rooms   []room           `key:"rooms" doc:"all rooms"`
	Ignored map[string][]int // not of the file
	_       struct{}         `key:"x-*" doc:"ignored"`
}

type inner struct {
	Place
	Deep string `key:"deep" default:"bottom" doc:"a text"`
	Flag bool   `key:"flag" doc:"a flag"`
}

type part struct {
	Place
	Name string `key:"name,required,short" doc:"its name"`
	Odd  odd    `key:"odd" doc:"odd letters"`
}

type room struct {
	Place
	Name  string `key:"name,required,name" note:"the door says so, too" doc:"its name"`
	Doors int    `key:"doors" doc:"how many doors"`
}

func (part) Hint(unknown string) string {
	if unknown == "secret" {
		return "secrets stand elsewhere"
	}
	return ""
}

type size string

func (size) Form() Form { return Form{Enum: []string{"small", "medium", "large"}} }

// odd is an odd number of letters a to z; the letter q is refused where it
// stands.
type odd struct {
	Place
	text string
}

func (odd) Form() Form {
	return Form{Noun: "odd word", Words: "an odd number of letters", Pattern: `^[a-z]([a-z][a-z])*$`}
}

func (o *odd) UnmarshalText(text []byte) error {
	if at := strings.IndexByte(string(text), 'q'); at >= 0 {
		return &TextError{Offset: at, Message: "there is a q", Hint: "leave it out"}
	}
	if string(text) == "plain" {
		return errors.New("too plain")
	}
	o.text = string(text)
	return nil
}

func documentOf(t testing.TB, src string) *yamledit.Document {
	t.Helper()
	doc, err := yamledit.Parse([]byte(src), edit.Span{End: len(src)})
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// show writes the faults of a file as line:column, message and hint.
func show(t testing.TB, src string, faults []Fault) []string {
	t.Helper()
	f := File{Path: "f.yaml", Src: []byte(src), Doc: documentOf(t, src)}
	var out []string
	err := f.Error(faults)
	if err == nil {
		return nil
	}
	for _, e := range err.(interface{ Unwrap() []error }).Unwrap() {
		text := strings.TrimPrefix(e.Error(), "f.yaml:")
		if hint := reflect.ValueOf(e).Elem().FieldByName("Hint").String(); hint != "" {
			text += " (" + hint + ")"
		}
		out = append(out, text)
	}
	return out
}

const good = "title: t\nparts: [a]\nright: r\n"

func TestDecode(t *testing.T) {
	t.Parallel()
	src := `title: 1.20
id: 2024
count: 5
any: -7
open: false
size: large
sizes: []
odd: abc
tags: [2026-12-20, 0123, "true", on]
names: [a, b.c]
inner: {flag: true}
maybe: {}
parts: [first, {name: second, odd: x}]
rules: {small: [large], large: []}
left: here
far: 2
x-anything: [goes, {}]
`
	var got sample
	if faults := Decode(documentOf(t, src).Root(), &got); faults != nil {
		t.Fatal(show(t, src, faults))
	}
	at := func(text string) Place { return Place{Offset: strings.Index(src, text)} }
	want := sample{
		Title: "1.20", ID: "2024", Count: 5, Any: -7, Size: "large", Sizes: []size{},
		Odd: odd{at("abc"), "abc"}, Tags: []string{"2026-12-20", "0123", "true", "on"}, Names: []string{"a", "b.c"},
		Inner: inner{at("{flag"), "bottom", true}, Maybe: &inner{at("{}"), "bottom", false},
		Parts: []part{{Place: at("first"), Name: "first"}, {at("{name"), "second", odd{at("x}"), "x"}}},
		Rules: map[size][]size{"small": {"large"}, "large": {}},
		Left:  "here", Far: 2,
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(sample{}, odd{})); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	var got sample
	if faults := Decode(documentOf(t, good).Root(), &got); faults != nil {
		t.Fatal(show(t, good, faults))
	}
	want := sample{
		Title: "t", Count: 3, Open: true, Size: "small", Sizes: []size{"small", "large"}, Inner: inner{Deep: "bottom"},
		Parts: []part{{Place{Offset: 17}, "a", odd{}}}, Right: "r",
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(sample{}, odd{})); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, src string // src stands behind good
		want      []string
	}{
		{"unknown", "coutn: 1\nzzz: 1\nTags: []\n", []string{
			"4:1: unknown key coutn (did you mean count?)",
			"5:1: unknown key zzz (the keys here are: title, id, count, any, one, open, size, sizes, odd, tags, names, inner, maybe, parts, rules, left, right, far, links, rooms)",
			"6:1: unknown key Tags (did you mean tags?)",
		}},
		{"unknown below", "inner: {depe: x}\nrules: {larg: [], huge: []}\n", []string{
			"4:9: unknown key depe in inner (did you mean deep?)",
			"5:9: unknown key larg in rules (did you mean large?)",
			"5:19: unknown key huge in rules (the keys here are: small, medium, large)",
		}},
		{"twice", "title: u\ntags: [a, b, a]\nrules: {small: [], small: []}\n", []string{
			"4:1: the key title is written twice (the first is on line 1)",
			`5:14: "a" stands in tags twice (the first is on the same line)`,
			"6:20: the key small is written twice (the first is on the same line)",
		}},
		{"nulls", "count:\nsize: ~\ntags: [null]\ninner: null\n", []string{
			"4:1: count has no value (give it one, or leave the key out)",
			"5:1: size has no value (give it one, or leave the key out)",
			"6:8: an item of tags has no value",
			"7:1: inner has no value (give it one, or leave the key out)",
		}},
		{"booleans", "open: yes\nid: true\ninner: {flag: \"false\"}\nsize: false\n", []string{
			`4:7: open must be true or false, not "yes" (write true)`,
			`5:5: id must be a name of lower-case letters, digits, dots, dashes and underscores, not the boolean true (write it in quotes: "true")`,
			`6:15: flag must be true or false, not "false" (write false)`,
			"7:7: size must be small, medium or large, not the boolean false",
		}},
		{"numbers", "count: 10\nany: 0x10\nfar: 1.5\none: 2\nodd: 7\n", []string{
			"4:8: count must be a whole number from 1 to 9, not the number 10",
			"5:6: any must be a whole number, not the number 0x10",
			"6:6: far must be a whole number, not the number 1.5",
			"7:6: one must be 1, not the number 2 (write one: 1)",
			"8:6: odd must be an odd number of letters, not the number 7",
		}},
		{"texts", "id: Ab C\nsize: smal\nodd: ab\nnames: [\"\", /a]\n", []string{
			`4:5: id must be a name of lower-case letters, digits, dots, dashes and underscores, not "Ab C" (write ab-c)`,
			`5:7: size must be small, medium or large, not "smal" (did you mean small?)`,
			`6:6: odd must be an odd number of letters, not "ab"`,
			"7:9: an item of names is empty",
			`7:13: an item of names must be a name of lower-case letters, digits, dots, dashes and underscores, not "/a"`,
		}},
		{"within a text", "odd: abq\nmaybe: {}\nx-a: {}\n", []string{"4:8: there is a q (leave it out)"}},
		{"within quotes", "odd: &anchor 'aq'\n", []string{"4:16: there is a q (leave it out)"}},
		{"within escapes", "odd: \"\\x61\\x62q\"\n", []string{"4:15: there is a q (leave it out)"}},
		{"of the whole text", "odd: plain\n", []string{"4:6: too plain"}},
		{"kinds", "inner: [a]\ntags: word\nmaybe: 5\nid: {a: b}\nrules: []\nsize: []\n", []string{
			"4:8: inner must be a mapping, not a list (its keys are: deep, flag)",
			`5:7: tags must be a list, not "word" (write it as a list: ["word"])`,
			"6:8: maybe must be a mapping, not the number 5 (its keys are: deep, flag)",
			"7:5: id must be a name of lower-case letters, digits, dots, dashes and underscores, not a mapping",
			"8:8: rules must be a mapping, not a list (its keys are: small, medium, large)",
			"9:7: size must be small, medium or large, not a list",
		}},
		{"too long a list", "tags: [a, b, c, d, e, f]\n", []string{"4:7: tags has 6 items, more than the 5 that are read"}},
		{"a choice and what goes with it", "left: l\n", []string{
			"4:1: the file has both left and right (leave one of them out)",
		}},
		{"words for a key", "How-Far: 1\nDISTANCE: 2\n", []string{
			"4:1: unknown key How-Far (did you mean far?)",
			"5:1: unknown key DISTANCE (did you mean far?)",
		}},
		{"an empty list", "links: []\ntags: []\n", []string{"4:8: links is empty"}},
		{"a word in braces", "id: {env}\nodd: { App }\ntags: [{env}, {env: x}]\nnames: {env}\nsize: {a, b}\n", []string{
			`4:5: id must be a name of lower-case letters, digits, dots, dashes and underscores, not a mapping (put it in quotes: "{env}")`,
			`5:6: odd must be an odd number of letters, not a mapping (put it in quotes: "{App}")`,
			`6:8: an item of tags must be a string, not a mapping (put it in quotes: "{env}")`,
			"6:15: an item of tags must be a string, not a mapping",
			`7:8: names must be a list, not a mapping (write it as a list, in quotes: ["{env}"])`,
			"8:7: size must be small, medium or large, not a mapping",
		}},
		{"a block mapping of one key", "id:\n  env:\n", []string{
			"5:3: id must be a name of lower-case letters, digits, dots, dashes and underscores, not a mapping",
		}},
		{"names in place of a list", "rooms: {hall: {doors: 2}}\n", []string{"4:8: rooms must be a list, not a mapping (write - {name: hall}, one on a line)"}},
		{"one item in place of a list", "rooms:\n  name: hall\n", []string{"5:3: rooms must be a list, not a mapping (write it as a list: put - before its first key)"}},
		{"a name in place of a list", "rooms: hall\n", []string{`4:8: rooms must be a list, not "hall" (write - {name: hall}, one on a line)`}},
		{"names in a list", "rooms: [hall, {name: Hall}, {hall: {doors: 2}}, {hall: }, {title: x}]\n", []string{
			`4:9: a room must be a mapping, not "hall" (write - {name: hall}, one on a line)`,
			`4:22: name must be a name of lower-case letters, digits, dots, dashes and underscores, not "Hall" (write hall; the door says so, too)`,
			"4:30: unknown key hall in a room (write name: hall, and what belongs to it beside that)",
			"4:50: unknown key hall in a room (write name: hall, and what belongs to it beside that)",
			"4:59: a room has no name (add name: its name)",
			"4:60: unknown key title in a room (the keys here are: name, doors)",
		}},
		{"tags", "id: !mine x\n", []string{
			`4:5: id must be a name of lower-case letters, digits, dots, dashes and underscores, not "x" with the tag "!mine" (leave the tag out)`,
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			src := good + test.src
			got := show(t, src, Decode(documentOf(t, src).Root(), &sample{}))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestFaultsOfWholeFiles(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		src  string
		want []string
	}{
		{"{}", []string{
			"1:1: the file has no title (add title: what it is called)",
			"1:1: the file has no parts (add parts: all parts)",
			"1:1: the file has neither left nor right (add left: to the left; or add right: to the right)",
		}},
		{"[]", []string{"1:1: the file must be a mapping, not a list (its keys are: title, id, count, any, one, open, size, sizes, odd, tags, names, inner, maybe, parts, rules, left, right, far, links, rooms)"}},
		// The slip is the fault, not that the key is missing.
		{"{titel: t, parts: [], rigth: r}", []string{
			"1:2: unknown key titel (did you mean title?)",
			"1:19: parts is empty",
			"1:23: unknown key rigth (did you mean right?)",
		}},
		// What goes with a key is not asked for because of a guess.
		{"{title: t, parts: [a], lfet: l}", []string{"1:24: unknown key lfet (did you mean left?)"}},
		{"{title: t, parts: [a], left: l, distance: 3}", []string{"1:33: unknown key distance (did you mean far?)"}},
		{"{title: t, parts: [a], left: l, rihgt: r}", []string{
			"1:24: left stands without far (add far: how far)",
			"1:33: unknown key rihgt (did you mean right?)",
		}},
		{"{title: t, parts: [{app}, {odd}], right: r}", []string{
			`1:20: a part must be a string, not a mapping (put it in quotes: "{app}")`,
			"1:27: a part has no name (add name: its name)",
			"1:28: odd has no value (give it one, or leave the key out)",
		}},
		{"{title: t, right: r, parts: [{secret: x, odd: a}, {nam: y}, [z], ~]}", []string{
			"1:30: a part has no name (add name: its name)",
			"1:31: unknown key secret (secrets stand elsewhere)",
			"1:52: unknown key nam in a part (did you mean name?)",
			"1:61: a part must be a string or a mapping, not a list (its keys are: name, odd)",
			"1:66: a part has no value",
		}},
	} {
		got := show(t, test.src, Decode(documentOf(t, test.src).Root(), &sample{}))
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", test.src, diff)
		}
	}
	if faults := Decode(nil, &sample{}); len(faults) != 1 || faults[0].Message != "the file is empty" {
		t.Errorf("of no document: %v", faults)
	}
}

func TestPlace(t *testing.T) {
	t.Parallel()
	src := good + "inner: {flga: true}\nmaybe: {flag: yes}\n"
	var got sample
	Decode(documentOf(t, src).Root(), &got)
	if !got.Inner.Vague || got.Maybe.Vague || got.Vague {
		t.Errorf("vague: inner %t, maybe %t, the file %t", got.Inner.Vague, got.Maybe.Vague, got.Vague)
	}
}

func TestAliases(t *testing.T) {
	t.Parallel()
	src := "x-inner: &i {deep: x, flag: true}\nx-base: &b {flag: false, deep: y}\n" + good +
		"inner: *i\nmaybe: {<<: [*i, *b], deep: own}\ntags: &t [a]\nnames: *t\n"
	var got sample
	if faults := Decode(documentOf(t, src).Root(), &got); faults != nil {
		t.Fatal(show(t, src, faults))
	}
	if got.Inner.Deep != "x" || !got.Inner.Flag || got.Inner.Offset != strings.Index(src, "*i") {
		t.Errorf("alias: %+v", got.Inner)
	}
	if got.Maybe.Deep != "own" || !got.Maybe.Flag {
		t.Errorf("merge: %+v", got.Maybe)
	}
	if diff := cmp.Diff([]string{"a"}, got.Names); diff != "" {
		t.Errorf("names (-want +got)\n%s", diff)
	}
}

func TestFaultsBehindAliases(t *testing.T) {
	t.Parallel()
	src := "x-inner: &i {depe: x}\nx-list: &l [1]\n" + good +
		"inner: *i\nmaybe: {<<: *i}\ntags: *i\nopen: *l\nid: &id {<<: [*l, text], <<: 5}\nrules: &r {<<: *r, small: *r}\n"
	got := show(t, src, Decode(documentOf(t, src).Root(), &sample{}))
	want := []string{
		"1:14: unknown key depe in inner (did you mean deep?)",
		"1:14: unknown key depe in maybe (did you mean deep?)",
		"8:7: tags must be a list, not a mapping",
		"9:7: open must be true or false, not a list",
		"10:5: id must be a name of lower-case letters, digits, dots, dashes and underscores, not a mapping",
		"11:27: small must be a list, not a mapping",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	src = good + "inner: {<<: [text, {flag: true}], <<: 5}\n"
	got = show(t, src, Decode(documentOf(t, src).Root(), &sample{}))
	want = []string{
		"4:14: << must merge a mapping (name a mapping by an alias, such as <<: *defaults)",
		"4:39: << must merge a mapping (name a mapping by an alias, such as <<: *defaults)",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("merges (-want +got)\n%s", diff)
	}
	src = good + "? [a]\n: b\n? *t\n: c\n"
	src = strings.Replace(src, "title: t", "title: &t t", 1)
	got = show(t, src, Decode(documentOf(t, src).Root(), &sample{}))
	want = []string{"4:3: a key of the file must be a string", "6:3: a key of the file must be a string"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("keys (-want +got)\n%s", diff)
	}
}

// TestBombs reads small files that stand for very many values, or for
// themselves.
func TestBombs(t *testing.T) {
	t.Parallel()
	type leaf struct {
		Words []string `key:"words"`
		_     struct{} `key:"x-*"`
	}
	var b strings.Builder
	b.WriteString("x-0: &a0 {words: [" + strings.Repeat("w,", 100) + "]}\n")
	for i := range 4 {
		fmt.Fprintf(&b, "x-%d: &a%d [%s]\n", i+1, i+1, strings.Repeat(fmt.Sprintf("*a%d,", i), 100))
	}
	type file struct {
		Leaves [][][][]leaf `key:"leaves"`
		_      struct{}     `key:"x-*"`
	}
	for name, src := range map[string]string{
		"values": b.String() + "leaves: *a4\n",
		"merges": "x-m: &m {" + manyKeys(3000) + "}\nleaves: [[[[" + strings.Repeat("{<<: *m},", 3000) + "]]]]\n",
	} {
		faults := Decode(documentOf(t, src).Root(), &file{})
		if len(faults) != 1 || !strings.Contains(faults[0].Message, "stands for more than") {
			t.Errorf("%s: %d faults", name, len(faults))
		}
	}
	for _, src := range []string{
		"&a {title: *a, parts: *a, inner: *a, rules: *a}", "&a [*a]", "parts: &p [*p, {<<: &q {<<: *q}}]", "&a {<<: *a, <<: [*a, *a]}",
	} {
		if faults := Decode(documentOf(t, src).Root(), &sample{}); len(faults) == 0 {
			t.Errorf("%s: no faults", src)
		}
	}
}

func TestManyFaults(t *testing.T) {
	t.Parallel()
	src := good + "names: [" + strings.Repeat("A,", 5000) + "]\n"
	faults := Decode(documentOf(t, src).Root(), &sample{})
	if n := len(faults); n != maxFaults+1 || !strings.Contains(faults[n-1].Message, "more than 1000 faults") {
		t.Errorf("%d faults, the last is %q", n, faults[n-1].Message)
	}
}

func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "x-%d: 1, ", i)
	}
	return b.String()
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte("title: t\nparts: [a, {name: b, odd: q}]\nleft: l\nfar: 1\nx-a: &a {deep: x}\ninner: *a\nmaybe: {<<: *a, flag: yes}\n"))
	f.Add([]byte("&a {title: *a, parts: [*a, [*a]], inner: {<<: *a}, rules: {small: *a}}"))
	f.Add([]byte("count: 1e3\nid: 0x1\nsizes: [small, smal, ~]\ntags: [<<, 2026-12-20, 1, 1]\ntitle: !x y\n? [a]\n: b\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		doc, err := yamledit.Parse(src, edit.Span{End: len(src)})
		if err != nil {
			return
		}
		var first, second sample
		faults := Decode(doc.Root(), &first)
		for _, one := range faults {
			if one.Offset < 0 || one.Offset > len(src) || one.Message == "" {
				t.Fatalf("%+v", one)
			}
		}
		again := Decode(doc.Root(), &second)
		if !reflect.DeepEqual(first, second) || len(again) != len(faults) {
			t.Fatal("decoded twice, it differs")
		}
		file := File{Path: "f", Src: src, Doc: doc}
		if err := file.Error(faults); (err == nil) != (len(faults) == 0) {
			t.Fatalf("%d faults make %v", len(faults), err)
		}
	})
}
