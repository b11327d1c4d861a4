package gitlabtest

import (
	"maps"
	"slices"
	"strings"

	"github.com/towpath-dev/towpath/providers"
	"github.com/towpath-dev/towpath/providers/memory"
)

// describeCI adds the settings of pipelines to a project. Only maintainers are
// shown whether Auto DevOps is on (GitLab's lib/api/entities/project.rb).
func (c *call) describeCI(project object) {
	project["builds_access_level"], project["ci_config_path"] = "enabled", nil
	if c.server.Builds != "" {
		project["builds_access_level"] = c.server.Builds
	}
	project["jobs_enabled"] = project["builds_access_level"] != "disabled"
	if c.server.CIPath != "" {
		project["ci_config_path"] = c.server.CIPath
	}
	if c.known && c.role() >= providers.CanAdmin {
		project["auto_devops_enabled"] = c.server.AutoDevOps
	}
}

// hasCI reports whether pushes of a commit make pipelines, but for rules.
func (c *call) hasCI(sha string) bool {
	commit := c.Commit(sha)
	if commit == nil || c.server.Builds == "disabled" {
		return false
	}
	path := c.server.CIPath
	if path == "" {
		path = ".gitlab-ci.yml"
	}
	_, ok := commit.Files[path]
	return ok || c.server.AutoDevOps || strings.Contains(path, "@") || strings.Contains(path, "://")
}

// beginPipeline makes the pipeline of the head of a merge request, with one job,
// once it has been read often enough: GitLab makes pipelines in the background.
func (c *call) beginPipeline(p *memory.Pull) {
	if c.server.PipelineAfter == 0 || p.State != providers.Open || !c.hasCI(p.HeadSHA) {
		return
	}
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	key := c.repo.Path() + " " + p.HeadSHA
	if c.server.reads[key]++; c.server.reads[key] == c.server.PipelineAfter {
		c.SetStatus(p.HeadSHA, "", providers.Status{Name: "build", State: providers.Pending, Branch: p.HeadBranch})
	}
}

// pipelineState is that of a commit's pipeline, which is all its statuses; "" if
// it has none.
func (c *call) pipelineState(sha string) string {
	state := ""
	for _, s := range c.Statuses[sha] {
		switch {
		case s.State == providers.Failed:
			return "failed"
		case s.State == providers.Pending:
			state = "running"
		case state == "":
			state = "success"
		}
	}
	return state
}

// pipelineOf (https://docs.gitlab.com/api/pipelines/). Statuses that somebody sets
// are in a pipeline of the source external; jobs have no creator in the store.
func (c *call) pipelineOf(sha string) object {
	statuses := c.Statuses[sha]
	source := "push"
	if statuses[0].Creator != "" {
		source = "external"
	}
	return object{"id": 9000 + statuses[0].ID, "sha": sha, "ref": statuses[0].Branch, "status": c.pipelineState(sha), "source": source}
}

// listPipelines knows the parameter source
// (https://docs.gitlab.com/api/pipelines/#list-project-pipelines).
func (c *call) listPipelines() (any, error) {
	list := []any{}
	for _, sha := range slices.Sorted(maps.Keys(c.Statuses)) {
		if len(c.Statuses[sha]) == 0 {
			continue
		}
		o := c.pipelineOf(sha)
		if source := c.query.Get("source"); source == "" || source == o["source"] {
			list = append(list, o)
		}
	}
	return page(c, list), nil
}
