package object_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/example"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/golden"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/object"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
)

func TestTestReports(t *testing.T) {
	for name, value := range map[string]any{"tests": example.Tests(t), "tests-hostile": example.HostileTests(), "tests-none": v1alpha1.TestReport{}} {
		for format := range formats() {
			golden.Compare(t, "testdata/"+name+"."+format, []byte(encoded(t, format, value)))
		}
	}
}

// What is written is read back as it was, whatever is in it, and a terminal does nothing of it.
func TestExpectations(t *testing.T) {
	drafts := example.Drafts(t)
	var out bytes.Buffer
	if err := object.Expectations(&out, drafts); err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "testdata/expectations.yaml", out.Bytes())
	if text := out.String(); terminal.EscapeLines(text) != text {
		t.Errorf("%q", text)
	}
	documents := strings.Split(out.String(), "---\n")
	if len(documents) != len(drafts) {
		t.Fatalf("%d documents, want %d", len(documents), len(drafts))
	}
	for i, document := range documents {
		var got v1alpha1.Expectations
		if err := yaml.UnmarshalStrict([]byte(document), &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(drafts[i].Expectations, got); diff != "" {
			t.Error(diff)
		}
	}
}
