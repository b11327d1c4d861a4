package memory

import (
	"context"
	"unicode/utf8"

	"github.com/towpath-dev/towpath/providers"
)

// descriptionLimit is GitHub's, in characters.
const descriptionLimit = 140

func (r *repository) SetStatus(ctx context.Context, sha string, status providers.Status) error {
	return r.write(ctx, "set a status", func(s session) error {
		if _, err := s.commit(sha); err != nil {
			return err
		}
		status.Description = cut(status.Description, descriptionLimit)
		s.SetStatus(sha, s.me.Login, status)
		return nil
	})
}

// cut returns at most n characters of a text, the last of them … if there were
// more.
func cut(text string, n int) string {
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	return string([]rune(text)[:n-1]) + "…"
}

func (r *repository) Checks(ctx context.Context, sha string) ([]providers.Check, error) {
	var out []providers.Check
	err := r.read(ctx, "list checks", func(s session) error {
		if _, err := s.commit(sha); err != nil {
			return err
		}
		out = s.Checks(sha)
		return nil
	})
	return out, err
}

func (r *repository) Report(ctx context.Context, sha string, report providers.Report) error {
	return r.write(ctx, "report", func(s session) error {
		if _, err := s.commit(sha); err != nil {
			return err
		}
		s.SetReport(sha, s.me.Login, report)
		return nil
	})
}
