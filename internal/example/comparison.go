package example

import (
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/compare"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// Compared is a branch that breaks the database of the recordings, locks nothing, and adds databases.
func Compared(t *testing.T) v1alpha1.StateComparison {
	return compared(t, []string{recordings + "live-open.json", lockdown}, []string{recordings + "live-open.json", beside + "blocking.yaml", beside + "more-clusters.yaml"})
}

// ComparedWithItself has no difference.
func ComparedWithItself(t *testing.T) v1alpha1.StateComparison {
	files := []string{recordings + "live-open.json", lockdown}
	return compared(t, files, files)
}

func compared(t *testing.T, before, after []string) v1alpha1.StateComparison {
	t.Helper()
	c, err := compare.States(compare.State{Name: "../base", Inventory: fixture.Load(t, before...)},
		compare.State{Name: ".", Inventory: fixture.Load(t, after...)}, model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// HostileComparison is what somebody who can open a pull request may try on whoever reviews it.
func HostileComparison() v1alpha1.StateComparison {
	const evil = "@org/all <img src=x> | [x](https://evil.example)\n\x1b[31m\u202e"
	finding := v1alpha1.Finding{Code: v1alpha1.PolicyInvalid, Severity: v1alpha1.SeverityError, Message: evil}
	return v1alpha1.StateComparison{
		From: evil, To: ".", Findings: v1alpha1.FindingChanges{New: []v1alpha1.Finding{finding}},
		Clusters: []v1alpha1.ClusterComparison{{
			Metadata: v1alpha1.Metadata{Namespace: evil, Name: evil}, Presence: v1alpha1.PresenceBoth,
			Posture:       v1alpha1.PostureChange{Before: v1alpha1.PostureLocked, After: v1alpha1.PostureUnknown},
			RequiredFlows: []v1alpha1.RequiredFlowChange{{Name: evil, From: evil, To: evil, Before: v1alpha1.VerdictAllowed, After: v1alpha1.VerdictDenied}},
			Access:        v1alpha1.AccessChanges{Loses: []v1alpha1.ClientChange{{Namespace: evil, Workload: evil, Pods: 2}}, Gains: []v1alpha1.ClientChange{{Entity: evil}}},
			Findings:      v1alpha1.FindingChanges{New: []v1alpha1.Finding{finding}, Gone: []v1alpha1.Finding{finding}},
			Unknown:       []v1alpha1.Doubt{{Before: true, Message: evil}},
		}},
	}
}
