package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/providers"
	"github.com/towpath-dev/towpath/providers/memory"
)

// demoToken is what the demo's forge takes for a token.
const demoToken = "demo-token"

func newDemoForge(c console) *cobra.Command {
	listen, from := "127.0.0.1:8480", ""
	cmd := &cobra.Command{
		Use:   "forge",
		Short: "Serve a small forge from memory, to try commands against",
		Long: `Serve a small forge from memory, to try commands against.

It speaks GitHub's API, holds the demo's config repo, or a copy of a folder of
yours, and shows the pull requests as plain pages. All of it is gone when it ends. It takes one well-known token,
so it should listen on this machine only.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := fromEnvironment(cmd, c.env); err != nil {
				return err
			}
			ctx := cmd.Context()
			files, err := demoFiles()
			if from != "" {
				files, err = folderFiles(ctx, from)
			}
			if err != nil {
				return err
			}
			f, err := startDemoForge(ctx, listen, files, c.now)
			if err != nil {
				return err
			}
			fmt.Fprintf(c.out, `A forge serves acme/config at %[1]s until it is interrupted. In another terminal:

  export TOWPATH_TOKEN=%[2]s
  towpath doctor --repo %[1]s/acme/config
  towpath bump ghcr.io/acme/web:1.5.0 --repo %[1]s/acme/config
`, f.url, demoToken)
			<-ctx.Done()
			return f.close()
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "serve a copy of the files in this `DIR`")
	cmd.Flags().StringVar(&listen, "listen", listen, "the `ADDRESS` to listen on; port 0 picks a free one")
	return cmd
}

// demoForge is a forge in memory that listens.
type demoForge struct {
	url    string
	repo   *memory.Repo
	server *http.Server
	served chan error
}

func startDemoForge(ctx context.Context, listen string, files map[string]memory.File, now func() time.Time) (*demoForge, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", listen)
	if err != nil {
		return nil, &fault.Error{Code: fault.Failed, Message: "the forge cannot listen", Err: err, Hint: "give another --listen, such as 127.0.0.1:0"}
	}
	f := &demoForge{url: "http://" + listener.Addr().String(), served: make(chan error, 1)}
	forge := memory.New(memory.Options{Server: f.url, Now: now})
	forge.AddAccount(memory.Account{Login: "ada", Name: "Ada"})
	forge.AddAccount(memory.Account{Login: "towpath-bot", Bot: true, Token: demoToken, Scopes: []string{"repo"}})
	f.repo, err = forge.AddRepo("acme/config", memory.RepoOptions{
		Files: files, Author: "ada",
		Members: map[string]providers.Permission{"ada": providers.CanAdmin, "towpath-bot": providers.CanWrite},
	})
	if err != nil {
		return nil, fmt.Errorf("make the demo's repository: %w", errors.Join(err, listener.Close()))
	}
	mux := http.NewServeMux()
	mux.Handle("/", forge.GitHub())
	mux.HandleFunc("GET /acme/config", f.page)
	mux.HandleFunc("GET /acme/config/pull/{number}", f.page)
	f.server = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { f.served <- f.server.Serve(listener) }()
	return f, nil
}

// demoFiles are those of the demo's config repo.
func demoFiles() (map[string]memory.File, error) {
	out := map[string]memory.File{}
	err := fs.WalkDir(demoRepo, "demo", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := demoRepo.ReadFile(path)
		out[strings.TrimPrefix(path, "demo/")] = memory.File{Content: content}
		return err
	})
	return out, err
}

// folderFiles are those of a checkout, as far as they may be edited.
func folderFiles(ctx context.Context, dir string) (map[string]memory.File, error) {
	checkout, err := openRepo(ctx, dir)
	if err != nil {
		return nil, err
	}
	out := map[string]memory.File{}
	err = checkout.Files(ctx, func(path string) bool {
		mode := providers.Regular
		if info, err := os.Stat(filepath.Join(checkout.Dir(), filepath.FromSlash(path))); err == nil && info.Mode()&0o100 != 0 {
			mode = providers.Executable
		}
		// What cannot be read as text is of no use here.
		if content, err := checkout.Read(path, nil); err == nil {
			out[path] = memory.File{Mode: mode, Content: content}
		}
		return true
	})
	return out, err
}

// page shows the pull requests as text.
func (f *demoForge) page(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_ = f.repo.Do(func(s *memory.State) error {
		f.list(w, s, r.PathValue("number"))
		return nil
	})
}

func (f *demoForge) list(w io.Writer, s *memory.State, only string) {
	fmt.Fprint(w, "acme/config, on a forge that lives in memory\n")
	for _, p := range s.Pulls {
		if only != "" && fmt.Sprint(p.Number) != only {
			continue
		}
		fmt.Fprintf(w, "\n#%d %s (%s, from %s into %s)\n\n%s\n", p.Number, p.Title, p.State, p.HeadBranch, p.Base, p.Body)
		for _, change := range s.PullChanges(p) {
			fmt.Fprintf(w, "  %s %s\n", change.Status, change.Path)
		}
	}
}

func (f *demoForge) close() error {
	err := f.server.Close()
	if e := <-f.served; !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(err, e)
	}
	return err
}
