// Package manifest fills the template of the plugin's krew manifest, krew/cnpg-netpol.yaml, as
// krew-release-bot does for a release, with archives that lie in a folder. It downloads nothing.
package manifest

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"text/template"
)

// Render fills a template for the release with the given tag. Archives maps an archive's URL to
// its file; Folder does so for the usual names. All archives that are missing are named at once.
func Render(text []byte, tag string, archives func(uri string) (file string)) ([]byte, error) {
	var missing []error
	outer, err := template.New("manifest").Funcs(template.FuncMap{
		"indent": indent,
		"addURIAndSha": func(text, tag string) (string, error) {
			uri, err := expand(text, tag)
			if err != nil {
				return "", err
			}
			sum, err := digest(archives(uri))
			if err != nil {
				missing = append(missing, err)
			}
			return fmt.Sprintf("uri: %s\nsha256: %s", uri, sum), nil
		},
	}).Parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("read the template: %w", err)
	}
	var filled bytes.Buffer
	if err := outer.Execute(&filled, release{tag}); err != nil {
		return nil, fmt.Errorf("fill the template: %w", err)
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("archives of the manifest are missing; \"make snapshot\" builds them: %w", errors.Join(missing...))
	}
	return filled.Bytes(), nil
}

// Folder finds an archive by the last part of its URL in a folder.
func Folder(dir string) func(uri string) string {
	return func(uri string) string {
		name := path.Base(uri)
		if u, err := url.Parse(uri); err == nil {
			name = path.Base(u.Path)
		}
		return filepath.Join(dir, name)
	}
}

// release is what templates refer to.
type release struct {
	// TagName is the Git tag, such as v1.2.3.
	TagName string
}

// expand fills in a URL, which is a template of its own.
func expand(text, tag string) (string, error) {
	inner, err := template.New("uri").Parse(text)
	if err != nil {
		return "", fmt.Errorf("read the URL %q: %w", text, err)
	}
	var uri strings.Builder
	if err := inner.Execute(&uri, release{tag}); err != nil {
		return "", fmt.Errorf("fill the URL %q: %w", text, err)
	}
	return uri.String(), nil
}

// indent puts spaces before every line but the first one, whose indentation is in the template.
func indent(spaces int, text string) string {
	return strings.ReplaceAll(text, "\n", "\n"+strings.Repeat(" ", spaces))
}

// digest is the SHA-256 checksum of a file, in hexadecimal digits.
func digest(file string) (string, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%x", sha256.Sum256(content)), nil
}
