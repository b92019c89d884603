// Command render fills the template of the krew manifest for the archives of "make snapshot":
//
//	render TEMPLATE DIST
//
// DIST is the folder that GoReleaser has filled. The version is the one that GoReleaser has
// recorded in its metadata.json. The manifest gets the template's name, in DIST.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/krew/manifest"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: render TEMPLATE DIST")
		os.Exit(2)
	}
	if err := render(os.Args[1], os.Args[2], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// render writes the manifest and prints its path.
func render(template, dist string, stdout io.Writer) error {
	text, err := os.ReadFile(template)
	if err != nil {
		return err
	}
	version, err := snapshotVersion(dist)
	if err != nil {
		return err
	}
	filled, err := manifest.Render(text, "v"+version, manifest.Folder(dist))
	if err != nil {
		return err
	}
	file := filepath.Join(dist, filepath.Base(template))
	if err := os.WriteFile(file, filled, 0o644); err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, file)
	return err
}

// snapshotVersion is the version of the archives in a folder, without a leading v.
func snapshotVersion(dist string) (string, error) {
	file := filepath.Join(dist, "metadata.json")
	content, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("there is no snapshot, \"make snapshot\" builds it: %w", err)
	}
	var metadata struct {
		Version string `json:"version"`
	}
	if err := json.Unmarshal(content, &metadata); err != nil {
		return "", fmt.Errorf("read %q: %w", file, err)
	}
	if metadata.Version == "" {
		return "", fmt.Errorf("%q names no version", file)
	}
	return metadata.Version, nil
}
