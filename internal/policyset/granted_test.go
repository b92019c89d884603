package policyset_test

import (
	"errors"
	"strings"
	"testing"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

func granted(t *testing.T, reason, by string, flags ...string) policyset.Granted {
	t.Helper()
	o, err := policyset.Parse(policyset.FlagValues{Allow: flags})
	if err != nil {
		t.Fatal(err)
	}
	o.Cluster = types.NamespacedName{Namespace: "shop", Name: "orders"}
	return policyset.Granted{Options: o, Timer: "orders-grant", Reason: reason, RequestedBy: by}
}

// A grant has a policy of its own for each client, beside what lockdown has for the same one, says on whose behalf, and is
// no part of what the cluster was locked with.
func TestGrantedPolicies(t *testing.T) {
	g := granted(t, "INC-1\u00a0\u200b: a very long story about it", "jane", "--allow-pods=role=debug", "--allow-metrics=debug", "--allow-namespace=debug")
	set, err := policyset.BuildGranted(g)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	var live []*ciliumv2.CiliumNetworkPolicy
	for _, p := range set {
		live = append(live, p.Object)
		timed, ends := policyset.TimerOf(p.Object)
		if names[p.Object.Name] || !strings.HasPrefix(p.Object.Name, "orders-granted-access-") || !policyset.IsGranted(p.Object.Labels) || !ends || timed.Name != "orders-grant" {
			t.Errorf("%+v", p.Object.ObjectMeta)
		}
		names[p.Object.Name] = true
		if log := p.Object.Spec.Log.Value; len([]rune(log)) > 32 || !strings.HasPrefix(log, "granted jane: INC-1") || strings.Contains(log, "\u200b") {
			t.Errorf("log %q", log)
		}
		if p.Object.Annotations[policyset.AnnotationRequestedBy] != "jane" || p.Object.Annotations[policyset.AnnotationReason] != g.Reason {
			t.Errorf("%v", p.Object.Annotations)
		}
		if deny := p.Object.Spec.EnableDefaultDeny.Ingress; deny == nil || *deny {
			t.Error("a grant denies")
		}
	}
	if len(set) != 3 {
		t.Errorf("%d policies", len(set))
	}
	if _, err := policyset.FromLive(g.Options.Cluster, live); !errors.Is(err, policyset.ErrNotLocked) {
		t.Errorf("a grant is taken for a lockdown: %v", err)
	}
	for _, g := range []policyset.Granted{granted(t, "", ""), granted(t, "", "", "--allow-cluster-wide")} {
		if set, err := policyset.BuildGranted(g); (err != nil) != (len(g.Options.Grants) == 0) || err == nil && set[0].Object.Spec.Log.Value != "granted" {
			t.Errorf("%v, %v", set, err)
		}
	}
}

// The same clients are the same grant, in whatever order they are named.
func TestNamesOfGrants(t *testing.T) {
	a := policyset.NameOfGrant(granted(t, "", "", "--allow-pods=a=b", "--allow-namespace=c").Options)
	b := policyset.NameOfGrant(granted(t, "why", "me", "--allow-namespace=c", "--allow-pods=a=b").Options)
	if c := policyset.NameOfGrant(granted(t, "", "", "--allow-pods=a=c").Options); a != b || a == c {
		t.Errorf("%s, %s, %s", a, b, c)
	}
}
