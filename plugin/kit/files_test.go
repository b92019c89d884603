package kit

import (
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

func TestFileFlags(t *testing.T) {
	const empty = `invalid argument "VALUE" for "-f, --filename" flag: must specify a file, a directory, or - for stdin, and not an empty name`
	emptyFor := func(value string) string { return strings.ReplaceAll(empty, "VALUE", value) }
	for _, test := range []struct {
		name  string
		flags []string
		files []string
		err   string
	}{
		{"none", nil, nil, ""},
		{"one", []string{"-f", "a.yaml"}, []string{"a.yaml"}, ""},
		{"several", []string{"-f", "a.yaml,b.yaml", "--filename=-"}, []string{"a.yaml", "b.yaml", "-"}, ""},
		{"folders", []string{"-R", "-f", "deploy/"}, []string{"deploy/"}, ""},
		{"a name with a comma", []string{"-f", `"a,b"`}, []string{"a,b"}, ""},
		{"an unset variable", []string{"-f", ""}, nil, emptyFor("")},
		{"an unset variable among others", []string{"-f", "a.yaml", "-f", ""}, nil, emptyFor("")},
		{"an unset variable in a list", []string{"--filename=a.yaml,"}, nil, emptyFor("a.yaml,")},
		{"a space", []string{"-f", " "}, nil, emptyFor(" ")},
		{"subfolders of nothing", []string{"-R"}, nil, "--recursive needs --filename"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var f FileFlags
			cmd := &cobra.Command{}
			f.AddFlags(cmd)
			err := cmd.ParseFlags(test.flags)
			if err == nil {
				err = f.Validate()
			}
			if test.err != "" {
				if err == nil || err.Error() != test.err {
					t.Errorf("got %v, want %s", err, test.err)
				}
				return
			}
			if err != nil || !slices.Equal(f.Filenames, test.files) || f.Given() != (len(test.files) > 0) {
				t.Errorf("got %q, %v", f.Filenames, err)
			}
		})
	}
}
