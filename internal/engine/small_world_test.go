package engine_test

import (
	"strings"
	"testing"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	"github.com/cilium/cilium/pkg/policy/api"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	decoding "github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/decode"
)

// smallWorld has a database db/pg, its clients app/web and app/api, and whom a test adds.
type smallWorld struct {
	settings  inventory.Settings
	endpoints map[string]inventory.Endpoint
	around    engine.Around
	// policies is YAML; those in a namespace are in db unless they say so.
	policies string
	// stored policies come from an API server, which has let them in.
	stored bool
}

func smallWorldWith(policies string, change ...func(*inventory.Settings)) smallWorld {
	w := smallWorld{settings: inventory.DefaultSettings(), policies: policies}
	w.settings.ClusterNetworkPolicy, w.settings.NodeSelectorLabels = true, true
	for _, f := range change {
		f(&w.settings)
	}
	return w
}

// storedWith is a world whose policies an API server has stored: what can't be read of them may be enforced.
func storedWith(policies string, change ...func(*inventory.Settings)) smallWorld {
	w := smallWorldWith(policies, change...)
	w.stored = true
	return w
}

// smallPods are a database and two clients, in this order.
func smallPods() []inventory.Pod {
	return []inventory.Pod{
		{Namespace: "db", Name: "pg", Labels: map[string]string{"cnpg.io/cluster": "pg"}, NamedPorts: []inventory.NamedPort{{Name: "postgresql", Port: 5432}}},
		{Namespace: "app", Name: "web", Labels: map[string]string{"app": "web"}},
		{Namespace: "app", Name: "api", Labels: map[string]string{"app": "api"}},
	}
}

func smallNamespaces() map[string]map[string]string {
	return map[string]map[string]string{
		"db": {"kubernetes.io/metadata.name": "db", "team": "data"}, "app": {"kubernetes.io/metadata.name": "app", "team": "web"},
	}
}

// ask answers for "SOURCE → TARGET", where both are NAMESPACE/NAME or an entity.
func (w smallWorld) ask(t *testing.T, question string, port uint16) engine.Decision {
	t.Helper()
	ids, err := engine.NewIdentitiesAmong(w.settings, w.around)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]*engine.Identity{}
	namespaces, pods := smallNamespaces(), smallPods()
	identities, err := ids.Pods(pods, namespaces)
	if err != nil {
		t.Fatal(err)
	}
	for i := range pods {
		known[pods[i].Key().String()] = identities[i]
	}
	for name, endpoint := range w.endpoints {
		known[name] = ids.Endpoint(endpoint)
	}
	read, err := engine.ReadAmong(w.settings, w.read(t), w.around)
	if err != nil {
		t.Fatal(err)
	}
	for _, prefix := range engine.WorldOf(read).Prefixes {
		if known["cidr:"+prefix.String()], err = ids.CIDR(prefix); err != nil {
			t.Fatal(err)
		}
	}
	e, err := engine.New(ids, read)
	if err != nil {
		t.Fatal(err)
	}
	of := func(name string) *engine.Identity {
		if known[name] != nil {
			return known[name]
		}
		if reserved := ids.Reserved(name); reserved != nil {
			return reserved
		}
		t.Fatalf("nobody is called %q", name)
		return nil
	}
	from, to, _ := strings.Cut(question, " → ")
	return e.Decide(of(from), of(to), port)
}

func (w smallWorld) read(t *testing.T) []inventory.Policy {
	t.Helper()
	var out []inventory.Policy
	decoder := decoding.NewDecoder()
	for document := range strings.SplitSeq(w.policies, "---\n") {
		if strings.TrimSpace(document) == "" {
			continue
		}
		raw, err := yaml.YAMLToJSON([]byte(document))
		if err != nil {
			t.Fatal(err)
		}
		var meta struct{ Kind v1alpha1.PolicyKind }
		if err := yaml.Unmarshal(raw, &meta); err != nil {
			t.Fatal(err)
		}
		out = append(out, decoder.Policy(meta.Kind, raw, decoding.PolicyOptions{DefaultNamespace: "db", Source: inventory.Source{File: "policies.yaml", Document: 1}, Stored: w.stored}))
	}
	return out
}

// cidrGroup is a CiliumCIDRGroup.
func cidrGroup(name string, labels map[string]string, prefixes ...string) []*ciliumv2.CiliumCIDRGroup {
	group := &ciliumv2.CiliumCIDRGroup{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}
	for _, prefix := range prefixes {
		group.Spec.ExternalCIDRs = append(group.Spec.ExternalCIDRs, api.CIDR(prefix))
	}
	return []*ciliumv2.CiliumCIDRGroup{group}
}
