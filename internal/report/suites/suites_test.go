package suites_test

import (
	"bytes"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/example"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/golden"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/junit"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/suites"
)

func TestOf(t *testing.T) {
	for name, list := range map[string]v1alpha1.IsolationReportList{
		"locked": example.Locked(t), "several": example.Several(t), "unknown": example.Unknown(t), "broken": example.Broken(t),
		"contexts": example.Contexts(t), "hostile": example.Injecting(t), "empty": {},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := junit.Write(&out, suites.Of(list, "")); err != nil {
				t.Fatal(err)
			}
			golden.Compare(t, "testdata/"+name+".xml", out.Bytes())
		})
	}
}

// What is unknown is an error, what is wrong a failure, by the severity that was asked for.
func TestEnds(t *testing.T) {
	warning := v1alpha1.Finding{Code: v1alpha1.SetDrifted, Severity: v1alpha1.SeverityWarning, Message: "drifted"}
	grave := v1alpha1.Finding{Code: v1alpha1.NoDefaultDeny, Severity: v1alpha1.SeverityError, Message: "open"}
	for _, c := range []struct {
		name           string
		posture        v1alpha1.Posture
		findings       []v1alpha1.Finding
		least          v1alpha1.Severity
		failure, error bool
	}{
		{"locked", v1alpha1.PostureLocked, nil, "", false, false},
		{"a warning", v1alpha1.PosturePartial, []v1alpha1.Finding{warning}, "", false, false},
		{"a warning, by --fail-on none", v1alpha1.PosturePartial, []v1alpha1.Finding{warning}, "none", false, false},
		{"a warning, by --fail-on warning", v1alpha1.PosturePartial, []v1alpha1.Finding{warning}, v1alpha1.SeverityWarning, true, false},
		{"an error", v1alpha1.PostureOpen, []v1alpha1.Finding{grave}, v1alpha1.SeverityError, true, false},
		{"broken without a finding", v1alpha1.PostureBroken, nil, "", true, false},
		{"unknown", v1alpha1.PostureUnknown, nil, "", false, true},
		{"unknown with an error", v1alpha1.PostureUnknown, []v1alpha1.Finding{grave}, "", false, true},
	} {
		report := v1alpha1.IsolationReport{Posture: c.posture, Findings: c.findings}
		got := suites.Of(v1alpha1.IsolationReportList{Items: []v1alpha1.IsolationReport{report}}, c.least).Suites[0].Cases[0]
		if (got.Failure != nil) != c.failure || (got.Error != nil) != c.error {
			t.Errorf("%s: failure %v, error %v", c.name, got.Failure, got.Error)
		}
	}
	general := v1alpha1.IsolationReportList{Findings: []v1alpha1.Finding{warning, grave}}
	if cases := suites.Of(general, "").Suites[0].Cases; cases[0].Failure != nil || cases[1].Failure == nil {
		t.Errorf("without a cluster %+v", cases)
	}
}
