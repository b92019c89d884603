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

// assessments are the reports on files, encoded: each is asked for often, and changed by some who ask.
var assessments sync.Map

// assessed are the reports on all clusters of the files.
func assessed(t *testing.T, files ...string) v1alpha1.IsolationReportList {
	t.Helper()
	key := strings.Join(files, " ")
	encoded, known := assessments.Load(key)
	if !known {
		data, err := json.Marshal(evaluated(t, files...))
		if err != nil {
			t.Fatal(err)
		}
		encoded, _ = assessments.LoadOrStore(key, data)
	}
	var list v1alpha1.IsolationReportList
	if err := json.Unmarshal(encoded.([]byte), &list); err != nil {
		t.Fatal(err)
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
