package manifest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/krew/manifest"
)

const text = `version: {{ .TagName }}
platforms:
  - os: linux
    {{ addURIAndSha "https://example.com/{{ .TagName }}/linux.tar.gz?x=y" .TagName | indent 4 }}
`

func TestRender(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "linux.tar.gz"), []byte("abc"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := manifest.Render([]byte(text), "v1.2.3", manifest.Folder(dir))
	if err != nil {
		t.Fatal(err)
	}
	want := `version: v1.2.3
platforms:
  - os: linux
    uri: https://example.com/v1.2.3/linux.tar.gz?x=y
    sha256: ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad
`
	if string(got) != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestRenderRefuses(t *testing.T) {
	second := strings.ReplaceAll(text, "linux.tar.gz", "plan9.tar.gz")
	tests := map[string]struct {
		text string
		want []string
	}{
		"archives that are not there": {text + second, []string{"make snapshot", "linux.tar.gz", "plan9.tar.gz"}},
		"a broken template":           {"{{ .TagName", []string{"read the template"}},
		"an unknown field":            {"{{ .Tag }}", []string{"fill the template", "Tag"}},
		"a broken URL":                {`{{ addURIAndSha "x/{{" .TagName }}`, []string{`read the URL "x/{{"`}},
		"an unknown field of a URL":   {`{{ addURIAndSha "x/{{ .Arch }}" .TagName }}`, []string{"fill the URL", "Arch"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := manifest.Render([]byte(test.text), "v1.2.3", manifest.Folder(t.TempDir()))
			if err == nil {
				t.Fatalf("no error, but:\n%s", got)
			}
			for _, part := range test.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q is not in: %v", part, err)
				}
			}
		})
	}
}

// TestDescription holds the template to the rules of krew's index for what it shows to users: short lines,
// and no examples of usage, which belong to the help.
func TestDescription(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "cnpg-netpol.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	anything := filepath.Join(t.TempDir(), "archive")
	if err := os.WriteFile(anything, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	filled, err := manifest.Render(text, "v1.2.3", func(string) string { return anything })
	if err != nil {
		t.Fatal(err)
	}
	var plugin struct {
		Spec struct {
			ShortDescription string `json:"shortDescription"`
			Description      string `json:"description"`
		} `json:"spec"`
	}
	if err := yaml.Unmarshal(filled, &plugin); err != nil {
		t.Fatal(err)
	}
	if short := plugin.Spec.ShortDescription; short == "" || len(short) > 50 || strings.HasSuffix(short, ".") {
		t.Errorf("shortDescription %q: want at most 50 characters and no period", short)
	}
	if plugin.Spec.Description == "" || strings.Contains(plugin.Spec.Description, "kubectl cnpg-netpol") {
		t.Errorf("description: want one without examples of usage, got\n%s", plugin.Spec.Description)
	}
	// In the manifest, lines are indented by four.
	for line := range strings.Lines(plugin.Spec.Description) {
		if len(strings.TrimSpace(line)) > 80-4 {
			t.Errorf("description: longer than 80 columns: %s", line)
		}
	}
}
