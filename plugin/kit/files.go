package kit

import (
	"encoding/csv"
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/resource"
)

// FileFlags are the flags of all verbs that evaluate manifests in place of a cluster.
type FileFlags struct {
	resource.FilenameOptions
	// Kustomizations are the directories of -k, which kubectl takes only once.
	Kustomizations []string
}

// AddFlags adds -f, -R and -k.
func (f *FileFlags) AddFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringSliceVarP(&f.Filenames, "filename", "f", nil,
		"Manifests to evaluate instead of a cluster: files, directories, or - for stdin")
	filename := flags.Lookup("filename")
	filename.Value, filename.DefValue = filenames{filename.Value}, ""
	flags.BoolVarP(&f.Recursive, "recursive", "R", false, "Look into the subdirectories of -f as well")
	_ = cmd.MarkFlagFilename("filename", "yaml", "yml", "json")
	flags.StringSliceVarP(&f.Kustomizations, "kustomize", "k", nil,
		"Directories of kustomizations to build and evaluate instead of a cluster, also together with -f")
	kustomize := flags.Lookup("kustomize")
	kustomize.Value, kustomize.DefValue = filenames{kustomize.Value}, ""
	_ = cmd.MarkFlagDirname("kustomize")
}

// Given is true when manifests are evaluated.
func (f *FileFlags) Given() bool { return len(f.Filenames)+len(f.Kustomizations) > 0 }

// Validate finds flags that need another one.
func (f *FileFlags) Validate() error {
	if f.Recursive && len(f.Filenames) == 0 {
		return UsageErrorf("--recursive needs --filename")
	}
	return nil
}

// filenames is the value of -f and -k. An empty name, as an unset variable of a pipeline leaves it, must not be
// taken for no -f at all, which asks a cluster.
type filenames struct{ pflag.Value }

// Set refuses empty names, with the words of kubectl for what must be there.
func (f filenames) Set(value string) error {
	names, err := csv.NewReader(strings.NewReader(value)).Read()
	if value == "" || err == nil && slices.ContainsFunc(names, func(name string) bool { return strings.TrimSpace(name) == "" }) {
		return errors.New("must specify a file, a directory, or - for stdin, and not an empty name")
	}
	return f.Value.Set(value)
}
