package propose_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/explain"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/propose"
)

// lockedByUs is the recording with the set that lockdown makes of --allow-pods=role=backend.
func lockedByUs(t *testing.T) *inventory.Inventory {
	t.Helper()
	return fixture.Load(t, fixture.Recording("live-open"), "../explain/testdata/lockdown.yaml")
}

func TestWhyNotCommand(t *testing.T) {
	for _, test := range []struct {
		name, source string
		query        explain.Query
		flag         string
		letsIn       string
	}{
		{name: "a label of the same namespace", source: "pod/frontend", flag: "--allow-pods=role=frontend", letsIn: ""},
		{name: "a label of another namespace, which lets in fewer than the namespace", source: "other/pod/backend",
			flag: "--allow-pods-any-namespace=role=backend", letsIn: ""},
		{name: "a namespace, as narrow as the label and nobody else's to give", source: "backend/pod/app",
			flag: "--allow-namespace=backend", letsIn: ""},
		{name: "a pod without labels", source: "ns/other", flag: "--allow-namespace=other", letsIn: "other/pod/backend other/pod/frontend"},
		{name: "the preferred one of several labels", source: "zone=a,app=web,role=reader in default", flag: "--allow-pods=app=web", letsIn: ""},
		{name: "only one of the labels tells it apart", source: "zone=a,role=frontend in default", flag: "--allow-pods=zone=a", letsIn: ""},
		{name: "no single label tells it apart", source: "role=frontend in default", flag: "--allow-pods=role=frontend", letsIn: "default/pod/frontend"},
		{name: "a ServiceAccount, narrower than its namespace and than the label", source: "role=backend in other/etl",
			flag: "--allow-service-account=other/etl", letsIn: ""},
		{name: "the account of whoever names none", source: "role=backend in other/default",
			flag: "--allow-pods-any-namespace=role=backend", letsIn: "other/pod/backend"},
		{name: "the pooler's metrics, by name", source: "backend/pod/app", query: explain.Query{Pooler: "cluster-example-pooler-rw", Port: "metrics"},
			flag: "--allow-metrics=backend:app=shop", letsIn: ""},
		{name: "metrics, narrower than the namespace", source: "other/pod/backend", query: explain.Query{Port: "9187"},
			flag: "--allow-metrics=other:role=backend", letsIn: ""},
		{name: "another node's way to the instances", source: "remote-node", query: explain.Query{Port: "8000"}, flag: "--allow-kubectl-cnpg", letsIn: "kube-apiserver"},
	} {
		t.Run(test.name, func(t *testing.T) {
			e, err := explainWhyNot(t, lockedByUs(t), fixture.Recorded(), test.source, test.query)
			if err != nil {
				t.Fatal(err)
			}
			if e.Verdict != v1alpha1.VerdictDenied || e.Change == nil || e.Change.LetsIn == nil {
				t.Fatalf("%s, change %+v", e.Verdict, e.Change)
			}
			want := "kubectl cnpg-netpol lockdown cluster-example -n default --allow-pods=role=backend " + test.flag
			if strings.HasPrefix(test.flag, "--allow-pods=") && test.flag < "--allow-pods=role=backend" {
				want = "kubectl cnpg-netpol lockdown cluster-example -n default " + test.flag + " --allow-pods=role=backend"
			}
			if e.Change.Command.String() != want || e.Change.Manifest != "" {
				t.Errorf("got  %s\nwant %s\nmanifest %q", e.Change.Command, want, e.Change.Manifest)
			}
			sameWords(t, letsIn(e), test.letsIn)
		})
	}
}

// Where a policy of the user's own lets in fewer than any flag, it is the proposal, and the command is
// named as what lets in more.
func TestWhyNotNarrowerThanAnyFlag(t *testing.T) {
	for _, test := range []struct {
		name, source string
		query        explain.Query
		want, letsIn string
		command      string
	}{
		{name: "nodes", source: "remote-node", want: "- remote-node", letsIn: "kube-apiserver",
			command: "also lets in 8 other pods, every pod to come, kube-apiserver, ingress, unmanaged, init and health: kubectl cnpg-netpol lockdown cluster-example -n default --allow-pods=role=backend --allow-cluster-wide"},
	} {
		t.Run(test.name, func(t *testing.T) {
			e, err := explainWhyNot(t, lockedByUs(t), fixture.Recorded(), test.source, test.query)
			if err != nil {
				t.Fatal(err)
			}
			if e.Change == nil || !e.Change.Command.IsZero() || !strings.Contains(e.Change.Manifest, test.want) {
				t.Fatalf("want a manifest with %q, got %+v", test.want, e.Change)
			}
			sameWords(t, letsIn(e), test.letsIn)
			if steps := e.Change.Steps; len(steps) != 2 || !strings.HasSuffix(steps[1].String(), test.command) {
				t.Errorf("steps %q, want one with %q", steps, test.command)
			}
		})
	}
}

// Where clients get to poolers alone, a flag lets the source in to the pooler, and none to the instances.
func TestWhyNotThroughPoolers(t *testing.T) {
	v := fixture.Flags(fixture.Backends)
	v.ThroughPoolers = true
	set, err := policyset.Build(fixture.Options(t, fixture.Recorded(), v))
	if err != nil {
		t.Fatal(err)
	}
	inv := fixture.Load(t, fixture.Recording("live-open"))
	for _, p := range set {
		inv.Policies = append(inv.Policies, fixture.Policies(p.Object)...)
	}
	e, err := explainWhyNot(t, inv, fixture.Recorded(), "pod/frontend", explain.Query{Pooler: "cluster-example-pooler-rw"})
	if err != nil {
		t.Fatal(err)
	}
	if want := "kubectl cnpg-netpol lockdown cluster-example -n default --through-poolers --allow-pods=role=backend --allow-pods=role=frontend"; e.Change == nil || e.Change.Command.String() != want {
		t.Errorf("got %+v, want %s", e.Change, want)
	}
	e, err = explainWhyNot(t, inv, fixture.Recorded(), "pod/frontend", explain.Query{})
	if err != nil {
		t.Fatal(err)
	}
	if e.Verdict != v1alpha1.VerdictDenied || e.Change == nil || !e.Change.Command.IsZero() || !strings.Contains(e.Change.Steps[0].String(), "was locked with --through-poolers") {
		t.Errorf("got %+v", e.Change)
	}
}

// Everybody to come counts, also where nobody runs who would be let in besides.
func TestWhyNotIsNotForEverybodyToCome(t *testing.T) {
	inv := lockedByUs(t)
	inv.Pods = slices.DeleteFunc(inv.Pods, func(p inventory.Pod) bool { return p.Labels[cnpg.ClusterLabel] == "" })
	e, err := explainWhyNot(t, inv, fixture.Recorded(), "remote-node", explain.Query{})
	if err != nil {
		t.Fatal(err)
	}
	if e.Change == nil || !e.Change.Command.IsZero() || !strings.Contains(e.Change.Manifest, "- remote-node") {
		t.Errorf("got %+v", e.Change)
	}
}

func letsIn(e v1alpha1.Explanation) string {
	var who []string
	for _, c := range e.Change.LetsIn.Clients {
		who = append(who, c.Namespace+"/"+c.Workload)
	}
	for _, entity := range e.Change.LetsIn.Entities {
		who = append(who, string(entity))
	}
	return strings.Join(who, " ")
}

func sameWords(t *testing.T, got, want string) {
	t.Helper()
	count := map[string]int{}
	for _, word := range strings.Fields(got) {
		count[word]++
	}
	for _, word := range strings.Fields(want) {
		count[word]--
	}
	for word, n := range count {
		if n != 0 {
			t.Errorf("lets in %q, want %q: %s", got, want, word)
		}
	}
}

// A set that somebody has changed is restored by the flags that it was made with.
func TestWhyNotRestoresWhatHasDrifted(t *testing.T) {
	inv := lockedByUs(t)
	for i := range inv.Policies {
		if inv.Policies[i].Name == "cluster-example-postgres-access-role-backend" {
			inv.Policies = append(inv.Policies[:i], inv.Policies[i+1:]...)
			break
		}
	}
	e, err := explainWhyNot(t, inv, fixture.Recorded(), "pod/backend", explain.Query{})
	if err != nil {
		t.Fatal(err)
	}
	if want := "kubectl cnpg-netpol lockdown cluster-example -n default --allow-pods=role=backend"; e.Change == nil || e.Change.Command.String() != want {
		t.Errorf("got %+v, want %s", e.Change, want)
	}
}

// Where lockdown does not manage the policies, or has no flag, a policy of the user's own is
// proposed. It is applied here, and asked about again.
func TestWhyNotManifest(t *testing.T) {
	for _, test := range []struct {
		name, source string
		query        explain.Query
		files        []string
		want, letsIn string
	}{
		{name: "label", source: "deploy/web", files: []string{"locked.yaml"}, want: "name: orders-allow-app-web"},
		{name: "label and namespace", source: "backend/deploy/api", files: []string{"locked.yaml"}, want: "name: orders-allow-backend-app-api"},
		{name: "label without value", source: "flag= in backend", files: []string{"locked.yaml"}, want: "name: orders-allow-backend-flag"},
		{name: "namespace", source: "ns/backend", files: []string{"locked.yaml"}, want: "name: orders-allow-namespace-backend",
			letsIn: "backend/deployment/api backend/deployment/batch"},
		{name: "another port", source: "deploy/web", query: explain.Query{Port: "9999"}, files: []string{"locked.yaml"}, want: `port: "9999"`},
		{name: "address", source: "203.0.113.7", files: []string{"locked.yaml"}, want: "- 203.0.113.7/32"},
		{name: "prefix", source: "203.0.113.0/24", files: []string{"cidr.yaml"}, want: "name: orders-allow-203-0-113-0-24"},
		{name: "prefix of which every part is named", source: "198.51.100.0/24", files: []string{"halves.yaml"}, want: "name: orders-allow-198-51-100-0-24"},
		{name: "IPv6", source: "2001:db8::/32", files: []string{"locked.yaml"}, want: "name: orders-allow-2001-db8-32"},
		{name: "world", source: "world", files: []string{"locked.yaml"}, want: "- world"},
		{name: "API server", source: "kube-apiserver", query: explain.Query{Port: "8000"}, files: []string{"locked.yaml"}, want: "- kube-apiserver"},
		{name: "instances differ", source: "deploy/web", files: []string{"primary.yaml"}, want: "name: orders-allow-app-web"},
		{name: "pooler, which alone is opened", source: "deploy/web", query: explain.Query{Pooler: "orders-rw"}, files: []string{"locked.yaml"},
			want: "  name: orders-rw-allow-app-web\n  namespace: shop\nspec:\n  enableDefaultDeny:\n    ingress: false\n  endpointSelector:\n    matchLabels:\n      cnpg.io/poolerName: orders-rw\n  ingress:"},
		{name: "egress denies as well", source: "backend/deploy/api", files: []string{"locked.yaml", "egress.yaml"}, want: "name: orders-allow-backend-app-api"},
	} {
		t.Run(test.name, func(t *testing.T) {
			files := fixture.Shop(test.files...)
			e, err := explainWhyNot(t, fixture.Load(t, files...), fixture.Orders(), test.source, test.query)
			if err != nil {
				t.Fatal(err)
			}
			if e.Change == nil || !e.Change.Command.IsZero() || !strings.Contains(e.Change.Manifest, test.want) {
				t.Fatalf("want a manifest with %q, got %+v", test.want, e.Change)
			}
			sameWords(t, letsIn(e), test.letsIn)
			file := filepath.Join(t.TempDir(), "proposal.yaml")
			if err := os.WriteFile(file, []byte(e.Change.Manifest), 0o600); err != nil {
				t.Fatal(err)
			}
			after, err := explainWhyNot(t, fixture.Load(t, append(files, file)...), fixture.Orders(), test.source, test.query)
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range after.Answers {
				if a.Ingress.Verdict != v1alpha1.VerdictAllowed {
					t.Errorf("with the proposal, %v → %v: %s", a.Sources, a.Targets, a.Ingress.Verdict)
				}
			}
		})
	}
}

// What no policy that allows can change is said, without a proposal.
func TestWhyNotSteps(t *testing.T) {
	for _, test := range []struct {
		name, source string
		files        []string
		want         string
	}{
		{"deny rule", "deploy/worker", []string{"deny.yaml"},
			"Change or remove spec.ingressDeny[0] of CiliumNetworkPolicy/shop/no-workers: it denies, and no rule that allows can override it."},
		{"egress", "backend/deploy/api", []string{"egress.yaml"},
			"At the source, allow egress to the pods with cnpg.io/cluster=orders in namespace shop: add a rule to CiliumNetworkPolicy/backend/api-egress, or a policy beside it."},
		{"egress to a pooler", "backend/deploy/api --pooler orders-rw", []string{"egress.yaml"},
			"At the source, allow egress to the pods with cnpg.io/poolerName=orders-rw in namespace shop: add a rule to CiliumNetworkPolicy/backend/api-egress, or a policy beside it."},
		{"egress deny", "backend/deploy/api", []string{"egress-deny.yaml"},
			"At the source, change or remove spec.egressDeny[0] of CiliumNetworkPolicy/backend/api-no-database: it denies, and no rule that allows can override it."},
		{"deny rule with a priority", "deploy/worker", []string{"admin-deny.yaml"},
			"Change or remove spec.ingress[0] of ClusterNetworkPolicy/no-workers: it denies."},
		{"egress deny that comes last", "backend/deploy/api", []string{"baseline-egress-deny.yaml"},
			"At the source, change or remove spec.egress[0] of ClusterNetworkPolicy/api-no-database: it denies."},
	} {
		t.Run(test.name, func(t *testing.T) {
			source, pooler, _ := strings.Cut(test.source, " --pooler ")
			e, err := explainWhyNot(t, fixture.Load(t, fixture.Shop(test.files...)...), fixture.Orders(), source, explain.Query{Pooler: pooler})
			if err != nil {
				t.Fatal(err)
			}
			if c := e.Change; c == nil || len(c.Steps) != 1 || c.Steps[0].String() != test.want || c.Command.String()+c.Manifest != "" || c.LetsIn != nil {
				t.Errorf("got %+v", e.Change)
			}
		})
	}
}

// On dual stack, each address family has a world of its own, and a policy may name one of them.
func TestExplainTheWorldOfOneFamily(t *testing.T) {
	for _, test := range []struct {
		source  string
		answers int
		verdict v1alpha1.Verdict
		change  string
	}{
		{"0.0.0.0/0", 1, v1alpha1.VerdictAllowed, ""},
		{"::/0", 1, v1alpha1.VerdictDenied, "  - fromCIDR:\n    - ::/0\n    toPorts"},
		{"world", 2, v1alpha1.VerdictDenied, "  - fromCIDR:\n    - ::/0\n    toPorts"},
	} {
		inv := fixture.Load(t, fixture.Shop("all-ipv4.yaml")...)
		e, err := explainWhyNot(t, inv, fixture.Orders(), test.source, explain.Query{})
		if err != nil {
			t.Fatal(err)
		}
		if e.Verdict != test.verdict || len(e.Answers) != test.answers {
			t.Errorf("%s: %s in %d answers, want %s in %d", test.source, e.Verdict, len(e.Answers), test.verdict, test.answers)
		}
		if test.change != "" && (e.Change == nil || !strings.Contains(e.Change.Manifest, test.change)) {
			t.Errorf("%s: change %+v", test.source, e.Change)
		}
	}
}

// Only what the source looks like is let in.
func TestWhyNotFromANodesNetwork(t *testing.T) {
	inv := fixture.Locked(t, policyset.FlagValues{}, fixture.OnNode("shop", "web", "192.0.2.3"))
	e, err := explainWhyNot(t, inv, fixture.Database(), "pod/web", explain.Query{})
	if err != nil {
		t.Fatal(err)
	}
	if e.Change == nil || !strings.Contains(e.Change.Manifest, "- fromEntities:\n    - remote-node\n    toPorts") {
		t.Errorf("change %+v", e.Change)
	}
}

// explainWhyNot is the answer to a question, with what would let the source in.
func explainWhyNot(t *testing.T, inv *inventory.Inventory, cluster types.NamespacedName, source string, query explain.Query) (v1alpha1.Explanation, error) {
	t.Helper()
	question, err := fixture.Ask(t, inv, cluster, source, query)
	if err != nil {
		return v1alpha1.Explanation{}, err
	}
	e, err := question.Explain()
	if err != nil || e.Verdict != v1alpha1.VerdictDenied {
		return e, err
	}
	change, err := propose.For(question)
	e.Change = &change
	return e, err
}
