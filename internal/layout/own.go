package layout

import (
	"slices"
	"strings"
	"unicode"

	"github.com/towpath-dev/towpath/internal/image"
)

// What speaks for an image being an app's own, the strongest first. What
// stands lower counts only between images that are equal in all above it.
const (
	isLike     = 1 << (5 - iota) // its name, with its namespace, has the words of the app's
	isHouse                      // images of other apps are of the same namespace
	isNotKnown                   // as one that everybody runs
	isMoving                     // its version differs from environment to environment
	isPrivate                    // its registry is nobody else's
	isOwned                      // it has a namespace
)

// kin are images of an app that travel together: of one namespace, or at the
// same version in some environment.
type kin struct {
	images []image.Repository
	weight int // the evidence for the best of them
	house  int // how many images of other apps are of its namespace
}

// own parts the images of an app into its own and those of others that run
// beside them. There are none of its own where several have nothing in common
// and nothing tells which of them the app is.
func (g *ground) own(u *unit) (own, foreign []image.Repository) {
	images := u.images()
	if _, ok := u.sole(); len(images) == 1 && (ok || !u.hasOpen()) {
		return images, nil
	}
	likest := 0
	for _, repo := range images {
		likest = max(likest, u.likeness(repo))
	}
	switch {
	case likest >= 2:
		own = g.namesakes(u, images, likest)
	case u.hasOpen():
		// The app is what its tags are of, so it needs no other image.
		own = slices.DeleteFunc(slices.Clone(images), isUpstream)
		if len(g.kinOf(u, own, isUpstream)) > 1 {
			own = nil
		}
	default:
		own = best(g.kinOf(u, images, isUpstream))
	}
	for _, repo := range images {
		if !slices.Contains(own, repo) {
			foreign = append(foreign, repo)
		}
	}
	return own, foreign
}

// namesakes returns the images that are named like an app, with their kin.
func (g *ground) namesakes(u *unit, images []image.Repository, likest int) []image.Repository {
	like := slices.DeleteFunc(slices.Clone(images), func(repo image.Repository) bool {
		n := u.likeness(repo)
		return n < 2 || n < likest && isUpstream(repo)
	})
	if likest < 3 && slices.ContainsFunc(like, func(repo image.Repository) bool { return !isUpstream(repo) }) {
		like = slices.DeleteFunc(like, isUpstream) // a backup of postgres is not postgres
	}
	var own []image.Repository
	upstream := func(repo image.Repository) bool { return isUpstream(repo) && !slices.Contains(like, repo) }
	for _, k := range g.kinOf(u, images, upstream) {
		if slices.ContainsFunc(k.images, func(repo image.Repository) bool { return slices.Contains(like, repo) }) {
			own = append(own, k.images...)
		}
	}
	slices.Sort(own)
	return own
}

// best returns the images for which most speaks, nil if that is undecided.
func best(all []kin) []image.Repository {
	compare := func(a, b kin) int {
		for _, d := range []int{a.weight - b.weight, a.house - b.house, len(a.images) - len(b.images)} {
			if d != 0 {
				return d
			}
		}
		return 0
	}
	if len(all) == 0 {
		return nil
	}
	top := slices.MaxFunc(all, compare)
	n := 0
	for _, k := range all {
		if compare(k, top) == 0 {
			n++
		}
	}
	if n > 1 {
		return nil
	}
	return slices.Sorted(slices.Values(top.images))
}

// kinOf sorts images of an app by what travels together.
func (g *ground) kinOf(u *unit, images []image.Repository, upstream func(image.Repository) bool) []kin {
	at := g.versionsOf(u)
	var all []kin
	for _, repo := range images {
		own := kin{images: []image.Repository{repo}}
		own.weight, own.house = g.evidence(u, repo, at[repo])
		rest := all[:0]
		for _, k := range all {
			if slices.ContainsFunc(k.images, func(other image.Repository) bool {
				isOneSpace := namespace(repo) != "" && namespace(repo) == namespace(other)
				switch {
				case isOneSpace && !upstream(repo) && !upstream(other):
					return true
				case !isOneSpace && upstream(repo) != upstream(other):
					return false
				}
				return at[repo].meet(at[other])
			}) {
				own.images = append(own.images, k.images...)
				own.weight, own.house = max(own.weight, k.weight), max(own.house, k.house)
				continue
			}
			rest = append(rest, k)
		}
		all = slices.Concat(rest, []kin{own})
	}
	return all
}

// versions are those of an image, by environment.
type versions map[string][]string

// versionsOf returns the versions at which the images of an app stand.
func (g *ground) versionsOf(u *unit) map[image.Repository]versions {
	out := map[image.Repository]versions{}
	for _, h := range u.homes {
		for env := range h.envs {
			for _, use := range g.versions[h.path(env)] {
				if out[use.Image] == nil {
					out[use.Image] = versions{}
				}
				if !slices.Contains(out[use.Image][env], use.Version) {
					out[use.Image][env] = append(out[use.Image][env], use.Version)
				}
			}
		}
	}
	for _, of := range out {
		for env := range of {
			slices.Sort(of[env])
		}
	}
	return out
}

// moves reports whether versions differ from environment to environment.
func (v versions) moves() bool {
	var first []string
	for _, own := range v {
		if first != nil && !slices.Equal(first, own) {
			return true
		}
		first = own
	}
	return false
}

// meet reports whether two images are at one version in some environment.
func (v versions) meet(other versions) bool {
	for env, own := range v {
		if slices.ContainsFunc(own, func(s string) bool { return isTelling(s) && slices.Contains(other[env], s) }) {
			return true
		}
	}
	return false
}

// isTelling reports whether two images hardly have a version by chance: 15 and
// latest are those of many.
func isTelling(version string) bool {
	return len(tokens(version)) > 2 || len(version) >= 7 && strings.ContainsFunc(version, unicode.IsDigit)
}

func (g *ground) evidence(u *unit, repo image.Repository, at versions) (weight, house int) {
	space := namespace(repo)
	if space != "" && !isUpstream(repo) {
		house = len(g.spaces[space])
		for _, other := range u.images() {
			if g.spaces[space][other] {
				house--
			}
		}
	}
	for bit, holds := range map[int]bool{
		isLike: u.likeness(repo) > 0, isHouse: house > 0, isNotKnown: !isUpstream(repo), isMoving: at.moves(),
		isPrivate: !publicHosts[repo.Registry()], isOwned: space != "",
	} {
		if holds {
			weight |= bit
		}
	}
	return weight, house
}

// settleSpaces notes which images of the apps are of one namespace.
func (g *ground) settleSpaces(units []*unit) {
	g.spaces = map[string]map[image.Repository]bool{}
	for _, u := range units {
		for _, repo := range u.images() {
			space := namespace(repo)
			if space == "" || isUpstream(repo) {
				continue
			}
			if g.spaces[space] == nil {
				g.spaces[space] = map[image.Repository]bool{}
			}
			g.spaces[space][repo] = true
		}
	}
}

// namespace returns whose image it is as far as its name says: the registry
// with the first segment, or alone if there is none; "" for the images that
// Docker Hub has without a namespace.
func namespace(repo image.Repository) string {
	first, _, hasMore := strings.Cut(repo.Path(), "/")
	switch {
	case hasMore && first == "library" && repo.Registry() == "docker.io":
		return ""
	case !hasMore:
		return repo.Registry()
	}
	return repo.Registry() + "/" + first
}

// isUpstream reports whether an image is one that everybody runs, or a copy of
// it.
func isUpstream(repo image.Repository) bool {
	base := strings.ToLower(repo.Base())
	first, _, _ := strings.Cut(repo.Path(), "/")
	return upstreamNames[base] || upstreamHosts[repo.Registry()] || publicHosts[repo.Registry()] && upstreamSpaces[first] ||
		strings.HasSuffix(squash(base), "exporter")
}

// likeness says how much the name of a unit, if it is no guess from its
// images, is that of an image.
func (u *unit) likeness(repo image.Repository) int {
	if u.named() == 0 {
		return 0
	}
	return likeness(u.name, repo)
}

// sole returns the only image of a unit, if tags without an image may be its.
func (u *unit) sole() (image.Repository, bool) {
	images := u.images()
	if len(images) != 1 || isUpstream(images[0]) && u.likeness(images[0]) < 2 {
		return "", false
	}
	return images[0], true
}

// hasOpen reports whether a unit has tags whose image is not known.
func (u *unit) hasOpen() bool {
	return slices.ContainsFunc(u.homes, func(h home) bool {
		return slices.ContainsFunc(h.tags, func(t tag) bool { return t.image == "" })
	})
}
