package kit

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// Whatever a kubeconfig holds, there are settings or an error in lines of their own; nothing of it is run.
func FuzzKubeconfig(f *testing.F) {
	for _, text := range []string{
		"", "[]", "\x00", "apiVersion: v1\nkind: Config\n", "apiVersion: v1\nkind: Pod\n",
		"apiVersion: v1\nkind: Config\nclusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}]\ncontexts: [{name: a, context: {cluster: c, user: u}}]\ncurrent-context: a\nusers: [{name: u, user: {token: x}}]\n",
		"apiVersion: v1\nkind: Config\ncontexts: [{name: a, context: {cluster: nobody}}]\ncurrent-context: a\n",
		"a: &a [*a]\n", strings.Repeat("[", 1000),
	} {
		f.Add(text)
	}
	file := filepath.Join(f.TempDir(), "config")
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		globals := NewGlobals(genericiooptions.IOStreams{In: strings.NewReader(""), Out: io.Discard, ErrOut: io.Discard}, "fuzz")
		*globals.Config.KubeConfig = file
		config, err := globals.RESTConfig()
		if (config == nil) == (err == nil) {
			t.Fatalf("settings %v, error %v", config, err)
		}
		if err == nil {
			return
		}
		for _, line := range ErrorLines(err) {
			if strings.ContainsAny(line, "\r\n") {
				t.Errorf("%q is more than one line", line)
			}
		}
	})
}
