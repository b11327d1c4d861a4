package providertest

import (
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"

	"github.com/towpath-dev/towpath/providers"
)

var commentTests = map[string]func(*scene){
	"Add":        testAddComment,
	"Upsert":     testUpsert,
	"Foreign":    testForeignComment,
	"Duplicates": testDuplicates,
	"Unchanged":  testUnchangedComment,
	"Limit":      testTextLimit,
	"Hidden":     testHidden,
}

// comments returns the comments on a pull request.
func (s *scene) comments(number int) []providers.Comment {
	s.Helper()
	out, err := s.r.Comments(s.ctx, number)
	s.check(err)
	return out
}

// withText returns the comments that hold a text.
func (s *scene) withText(number int, text string) []providers.Comment {
	s.Helper()
	return slices.DeleteFunc(s.comments(number), func(c providers.Comment) bool { return !strings.Contains(c.Body, text) })
}

func testAddComment(s *scene) {
	s.beginWith(map[string]string{"a.txt": "a\n"})
	p := s.open("x")
	if got := s.comments(p.Number); len(got) > 0 {
		s.Errorf("got %+v before any comment", got)
	}
	body := "First **one**: ü & `code`\n\n- a\n- b\n\nEnd."
	first, err := s.r.AddComment(s.ctx, p.Number, body)
	s.check(err)
	second, err := s.f.As(s, Admin).AddComment(s.ctx, p.Number, "Second")
	s.check(err)
	// What the forge notes by itself is no comment.
	title := "A new title"
	_, err = s.r.UpdatePull(s.ctx, p.Number, providers.PullUpdate{Title: &title})
	s.check(err)
	got := s.comments(p.Number)
	if len(got) != 2 || got[0].ID != first.ID || got[1].ID != second.ID || first.ID == second.ID {
		s.Fatalf("got %+v", got)
	}
	for _, c := range []providers.Comment{first, got[0]} {
		if c.Body != body || c.Author.ID != s.f.User(Writer).ID || c.Created.IsZero() {
			s.Errorf("got %+v", c)
		}
	}
	if got[1].Author.ID != s.f.User(Admin).ID {
		s.Errorf("the second comment is by %+v", got[1].Author)
	}
}

func testUpsert(s *scene) {
	s.beginWith(map[string]string{"a.txt": "a\n"})
	p := s.open("x")
	one, err := s.r.UpsertComment(s.ctx, p.Number, "plan", "Plan, first.")
	s.check(err)
	other, err := s.r.UpsertComment(s.ctx, p.Number, "plan-b", "Another key.")
	s.check(err)
	two, err := s.r.UpsertComment(s.ctx, p.Number, "plan", "Plan, second.\n\nWith more.")
	s.check(err)
	if one.ID != two.ID || one.ID == other.ID {
		s.Errorf("the ids are %s, %s for the same key and %s for another", one.ID, two.ID, other.ID)
	}
	got := s.comments(p.Number)
	if len(got) != 2 || !strings.Contains(got[0].Body, "Plan, second.\n\nWith more.") || strings.Contains(got[0].Body, "first") ||
		!strings.Contains(got[1].Body, "Another key.") {
		s.Errorf("got %+v", got)
	}
}

func testForeignComment(s *scene) {
	s.beginWith(map[string]string{"a.txt": "a\n"})
	p := s.open("x")
	_, err := s.r.UpsertComment(s.ctx, p.Number, "plan", "Mine.")
	s.check(err)
	raw := s.withText(p.Number, "Mine.")[0].Body
	// Somebody else pastes the whole comment, marker and all, to another pull
	// request, which has none yet.
	p = s.open("y")
	foreign, err := s.f.As(s, Admin).AddComment(s.ctx, p.Number, raw)
	s.check(err)
	again, err := s.r.UpsertComment(s.ctx, p.Number, "plan", "Again.")
	s.check(err)
	if again.ID == foreign.ID {
		s.Error("another's comment was taken for the credential's own")
	}
	got := s.comments(p.Number)
	i := slices.IndexFunc(got, func(c providers.Comment) bool { return c.ID == foreign.ID })
	if i < 0 || got[i].Body != raw || got[i].Author.ID != s.f.User(Admin).ID {
		s.Errorf("got %+v, want the other's comment untouched", got)
	}
}

func testDuplicates(s *scene) {
	s.beginWith(map[string]string{"a.txt": "a\n"})
	p := s.open("x")
	first, err := s.r.UpsertComment(s.ctx, p.Number, "plan", "First.")
	s.check(err)
	raw := s.withText(p.Number, "First.")[0].Body
	for range 2 {
		_, err := s.r.AddComment(s.ctx, p.Number, raw)
		s.check(err)
	}
	said, err := s.r.AddComment(s.ctx, p.Number, "No marker.")
	s.check(err)
	kept, err := s.r.UpsertComment(s.ctx, p.Number, "plan", "Last.")
	s.check(err)
	var ids []string
	for _, c := range s.comments(p.Number) {
		ids = append(ids, c.ID)
	}
	if diff := cmp.Diff([]string{first.ID, said.ID}, ids); diff != "" || kept.ID != first.ID {
		s.Errorf("kept %s:\n%s", kept.ID, diff)
	}
	if got := s.withText(p.Number, "Last."); len(got) != 1 {
		s.Errorf("got %+v", got)
	}
}

func testUnchangedComment(s *scene) {
	s.beginWith(map[string]string{"a.txt": "a\n"})
	p := s.open("x")
	body := "The same.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"
	one, err := s.r.UpsertComment(s.ctx, p.Number, "plan", body)
	s.check(err)
	written := s.written(func() {
		two, err := s.r.UpsertComment(s.ctx, p.Number, "plan", body)
		s.check(err)
		if two.ID != one.ID || !two.Updated.Equal(one.Updated) {
			s.Errorf("got %+v, was %+v", two, one)
		}
	})
	if len(written) > 0 {
		s.Errorf("it was written again: %v", written)
	}
	if got := s.comments(p.Number); len(got) != 1 {
		s.Errorf("got %+v", got)
	}
}

// written returns the requests that do something wrote, if there is a wire.
func (s *scene) written(do func()) []string {
	s.Helper()
	if s.f.Wire == nil {
		do()
		return nil
	}
	s.f.Wire.Cause(Accident{Match: Writes, Before: func() {}})
	s.f.Wire.Requests()
	do()
	if !s.f.Wire.Happened() {
		return nil
	}
	return s.f.Wire.Requests()
}

func testTextLimit(s *scene) {
	s.beginWith(map[string]string{"a.txt": "a\n"})
	p := s.open("x")
	limit := s.r.TextLimit()
	if limit < 1000 {
		s.Fatalf("the limit is %d", limit)
	}
	// A limit of a million is believed.
	body := strings.Repeat("äb c\n", min(limit, 70_000)/5)
	c, err := s.r.AddComment(s.ctx, p.Number, strings.TrimSpace(body))
	s.check(err)
	if got := s.comments(p.Number); len(got) != 1 || got[0].ID != c.ID || got[0].Body != strings.TrimSpace(body) {
		s.Errorf("got %d comments, the first of other text", len(got))
	}
	_, err = s.r.UpdatePull(s.ctx, p.Number, providers.PullUpdate{Body: &body})
	s.check(err)
}

func testHidden(s *scene) {
	s.beginWith(map[string]string{"a.txt": "a\n"})
	text := "towpath v1 subject=bump/web versions=1.2.3+4,sha256:abc closed"
	line := s.r.Hidden(text)
	if strings.ContainsAny(line, "\r\n") || !strings.Contains(line, text) || line == text {
		s.Errorf("the line is %q", line)
	}
	if s.r.Hidden("a") == s.r.Hidden("b") {
		s.Error("two texts have one line")
	}
	p := s.open("x")
	body := "Above.\n\n" + line + "\n\nBelow."
	got, err := s.r.UpdatePull(s.ctx, p.Number, providers.PullUpdate{Body: &body})
	s.check(err)
	if got.Body != body {
		s.Errorf("the body is %q, want %q", got.Body, body)
	}
}
