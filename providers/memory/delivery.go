package memory

import "github.com/towpath-dev/towpath/providers"

// Delivery is what happened in a repository, for a server that imitates a forge
// to make webhooks of. What it points to are copies of what was then.
type Delivery struct {
	Repo    string // path
	Kind    providers.EventKind
	Action  string // finer than the kind: opened, reopened, ready, edited, labelled, closed, created
	Actor   string // login; "" if nobody in particular did it
	Pull    *Pull
	Before  string // for PullPushed, where its head was
	Push    *providers.Push
	SHA     string // for ChecksMoved
	Check   *providers.Check
	Review  *Review
	Comment *Comment
}

// Listen has a function called for everything that happens from now on, in the
// order in which it does for each repository's [Repo.Do], by whoever made it
// happen and before its Do returns. The state is not locked then.
func (f *Forge) Listen(hear func(Delivery)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hear = append(f.hear, hear)
}

func (f *Forge) deliver(heard []Delivery) {
	if len(heard) == 0 {
		return
	}
	f.mu.RLock()
	listeners := f.hear[:len(f.hear):len(f.hear)]
	f.mu.RUnlock()
	for _, d := range heard {
		for _, hear := range listeners {
			hear(d)
		}
	}
}

// tell keeps a delivery until the state is unlocked.
func (s *State) tell(d Delivery) {
	d.Repo = s.repo.path
	if d.Pull != nil {
		d.Pull = d.Pull.clone()
	}
	s.heard = append(s.heard, d)
}
