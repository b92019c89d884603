package explain_test

import (
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/explain"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// inMesh makes an inventory that of a Kubernetes cluster of a mesh.
func inMesh(name string, id uint32) func(*inventory.Inventory) {
	return func(inv *inventory.Inventory) {
		inv.Settings.ClusterName, inv.Settings.ClusterID = name, id
		for key, ep := range inv.Endpoints {
			ep.IdentityLabels = slices.Clone(ep.IdentityLabels)
			for i, label := range ep.IdentityLabels {
				if strings.HasPrefix(label, "k8s:io.cilium.k8s.policy.cluster=") {
					ep.IdentityLabels[i] = "k8s:io.cilium.k8s.policy.cluster=" + name
				}
			}
			inv.Endpoints[key] = ep
		}
	}
}

func policyOf(name, spec string) func(*inventory.Inventory) {
	text, err := yaml.YAMLToJSON([]byte("{metadata: {name: " + name + ", namespace: shop}, spec: " + spec + "}"))
	if err != nil {
		panic(err) // The test's own text.
	}
	return fixture.Policy(string(text))
}

func letsIn(peer string) func(*inventory.Inventory) {
	return policyOf("in", "{endpointSelector: {matchLabels: {cnpg.io/cluster: pg}}, ingress: [{"+peer+"}]}")
}

func letsOut(peer string) func(*inventory.Inventory) {
	return policyOf("out", "{endpointSelector: {matchLabels: {app: web}}, egress: [{"+peer+"}]}")
}

func everyCluster(inv *inventory.Inventory) { inv.Settings.DefaultLocalCluster = false }

// A pod of one Kubernetes cluster and a database of another: each side decides by its own policies, and a selector
// without a cluster is about the own one where the agents say so.
func TestAcrossAMesh(t *testing.T) {
	const allowed, denied, unknown = v1alpha1.VerdictAllowed, v1alpha1.VerdictDenied, v1alpha1.VerdictUnknown
	type changes = []func(*inventory.Inventory)
	for name, test := range map[string]struct {
		far, near       changes
		source          string
		ingress, egress v1alpha1.Verdict
	}{
		"no policies":                {nil, nil, "pod/web", allowed, allowed},
		"of any cluster, by default": {nil, changes{letsIn("fromEndpoints: [{matchLabels: {app: web}}]")}, "pod/web", denied, allowed},
		"of any cluster":             {nil, changes{everyCluster, letsIn("fromEndpoints: [{matchLabels: {app: web}}]")}, "pod/web", allowed, allowed},
		"of that cluster":            {nil, changes{letsIn("fromEndpoints: [{matchLabels: {app: web, io.cilium.k8s.policy.cluster: west}}]")}, "pod/web", allowed, allowed},
		"of a third cluster":         {nil, changes{letsIn("fromEndpoints: [{matchLabels: {app: web, io.cilium.k8s.policy.cluster: north}}]")}, "pod/web", denied, allowed},
		"of the own cluster":         {nil, changes{letsIn("fromEndpoints: [{matchLabels: {app: web, io.cilium.k8s.policy.cluster: east}}]")}, "pod/web", denied, allowed},
		"the entity cluster":         {nil, changes{letsIn("fromEntities: [cluster]")}, "pod/web", denied, allowed},
		"the entity cluster-mesh":    {nil, changes{letsIn("fromEntities: [cluster-mesh]")}, "pod/web", allowed, allowed},
		"the world":                  {nil, changes{letsIn("fromEntities: [world]")}, "pod/web", denied, allowed},
		"a workload":                 {nil, changes{letsIn("fromEndpoints: [{matchLabels: {app: web, io.cilium.k8s.policy.cluster: west}}]")}, "a=b in shop", denied, allowed},
		"not let out":                {changes{letsOut("toEndpoints: [{matchLabels: {cnpg.io/cluster: pg}}]")}, nil, "pod/web", allowed, denied},
		"let out":                    {changes{letsOut("toEndpoints: [{matchLabels: {cnpg.io/cluster: pg, io.cilium.k8s.policy.cluster: east}}]")}, nil, "pod/web", allowed, allowed},
		"not managed there":          {changes{fixture.Unmanaged("shop", "web")}, nil, "pod/web", unknown, allowed},
	} {
		t.Run(name, func(t *testing.T) {
			far := fixture.World(t, append(test.far, inMesh("west", 1))...)
			near := fixture.World(t, append(test.near, inMesh("east", 2))...)
			source, err := explain.ParseSource(test.source)
			if labels, namespace, ok := strings.Cut(test.source, " in "); ok {
				source, err = explain.HypotheticalPod(labels, namespace, "")
			}
			if err != nil {
				t.Fatal(err)
			}
			key := fixture.Database()
			q, err := explain.AskAcross(far, near, model.Options{Namespace: key.Namespace, Names: []string{key.Name}}, key, source.In("shop"), explain.Query{Port: "5432"})
			if err != nil {
				t.Fatal(err)
			}
			e, err := q.Explain()
			if err != nil {
				t.Fatal(err)
			}
			if len(e.Answers) != 1 || e.Answers[0].Ingress.Verdict != test.ingress || e.Answers[0].Egress.Verdict != test.egress {
				t.Errorf("%+v", e.Answers)
			}
			if !slices.Contains(e.Notes, explain.ConnectedNote) {
				t.Errorf("notes %q", e.Notes)
			}
		})
	}
}

// A rule that decides is quoted from its own side.
func TestAcrossAMeshQuotesBothSides(t *testing.T) {
	far := fixture.World(t, letsOut("toEndpoints: [{matchLabels: {cnpg.io/cluster: pg, io.cilium.k8s.policy.cluster: east}}]"), inMesh("west", 1))
	near := fixture.World(t, letsIn("fromEntities: [cluster-mesh]"), inMesh("east", 2))
	source, err := explain.ParseSource("pod/web")
	if err != nil {
		t.Fatal(err)
	}
	q, err := explain.AskAcross(far, near, model.Options{}, fixture.Database(), source.In("shop"), explain.Query{Port: "5432"})
	if err != nil {
		t.Fatal(err)
	}
	e, err := q.Explain()
	if err != nil {
		t.Fatal(err)
	}
	a := e.Answers[0]
	if len(a.Ingress.Rules) != 1 || a.Ingress.Rules[0].Name != "in" || a.Ingress.Rules[0].Content == nil ||
		len(a.Egress.Rules) != 1 || a.Egress.Rules[0].Name != "out" || a.Egress.Rules[0].Content == nil || !slices.Equal(a.Sources, []string{"web"}) {
		t.Errorf("%+v", a)
	}
}

// Who is in no mesh comes as an address, and some questions make no sense across one.
func TestAcrossWhatIsNoMesh(t *testing.T) {
	for name, test := range map[string]struct {
		far, near func(*inventory.Inventory)
		source    string
		want      string
	}{
		"no mesh":             {inMesh("west", 0), inMesh("east", 2), "pod/web", `cluster-id is 0 in "west"`},
		"the same id":         {inMesh("west", 2), inMesh("east", 2), "pod/web", "not two of one mesh"},
		"the same name":       {inMesh("east", 1), inMesh("east", 2), "pod/web", "not two of one mesh"},
		"an entity":           {inMesh("west", 1), inMesh("east", 2), "world", "nobody of a Kubernetes cluster"},
		"nobody of that name": {inMesh("west", 1), inMesh("east", 2), "pod/nobody", "nobody"},
		"on its node": {func(inv *inventory.Inventory) {
			inMesh("west", 1)(inv)
			fixture.OnNode("shop", "web", "192.0.2.9")(inv)
		}, inMesh("east", 2), "pod/web", "remote-node"},
		"a pod of yet another": {inMesh("west", 1), inMesh("east", 2), "io.cilium.k8s.policy.cluster=north in shop", `"north" by its labels`},
	} {
		t.Run(name, func(t *testing.T) {
			source, err := explain.ParseSource(test.source)
			if labels, namespace, ok := strings.Cut(test.source, " in "); ok {
				source, err = explain.HypotheticalPod(labels, namespace, "")
			}
			if err != nil {
				t.Fatal(err)
			}
			_, err = explain.AskAcross(fixture.World(t, test.far), fixture.World(t, test.near), model.Options{}, fixture.Database(), source.In("shop"), explain.Query{Port: "5432"})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v", err)
			}
		})
	}
}

// With the cluster's label, a pod that does not exist is one of another Kubernetes cluster, of which only that is known.
func TestAPodOfAnotherClusterByItsLabel(t *testing.T) {
	const remote = "app=web,io.cilium.k8s.policy.cluster=west in shop"
	for name, test := range map[string]struct {
		changes []func(*inventory.Inventory)
		source  string
		want    v1alpha1.Verdict
		says    string
	}{
		"let in":             {[]func(*inventory.Inventory){letsIn("fromEndpoints: [{matchLabels: {app: web, io.cilium.k8s.policy.cluster: west}}]")}, remote, v1alpha1.VerdictUnknown, "--contexts reads both"},
		"not let in":         {[]func(*inventory.Inventory){letsIn("fromEndpoints: [{matchLabels: {app: web}}]")}, remote, v1alpha1.VerdictDenied, ""},
		"by its namespace":   {[]func(*inventory.Inventory){letsIn("fromEndpoints: [{matchLabels: {io.cilium.k8s.namespace.labels.team: a, io.cilium.k8s.policy.cluster: west}}]")}, remote, v1alpha1.VerdictUnknown, "labels of the source's namespace"},
		"of the own cluster": {[]func(*inventory.Inventory){letsIn("fromEndpoints: [{matchLabels: {app: web}}]")}, "app=web,io.cilium.k8s.policy.cluster=east in shop", v1alpha1.VerdictAllowed, ""},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := fixture.Explain(t, fixture.World(t, append(test.changes, inMesh("east", 2))...), fixture.Database(), test.source, explain.Query{})
			if err != nil {
				t.Fatal(err)
			}
			if e.Verdict != test.want || test.says != "" && !strings.Contains(e.Answers[0].Ingress.Reason+e.Answers[0].Egress.Reason, test.says) {
				t.Errorf("%s: %+v", e.Verdict, e.Answers)
			}
		})
	}
	_, err := fixture.Explain(t, fixture.World(t, inMesh("east", 0)), fixture.Database(), remote, explain.Query{})
	if err == nil || !strings.Contains(err.Error(), "in no mesh") {
		t.Errorf("without a mesh: %v", err)
	}
}
