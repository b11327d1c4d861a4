package layout

import (
	"slices"
	"strings"
)

// stages are the words that name environments, in the order in which versions
// usually travel. The words of one stage mean the same.
var stages = [][]string{
	{"local"},
	{"dev", "develop", "development", "devel"},
	{"sandbox", "sbx"},
	{"ci"},
	{"int", "integration"},
	{"test", "testing", "tst"},
	{"qa"},
	{"uat", "acceptance", "acc"},
	{"perf", "load"},
	{"staging", "stage", "stg"},
	{"preprod", "preproduction", "preview", "nonprod"},
	{"demo"},
	{"canary"},
	{"prod", "production", "live", "prd"},
	{"dr"},
}

// stageOf has the index in stages of each word.
var stageOf = func() map[string]int {
	of := map[string]int{}
	for i, words := range stages {
		for _, w := range words {
			of[w] = i
		}
	}
	return of
}()

// telling are the words that are environments wherever they stand. The others
// are names of other things too, and want a second environment beside them.
var telling = setOf("staging stage stg preprod preproduction prod production prd")

// regions are what stands beside the word in prod-eu or us-east-1-prod.
var regions = setOf("africa amer ams ap apac asia au aws az azure br ca central cn de dub east eastus emea eu europe euc eun euw " +
	"fr fra gcp green blue ie in iad jp kr latam lhr lon me na nl no north northeast northeurope northwest nyc on onprem " +
	"primary sa se secondary sfo sg south southeast southwest sp syd uk us use usw west westeurope westus zone")

// homes are folders whose folders are environments, whatever their names.
var homes = setOf("overlays overlay envs environments env environment clusters cluster stages")

// rosters are folders whose files are environments, whatever their names.
var rosters = setOf("envs environments environment clusters stages")

// neverEnvironments are the names in homes that are none.
var neverEnvironments = setOf("all apps argocd base bases charts common component components config configs core crds crd default " +
	"docs flux-system global in-cluster infra infrastructure lib libs library modules namespaces overlays patches policies " +
	"resources scripts secrets shared template templates tests values")

// closed are folders in which nothing is an environment's own.
var closed = setOf("base bases crds docs hack node_modules scripts templates testdata vendor")

// containers are the names of folders that say what sort of thing is in them,
// not which app.
var containers = setOf("app application applications apps argo argocd base chart charts cluster clusters component components config " +
	"configs deploy deployment deployments env environment environments envs flux gitops helm helmfile helmfiles image-tags images " +
	"infra infrastructure k8s kube kubernetes kustomize kustomization live manifests modules namespaces nonprod overlay overlays " +
	"patches platform projects releases resources service services stacks stages svc tags teams tenants terraform tf values versions workloads")

// plain are the names of files that say what sort of thing is in them.
var plain = setOf("all app application compose config docker-compose helm helmfile hr index ks main manifest manifests " +
	"pod resources set-image skaffold source terraform terragrunt variables vars workload workloads")

// kinds are the words that stand beside an app's name in the name of a file.
var kinds = setOf("cronjob daemonset deploy deployment helm-release helmrelease helmrepository image images job " +
	"kustomization namespace ocirepository patch patches release repository rollout service statefulset tag tags values version versions")

func setOf(words string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(words) {
		set[w] = true
	}
	return set
}

// isName reports whether environments, groups and apps may be called so:
// [a-z0-9][a-z0-9._-]*.
func isName(s string) bool {
	for i := range len(s) {
		if !isNameByte(s[i]) {
			return false
		}
	}
	return s != "" && !isSeparator(s[0])
}

func isNameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || isSeparator(c)
}

// token is a word of a name, with where it stands there.
type token struct {
	text       string
	start, end int
}

// tokens cuts a name at its dashes, underscores and dots.
func tokens(name string) []token {
	var out []token
	start := 0
	for i := 0; i <= len(name); i++ {
		if i < len(name) && !isSeparator(name[i]) {
			continue
		}
		if i > start {
			out = append(out, token{name[start:i], start, i})
		}
		start = i + 1
	}
	return out
}

func isSeparator(c byte) bool { return c == '-' || c == '_' || c == '.' }

// stage returns the index in stages of a word such as "prod" or "prod2".
func stage(word string) (int, bool) {
	i, ok := stageOf[word]
	if !ok {
		i, ok = stageOf[withoutNumber(word)]
	}
	return i, ok
}

// withoutNumber drops up to two digits at the end.
func withoutNumber(word string) string {
	if short := strings.TrimRight(word, "0123456789"); len(word)-len(short) <= 2 {
		return short
	}
	return word
}

// isRegion reports whether a word tells environments of one stage apart.
func isRegion(word string) bool {
	short := strings.TrimRight(word, "0123456789")
	switch {
	case short == "":
		return len(word) <= 3
	case len(short) == 1:
		return true
	}
	return regions[short]
}

// span is a name with an environment in it.
type span struct{ before, env, after string }

// known finds an environment by its word in the name of a folder, or of a file
// without its extension: with its region if it has one, and at the end rather
// than elsewhere. So web-prod-eu is prod-eu behind "web-".
func known(name string) (span, bool) {
	words := tokens(name)
	found := span{}
	ok := false
	for i := 0; i < len(words); i++ {
		n := stageWords(words[i:])
		if n == 0 {
			continue
		}
		from, to := i, i+n
		for from > 0 && isRegion(words[from-1].text) {
			from--
		}
		for to < len(words) && (stageWords(words[to:]) > 0 || isRegion(words[to].text)) {
			to += max(stageWords(words[to:]), 1)
		}
		s := span{name[:words[from].start], name[words[from].start:words[to-1].end], name[words[to-1].end:]}
		if !ok || s.after == "" {
			found, ok = s, isName(s.env)
		}
		i = to - 1
	}
	return found, ok
}

// stageWords returns how many of the first words make up one that names an
// environment: 1, 2 for pre-prod, 0 for none.
func stageWords(words []token) int {
	if len(words) > 1 && (words[0].text == "pre" || words[0].text == "non") {
		if _, ok := stage(words[0].text + words[1].text); ok {
			return 2
		}
	}
	if _, ok := stage(words[0].text); ok {
		return 1
	}
	return 0
}

// stageWord returns the earliest stage that the name of an environment names,
// and the word for it as it is written there.
func stageWord(name string) (int, string, bool) {
	best, word := len(stages), ""
	words := tokens(name)
	for i := 0; i < len(words); i++ {
		n := stageWords(words[i:])
		if n == 0 {
			continue
		}
		text := words[i].text
		if n == 2 {
			text += words[i+1].text
		}
		if at, _ := stage(text); at < best {
			best, word = at, name[words[i].start:words[i+n-1].end]
		}
		i += n - 1
	}
	return best, withoutNumber(word), word != ""
}

var extensions = []string{
	".yaml.gotmpl", ".yml.gotmpl", ".auto.tfvars", ".tf.json", ".enc.yaml", ".yaml.tmpl", ".yaml.tpl",
	".yaml", ".yml", ".json", ".tfvars", ".tf", ".hcl", ".jsonnet", ".libsonnet", ".toml",
}

// cutExtension parts the name of a file from its extension, which is "" if it
// is none that configuration has.
func cutExtension(name string) (stem, extension string) {
	i := slices.IndexFunc(extensions, func(e string) bool { return strings.HasSuffix(name, e) && len(name) > len(e) })
	if i < 0 {
		return name, ""
	}
	return strings.TrimSuffix(name, extensions[i]), extensions[i]
}
