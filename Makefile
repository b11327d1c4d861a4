# Needs Go and git; a C compiler for the race detector. The tools of lint, e2e
# and compare are built once, from their modules in .ci/tools, into the cache.

.DEFAULT_GOAL := help

# What a fuzz test gets: a time, or a number of runs such as 2000x.
FUZZTIME ?= 1m
# More flags for the comparison, such as COMPARE='-dir ../config -list'.
COMPARE ?=

.PHONY: help
help: ## this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## (.*)/\1|\2/' | while IFS='|' read -r name text; do printf '  %-8s %s\n' "$$name" "$$text"; done

.PHONY: build
build: ## build bin/towpath, static
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o bin/ ./cmd/towpath

.PHONY: test
test: ## run the tests, with the race detector where there is a C compiler
	@cc=$$(go env CC); \
	if printf '#include <stdlib.h>\n' | $$cc -E - >/dev/null 2>&1; then \
		set -x; CGO_ENABLED=1 go test -race -shuffle=on ./...; \
	else \
		echo "skipped: the race detector: no C compiler ($$cc) with its headers"; \
		set -x; go test -shuffle=on ./...; \
	fi

.PHONY: lint
lint: ## check the format, the code, the workflows, known vulnerabilities and go.mod
	@bad=$$(gofmt -l .); if [ -n "$$bad" ]; then printf 'not as gofmt writes it:\n%s\n' "$$bad"; exit 1; fi
	go vet ./...
	@lint=$$(.ci/tools/build golangci-lint) && set -x && "$$lint" run ./...
	@lint=$$(.ci/tools/build actionlint) && set -x && "$$lint"
	.ci/tools/vulncheck ./...
	go mod tidy -diff

.PHONY: e2e
e2e: build ## run what needs real parts: a real Gitea, the comparison in small, and each fuzz test for a moment
	@if gitea=$$(.ci/tools/build gitea); then \
		set -x; \
		TOWPATH_GITEA="$$gitea" go test -shuffle=on -timeout 30m ./providers/gitea/... && \
		TOWPATH_GITEA="$$gitea" go test -run Gitea ./internal/propose; \
	else \
		echo "skipped: a real Gitea: it could not be built"; \
	fi
	$(MAKE) compare COMPARE='-apps 50 -files 500 -size 500000 -runs 1'
# By count: Go 1.26 fails now and then when a time runs out (go.dev/issue/75804).
	$(MAKE) fuzz FUZZTIME=2000x

.PHONY: fuzz
fuzz: ## run each fuzz test for FUZZTIME (1m)
	@set -e; \
	grep -rlE --include='*_test.go' '^func Fuzz' . | xargs -n 1 dirname | sort -u | while read -r dir; do \
		for name in $$(sed -nE 's/^func (Fuzz[A-Za-z0-9_]*)\(.*/\1/p' "$$dir"/*_test.go); do \
			echo "fuzz $$dir $$name"; \
			go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 20x "$$dir" </dev/null; \
		done; \
	done

.PHONY: bench
bench: ## run the benchmarks, then the comparison
	go test -run '^$$' -bench . -benchmem ./...
	$(MAKE) compare

.PHONY: compare
compare: build ## compare bin/towpath with grep, yq and kustomize (flags in COMPARE)
	@yq=$$(.ci/tools/build yq) && kustomize=$$(.ci/tools/build kustomize) && set -x && \
	go run ./internal/compare -towpath bin/towpath -yq "$$yq" -kustomize "$$kustomize" $(COMPARE)

.PHONY: demo
demo: ## show towpath at work on a config repo in a temporary folder
	go run ./cmd/towpath demo

.PHONY: ci
ci: ## run what a change must pass: test, lint, e2e
	.ci/run
