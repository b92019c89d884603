package policyset

import (
	"slices"
	"strings"
	"testing"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	"github.com/cilium/cilium/pkg/policy/api"
	"sigs.k8s.io/yaml"
)

func TestDifferences(t *testing.T) {
	type policy = ciliumv2.CiliumNetworkPolicy
	for _, tc := range []struct {
		name   string
		change func(*policy)
		want   []string
	}{
		{"nothing", func(*policy) {}, nil},
		{"labels and annotations of others", func(p *policy) { p.Labels["team"] = "a"; p.Annotations["note"] = "b" }, nil},
		{"status and server fields", func(p *policy) {
			p.UID, p.ResourceVersion = "x", "1"
			p.Status.Conditions = make([]ciliumv2.NetworkPolicyCondition, 1)
		}, nil},
		{"order of sources and ports", func(p *policy) {
			slices.Reverse(p.Spec.Ingress[0].FromEndpoints)
			slices.Reverse(p.Spec.Ingress[0].ToPorts[0].Ports)
		}, nil},
		{"an empty map for none", func(p *policy) { p.Spec.EndpointSelector = matchLabels(map[string]string{}) }, nil},
		{"our label", func(p *policy) { p.Labels[LabelPolicy] = "x" }, []string{"metadata.labels[cnpg-netpol/policy]"}},
		{"a missing label", func(p *policy) { delete(p.Labels, LabelManagedBy) }, []string{"metadata.labels[app.kubernetes.io/managed-by]"}},
		{"one more user", func(p *policy) { p.Labels[LabelUserPrefix+"b"] = userValue }, []string{"metadata.labels[users.cnpg-netpol/b]"}},
		{"our annotation", func(p *policy) { p.Annotations[AnnotationGrant] = "x" }, []string{"metadata.annotations[cnpg-netpol/grant]"}},
		{"reach", func(p *policy) { p.Spec.EndpointSelector = clusterPods("x") }, []string{"spec.endpointSelector.matchLabels"}},
		{"a port", func(p *policy) { p.Spec.Ingress[0].ToPorts[0].Ports[1].Port = "6432" }, []string{"spec.ingress[0].toPorts[0].ports[1].port"}},
		{"one source less", func(p *policy) { p.Spec.Ingress[0].FromEndpoints = p.Spec.Ingress[0].FromEndpoints[:1] }, []string{"spec.ingress[0].fromEndpoints"}},
		{"nobody for somebody", func(p *policy) { p.Spec.Ingress[0].FromEndpoints = []api.EndpointSelector{} }, []string{"spec.ingress[0].fromEndpoints"}},
		{"a deny rule", func(p *policy) { p.Spec.IngressDeny = make([]api.IngressDenyRule, 1) }, []string{"spec.ingressDeny"}},
		{"default deny switched on", func(p *policy) { yes := true; p.Spec.EnableDefaultDeny.Ingress = &yes }, []string{"spec.enableDefaultDeny.ingress"}},
		{"rules in specs", func(p *policy) { p.Specs = api.Rules{p.Spec} }, []string{"specs"}},
		{"no spec", func(p *policy) { p.Spec = nil }, []string{"spec"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			desired := only(t, build(t, example(scope(ScopeNamespace))), InternalAccess).Object
			live := desired.DeepCopy()
			tc.change(live)
			if got := Differences(live, desired); !slices.Equal(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestAnEmptyListOfPeersIsNotTheEmptyRule(t *testing.T) {
	desired := only(t, build(t, example()), DefaultDeny).Object
	live := desired.DeepCopy()
	live.Spec.Ingress[0].FromEntities = api.EntitySlice{}
	if got := Differences(live, desired); !slices.Equal(got, []string{"spec.ingress[0].fromEntities"}) {
		t.Errorf("got %q", got)
	}
}

// What is printed is what is built: it reads back strictly and without a difference.
func TestYAMLReadsBack(t *testing.T) {
	o, err := Parse(everyFlag())
	if err != nil {
		t.Fatal(err)
	}
	policies := build(t, o.For(example().Cluster, nil))
	out, err := YAML(policies)
	if err != nil {
		t.Fatal(err)
	}
	for _, noise := range []string{"\nstatus:", "creationTimestamp:", ": null", ": \"\""} {
		if strings.Contains(string(out), noise) {
			t.Errorf("%q in the output", noise)
		}
	}
	documents := strings.Split(string(out), "---\n")
	if len(documents) != len(policies) {
		t.Fatalf("%d documents for %d policies", len(documents), len(policies))
	}
	for i, text := range documents {
		live := &ciliumv2.CiliumNetworkPolicy{}
		if err := yaml.UnmarshalStrict([]byte(text), live); err != nil {
			t.Fatal(err)
		}
		if got := Differences(live, policies[i].Object); len(got) > 0 || live.Name != policies[i].Object.Name {
			t.Errorf("%s differs after reading: %q", live.Name, got)
		}
	}
	if again, err := YAML(policies); err != nil || string(again) != string(out) {
		t.Errorf("printed differently the second time (%v)", err)
	}
}

func TestUnstructuredHasOnlyWhatTheSetOwns(t *testing.T) {
	u, err := Unstructured(only(t, build(t, example()), DefaultDeny))
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for key := range u.Object {
		keys = append(keys, key)
	}
	if got := sortedSet(keys); !slices.Equal(got, []string{"apiVersion", "kind", "metadata", "spec"}) {
		t.Errorf("got %v", got)
	}
	if u.GetAPIVersion() != "cilium.io/v2" || u.GetKind() != "CiliumNetworkPolicy" || len(u.GetOwnerReferences()) > 0 {
		t.Errorf("got %v", u)
	}
}
