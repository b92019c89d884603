package demo

import (
	"io"
	"io/fs"
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
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin"
)

// TestReadmeFlags compares the flags that the README names in the section of each command with
// those that the command has, both ways.
func TestReadmeFlags(t *testing.T) {
	text := read(t, readme)
	root := plugin.NewCommand(genericiooptions.IOStreams{In: strings.NewReader(""), Out: io.Discard, ErrOut: io.Discard})
	general := section(t, text, "## Commands", "### status")
	flag := regexp.MustCompile("`(?:-[a-zA-Z]`, `)?--([a-z-]+)")
	short := regexp.MustCompile("`-([a-zA-Z])`, `--([a-z-]+)")
	for _, command := range root.Commands() {
		if command.Name() == "help" {
			continue
		}
		t.Run(command.Name(), func(t *testing.T) {
			own := section(t, text, "### "+command.Name(), "### ")
			for _, name := range names(flag, own) {
				if command.Flag(name) == nil {
					t.Errorf("the README names --%s, which the command does not have", name)
				}
			}
			named := append(names(flag, own), names(flag, general)...)
			for _, f := range flagsOf(command) {
				if !slices.Contains(named, f.Name) {
					t.Errorf("the README does not name --%s", f.Name)
				}
				for _, value := range valuesOf(f) {
					if !regexp.MustCompile(`--` + f.Name + ` [^` + "`" + `]*\b` + value + `\b`).MatchString(own + general) {
						t.Errorf("the README does not name the value %s of --%s", value, f.Name)
					}
				}
			}
			for _, match := range short.FindAllStringSubmatch(own+general, -1) {
				if f := command.Flag(match[2]); f != nil && f.Shorthand != match[1] {
					t.Errorf("the README calls --%s also -%s, it is -%s", match[2], match[1], f.Shorthand)
				}
			}
		})
	}
}

// flagsOf are the flags of a command, those that all commands take included.
func flagsOf(command *cobra.Command) []*pflag.Flag {
	var flags []*pflag.Flag
	command.InheritedFlags() // merges the flags of the parents into command.Flags()
	command.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			flags = append(flags, f)
		}
	})
	return flags
}

// valuesOf are the values of a flag that takes one of a few, which its help lists at the end.
func valuesOf(f *pflag.Flag) []string {
	_, list, found := strings.Cut(f.Usage, ": ")
	if !found || !regexp.MustCompile(`^[a-z]+(, [a-z]+)+$`).MatchString(list) {
		return nil
	}
	return strings.Split(list, ", ")
}

// TestReadmeCodes makes sure that every posture and every finding code of the machine output has
// its line in the README, and that the README knows no others.
func TestReadmeCodes(t *testing.T) {
	text := read(t, readme)
	types := read(t, "../../internal/api/v1alpha1/types.go")
	for _, c := range []struct{ title, kind string }{{"### Postures", "Posture"}, {"### Findings", "FindingCode"}} {
		constants := names(regexp.MustCompile(`(?m)^\t\w+ +`+c.kind+` += "([A-Z_]+)"`), types)
		rows := names(regexp.MustCompile("(?m)^\\| `([A-Z_]+)`"), section(t, text, c.title, "### "))
		if len(constants) == 0 {
			t.Errorf("no constant of type %s was found", c.kind)
		}
		for _, constant := range constants {
			if !slices.Contains(rows, constant) {
				t.Errorf("%s: the README does not explain %s", c.title, constant)
			}
		}
		for _, row := range rows {
			if !slices.Contains(constants, row) {
				t.Errorf("%s: the README explains %s, which does not exist", c.title, row)
			}
		}
	}
}

// TestReadmeFields compares the fields of a report with those that the README lists.
func TestReadmeFields(t *testing.T) {
	rows := section(t, read(t, readme), "### Output for programs", "```")
	report := reflect.TypeFor[v1alpha1.IsolationReport]()
	for i := range report.NumField() {
		field := report.Field(i)
		name := jsonName(field)
		if name == "" || field.Type.Kind() != reflect.Slice {
			continue
		}
		row := regexp.MustCompile("(?m)^\\| `" + name + `\[\]` + "` .*$").FindString(rows)
		if row == "" {
			t.Errorf("the README has no row for %s[]", name)
			continue
		}
		for _, inner := range jsonNames(field.Type.Elem()) {
			if !regexp.MustCompile("`" + inner + "(\\[\\])?`").MatchString(row) {
				t.Errorf("the row of %s[] does not name %s", name, inner)
			}
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

// TestContributingMap makes sure that every folder with Go files of this repository is on the map,
// itself or a folder that it is in.
func TestContributingMap(t *testing.T) {
	const root = "../.."
	guide := read(t, filepath.Join(root, "CONTRIBUTING.md"))
	mapped := names(regexp.MustCompile("(?m)^\\| `([^`]+)`"), guide)
	var folders []string
	for _, top := range []string{"cmd", "plugin", "internal", "krew", "e2e"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(path string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case !entry.IsDir():
				return nil
			case entry.Name() == "testdata":
				return fs.SkipDir
			}
			folder, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil {
				folders = append(folders, filepath.ToSlash(folder))
				return fs.SkipDir
			}
			files, err := filepath.Glob(filepath.Join(path, "*.go"))
			if len(files) > 0 {
				folders = append(folders, filepath.ToSlash(folder))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, folder := range folders {
		if !slices.ContainsFunc(mapped, func(m string) bool { return m == folder || strings.HasPrefix(folder, m+"/") }) {
			t.Errorf("CONTRIBUTING.md does not say what lives in %s", folder)
		}
	}
	for _, folder := range mapped {
		if _, err := os.Stat(filepath.Join(root, folder)); err != nil {
			t.Errorf("CONTRIBUTING.md explains %s: %v", folder, err)
		}
	}
}

// section is the part of a text from a title to the next line that begins with end.
func section(t *testing.T, text, title, end string) string {
	t.Helper()
	_, rest, found := strings.Cut(text, "\n"+title+"\n")
	if !found {
		t.Fatalf("the README has no section %q", title)
	}
	if body, _, found := strings.Cut(rest, "\n"+end); found {
		return body
	}
	return rest
}

func names(pattern *regexp.Regexp, text string) []string {
	var found []string
	for _, match := range pattern.FindAllStringSubmatch(text, -1) {
		found = append(found, match[1])
	}
	return found
}
