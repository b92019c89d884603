package docs

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/words"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin"
)

const readme = "../../README.md"

// TestPagesNameFlagsThatExist makes sure that what the README and the pages call a flag of the plugin is one.
func TestPagesNameFlagsThatExist(t *testing.T) {
	var known []string
	collect := func(flags *pflag.FlagSet) { flags.VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) }) }
	root := plugin.NewCommand(genericiooptions.NewTestIOStreamsDiscard())
	var visit func(*cobra.Command)
	visit = func(command *cobra.Command) {
		collect(command.Flags())
		collect(command.PersistentFlags())
		for _, child := range command.Commands() {
			visit(child)
		}
	}
	visit(root)
	// In code, a flag of ours stands alone or follows our name; kubectl create has flags of its own.
	flag := regexp.MustCompile("`--([a-z][a-z-]*)|cnpg-netpol [^`\n|]*?--([a-z][a-z-]*)")
	for _, page := range pages(t) {
		for _, match := range flag.FindAllStringSubmatch(read(t, page), -1) {
			if name := match[1] + match[2]; !slices.Contains(known, name) {
				t.Errorf("%s names --%s, which no command has", page, name)
			}
		}
	}
}

// TestReadmeNamesCommands makes sure that whoever reads the README learns of every command that does
// something to a database or says something about it.
func TestReadmeNamesCommands(t *testing.T) {
	text := read(t, readme)
	for _, command := range plugin.NewCommand(genericiooptions.NewTestIOStreamsDiscard()).Commands() {
		if name := command.Name(); name != "help" && !strings.Contains(text, name) {
			t.Errorf("the README does not name the command %s", name)
		}
	}
}

// TestLinks makes sure that every file that a page links to is there.
func TestLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`)
	for _, page := range pages(t) {
		for _, to := range found(link, read(t, page)) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), filepath.FromSlash(to))); err != nil {
				t.Errorf("%s links to %s: %v", page, to, err)
			}
		}
	}
}

// pages are the README and the pages of this folder that somebody writes.
func pages(t *testing.T) []string {
	t.Helper()
	names, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	names = slices.DeleteFunc(names, isGenerated)
	if len(names) == 0 {
		t.Fatal("there are no pages")
	}
	return append(names, readme)
}

// TestPoliciesNameTheDocument makes sure that policies.md says for each kind of client of CloudNativePG's
// documentation which flag of ours is the documentation's policy.
func TestPoliciesNameTheDocument(t *testing.T) {
	text := read(t, "policies.md")
	for _, d := range policyset.Definitions() {
		if d.Document == "" {
			continue
		}
		if !regexp.MustCompile(`(?m)^\|[^|]*` + "`" + d.Document + "`" + `[^|]*\|.*` + "`" + d.Flag + `\b`).MatchString(text) {
			t.Errorf("policies.md has no row with the documentation's %s and our %s", d.Document, d.Flag)
		}
	}
}

// TestCodes makes sure that every posture and every finding code of the machine output has its line in
// findings.md, and that it knows no others.
func TestCodes(t *testing.T) {
	text := read(t, "findings.md")
	types := read(t, "../../internal/api/v1alpha1/report.go") + read(t, "../../internal/api/v1alpha1/finding.go")
	for _, c := range []struct{ title, kind string }{{"## Postures", "Posture"}, {"## Findings", "FindingCode"}} {
		constants := found(regexp.MustCompile(`(?m)^\t\w+ +`+c.kind+` += "([A-Z_]+)"`), types)
		rows := found(regexp.MustCompile("(?m)^\\| `([A-Z_]+)`"), section(t, text, c.title))
		if len(constants) == 0 {
			t.Errorf("no constant of type %s was found", c.kind)
		}
		for _, constant := range constants {
			if !slices.Contains(rows, constant) {
				t.Errorf("%s: findings.md does not explain %s", c.title, constant)
			}
		}
		for _, row := range rows {
			if !slices.Contains(constants, row) {
				t.Errorf("%s: findings.md explains %s, which does not exist", c.title, row)
			}
		}
	}
}

// TestFindingsSayWhatRulesSay makes sure that findings.md and the rules of SARIF are the same.
func TestFindingsSayWhatRulesSay(t *testing.T) {
	text := read(t, "findings.md")
	rows := found(regexp.MustCompile("(?m)^\\| `([A-Z_]+)`"), section(t, text, "## Findings"))
	if rules := words.Rules(); len(rules) != len(rows) {
		t.Errorf("findings.md has %d rows, and there are %d rules in internal/report/words", len(rows), len(rules))
	}
	for _, r := range words.Rules() {
		if row := fmt.Sprintf("| %#q | %s | %s | %s |\n", r.Code, r.Severity, r.Meaning, r.Remedy); !strings.Contains(text, row) {
			t.Errorf("findings.md has no row %s", row)
		}
	}
}

// TestFields compares the fields of reports and previews with those that output.md lists.
func TestFields(t *testing.T) {
	page := read(t, "output.md")
	const preview, clients = "## What a lockdown would change", "## Who uses a database"
	reports, _, _ := strings.Cut(page, clients)
	for rows, object := range map[string]reflect.Type{
		reports:                   reflect.TypeFor[v1alpha1.IsolationReport](),
		section(t, page, preview): reflect.TypeFor[v1alpha1.ChangePreview](),
		section(t, page, clients): reflect.TypeFor[v1alpha1.ClientList](),
	} {
		for i := range object.NumField() {
			field := object.Field(i)
			name := jsonName(field)
			if name == "" || field.Type.Kind() != reflect.Slice {
				continue
			}
			row := regexp.MustCompile("(?m)^\\| `" + name + `\[\]` + "` .*$").FindString(rows)
			if row == "" {
				t.Errorf("output.md has no row for %s[] of %s", name, object.Name())
				continue
			}
			if field.Type.Elem().Kind() != reflect.Struct {
				continue
			}
			for _, inner := range jsonNames(field.Type.Elem()) {
				if !regexp.MustCompile("`" + inner + "(\\[\\])?`").MatchString(row) {
					t.Errorf("the row of %s[] of %s does not name %s", name, object.Name(), inner)
				}
			}
		}
	}
	types := read(t, "../../internal/api/v1alpha1/changepreview.go")
	for _, reason := range regexp.MustCompile(`(?m)RefusalReason += "([A-Z_]+)"`).FindAllStringSubmatch(types, -1) {
		if !strings.Contains(page, reason[1]) {
			t.Errorf("output.md does not name the reason %s", reason[1])
		}
	}
}

// jsonNames are the names of a struct's fields, those of embedded structs included.
func jsonNames(structure reflect.Type) []string {
	var found []string
	for i := range structure.NumField() {
		field := structure.Field(i)
		if name := jsonName(field); name != "" {
			found = append(found, name)
		} else {
			found = append(found, jsonNames(field.Type)...)
		}
	}
	return found
}

func jsonName(field reflect.StructField) string {
	name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
	return name
}

func read(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(content), "\r\n", "\n")
}

// section is the part of a page from a title to the next one of its level.
func section(t *testing.T, text, title string) string {
	t.Helper()
	_, rest, found := strings.Cut(text, "\n"+title+"\n")
	if !found {
		t.Fatalf("there is no section %q", title)
	}
	if body, _, found := strings.Cut(rest, "\n## "); found {
		return body
	}
	return rest
}

// found are the first groups of all matches.
func found(pattern *regexp.Regexp, text string) []string {
	var out []string
	for _, match := range pattern.FindAllStringSubmatch(text, -1) {
		out = append(out, match[1])
	}
	return out
}
