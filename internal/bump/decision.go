package bump

import (
	"slices"

	"github.com/towpath-dev/towpath/internal/edit"
)

// claim is a stretch of a scalar, by where it starts.
type claim struct {
	node *edit.Node
	from int
}

func (p part) claim() claim { return claim{p.node, p.from} }

// use is the version that a site reads. Sites with the same use, as anchors and
// merge keys make them, are one.
type use struct{ tag, digest claim }

func (s *site) use() use { return use{s.tag.claim(), s.digest.claim()} }

// parts returns the stretches of scalars that the site reads.
func (s *site) parts() []part {
	return slices.DeleteFunc([]part{s.tag, s.digest}, func(p part) bool { return p.node == nil })
}

// decision is what a move does to a site.
type decision struct {
	verdict
	site *site
	move Move
}

// isHeld reports whether what the site reads must stay as it is.
func (c *decision) isHeld() bool { return c.refusal != nil || c.mention != "" }

// apply decides the moves for every site of the document and records what must
// be rewritten. A scalar that several sites read changes for all or for none.
func (d *document) apply() {
	decisions := d.decisions()
	d.holdConflicts(decisions)
	d.holdShared(decisions)
	told := map[claim]bool{}
	for _, c := range decisions {
		d.record(c, told)
	}
}

// decisions judges every site that moves, and returns one decision for each use.
func (d *document) decisions() []*decision {
	sites := d.settled()
	shared := d.shared(sites)
	pinned := map[claim]bool{} // tags that stand next to a digest
	for _, s := range sites {
		if s.digest.node != nil {
			pinned[s.tag.claim()] = true
		}
	}
	var out []*decision
	known := map[use]*decision{}
	for _, s := range sites {
		move, ok := d.run.moves.of(s.image)
		if !ok {
			if d.run.moves.hasBase(s.image) {
				d.run.mention(d, s.place(), reasonOther+", "+s.image.Familiar())
			}
			continue
		}
		if s.joined && s.digest.node == nil && pinned[s.tag.claim()] {
			continue // the same reference, seen without the digest beside it
		}
		for _, p := range s.parts() {
			for _, other := range shared[p.claim()] {
				if other != s.image && s.problem == "" {
					s.problem = other.Familiar() + " takes its version from the same place"
				}
				d.run.file.refused[other] = d.run.file.refused[other] || d.isMoved(other)
			}
		}
		c := &decision{verdict: d.judge(s, move), site: s, move: move}
		if first := known[s.use()]; first == nil {
			known[s.use()] = c
			out = append(out, c)
		} else if first.refusal == nil && c.refusal != nil {
			*first = *c
		}
	}
	return out
}

// judge is [site.judge], but that a rewrite must be possible in the file.
func (d *document) judge(s *site, m Move) verdict {
	v := s.judge(m, d.run.allowDowngrade, d.run.isOlder)
	if len(v.rewrites) > 0 && d.inSealed() {
		return verdict{refusal: sealedFault()}
	}
	for _, r := range v.rewrites {
		c, err := d.change(r)
		if err == nil {
			_, err = d.lift(c)
		}
		if err != nil {
			return verdict{refusal: unlocatedFault(err)}
		}
	}
	return v
}

// change returns what a rewrite changes in the layer's text.
func (d *document) change(r rewrite) (edit.Change, error) {
	text, err := d.tree.Text(r.node)
	if err != nil {
		return edit.Change{}, err
	}
	return text.Replace(r.from, r.to, r.text)
}

// hold refuses a move for what other readers of the same scalar need.
func (c *decision) hold(reason string) {
	c.verdict = refuse("write its version out, or mend the place by hand", "%s cannot be bumped here: %s", c.move.Image.Familiar(), reason)
}

// holdConflicts refuses rewrites that would make different things of one
// stretch of a scalar.
func (d *document) holdConflicts(decisions []*decision) {
	type owned struct {
		rewrite
		owner *decision
	}
	kept := map[*edit.Node][]owned{} // no two of them alike, and none across another
	for _, c := range decisions {
		for _, r := range c.rewrites {
			i := slices.IndexFunc(kept[r.node], func(o owned) bool { return o.meets(r) })
			switch {
			case i < 0:
				kept[r.node] = append(kept[r.node], owned{r, c})
			case kept[r.node][i].rewrite != r:
				const reason = "another use of the same value needs a different one"
				kept[r.node][i].owner.hold(reason)
				c.hold(reason)
			}
		}
	}
}

// meets reports whether two rewrites of a scalar touch the same stretch of it.
func (r rewrite) meets(other rewrite) bool {
	return r.from == other.from || r.from < other.to && other.from < r.to
}

// holdShared refuses to rewrite what a site reads whose version must stay.
func (d *document) holdShared(decisions []*decision) {
	writers := map[*edit.Node][]*decision{}
	var held []*decision
	for _, c := range decisions {
		if c.isHeld() {
			held = append(held, c)
			continue
		}
		for _, r := range c.rewrites {
			writers[r.node] = append(writers[r.node], c)
		}
	}
	for len(held) > 0 {
		c := held[0]
		held = held[1:]
		for _, p := range c.site.parts() {
			for _, writer := range writers[p.node] {
				if !writer.isHeld() {
					writer.hold("its version is also that of a place that must stay as it is")
					held = append(held, writer)
				}
			}
			delete(writers, p.node)
		}
	}
}

// record notes a decision. told holds the stretches that were spoken of: a site
// is told by the first part of its own, and not at all if it has none.
func (d *document) record(c *decision, told map[claim]bool) {
	var own []part
	for _, p := range c.site.parts() {
		if !told[p.claim()] {
			own = append(own, p)
			told[p.claim()] = true
		}
	}
	change := Change{Kind: c.site.kind, Image: c.move.Image, From: c.site.version(), To: c.to, Keys: c.site.keys}
	place := c.site.place()
	if len(own) > 0 {
		place = own[0]
	}
	switch {
	case c.refusal != nil:
		d.run.file.refused[c.site.image] = true
		d.run.refuseAt(d, placeOf(d, place), c.refusal)
		return
	case len(own) == 0:
	case c.mention != "":
		d.run.mention(d, place, c.mention)
	case len(c.rewrites) == 0:
		d.run.current(d, place, change)
	default:
		first := c.rewrites[0]
		if i := slices.IndexFunc(c.rewrites, func(r rewrite) bool { return slices.Contains(own, r.part) }); i >= 0 {
			first = c.rewrites[i]
		}
		offset := placeOf(d, first.part)
		if at, err := d.change(first); err == nil { // a scalar that gets quotes changes from its start
			offset = at.Start
		}
		d.run.changed(d, place, offset, change)
	}
	for _, r := range c.rewrites {
		if !slices.Contains(d.rewrites[r.node], r) {
			d.rewrites[r.node] = append(d.rewrites[r.node], r)
		}
	}
}
