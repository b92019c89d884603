package example

import (
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// recorded is the cluster of the recordings.
var recorded = types.NamespacedName{Namespace: "default", Name: "cluster-example"}

// backends are the flags of a lockdown for the backends of its namespace.
var backends = policyset.FlagValues{Allow: []string{"--allow-pods=role=backend"}}

// LockdownPreview locks the open cluster for its backends.
func LockdownPreview(t *testing.T) v1alpha1.ChangePreview {
	return proposed(t, backends, recordings+"live-open.json")
}

// RefusedPreview finds policies of somebody else, under a name of the set and beside it, with which the operator stays
// cut off.
func RefusedPreview(t *testing.T) v1alpha1.ChangePreview {
	return proposed(t, policyset.FlagValues{Allow: backends.Allow, Scope: string(policyset.ScopeNamespace)}, recordings+"live-open.json", beside+"others.yaml")
}

// RepairPreview allows what policies for clients had forgotten.
func RepairPreview(t *testing.T) v1alpha1.ChangePreview {
	return proposed(t, backends, recordings+"live-open.json", beside+"blocking.yaml")
}

// UnchangedPreview locks the cluster again with the flags that it has just been locked with.
func UnchangedPreview(t *testing.T) v1alpha1.ChangePreview {
	t.Helper()
	m := read(t, recordings+"live-open.json")
	first := proposal(t, m, backends)
	after, err := m.With(first.Plan.After(m.Inventory().Policies, len(first.Plan.Steps)))
	if err != nil {
		t.Fatal(err)
	}
	return proposal(t, after, backends).Previews[0].Whole()
}

// UnlockPreview takes everything back.
func UnlockPreview(t *testing.T) v1alpha1.ChangePreview {
	t.Helper()
	p, err := change.ProposeUnlock(read(t, recordings+"live-open.json", lockdown), []types.NamespacedName{recorded})
	if err != nil {
		t.Fatal(err)
	}
	return p.Previews[0].Whole()
}

func proposed(t *testing.T, flags policyset.FlagValues, files ...string) v1alpha1.ChangePreview {
	t.Helper()
	return proposal(t, read(t, files...), flags).Previews[0].Whole()
}

func proposal(t *testing.T, m *model.Model, flags policyset.FlagValues) change.Proposal {
	t.Helper()
	options, err := policyset.Parse(flags)
	if err != nil {
		t.Fatal(err)
	}
	p, err := change.ProposeLockdown(m, []policyset.Options{assess.Surrounded(m, options, recorded)})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func read(t *testing.T, files ...string) *model.Model {
	t.Helper()
	m, err := model.New(fixture.Load(t, files...), model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}
