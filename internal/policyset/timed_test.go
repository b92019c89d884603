package policyset_test

import (
	"slices"
	"strings"
	"testing"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// A timer comes and goes, and what others have added stays.
func TestTimersComeAndGo(t *testing.T) {
	p := &ciliumv2.CiliumNetworkPolicy{ObjectMeta: metav1.ObjectMeta{
		Annotations:     map[string]string{"team": "payments"},
		OwnerReferences: []metav1.OwnerReference{{APIVersion: "v1", Kind: "ConfigMap", Name: "theirs", UID: "1"}, {APIVersion: "batch/v1", Kind: "Job", Name: "theirs", UID: "2"}},
	}}
	if _, timed := policyset.TimerOf(p); timed {
		t.Error("a Job of others is taken for a timer")
	}
	ending := policyset.EndingWith(policyset.EndingWith(p, policyset.Timer{Name: "first", UID: "3"}), policyset.Timer{Name: "second", UID: "4"})
	if got, timed := policyset.TimerOf(ending); !timed || got.Name != "second" || got.UID != "4" || len(ending.OwnerReferences) != 3 {
		t.Errorf("%v, %+v", got, ending.OwnerReferences)
	}
	if got := policyset.Differences(ending, p); !slices.Equal(got, []string{"metadata.annotations[cnpg-netpol/timer]", "metadata.ownerReferences"}) {
		t.Errorf("%v", got)
	}
	if got := policyset.Differences(ending, policyset.EndingWith(p, policyset.Timer{Name: "second"})); got != nil {
		t.Errorf("one that is not there yet differs: %v", got)
	}
	if got := policyset.Differences(ending, policyset.EndingWith(p, policyset.Timer{Name: "second", UID: "5"})); !slices.Equal(got, []string{"metadata.ownerReferences"}) {
		t.Errorf("another Job of that name: %v", got)
	}
	kept := policyset.ForGood(ending)
	if _, timed := policyset.TimerOf(kept); timed || len(kept.OwnerReferences) != 2 || kept.Annotations["team"] != "payments" {
		t.Errorf("%+v", kept.ObjectMeta)
	}
	ending.OwnerReferences = nil
	if got, timed := policyset.TimerOf(ending); !timed || !got.Lost {
		t.Errorf("without an owner, it ends all the same: %v, %t", got, timed)
	}
}

func TestManagedBy(t *testing.T) {
	for want, meta := range map[string]metav1.ObjectMeta{
		"":            {Labels: map[string]string{policyset.LabelManagedBy: policyset.FieldManager}, Annotations: map[string]string{"team": "payments"}},
		"Flux":        {Labels: map[string]string{"kustomize.toolkit.fluxcd.io/name": "apps"}},
		"Argo CD":     {Annotations: map[string]string{"argocd.argoproj.io/tracking-id": "apps:cilium.io/CiliumNetworkPolicy:shop/a"}},
		"Helm":        {Annotations: map[string]string{"meta.helm.sh/release-name": "shop"}},
		"Tenant shop": {OwnerReferences: []metav1.OwnerReference{{APIVersion: "example.com/v1", Kind: "Tenant", Name: "shop"}}},
	} {
		p := &ciliumv2.CiliumNetworkPolicy{ObjectMeta: meta}
		if got := policyset.ManagedBy(p); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if got := policyset.ManagedBy(policyset.EndingWith(p, policyset.Timer{Name: "a", UID: "1"})); !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("with a timer: %q, want %q", got, want)
		}
	}
}
