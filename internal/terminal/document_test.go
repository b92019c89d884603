package terminal_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
)

// What is written as YAML is YAML, has nothing in it that a terminal would act on, and says what the JSON said.
func FuzzEscapeYAML(f *testing.F) {
	for _, text := range []string{"plain", "x\U000e0041y", "\u202ey", "\u0085", "\x1b[31m", `\ud800`, `\\ud83d\\ude00`, "\U0001f600", "a: b\n- c", `\\\U000e0041`, "\x00\x7f\ufeff"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		data, err := json.Marshal(map[string]string{"message": text})
		if err != nil {
			t.Fatal(err)
		}
		out, err := terminal.EscapeYAML(data)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if !bytes.Equal(out, terminal.EscapeJSON(out)) {
			t.Errorf("%q: a terminal would act on %q", text, out)
		}
		var want, got map[string]string
		if err := json.Unmarshal(data, &want); err != nil {
			t.Fatal(err)
		}
		if err := yaml.Unmarshal(out, &got); err != nil {
			t.Fatalf("%q: %q is no YAML: %v", text, out, err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %q says %q", text, out, got)
		}
	})
}
