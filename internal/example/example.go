// Package example has what the tests of the media render: reports and explanations that the program makes of
// recordings and manifests, so that a sentence that changes is seen where it is printed. Values are invented
// only for what can't be had otherwise: hostile text, and names as long as Kubernetes allows. It is for tests
// alone: a rule of the linter keeps it out of everything that is linked.
//
// Paths are relative to the folders of the media, where their tests run.
package example

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// assessments are the reports on files: each is asked for often, and changed by some who ask.
var assessments sync.Map

// assessed are the reports on all clusters of the files.
func assessed(t *testing.T, files ...string) v1alpha1.IsolationReportList {
	t.Helper()
	key := strings.Join(files, " ")
	known, ok := assessments.Load(key)
	if !ok {
		known, _ = assessments.LoadOrStore(key, evaluated(t, files...))
	}
	return copied(t, known.(v1alpha1.IsolationReportList))
}

// copied is a list of its own. What is read back from JSON has remedies of words alone.
func copied(t *testing.T, from v1alpha1.IsolationReportList) v1alpha1.IsolationReportList {
	t.Helper()
	encoded, err := json.Marshal(from)
	if err != nil {
		t.Fatal(err)
	}
	var list v1alpha1.IsolationReportList
	if err := json.Unmarshal(encoded, &list); err != nil {
		t.Fatal(err)
	}
	for i := range list.Findings {
		list.Findings[i].Remedy = from.Findings[i].Remedy
	}
	for i, r := range from.Items {
		for j := range r.Findings {
			list.Items[i].Findings[j].Remedy = r.Findings[j].Remedy
		}
	}
	return list
}

func evaluated(t *testing.T, files ...string) v1alpha1.IsolationReportList {
	t.Helper()
	m, err := model.New(fixture.Load(t, files...), model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return assess.Evaluate(m)
}
