package config

import (
	"errors"
	"fmt"
	"strings"

	"github.com/towpath-dev/towpath/internal/edit"
	"github.com/towpath-dev/towpath/internal/image"
	"github.com/towpath-dev/towpath/internal/pattern"
	"github.com/towpath-dev/towpath/internal/schema"
)

// App is one app, by its name, or all apps that a pattern finds in the tree.
type App struct {
	schema.Place
	Name     string    `key:"name,name" one:"who" with:"files" alias:"app,service" doc:"how commands and {app} name it" note:"{app} stands for this name in paths, so folders and files must be named so, too"`
	Discover *Pattern  `key:"discover" one:"who" doc:"a pattern with {app}: each name that it finds in the tree is an app"`
	Images   []Image   `key:"images,required" alias:"image" doc:"the images whose versions move, together, in one pull request"`
	Files    []Pattern `key:"files,filled,unique" alias:"file,path,paths" doc:"patterns of the files where the versions stand, with {app} and {env}; what discover finds, if left out"`
	Keys     []Key     `key:"keys,filled,unique" alias:"key" doc:"where only a tag stands in the files, its keys, as in image.tag; for an app with one image"`
}

// Image is an image of an app.
type Image struct {
	schema.Place
	Image  string `key:"image,required,short" alias:"name,repository,repo" doc:"the repository, without tag or digest; {app} may stand in it"`
	Keys   []Key  `key:"keys,filled,unique" alias:"key" doc:"where only its tag stands in the files, its keys"`
	Policy Policy `key:"policy" doc:"which newer version is picked"`
}

// Pattern is a pattern of files in the tree. The embedded pattern is never nil
// in a parsed Config.
type Pattern struct {
	schema.Place
	*pattern.Pattern
}

// Form says what a pattern looks like.
func (Pattern) Form() schema.Form {
	return schema.Form{
		Noun:    "path pattern",
		Words:   "a pattern of paths such as apps/{app}/{env}/**",
		Pattern: `^([^{}/\\]|\{(app|env)\})([^{}\\]|\{(app|env)\})*$`,
	}
}

// UnmarshalText reads a pattern.
func (p *Pattern) UnmarshalText(text []byte) error {
	parsed, err := pattern.Parse(string(text))
	if e, ok := errors.AsType[*pattern.SyntaxError](err); ok {
		return &schema.TextError{Offset: e.Offset, Message: e.Message, Hint: e.Hint}
	}
	p.Pattern = parsed
	return err
}

// Key is where a tag stands in a file.
type Key struct {
	schema.Place
	edit.Path
}

// Form says what a key looks like.
func (Key) Form() schema.Form {
	const (
		key   = `([^.\[\]" \t\r\n]+|"([^"\\]|\\["\\])+")`
		index = `\[(0|[1-9][0-9]*)\]`
	)
	return schema.Form{
		Noun:    "key path",
		Words:   "the path of a key such as image.tag",
		Pattern: "^(" + key + "|" + index + `)(\.` + key + "|" + index + ")*$",
	}
}

// UnmarshalText reads a path of keys.
func (k *Key) UnmarshalText(text []byte) error {
	path, err := edit.ParsePath(string(text))
	if err != nil {
		return &schema.TextError{Message: err.Error(), Hint: `write keys with dots between them, as in image.tag, a."b.c" or list[0].tag`}
	}
	k.Path = path
	return nil
}

// Repository returns the repository of the image for an app of that name. The
// error says why there is none, which only a discovered name can cause.
func (i *Image) Repository(app string) (image.Repository, error) {
	return image.ParseRepository(strings.ReplaceAll(i.Image, "{app}", app))
}

// apps checks each app for itself.
func (k *check) apps() {
	names, discovered := map[string]int{}, map[string]int{}
	for i := range k.Apps {
		a := &k.Apps[i]
		if j, again := names[a.Name]; again && a.Name != "" {
			k.again(steps("apps", j, "name"), steps("apps", i, "name"), "app %s is declared twice", a.Name)
		} else {
			names[a.Name] = i
		}
		if d := a.Discover; d != nil && d.Pattern != nil {
			if j, again := discovered[d.String()]; again {
				k.again(steps("apps", j, "discover"), steps("apps", i, "discover"), "%s is discovered twice", d)
			} else {
				discovered[d.String()] = i
			}
		}
		k.patterns(a)
		k.images(i)
		k.keys(i)
	}
}

// patterns checks the placeholders of an app's patterns.
func (k *check) patterns(a *App) {
	several := len(k.Environments) > 1
	if d := a.Discover; d != nil && d.Pattern != nil {
		if !d.Has(pattern.App) {
			k.faultAt(d.Offset, "put {app} where the name of the app stands", "discover finds no names without {app}")
		}
		if !d.Has(pattern.Env) && a.Files == nil && several {
			k.faultAt(d.Offset, "put {env} where the name of the environment stands, or add files with {env}",
				"without {env}, each file would belong to all environments")
		}
	}
	for _, p := range a.Files {
		if p.Pattern == nil {
			continue
		}
		if !p.Has(pattern.Env) && several {
			k.faultAt(p.Offset, "put {env} where the name of the environment stands",
				"without {env}, each file would belong to all environments")
		}
		if !p.Has(pattern.App) && a.Discover != nil {
			k.faultAt(p.Offset, "put {app} where the name of the app stands",
				"without {app}, each file would belong to all apps that are discovered")
		}
	}
}

// images checks the images of an app.
func (k *check) images(i int) {
	a := &k.Apps[i]
	first := map[image.Repository]int{}
	for j := range a.Images {
		at := steps("apps", i, "images", j, "image")
		repo, ok := k.repository(a, a.Images[j].Image, at)
		if !ok {
			continue
		}
		if other, again := first[repo]; again {
			k.again(steps("apps", i, "images", other, "image"), at, "image %s stands in the app twice", repo.Familiar())
			continue
		}
		first[repo] = j
	}
}

// repository reads an image's name, for any app where the name is not known.
func (k *check) repository(a *App, text string, at []any) (image.Repository, bool) {
	if text == "" {
		return "", false
	}
	app := a.Name
	if app == "" {
		app = "app"
	}
	plain := strings.ReplaceAll(text, "{app}", app)
	switch {
	case strings.Contains(plain, "{env}"):
		k.fault(at, "leave {env} out: what differs between environments is the version",
			"an image is the same in every environment")
		return "", false
	case strings.ContainsAny(plain, "{}"):
		k.fault(at, "the only placeholder in an image is {app}", "%q has braces that are no placeholder", text)
		return "", false
	}
	ref, err := image.Parse(plain)
	if err != nil {
		k.fault(at, "write the repository, as in ghcr.io/acme/web", "%v", err)
		return "", false
	}
	if ref.Tag != "" || ref.Digest != "" {
		what := "a tag"
		if ref.Tag == "" {
			what = "a digest"
		}
		bare, _, _ := strings.Cut(text, "@")
		bare = strings.TrimSuffix(bare, ":"+ref.Tag)
		k.fault(at, "write "+bare, "the image carries %s, and versions stand in the app's files", what)
		return "", false
	}
	return ref.Repository(), true
}

// keys checks that it is clear whose the keys are.
func (k *check) keys(i int) {
	a := &k.Apps[i]
	if a.Keys == nil {
		return
	}
	if len(a.Images) > 1 {
		k.fault(steps("apps", i, "keys"), "write {image: …, keys: […]} for each image",
			"keys of an app with %d images do not say whose they are", len(a.Images))
		return
	}
	for j, own := range a.Images {
		if own.Keys != nil {
			k.fault(steps("apps", i, "images", j, "keys"), "leave one of them out", "keys stand both on the app and on its image")
		}
	}
}

// claims checks that no two apps that are named have a pattern that comes to
// the same text.
func (k *check) claims() {
	var all extent
	for i := range k.Apps {
		a := &k.Apps[i]
		if a.Name != "" && !all.add(a.Name, a.Files, k.Environments) {
			k.faultAt(a.Offset, "write fewer patterns, with * and ** in them", "up to app %s, the patterns come to %s", a.Name, tooMany)
			return
		}
	}
	type claim struct{ app, file int }
	type pair struct{ first, second claim }
	first := map[string]claim{}
	told := map[pair]bool{}
	for i, a := range k.Apps {
		for j, p := range a.Files {
			if a.Name == "" || p.Pattern == nil {
				continue
			}
			named := strings.ReplaceAll(p.String(), "{app}", a.Name)
			for _, e := range k.Environments {
				text := strings.ReplaceAll(named, "{env}", e.Name)
				here := claim{i, j}
				there, taken := first[text]
				if !taken {
					first[text] = here
					continue
				}
				// An app that is declared twice is reported as that.
				both := pair{there, here}
				if there.app == i || k.Apps[there.app].Name == a.Name || told[both] {
					continue
				}
				told[both] = true
				line := k.file.Line(k.Apps[there.app].Files[there.file].Offset)
				k.faultAt(p.Offset, fmt.Sprintf("a file belongs to one app; the other pattern is on line %d", line),
					"apps %s and %s both claim %s", k.Apps[there.app].Name, a.Name, text)
			}
		}
	}
}
