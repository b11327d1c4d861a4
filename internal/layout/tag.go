package layout

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/towpath-dev/towpath/internal/edit"
	"github.com/towpath-dev/towpath/internal/image"
)

// tag is a version in a file that does not name its image.
type tag struct {
	keys  string           // where it stands, as [edit.Path] writes it
	image image.Repository // as a file beside it says, "" if none does
}

// tagWords are keys that hold a version of an image, without their separators
// and in lower case.
var tagWords = setOf("imagetag imageversion dockertag containertag")

// mayHoldTags reports whether a file may be of the sort that holds tags alone.
func mayHoldTags(file string) bool {
	_, name := split(file)
	stem, ext := cutExtension(name)
	return (ext == "" && !strings.Contains(name, ".") || ext == ".yaml" || ext == ".yml") &&
		stem != "kustomization" && stem != "Chart"
}

// tags returns the versions in a file whose image it does not name.
func (g *ground) tags(file string) []tag {
	src := g.content(file)
	if !bytes.Contains(src, []byte("ag")) && !bytes.Contains(src, []byte("ersion")) {
		return nil
	}
	roots := parse(src)
	if len(roots) != 1 {
		return nil
	}
	var out []tag
	find(roots[0], nil, func(path edit.Path) { out = append(out, tag{keys: path.String()}) })
	slices.SortFunc(out, func(a, b tag) int { return cmp.Compare(a.keys, b.keys) })
	out = slices.Compact(out)
	for i := range out {
		out[i].image = g.imageOf(file, out[i].keys)
	}
	return out
}

// find visits the keys of a tree that hold a tag whose image is not told beside it.
func find(n *edit.Node, path edit.Path, visit func(edit.Path)) {
	for key, value := range n.Pairs() {
		if key.Kind != edit.Scalar || key.Value == "" {
			continue
		}
		own := append(slices.Clip(path), edit.Step{Key: key.Value, Index: -1})
		if value.Kind == edit.Mapping {
			find(value, own, visit)
			continue
		}
		if value.Kind != edit.Scalar || !image.ValidTag(value.Value) || value.Tag == edit.TagNull || value.Tag == edit.TagBool {
			continue
		}
		word := squash(key.Value)
		inImage := len(path) > 0 && strings.HasSuffix(squash(path[len(path)-1].Key), "image")
		if tagWords[word] || word == "tag" && (inImage || len(path) == 0) {
			if !namesImage(n) {
				visit(own)
			}
		}
	}
}

var separators = strings.NewReplacer("-", "", "_", "")

func squash(key string) string { return strings.ToLower(separators.Replace(key)) }

// namesImage reports whether a mapping says which image its tag is of.
func namesImage(n *edit.Node) bool {
	return n.Get("repository").Text() != "" || n.Get("image").Text() != "" || n.Get("name").Text() != ""
}

// imageOf looks for the image of a tag in the values that a chart has for all
// environments: at the same keys, in a file beside it or above.
func (g *ground) imageOf(file, keys string) image.Repository {
	path, err := edit.ParsePath(keys)
	if err != nil {
		return ""
	}
	dir, _ := split(file)
	for ; ; dir, _ = split(dir) {
		for _, at := range []string{
			"values.yaml", "values.yml", "values/values.yaml", "values/base.yaml", "values/common.yaml",
			"values-base.yaml", "values-common.yaml", "base/values.yaml", "chart/values.yaml", "helm/values.yaml",
		} {
			beside := join(dir, at)
			if beside == file || !g.has(beside) {
				continue
			}
			for _, root := range parse(g.content(beside)) {
				if repo := repositoryAt(root, path); repo != "" {
					return repo
				}
			}
		}
		if dir == "" {
			return ""
		}
	}
}

func (g *ground) has(file string) bool {
	_, ok := slices.BinarySearch(g.files, file)
	return ok
}

// repositoryAt returns the image that stands beside a tag at a path.
func repositoryAt(root *edit.Node, path edit.Path) image.Repository {
	owners := []*edit.Node{root.Resolve()}
	if len(path) > 1 {
		owners = path[:len(path)-1].Find(root)
	}
	for _, n := range owners {
		name := cmp.Or(n.Get("repository").Text(), n.Get("image").Text(), n.Get("name").Text())
		if name == "" {
			// imageTag may stand beside a mapping that has the repository.
			name = n.Get("image").Get("repository").Text()
		}
		if repo, err := image.Join(n.Get("registry").Text(), name); err == nil && name != "" {
			return repo
		}
	}
	return ""
}
