package house

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

const (
	root   = "../.."
	module = "github.com/cnpg-netpol/kubectl-cnpg-netpol"
)

// The sections of the map that the tests know, by their titles. What is in one that they do not know is
// on a floor like everything else.
const (
	renders  = "Renders"
	computes = "Computes"
	tests    = "Tests and tools"
)

// row is a folder on the map.
type row struct {
	folder, section string
	// floor counts from the top: imports go to higher numbers.
	floor int
}

// house is the map, and what is there.
type house struct {
	rows []row
	// folders are those with Go files and those with a Go module, relative to the root.
	folders []string
}

// read reads the map and looks at the folders.
func read(t *testing.T) house {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, "CONTRIBUTING.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(content), "\n## The map\n")
	if !found {
		t.Fatal("CONTRIBUTING.md has no section \"The map\"")
	}
	text, _, _ = strings.Cut(text, "\n## ")
	var h house
	section := ""
	cell := regexp.MustCompile("^\\| (`[^|]+`) \\|")
	folder := regexp.MustCompile("`([^`]+)`")
	floor := 0
	for line := range strings.Lines(text) {
		if title, ok := strings.CutPrefix(strings.TrimSpace(line), "### "); ok {
			section = title
		} else if match := cell.FindStringSubmatch(line); match != nil {
			floor++
			for _, name := range folder.FindAllStringSubmatch(match[1], -1) {
				h.rows = append(h.rows, row{folder: name[1], section: section, floor: floor})
			}
		}
	}
	for _, wanted := range []string{renders, computes, tests} {
		if !slices.ContainsFunc(h.rows, func(r row) bool { return r.section == wanted }) {
			t.Fatalf("the map has no section %q with folders", wanted)
		}
	}
	h.folders = goFolders(t)
	return h
}

// goFolders are the folders below the root with Go files or a module, those of test data aside.
func goFolders(t *testing.T) []string {
	t.Helper()
	var folders []string
	for _, top := range []string{"cmd", "plugin", "internal", "krew", "e2e"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(path string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil || !entry.IsDir():
				return err
			case entry.Name() == "testdata":
				return fs.SkipDir
			}
			folder, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			folder = filepath.ToSlash(folder)
			if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil {
				folders = append(folders, folder)
				return fs.SkipDir
			}
			files, err := filepath.Glob(filepath.Join(path, "*.go"))
			if len(files) > 0 {
				folders = append(folders, folder)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return folders
}

// row is that of a folder, or of the nearest folder that it is in.
func (h house) row(folder string) *row {
	var nearest *row
	for i := range h.rows {
		if r := &h.rows[i]; within(folder, r.folder) && (nearest == nil || len(r.folder) > len(nearest.folder)) {
			nearest = r
		}
	}
	return nearest
}

func within(folder, outer string) bool {
	return folder == outer || strings.HasPrefix(folder, outer+"/")
}

// exists is true for a folder that is there, and for a pattern that one matches.
func exists(folder string) bool {
	names, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(folder)))
	return err == nil && len(names) > 0
}

// importsOf are the imports of a folder's files that are no tests.
func importsOf(t *testing.T, folder string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(folder), "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range parsed.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// rule is one of the linter depguard.
type rule struct {
	Files []string `json:"files"`
	Deny  []denial `json:"deny"`
}

// denial is a package, and those whose paths begin with it; a "$" at the end is the package alone.
type denial struct {
	Package string `json:"pkg"`
	Why     string `json:"desc"`
}

func (d denial) matches(path string) bool {
	if alone, ok := strings.CutSuffix(d.Package, "$"); ok {
		return path == alone
	}
	return strings.HasPrefix(path, d.Package)
}

// configuration is what the tests read of .golangci.yml.
type configuration struct {
	Linters struct {
		Settings struct {
			Depguard struct {
				Rules map[string]rule `json:"rules"`
			} `json:"depguard"`
		} `json:"settings"`
		Exclusions struct {
			Rules []exclusion `json:"rules"`
		} `json:"exclusions"`
	} `json:"linters"`
}

// exclusion is an exception of the linter.
type exclusion struct {
	Path string `json:"path"`
}

func linter(t *testing.T) configuration {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, ".golangci.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var c configuration
	if err := yaml.Unmarshal(content, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// depguard are the rules by their names.
func depguard(t *testing.T) map[string]rule {
	t.Helper()
	rules := linter(t).Linters.Settings.Depguard.Rules
	if len(rules) == 0 {
		t.Fatal(".golangci.yml has no rules of depguard")
	}
	return rules
}

// goFiles are the files of all folders, relative to the root.
func goFiles(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, folder := range goFolders(t) {
		files, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(folder), "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			out = append(out, folder+"/"+filepath.Base(file))
		}
	}
	return out
}

// pattern is a folder that a rule is about.
type pattern struct {
	folder string
	// alone is true when the rule is not about the folders in it.
	alone bool
}

func (p pattern) covers(folder string) bool {
	return folder == p.folder || !p.alone && within(folder, p.folder)
}

// folders are those that the rule is about: "**/internal/engine/**", or "**/internal/inventory/*.go" for
// a folder without those in it.
func (r rule) folders() []pattern {
	var out []pattern
	for _, file := range r.Files {
		name, ok := strings.CutPrefix(file, "**/")
		if !ok {
			continue
		}
		if folder, ok := strings.CutSuffix(name, "/**"); ok {
			out = append(out, pattern{folder: folder})
		} else if folder, ok := strings.CutSuffix(name, "/*.go"); ok {
			out = append(out, pattern{folder: folder, alone: true})
		}
	}
	return out
}
