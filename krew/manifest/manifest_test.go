package manifest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

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
