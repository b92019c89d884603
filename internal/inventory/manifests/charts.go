package manifests

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/manifests/repository"
)

// unused notes the charts that nobody installs here and whose templates make policies: somebody may install them with helm.
func (l *loader) unused(t *repository.Tree) {
	for _, dir := range t.Charts {
		if l.visited[absolute(dir)] || !makesPolicies(dir) {
			continue
		}
		l.unrendered = append(l.unrendered, unrendered{
			why: "makes policies and was not rendered", what: "chart " + dir,
			remedy: "Render it first, and pass the result with -f -: helm template " + dir,
		})
	}
}

// makesPolicies tells whether the templates of a chart have a policy of a kind that matters.
func makesPolicies(dir string) bool {
	errFound := errors.New("found")
	err := filepath.WalkDir(filepath.Join(dir, "templates"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return nil //nolint:nilerr // What can't be read has no templates.
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil //nolint:nilerr // As above.
		}
		for _, kind := range kindLine.FindAllSubmatch(text, -1) {
			for _, policy := range policyKinds() {
				if string(kind[1]) == string(policy) {
					return errFound
				}
			}
		}
		return nil
	})
	return errors.Is(err, errFound)
}
