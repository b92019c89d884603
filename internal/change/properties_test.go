package change_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/explain"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/decode"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
	whynot "github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/propose"
)

// inventories is how many worlds one run looks at.
const inventories = 1000

// TestWhatIsToldAgrees looks at generated worlds: whether what status, explain, the preview of a lockdown and
// --why-not tell of one of them is the same, and comes true.
func TestWhatIsToldAgrees(t *testing.T) {
	random, decoder := fixture.Random(t), decode.NewDecoder()
	var seen struct{ allowed, denied, lost, kept, proposed int }
	for i := range inventories {
		w := newToldWorld(t, random)
		w.decoder = decoder
		before := w.model(t, w.inventory)
		was := w.clients(t, before)
		for _, verdict := range was {
			if verdict {
				seen.allowed++
			} else {
				seen.denied++
			}
		}
		after := w.lockdown(t, before, was)
		is := w.clients(t, after)
		for app, could := range was {
			switch {
			case could && is[app]:
				seen.kept++
			case could:
				seen.lost++
				seen.proposed += w.whyNot(t, after, app)
			}
		}
		if t.Failed() {
			t.Fatalf("inventory %d:\n%s", i, w.text)
		}
	}
	t.Logf("%+v", seen)
	if min(seen.allowed, seen.denied, seen.lost, seen.kept) < inventories/4 || seen.proposed < inventories/20 {
		t.Errorf("the worlds are too plain to prove anything: %+v", seen)
	}
}

// toldWorld is a database with applications and policies around it.
type toldWorld struct {
	text      string
	inventory *inventory.Inventory
	// apps are deployments as explain takes them.
	apps    []string
	flags   policyset.FlagValues
	decoder *decode.Decoder
}

func newToldWorld(t *testing.T, random *rand.Rand) *toldWorld {
	t.Helper()
	chance := func(oneIn int) bool { return random.IntN(oneIn) == 0 }
	pick := func(values ...string) string { return values[random.IntN(len(values))] }
	w := &toldWorld{}
	var documents []string
	add := func(format string, values ...any) { documents = append(documents, fmt.Sprintf(format, values...)) }
	add(`{apiVersion: postgresql.cnpg.io/v1, kind: Cluster, metadata: {name: pg, namespace: shop}, spec: {instances: %d, storage: {size: 1Gi}}}`, 1+random.IntN(3))
	add(`{apiVersion: apps/v1, kind: Deployment, metadata: {name: operator, namespace: cnpg-system, labels: {app.kubernetes.io/name: cloudnative-pg}}, spec: {selector: {matchLabels: {app.kubernetes.io/name: cloudnative-pg}}, template: {metadata: {labels: {app.kubernetes.io/name: cloudnative-pg}}, spec: {containers: [{name: manager, image: operator}]}}}}`)
	for i := range 3 + random.IntN(4) {
		namespace, name := pick("shop", "shop", "web"), fmt.Sprintf("app-%d", i)
		add(`{apiVersion: apps/v1, kind: Deployment, metadata: {name: %s, namespace: %s}, spec: {selector: {matchLabels: {n: "%d"}}, template: {metadata: {labels: {role: %s, tier: %s, n: "%d"}}, spec: {containers: [{name: main, image: app}]}}}}`,
			name, namespace, i, pick("backend", "frontend"), pick("a", "b"), i)
		w.apps = append(w.apps, namespace+"/deployment/"+name)
	}
	peers := func() string {
		return pick(`fromEndpoints: [{matchLabels: {role: backend}}]`, `fromEndpoints: [{}]`, `fromEndpoints: [{matchLabels: {io.kubernetes.pod.namespace: web}}]`,
			`fromEndpoints: [{matchLabels: {io.kubernetes.pod.namespace: web, tier: a}}]`, `fromEntities: [cluster]`, `fromEntities: [world]`, `fromCIDR: [10.0.0.0/8, 192.0.2.0/24]`,
			`fromEndpoints: [{matchExpressions: [{key: tier, operator: NotIn, values: [a]}]}]`, `fromEndpoints: [{matchLabels: {io.kubernetes.pod.namespace: cnpg-system}}]`)
	}
	for i := range random.IntN(4) {
		section, ports := "ingress", ""
		if chance(5) {
			section = "ingressDeny"
		}
		if chance(2) {
			ports = `, toPorts: [{ports: [{port: "` + pick("5432", "8000") + `", protocol: TCP}]}]`
		}
		subject := pick(`{}`, `{matchLabels: {cnpg.io/cluster: pg}}`, `{matchLabels: {role: frontend}}`)
		spec := fmt.Sprintf(`{endpointSelector: %s, %s: [{%s%s}]}`, subject, section, peers(), ports)
		if chance(6) {
			spec = fmt.Sprintf(`{endpointSelector: {matchLabels: {tier: b}}, egress: [{toEndpoints: [{matchLabels: {role: %s}}]}]}`, pick("backend", "frontend"))
		}
		add(`{apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy, metadata: {name: policy-%d, namespace: %s}, spec: %s}`, i, pick("shop", "shop", "web"), spec)
	}
	w.flags = policyset.FlagValues{Scope: pick("cluster", "cluster", "namespace")}
	for _, flag := range []string{"--allow-pods=role=backend", "--allow-pods-any-namespace=tier=a", "--allow-namespace=web", "--allow-cluster-wide"} {
		if chance(4) {
			w.flags.Allow = append(w.flags.Allow, flag)
		}
	}
	w.text = strings.Join(documents, "\n---\n")
	w.inventory = fixture.Text(t, w.text)
	return w
}

func theDatabase() types.NamespacedName { return types.NamespacedName{Namespace: "shop", Name: "pg"} }

func (w *toldWorld) model(t *testing.T, inv *inventory.Inventory) *model.Model {
	t.Helper()
	m, err := model.New(inv, model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (w *toldWorld) ask(t *testing.T, m *model.Model, source string) *explain.Question {
	t.Helper()
	from, err := explain.ParseSource(source)
	if err != nil {
		t.Fatal(err)
	}
	q, err := explain.Ask(m, theDatabase(), from.In("shop"), explain.Query{Port: "5432"})
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// clients asks explain about every application, and compares the answers with what status lists.
func (w *toldWorld) clients(t *testing.T, m *model.Model) map[string]bool {
	t.Helper()
	listed := map[string]bool{}
	exposure := assess.Exposure(m, m.Cluster(theDatabase()), 0)[0]
	for _, c := range exposure.Clients {
		listed[c.Namespace+"/"+c.Workload] = true
	}
	out := map[string]bool{}
	for _, app := range w.apps {
		e, err := w.ask(t, m, app).Explain()
		if err != nil {
			t.Fatal(err)
		}
		out[app] = e.Verdict == v1alpha1.VerdictAllowed
		if out[app] != listed[app] {
			t.Errorf("%s: explain says %s, status lists it: %v", app, e.Verdict, listed[app])
		}
	}
	world, err := w.ask(t, m, "world").Explain()
	if err != nil {
		t.Fatal(err)
	}
	if in := slices.Contains(exposure.Entities, v1alpha1.EntityWorld); in != (world.Verdict == v1alpha1.VerdictAllowed) {
		t.Errorf("world: explain says %s, status lists it: %v", world.Verdict, in)
	}
	return out
}

// lockdown compares the preview with what holds when the printed policies are there.
func (w *toldWorld) lockdown(t *testing.T, before *model.Model, was map[string]bool) *model.Model {
	t.Helper()
	options, err := policyset.Parse(w.flags)
	if err != nil {
		t.Fatal(err)
	}
	all := []policyset.Options{options.For(theDatabase(), assess.Operators(before))}
	p, err := change.ProposeLockdown(before, all)
	if err != nil {
		t.Fatal(err)
	}
	inv := *w.inventory
	inv.Policies = slices.Clone(inv.Policies)
	for _, s := range p.Plan.Steps {
		printed, err := json.Marshal(s.After)
		if err != nil {
			t.Fatal(err)
		}
		inv.Policies = append(inv.Policies, w.decoder.Policy(v1alpha1.CiliumNetworkPolicy, printed, decode.PolicyOptions{}))
	}
	inv.Finish()
	after := w.model(t, &inv)
	is := w.clients(t, after)
	loses := namesOf(p.Previews[0].Access().Loses)
	for _, app := range w.apps {
		if changed := was[app] && !is[app]; changed != loses[app] {
			t.Errorf("%s: could connect before: %v, afterwards: %v; the preview says that it loses access: %v", app, was[app], is[app], loses[app])
		}
	}
	report := assess.Report(after, after.Cluster(theDatabase()))
	if promised := p.Previews[0].Posture.After; report.Posture != promised {
		t.Errorf("the preview says %s, status then says %s", promised, report.Posture)
	}
	again, err := change.ProposeLockdown(after, all)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(again.Plan.Changing()); n > 0 {
		t.Errorf("there are %d changes left when all were made", n)
	}
	return after
}

func namesOf(clients []v1alpha1.ClientChange) map[string]bool {
	out := map[string]bool{}
	for _, c := range clients {
		if c.Namespace != "" && c.Target.Pooler == "" {
			out[c.Namespace+"/"+c.Workload] = true
		}
	}
	return out
}

// whyNot follows what is proposed for one whom the lockdown shut out, and says how many proposals there were.
func (w *toldWorld) whyNot(t *testing.T, m *model.Model, app string) int {
	t.Helper()
	answer, err := whynot.For(w.ask(t, m, app))
	if err != nil {
		t.Fatal(err)
	}
	first := slices.ContainsFunc(answer.Steps, func(s command.Text) bool {
		return strings.HasPrefix(s.Words, "First let") || strings.HasPrefix(s.Words, "At the source")
	})
	if answer.Command.IsZero() || first {
		return 0
	}
	w.follow(t, m, app, answer)
	return 1
}

func (w *toldWorld) follow(t *testing.T, m *model.Model, app string, answer v1alpha1.AccessChange) {
	t.Helper()
	var flags policyset.FlagValues
	for _, word := range answer.Command.Words {
		switch {
		case strings.HasPrefix(word, "--scope="):
			flags.Scope = strings.TrimPrefix(word, "--scope=")
		case strings.HasPrefix(word, "--operator-namespace="):
			flags.OperatorNamespaces = append(flags.OperatorNamespaces, strings.TrimPrefix(word, "--operator-namespace="))
		case strings.HasPrefix(word, "--allow-"):
			flags.Allow = append(flags.Allow, word)
		}
	}
	options, err := policyset.Parse(flags)
	if err != nil {
		t.Fatalf("%s: %v", answer.Command, err)
	}
	p, err := change.ProposeLockdown(m, []policyset.Options{options.For(theDatabase(), assess.Operators(m))})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Refusals) > 0 {
		t.Errorf("%s is proposed for %s, and refused: %s", answer.Command, app, p.Refusals[0].Message)
	}
	gains := namesOf(p.Previews[0].Access().Gains)
	if !gains[app] {
		t.Errorf("%s is proposed for %s, and does not let it in", answer.Command, app)
	}
	delete(gains, app)
	for _, c := range answer.LetsIn.Clients {
		if name := c.Namespace + "/" + c.Workload; !gains[name] {
			t.Errorf("%s: it is said to let in %s, and does not", answer.Command, name)
		} else {
			delete(gains, name)
		}
	}
	for name := range gains {
		t.Errorf("%s: it lets in %s, and does not say so", answer.Command, name)
	}
}
