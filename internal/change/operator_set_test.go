package change_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// platform is the namespace of an operator with a plugin, monitoring, and a Grafana that is neither.
const platform = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: cnpg-controller-manager, namespace: cnpg-system, labels: {app.kubernetes.io/name: cloudnative-pg}}
spec:
  selector: {matchLabels: {app.kubernetes.io/name: cloudnative-pg}}
  template:
    metadata: {labels: {app.kubernetes.io/name: cloudnative-pg}}
    spec: {containers: [{name: manager, image: operator, ports: [{containerPort: 9443, name: webhook-server}, {containerPort: 8081, name: metrics}]}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: barman-cloud, namespace: cnpg-system}
spec:
  selector: {matchLabels: {app: barman-cloud}}
  template:
    metadata: {labels: {app: barman-cloud}}
    spec: {containers: [{name: plugin, image: plugin}]}
---
apiVersion: v1
kind: Service
metadata: {name: barman-cloud, namespace: cnpg-system, labels: {cnpg.io/pluginName: barman-cloud.cloudnative-pg.io}}
spec: {selector: {app: barman-cloud}, ports: [{port: 9090, targetPort: 9091}]}
---
apiVersion: v1
kind: Pod
metadata: {name: grafana, namespace: cnpg-system, labels: {app: grafana}}
spec: {containers: [{name: grafana, image: grafana}]}
---
apiVersion: v1
kind: Pod
metadata: {name: prometheus, namespace: monitoring, labels: {app: prometheus}}
spec: {containers: [{name: prometheus, image: prometheus}]}
`

// guardedWorld is the shop with that platform, what replace says in it, and further objects.
func guardedWorld(t *testing.T, more string, replace ...string) *model.Model {
	t.Helper()
	file := filepath.Join(t.TempDir(), "platform.yaml")
	if err := os.WriteFile(file, []byte(strings.NewReplacer(replace...).Replace(platform)+more), 0o600); err != nil {
		t.Fatal(err)
	}
	return newModel(t, fixture.Load(t, append(fixture.Shop(), file)...))
}

func guard(t *testing.T, m *model.Model, flags policyset.FlagValues) policyset.Options {
	t.Helper()
	set, err := policyset.Parse(flags)
	if err != nil {
		t.Fatal(err)
	}
	o, err := assess.ForOperator(m, set, "cnpg-system")
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func scraped(v *policyset.FlagValues)    { v.Allow = append(v.Allow, "--allow-metrics=monitoring") }
func restricted(v *policyset.FlagValues) { v.Egress = true }

// The set lets in whom its words say, and nobody else.
func TestWhoReachesALockedOperator(t *testing.T) {
	m := guardedWorld(t, "")
	p := propose(t, m, guard(t, m, fixture.Flags(scraped, restricted)))
	if len(p.Refusals) > 0 {
		t.Fatalf("refused: %v", p.Refusals)
	}
	then, err := m.With(after(m.Inventory().Policies, p.Plan))
	if err != nil {
		t.Fatal(err)
	}
	ends := map[string]model.End{"host": {Identity: m.Identities().Reserved("host")}, "api": {Identity: m.Identities().Reserved("kube-apiserver")}, "world": {Identity: m.Identities().Worlds()[0]}}
	for i := range m.Inventory().Pods {
		pod := m.Pod(i)
		name := pod.Workload.Name
		if name == "" {
			name = pod.Name
		}
		ends[pod.Namespace+"/"+name] = then.EndOf(i, name)
	}
	const operator, plugin, grafana, orders = "cnpg-system/cnpg-controller-manager", "cnpg-system/barman-cloud", "cnpg-system/grafana", "shop/orders"
	for _, tc := range []struct {
		from, to string
		port     uint16
		want     v1alpha1.Verdict
	}{
		{"api", operator, 9443, v1alpha1.VerdictAllowed},
		{"host", operator, 9443, v1alpha1.VerdictAllowed},
		{"world", operator, 9443, v1alpha1.VerdictDenied},
		{"shop/web", operator, 9443, v1alpha1.VerdictDenied},
		{orders, operator, 9443, v1alpha1.VerdictDenied},
		{grafana, operator, 9443, v1alpha1.VerdictDenied},
		{plugin, operator, 9443, v1alpha1.VerdictDenied},
		{"monitoring/prometheus", operator, 8081, v1alpha1.VerdictAllowed},
		{"monitoring/prometheus", operator, 9443, v1alpha1.VerdictDenied},
		{"shop/web", operator, 8081, v1alpha1.VerdictDenied},
		{operator, plugin, 9091, v1alpha1.VerdictAllowed},
		{operator, plugin, 9090, v1alpha1.VerdictDenied},
		{orders, plugin, 9091, v1alpha1.VerdictDenied},
		{"api", plugin, 9091, v1alpha1.VerdictDenied},
		{operator, orders, 8000, v1alpha1.VerdictAllowed},
		{operator, orders, 5432, v1alpha1.VerdictDenied},
		{operator, "shop/web", 8000, v1alpha1.VerdictDenied},
		{operator, "world", 443, v1alpha1.VerdictDenied},
		{operator, "api", 6443, v1alpha1.VerdictAllowed},
		// Others of the namespace are left alone, and so is what plugins open.
		{"shop/web", grafana, 3000, v1alpha1.VerdictAllowed},
		{grafana, "world", 443, v1alpha1.VerdictAllowed},
		{plugin, "world", 443, v1alpha1.VerdictAllowed},
	} {
		from, known := ends[tc.from]
		to, there := ends[tc.to]
		if !known || !there {
			t.Fatalf("%s or %s is not there: %v", tc.from, tc.to, ends)
		}
		if got := then.Between(from, to, tc.port); got.Verdict != tc.want {
			t.Errorf("%s → %s:%d is %s, want %s", tc.from, tc.to, tc.port, got.Verdict, tc.want)
		}
	}
}

// Every state on the way there, and back, keeps what the operator needs; so does that from one set to another.
func TestOperatorsKeepWhatTheyNeedAtEveryStep(t *testing.T) {
	for name, flags := range map[string]policyset.FlagValues{
		"ingress": fixture.Flags(), "with metrics": fixture.Flags(scraped), "with egress": fixture.Flags(scraped, restricted),
	} {
		t.Run(name, func(t *testing.T) {
			m := guardedWorld(t, "")
			there := propose(t, m, guard(t, m, flags)).Plan
			steps(t, m, there)
			locked, err := m.With(after(m.Inventory().Policies, there))
			if err != nil {
				t.Fatal(err)
			}
			steps(t, locked, propose(t, locked, guard(t, locked, fixture.Flags(restricted))).Plan)
			back, err := change.ProposeUnlock(locked, []types.NamespacedName{assess.OperatorKey("cnpg-system")})
			if err != nil || len(back.Refusals) > 0 {
				t.Fatalf("unlock: %v, %v", err, back.Refusals)
			}
			steps(t, locked, back.Plan)
			if left := after(locked.Inventory().Policies, back.Plan); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
		})
	}
}

// steps fails for what an operator needs and does not get after one of the steps.
func steps(t *testing.T, m *model.Model, plan change.Plan) {
	t.Helper()
	if len(plan.Changing()) == 0 {
		t.Fatal("the plan changes nothing")
	}
	for n := range len(plan.Steps) + 1 {
		then, err := m.With(plan.After(m.Inventory().Policies, n))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range assess.OperatorFlows(then, "cnpg-system") {
			if !f.Advisory && f.Verdict != v1alpha1.VerdictAllowed {
				t.Errorf("after %d steps of %q, %s (%s → %s) is %s: %s", n, fixture.Steps(plan), f.Name, f.From, f.To, f.Verdict, f.Message)
			}
		}
	}
}

// Where the agents take every policy for one that denies, no order keeps all of it: that is refused, and not done.
func TestOperatorsAreNotInterrupted(t *testing.T) {
	m := guardedWorld(t, "")
	inv := *m.Inventory()
	inv.Settings.NonDefaultDeny = false
	m = newModel(t, &inv)
	p := propose(t, m, guard(t, m, fixture.Flags(restricted)))
	if !slices.ContainsFunc(p.Refusals, func(r v1alpha1.Refusal) bool {
		return r.Reason == v1alpha1.RefusalFlowInterrupted && strings.Contains(r.Message, "the flow webhook (operator (cnpg-system) → ")
	}) {
		t.Errorf("not refused: %v", p.Refusals)
	}
}

func TestOperatorLockdownIsRefused(t *testing.T) {
	const shut = "\n---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: shut, namespace: %s}\nspec: {endpointSelector: %s, %s}\n"
	for name, tc := range map[string]struct{ more, want string }{
		"the webhook": {fmt.Sprintf(shut, "cnpg-system", "{}", "ingressDeny: [{fromEntities: [all]}]"), "the required flow webhook (the API server → operator (cnpg-system)) would be denied"},
		"a plugin":    {fmt.Sprintf(shut, "cnpg-system", "{matchLabels: {app: barman-cloud}}", "ingressDeny: [{fromEndpoints: [{}]}]"), "the required flow webhook (operator (cnpg-system) → the plugin barman-cloud.cloudnative-pg.io) would be denied"},
		"API server":  {fmt.Sprintf(shut, "cnpg-system", "{}", "egressDeny: [{toEntities: [kube-apiserver]}]"), "the required flow webhook (operator (cnpg-system) → the API server) would be denied"},
		// What keeps the operator from a database already is told about the database.
		"a database": {fmt.Sprintf(shut, "shop", "{}", "ingressDeny: [{fromEntities: [all]}]"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			m := guardedWorld(t, tc.more)
			p := propose(t, m, guard(t, m, fixture.Flags(restricted)))
			var got []string
			for _, r := range p.Refusals {
				got = append(got, r.Message)
			}
			if tc.want == "" && len(got) > 0 || tc.want != "" && !strings.Contains(strings.Join(got, "\n"), tc.want) {
				t.Errorf("refused: %q, want %q", got, tc.want)
			}
		})
	}
}

// Pods that no rule can tell are not locked down, and the reason is said.
func TestOperatorsThatCanNotBeLockedDown(t *testing.T) {
	for name, tc := range map[string]struct {
		replace []string
		more    string
		want    string
	}{
		"on the network of its node": {[]string{"{containers: [{name: manager", "{hostNetwork: true, containers: [{name: manager"}, "", `the operator in "cnpg-system" is on its node's network (hostNetwork), where policies for pods say nothing: remove that from its Deployment first`},
		"a plugin of an unseen port": {[]string{"targetPort: 9091", "targetPort: grpc"}, "", "no rule can let the operator out to the plugin barman-cloud.cloudnative-pg.io, because a pod behind the Service cnpg-system/barman-cloud has no port called grpc"},
		"a plugin without selector":  {[]string{"selector: {app: barman-cloud}, ports", "ports"}, "", "no rule can let the operator out to the plugin barman-cloud.cloudnative-pg.io, because what is behind the Service cnpg-system/barman-cloud, which has no selector, was not seen"},
		"a plugin in the operator":   {[]string{"selector: {app: barman-cloud}, ports", "selector: {app.kubernetes.io/name: cloudnative-pg}, ports"}, "", "the Service of the plugin barman-cloud.cloudnative-pg.io selects the operator's own pods, so that rules can't tell them apart"},
		"two operators":              {nil, strings.ReplaceAll(strings.Split(platform, "\n---\n")[0], "cnpg-controller-manager", "another"), `2 operators were seen in namespace "cnpg-system", and one set can't tell them apart`},
		"none":                       {[]string{"cloudnative-pg}", "somebody}"}, "", `no CloudNativePG operator was seen in namespace "cnpg-system", so that there is nothing to lock down: name its namespace with --operator-namespace`},
	} {
		t.Run(name, func(t *testing.T) {
			more := tc.more
			if more != "" {
				more = "\n---" + more
			}
			_, err := assess.ForOperator(guardedWorld(t, more, tc.replace...), policyset.Options{}, "cnpg-system")
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("got  %v\nwant %s", err, tc.want)
			}
		})
	}
}

// The preview says of each port who keeps and who loses it.
func TestAccessToAnOperatorIsPreviewed(t *testing.T) {
	m := guardedWorld(t, "")
	preview := propose(t, m, guard(t, m, fixture.Flags(scraped))).Previews[0]
	access := preview.Access()
	if len(preview.Bystanders) > 0 {
		t.Errorf("the operator and its plugin are no bystanders of their own set: %+v", preview.Bystanders)
	}
	told := func(all []v1alpha1.ClientChange) []string {
		var out []string
		for _, c := range all {
			if c.Namespace == "cnpg-system" || c.Namespace == "monitoring" {
				out = append(out, fmt.Sprintf("%s %s:%d", c.Workload, c.Target, c.Port))
			}
		}
		slices.Sort(out)
		return out
	}
	const plugin = "plugin barman-cloud.cloudnative-pg.io:9091"
	for _, tc := range []struct{ got, want []string }{
		{told(access.Keeps), []string{"deployment/cnpg-controller-manager " + plugin, "pod/prometheus operator:8081"}},
		{told(access.Loses), []string{
			"deployment/barman-cloud operator:8081", "deployment/barman-cloud operator:9443", "pod/grafana operator:8081", "pod/grafana operator:9443", "pod/grafana " + plugin,
			"pod/prometheus operator:9443", "pod/prometheus " + plugin,
		}},
	} {
		if !slices.Equal(tc.got, tc.want) {
			t.Errorf("got  %q\nwant %q", tc.got, tc.want)
		}
	}
}

// The operator has to reach the instances to come, too.
func TestOperatorsReachTheNextInstance(t *testing.T) {
	later := `
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: later, namespace: shop}
spec:
  endpointSelector: {matchExpressions: [{key: cnpg.io/cluster, operator: In, values: [orders]}, {key: cnpg.io/instanceName, operator: NotIn, values: [orders-1, orders-2]}]}
  ingressDeny: [{fromEndpoints: [{matchLabels: {io.kubernetes.pod.namespace: cnpg-system}}]}]
`
	for name, tc := range map[string]struct {
		more string
		want v1alpha1.Verdict
	}{"nothing else": {"", v1alpha1.VerdictAllowed}, "a policy for others than those that are there": {later, v1alpha1.VerdictDenied}} {
		flows := assess.OperatorFlows(guardedWorld(t, tc.more), "cnpg-system")
		at := slices.IndexFunc(flows, func(f v1alpha1.RequiredFlow) bool { return f.To == "instances of shop/orders" })
		if at < 0 || flows[at].Verdict != tc.want {
			t.Errorf("%s: %+v", name, flows)
		}
	}
}

// Nothing is enforced at a pod that Cilium does not manage.
func TestAnUnmanagedOperatorIsNotLockedDown(t *testing.T) {
	m := newModel(t, fixture.World(t, fixture.Unmanaged("cnpg-system", "operator-1")))
	_, err := assess.ForOperator(m, policyset.Options{}, "cnpg-system")
	if err == nil || !strings.Contains(err.Error(), "nothing would be enforced at the operator in \"cnpg-system\", which Cilium does not manage: restart its pod first") {
		t.Errorf("%v", err)
	}
}

// A change is undone when what the operator needs is not there afterwards.
func TestOperatorLockdownIsVerified(t *testing.T) {
	m := guardedWorld(t, "")
	p := propose(t, m, guard(t, m, fixture.Flags(restricted)))
	then, err := m.With(after(m.Inventory().Policies, p.Plan))
	if err != nil {
		t.Fatal(err)
	}
	if found := p.Verify(then); len(found) > 0 {
		t.Errorf("the world is as promised, and differs: %v", found)
	}
	lost := after(m.Inventory().Policies, p.Plan)[:0:0]
	for _, policy := range after(m.Inventory().Policies, p.Plan) {
		if policy.Name != "cnpg-operator-webhook-access" {
			lost = append(lost, policy)
		}
	}
	if then, err = m.With(lost); err != nil {
		t.Fatal(err)
	}
	if found := fmt.Sprint(p.Verify(then)); !strings.Contains(found, `verification of the operator in "cnpg-system": the required flow webhook is unknown, the preview said allowed`) {
		t.Errorf("differences: %s", found)
	}
	// A database that has come meanwhile, and keeps the operator out.
	more := guardedWorld(t, `
---
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: late, namespace: shop}
spec: {instances: 1, storage: {size: 1Gi}}
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: late, namespace: shop}
spec: {endpointSelector: {matchLabels: {cnpg.io/cluster: late}}, ingress: [{}]}
`)
	later, err := more.With(after(more.Inventory().Policies, p.Plan))
	if err != nil {
		t.Fatal(err)
	}
	if found := fmt.Sprint(p.Verify(later)); !strings.Contains(found, "late") || !strings.Contains(found, "the required flow operator is denied") {
		t.Errorf("differences: %s", found)
	}
	unlocked, err := change.ProposeUnlock(then, []types.NamespacedName{assess.OperatorKey("cnpg-system")})
	if err != nil {
		t.Fatal(err)
	}
	if found := unlocked.Verify(then); len(found) != len(lost)+1 {
		t.Errorf("%d policies and a flow, %d differences: %v", len(lost), len(found), found)
	}
}

// Databases of which the same becomes are one line; those of which something else becomes stand by themselves.
func TestManyDatabasesAreOneFlow(t *testing.T) {
	const database = "\n---\napiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: db%d, namespace: many}\nspec: {instances: 1, storage: {size: 1Gi}}\n"
	var more strings.Builder
	for i := range 6 {
		fmt.Fprintf(&more, database, i)
	}
	m := guardedWorld(t, more.String())
	p := propose(t, m, guard(t, m, fixture.Flags(restricted)))
	var to []string
	for _, f := range p.Previews[0].RequiredFlows {
		if f.Name == v1alpha1.FlowOperator {
			to = append(to, f.To)
		}
	}
	if !slices.Equal(to, []string{"instances of 7 clusters"}) {
		t.Errorf("flows to %q", to)
	}
}

// What an operator is kept from by a set that lacks its allow is mended by its lockdown, and not by a policy by hand.
func TestWhatAnOperatorsSetLacksIsMendedByItsLockdown(t *testing.T) {
	m := guardedWorld(t, "")
	set, err := policyset.Build(guard(t, m, fixture.Flags(restricted)))
	if err != nil {
		t.Fatal(err)
	}
	for gone, code := range map[string]v1alpha1.FindingCode{
		"cnpg-operator-egress-api-server": v1alpha1.WebhookBlocked,
		"cnpg-operator-egress-databases":  v1alpha1.OperatorBlocked,
	} {
		t.Run(gone, func(t *testing.T) {
			policies := slices.Clone(m.Inventory().Policies)
			for _, p := range set {
				if p.Object.Name != gone {
					policies = append(policies, fixture.Policies(p.Object)...)
				}
			}
			then, err := m.With(policies)
			if err != nil {
				t.Fatal(err)
			}
			said := 0
			for _, f := range assess.Report(then, then.Cluster(fixture.Orders())).Findings {
				if f.Code != code {
					continue
				}
				said++
				if got := f.Remedy.String(); got != "kubectl cnpg-netpol lockdown --operator --operator-namespace=cnpg-system --egress" {
					t.Errorf("%s: %s", f.Message, got)
				}
			}
			if said == 0 {
				t.Errorf("nothing is said of %s", code)
			}
		})
	}
}

// Where the kubelet is let in by rules alone, the set lets it in to plugins.
func TestTheKubeletOfAPluginIsLetIn(t *testing.T) {
	for setting, want := range map[string]bool{"auto": false, "policy": true} {
		inv := guardedWorld(t, "").Inventory()
		inv.Settings.AllowLocalhost = setting
		if got := guard(t, newModel(t, inv), fixture.Flags()).Operator.Probed; got != want {
			t.Errorf("allow-localhost %s: %t", setting, got)
		}
	}
}
