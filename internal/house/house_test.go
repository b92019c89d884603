package house

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestMapHasEveryFolder makes sure that every folder with Go files or a module is on the map, itself or a
// folder that it is in, and that the map has no others.
func TestMapHasEveryFolder(t *testing.T) {
	house := read(t)
	for _, folder := range house.folders {
		if house.row(folder) == nil {
			t.Errorf("CONTRIBUTING.md does not say what lives in %s: add a row to the map", folder)
		}
	}
	seen := map[string]bool{}
	for _, r := range house.rows {
		if !exists(r.folder) {
			t.Errorf("CONTRIBUTING.md explains %s, which is not there", r.folder)
		}
		if seen[r.folder] {
			t.Errorf("CONTRIBUTING.md explains %s twice", r.folder)
		}
		seen[r.folder] = true
	}
}

// TestImportsRunDownwards makes sure that a package imports only packages that stand below it on the map,
// or in the same row.
func TestImportsRunDownwards(t *testing.T) {
	house := read(t)
	for _, folder := range house.folders {
		from := house.row(folder)
		if from == nil || from.section == tests {
			continue // The other test speaks of the former; what tests may import all that there is.
		}
		for _, path := range importsOf(t, folder) {
			imported, ours := strings.CutPrefix(path, module+"/")
			if !ours {
				continue
			}
			switch to := house.row(imported); {
			case to == nil:
				t.Errorf("%s imports %s, which is not on the map", folder, imported)
			case to.section == tests:
				t.Errorf("%s imports %s, which is for tests", folder, imported)
			case to.floor < from.floor:
				t.Errorf("%s imports %s, which stands above it on the map", folder, imported)
			}
		}
	}
}

// TestLinterKnowsTheMap makes sure that the linter's rules for imports are about the folders that the
// map has in the section of the same name, and about folders that are there.
func TestLinterKnowsTheMap(t *testing.T) {
	house := read(t)
	rules := depguard(t)
	for _, section := range []string{computes, renders} {
		rule, ok := rules[strings.ToLower(section)]
		if !ok {
			t.Errorf(".golangci.yml has no rule of depguard called %s", strings.ToLower(section))
			continue
		}
		for _, r := range house.rows {
			if covered := slices.ContainsFunc(rule.folders(), func(p pattern) bool { return p.covers(r.folder) }); covered != (r.section == section) {
				t.Errorf("%s is in the section %s of the map; that .golangci.yml has it in the rule for %q is %t", r.folder, r.section, section, covered)
			}
		}
	}
	for name, rule := range rules {
		for _, p := range rule.folders() {
			if !exists(p.folder) {
				t.Errorf(".golangci.yml, rule %s: there is no folder %s", name, p.folder)
			}
		}
		for _, denied := range rule.Deny {
			if folder, ours := strings.CutPrefix(strings.TrimSuffix(denied.Package, "$"), module+"/"); ours && !exists(folder) {
				t.Errorf(".golangci.yml, rule %s denies %s, which is not there", name, denied.Package)
			}
		}
	}
}

// TestImportsKeepTheRules is what the linter says about imports, without the linter: what computes knows
// no client, no command line and no stream.
func TestImportsKeepTheRules(t *testing.T) {
	house := read(t)
	rules := depguard(t)
	for _, section := range []string{computes, renders} {
		for _, folder := range house.folders {
			if r := house.row(folder); r == nil || r.section != section {
				continue
			}
			for _, path := range importsOf(t, folder) {
				for _, denied := range rules[strings.ToLower(section)].Deny {
					if denied.matches(path) {
						t.Errorf("%s imports %s: %s", folder, path, denied.Why)
					}
				}
			}
		}
	}
}

// TestCoreKnowsNoCommandLine makes sure that what the rules are about is denied: a rule that denies
// nothing would pass the other tests.
func TestCoreKnowsNoCommandLine(t *testing.T) {
	rules := depguard(t)
	for section, paths := range map[string][]string{
		computes: {"github.com/spf13/cobra", "k8s.io/client-go/kubernetes", "k8s.io/cli-runtime/pkg/genericclioptions", "io", "os", module + "/plugin/kit"},
		renders:  {"github.com/spf13/cobra", "k8s.io/client-go/kubernetes", module + "/plugin/kit"},
	} {
		for _, path := range paths {
			if !slices.ContainsFunc(rules[strings.ToLower(section)].Deny, func(d denial) bool { return d.matches(path) }) {
				t.Errorf(".golangci.yml lets what %s import %s", strings.ToLower(section), path)
			}
		}
	}
}

// TestLinterExcludesWhatIsThere makes sure that each exception of the linter is about a file that is there.
func TestLinterExcludesWhatIsThere(t *testing.T) {
	files := goFiles(t)
	for _, e := range linter(t).Linters.Exclusions.Rules {
		if e.Path == "" {
			continue
		}
		path, err := regexp.Compile(e.Path)
		if err != nil {
			t.Errorf(".golangci.yml: %v", err)
			continue
		}
		if !slices.ContainsFunc(files, path.MatchString) {
			t.Errorf(".golangci.yml has an exception for %q, which no file is called", e.Path)
		}
	}
}
