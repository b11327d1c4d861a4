package status

import (
	"maps"
	"slices"
	"strings"

	"github.com/towpath-dev/towpath/internal/image"
)

// Versions are the versions at which images stand, each list sorted and
// without repetition. An image with more than one is mixed. The zero value
// says that nothing stands there.
type Versions map[image.Repository][]string

func (v Versions) add(repo image.Repository, version string) {
	i, found := slices.BinarySearch(v[repo], version)
	if !found {
		v[repo] = slices.Insert(v[repo], i, version)
	}
}

func (v Versions) addAll(other Versions) {
	for repo, versions := range other {
		for _, version := range versions {
			v.add(repo, version)
		}
	}
}

// Equal reports whether both say the same, to the letter.
func (v Versions) Equal(w Versions) bool { return maps.EqualFunc(v, w, slices.Equal) }

// Same reports whether the images that both have stand at the same versions,
// and that there is such an image. A tag with a digest is the same version as
// that tag, or that digest, alone.
func (v Versions) Same(w Versions) bool {
	common := false
	for repo, versions := range v {
		others, ok := w[repo]
		if !ok {
			continue
		}
		common = true
		if !slices.EqualFunc(different(versions), different(others), sameVersion) {
			return false
		}
	}
	return common
}

// mixed reports whether an image stands at several versions.
func (v Versions) mixed() bool {
	for _, versions := range v {
		if len(different(versions)) > 1 {
			return true
		}
	}
	return false
}

// different returns the versions of a list without those that say less of what
// another one says, as 1.4 does next to 1.4@sha256:….
func different(versions []string) []string {
	if len(versions) < 2 {
		return versions
	}
	var out []string
	for _, v := range versions {
		if !slices.ContainsFunc(versions, func(other string) bool { return len(other) > len(v) && sameVersion(v, other) }) {
			out = append(out, v)
		}
	}
	return out
}

func sameVersion(a, b string) bool { return image.SameVersion(a, b) }

// compare says whether v is older (-1) or newer (1) than w, judged by the
// images that both have at one version each. It is not known (false) where
// they do not all agree or have no order.
func (v Versions) compare(w Versions) (order int, known bool) {
	for repo, versions := range v {
		versions, others := different(versions), different(w[repo])
		if len(others) == 0 {
			continue
		}
		if len(versions) != 1 || len(others) != 1 {
			return 0, false
		}
		if sameVersion(versions[0], others[0]) {
			continue
		}
		tag, _ := image.CutVersion(versions[0])
		other, _ := image.CutVersion(others[0])
		if tag == "" || other == "" {
			return 0, false
		}
		o, ok := image.Compare(tag, other)
		if !ok || o == 0 || known && o != order {
			return 0, false
		}
		order, known = o, true
	}
	return order, known
}

// String writes the versions in the order of the images' names: the version
// alone where all images share one, else each behind the last segment of its
// image's name.
func (v Versions) String() string {
	if len(v) == 0 {
		return ""
	}
	repos := slices.Sorted(maps.Keys(v))
	first := strings.Join(v[repos[0]], " | ")
	shared := true
	var each []string
	for _, repo := range repos {
		text := strings.Join(v[repo], " | ")
		shared = shared && text == first
		each = append(each, repo.Base()+" "+text)
	}
	if shared {
		return first
	}
	return strings.Join(each, ", ")
}
