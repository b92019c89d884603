package kit

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report"
)

func outputCommand() (*cobra.Command, *report.Output) {
	cmd, value := &cobra.Command{Use: "status"}, &report.Output{Format: report.Table}
	OutputVarP(cmd, value, report.Formats())
	return cmd, value
}

func TestOutputFlag(t *testing.T) {
	folder := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const forms = "jsonpath=…, jsonpath-as-json=…, go-template=…, custom-columns=…, jsonpath-file=…, go-template-file=…, custom-columns-file=…"
	for value, want := range map[string]string{
		"json": "", "html": "", "jsonpath={.kind}": "", "jsonpath-as-json={.kind}": "", "go-template={{.kind}}": "", "custom-columns=A:.b": "",
		"jsonpath-file=" + file("path", "{.a}{\"=\"}"): "", "go-template-file=" + file("template", "{{.a}}"): "", "custom-columns-file=" + file("columns", "A\n.b"): "",
		"xml":              "must be one of table, wide, json, yaml, dot, mermaid, html, markdown, sarif, junit, " + forms,
		"table=x":          "must be one of table, wide, json, yaml, dot, mermaid, html, markdown, sarif, junit, " + forms,
		"jsonpath":         "jsonpath takes a template: jsonpath='{.kind}'",
		"go-template=":     "go-template takes a template: go-template='{{.kind}}'",
		"custom-columns":   "custom-columns takes a template: custom-columns=NAME:.metadata.name,POSTURE:.posture",
		"jsonpath-file":    "jsonpath-file takes a template: jsonpath-file=FILE",
		"jsonpath={.a":     "error parsing jsonpath: unclosed action",
		"go-template={{.a": "error parsing template: template: output:1: unclosed action",
		"custom-columns=A": `"A" is no column: write HEADER:JSONPATH, as in NAME:.metadata.name`,
		"custom-columns-file=" + folder + "/none": "read the template: open " + folder + "/none: no such file or directory",
		"jsonpath-file=" + file("bad", "{.a["):    "error parsing jsonpath: unterminated array",
	} {
		cmd, chosen := outputCommand()
		err := cmd.Flags().Set("output", value)
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", value, err)
		case want == "" && (chosen.Format == report.Format(value)) == (chosen.Template != nil):
			t.Errorf("%s: chosen %+v", value, chosen)
		case want == "" && cmd.Flags().Lookup("output").Value.String() != value:
			t.Errorf("%s: it says %s", value, cmd.Flags().Lookup("output").Value)
		case want != "" && (err == nil || !strings.HasSuffix(err.Error(), ": "+want)):
			t.Errorf("%s: error %v, want %s", value, err, want)
		}
	}
}

// A template follows its name without a space.
func TestOutputCompletion(t *testing.T) {
	for typed, want := range map[string]struct {
		values    []string
		directive cobra.ShellCompDirective
	}{
		"j":      {[]string{"json", "junit", "jsonpath=", "jsonpath-as-json=", "jsonpath-file="}, cobra.ShellCompDirectiveNoFileComp},
		"custom": {[]string{"custom-columns=", "custom-columns-file="}, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace},
		"w":      {[]string{"wide"}, cobra.ShellCompDirectiveNoFileComp},
	} {
		cmd, _ := outputCommand()
		complete, _ := cmd.GetFlagCompletionFunc("output")
		if values, directive := complete(cmd, nil, typed); !slices.Equal(values, want.values) || directive != want.directive {
			t.Errorf("%q: %v %d", typed, values, directive)
		}
	}
}
