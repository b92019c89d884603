package explain_test

import (
	"slices"
	"strings"
	"testing"

	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/explain"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// endpoint changes what the agent says about a pod.
func endpoint(namespace, name string, change func(*inventory.Endpoint)) func(*inventory.Inventory) {
	return func(inv *inventory.Inventory) {
		key := types.NamespacedName{Namespace: namespace, Name: name}
		e := inv.Endpoints[key]
		change(&e)
		inv.Endpoints[key] = e
	}
}

func atWork(e *inventory.Endpoint) { e.State = "regenerating" }

func withoutIdentity(e *inventory.Endpoint) {
	e.State, e.IdentityID, e.IdentityLabels = "waiting-for-identity", 0, nil
}

// A pod at which the agent is still at work is not known to deny anything: seen with Cilium v1.18, where a new
// replica let in whom its policies shut out. What another pod denies stays denied, and so does what is allowed.
func TestPodsAtWhichTheAgentIsAtWork(t *testing.T) {
	ready := func(e *inventory.Endpoint) { e.State = "ready" }
	for name, tc := range map[string]struct {
		source string
		port   string
		change func(*inventory.Inventory)
		want   v1alpha1.Verdict
		reason string
	}{
		"all are ready":                         {"pod/web", "5432", endpoint("shop", "pg-2", ready), v1alpha1.VerdictDenied, ""},
		"one instance is not":                   {"pod/web", "5432", endpoint("shop", "pg-2", atWork), v1alpha1.VerdictUnknown, `can't be told: its endpoint is not ready (regenerating)`},
		"one has no identity":                   {"pod/web", "5432", endpoint("shop", "pg-2", withoutIdentity), v1alpha1.VerdictUnknown, "(waiting-for-identity)"},
		"for whom it allows":                    {"cnpg-system/pod/operator-1", "8000", endpoint("shop", "pg-2", atWork), v1alpha1.VerdictAllowed, ""},
		"the source is not, and it is shut out": {"pod/web", "5432", endpoint("shop", "web", atWork), v1alpha1.VerdictDenied, ""},
		"the source has no identity":            {"cnpg-system/pod/operator-1", "8000", endpoint("cnpg-system", "operator-1", withoutIdentity), v1alpha1.VerdictUnknown, "Cilium has not given pod operator-1 an identity yet"},
		"the world":                             {"world", "5432", endpoint("shop", "pg-2", atWork), v1alpha1.VerdictUnknown, "policies deny it"},
	} {
		t.Run(name, func(t *testing.T) {
			inv := fixture.Locked(t, fixture.Flags(), tc.change)
			e, err := fixture.Explain(t, inv, fixture.Database(), tc.source, explain.Query{Port: tc.port})
			if err != nil {
				t.Fatal(err)
			}
			if e.Verdict != tc.want {
				t.Errorf("%s, want %s: %+v", e.Verdict, tc.want, e.Answers)
			}
			said := slices.ContainsFunc(e.Answers, func(a v1alpha1.Answer) bool { return strings.Contains(a.Ingress.Reason, tc.reason) })
			if problem := explain.Answerable(e); !said || (problem != nil) != (tc.want == v1alpha1.VerdictUnknown) {
				t.Errorf("no %q in %+v, %v", tc.reason, e.Answers, problem)
			}
		})
	}
}

// The same on the way out.
func TestSendersAtWhichTheAgentIsAtWork(t *testing.T) {
	const none = `{"metadata": {"namespace": "shop", "name": "none"}, "spec": {"endpointSelector": {"matchLabels": {"cnpg.io/cluster": "pg"}}, "egress": [{}]}}`
	for name, tc := range map[string]struct {
		change func(*inventory.Inventory)
		want   v1alpha1.Verdict
	}{
		"all are ready":       {func(*inventory.Inventory) {}, v1alpha1.VerdictDenied},
		"one instance is not": {endpoint("shop", "pg-1", atWork), v1alpha1.VerdictUnknown},
		"the target is not":   {endpoint("shop", "web", atWork), v1alpha1.VerdictDenied},
	} {
		t.Run(name, func(t *testing.T) {
			inv := fixture.World(t, tc.change, fixture.Policy(none))
			target, err := explain.ParseTarget("pod/web:80", "")
			if err != nil {
				t.Fatal(err)
			}
			at := slices.IndexFunc(inv.Clusters, func(c *cnpgv1.Cluster) bool { return c.Name == "pg" })
			destination, err := explain.Find(inv, inv.Clusters[at], target, explain.Sender{})
			if err != nil {
				t.Fatal(err)
			}
			m, err := model.New(inv, model.Options{Namespace: "shop", Names: []string{"pg"}, Extra: destination.Extra()})
			if err != nil {
				t.Fatal(err)
			}
			o, err := explain.AskOutbound(m, fixture.Database(), destination)
			if err != nil {
				t.Fatal(err)
			}
			e := o.Explain()
			said := slices.ContainsFunc(e.Answers, func(a v1alpha1.Answer) bool {
				return strings.Contains(a.Egress.Reason, "at pod pg-1 already can't be told")
			})
			if e.Verdict != tc.want || said != (tc.want == v1alpha1.VerdictUnknown) {
				t.Errorf("%s, want %s: %+v", e.Verdict, tc.want, e.Answers)
			}
		})
	}
}
