package status

import (
	"fmt"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

// --fail-on trips on findings as severe as it says, and on worse ones.
func TestFailOn(t *testing.T) {
	for _, test := range []struct {
		failOn failOn
		found  []v1alpha1.Severity
		trips  bool
	}{
		{failOnNone, []v1alpha1.Severity{v1alpha1.SeverityError, v1alpha1.SeverityWarning}, false},
		{failOnError, nil, false},
		{failOnError, []v1alpha1.Severity{v1alpha1.SeverityInfo}, false},
		{failOnError, []v1alpha1.Severity{v1alpha1.SeverityWarning}, false},
		{failOnError, []v1alpha1.Severity{v1alpha1.SeverityError}, true},
		{failOnError, []v1alpha1.Severity{v1alpha1.SeverityWarning, v1alpha1.SeverityError}, true},
		{failOnWarning, nil, false},
		{failOnWarning, []v1alpha1.Severity{v1alpha1.SeverityInfo}, false},
		{failOnWarning, []v1alpha1.Severity{v1alpha1.SeverityWarning}, true},
		{failOnWarning, []v1alpha1.Severity{v1alpha1.SeverityError}, true},
	} {
		var findings []v1alpha1.Finding
		for _, severity := range test.found {
			findings = append(findings, v1alpha1.Finding{Severity: severity})
		}
		for where, list := range map[string]v1alpha1.IsolationReportList{
			"of a cluster":  {Items: []v1alpha1.IsolationReport{{}, {Findings: findings}}},
			"of no cluster": {Findings: findings},
		} {
			code := kit.ExitCode((&options{failOn: test.failOn}).tripped(list))
			if code != map[bool]int{true: kit.ExitNo, false: kit.ExitFine}[test.trips] {
				t.Errorf("--fail-on %s: exit code %d for %s", test.failOn, code, fmt.Sprint(test.found, " ", where))
			}
		}
	}
}
