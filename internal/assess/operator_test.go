package assess_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

const (
	// refusedPolicy has no direction, which Cilium refuses.
	refusedPolicy = `{"metadata":{"name":"broken","namespace":"cnpg-system"},"spec":{"endpointSelector":{"matchLabels":{"app.kubernetes.io/name":"NAME"}},"egress":[]}}`
)

func letIn(rules string) func(*inventory.Inventory) {
	return fixture.Policy(`{"metadata":{"name":"set","namespace":"shop"},"spec":{"endpointSelector":{"matchLabels":{"cnpg.io/cluster":"pg"}},"ingress":[` + rules + `]}}`)
}

func rule(namespace, labels, port string) string {
	out := `{"fromEndpoints":[{"matchLabels":{"io.kubernetes.pod.namespace":"` + namespace + `"` + labels + `}}]`
	if port != "" {
		out += `,"toPorts":[{"ports":[{"port":"` + port + `"}]}]`
	}
	return out + `}`
}

// What an operator's finding is about: nobody that is assumed, and no rule that is for somebody else.
func TestOperatorFindings(t *testing.T) {
	const peers = `{"fromEndpoints":[{"matchLabels":{"cnpg.io/cluster":"pg"}}]},`
	const name = `,"app.kubernetes.io/name":"cloudnative-pg"`
	nowhere := func(inv *inventory.Inventory) {
		inv.Operators = nil
		for i := range inv.Pods {
			if inv.Pods[i].Namespace == "cnpg-system" {
				inv.Pods[i].Namespace = "elsewhere"
			}
		}
	}
	onlyNamespace := func(inv *inventory.Inventory) {
		nowhere(inv)
		inv.Operators = []inventory.Operator{{Namespace: "platform", FoundBy: "webhook"}}
	}
	for title, tc := range map[string]struct {
		changes []func(*inventory.Inventory)
		verdict v1alpha1.Verdict
		want    []v1alpha1.FindingCode
	}{
		"by its labels":                     {[]func(*inventory.Inventory){letIn(peers + rule("cnpg-system", name, "8000"))}, v1alpha1.VerdictAllowed, nil},
		"all of its namespace":              {[]func(*inventory.Inventory){letIn(peers + rule("cnpg-system", "", "8000"))}, v1alpha1.VerdictAllowed, []v1alpha1.FindingCode{v1alpha1.MoreThanTheOperator}},
		"its namespace, for all ports":      {[]func(*inventory.Inventory){letIn(peers + rule("cnpg-system", "", ""))}, v1alpha1.VerdictAllowed, nil},
		"another namespace":                 {[]func(*inventory.Inventory){letIn(peers + rule("postgres", "", "8000"))}, v1alpha1.VerdictDenied, []v1alpha1.FindingCode{v1alpha1.OperatorBlocked, v1alpha1.WrongOperatorNamespace}},
		"another namespace, by its labels":  {[]func(*inventory.Inventory){letIn(peers + rule("postgres", name, ""))}, v1alpha1.VerdictDenied, []v1alpha1.FindingCode{v1alpha1.OperatorBlocked, v1alpha1.WrongOperatorNamespace}},
		"a rule for somebody else":          {[]func(*inventory.Inventory){letIn(peers + rule("backend", "", ""))}, v1alpha1.VerdictDenied, []v1alpha1.FindingCode{v1alpha1.OperatorBlocked}},
		"assumed, and let in":               {[]func(*inventory.Inventory){nowhere, letIn(peers + rule("cnpg-system", "", "8000"))}, v1alpha1.VerdictUnknown, []v1alpha1.FindingCode{v1alpha1.OperatorNotFound}},
		"assumed, and shut out":             {[]func(*inventory.Inventory){nowhere, letIn(peers + rule("postgres", "", "8000"))}, v1alpha1.VerdictUnknown, []v1alpha1.FindingCode{v1alpha1.OperatorNotFound}},
		"assumed, and everybody gets in":    {[]func(*inventory.Inventory){nowhere}, v1alpha1.VerdictAllowed, []v1alpha1.FindingCode{v1alpha1.NoDefaultDeny, v1alpha1.OperatorNotFound}},
		"a namespace, let in as a whole":    {[]func(*inventory.Inventory){onlyNamespace, letIn(peers + rule("platform", "", "8000"))}, v1alpha1.VerdictAllowed, nil},
		"a namespace, let in by labels":     {[]func(*inventory.Inventory){onlyNamespace, letIn(peers + rule("platform", `,"app":"pg-operator"`, "8000"))}, v1alpha1.VerdictUnknown, nil},
		"a namespace that no rule is about": {[]func(*inventory.Inventory){onlyNamespace, letIn(peers + rule("backend", "", ""))}, v1alpha1.VerdictDenied, []v1alpha1.FindingCode{v1alpha1.OperatorBlocked}},
		"a refused policy of its own": {
			[]func(*inventory.Inventory){letIn(peers + rule("cnpg-system", name, "8000")), fixture.Policy(strings.Replace(refusedPolicy, "NAME", "cloudnative-pg", 1))},
			v1alpha1.VerdictAllowed, []v1alpha1.FindingCode{v1alpha1.PolicyInvalid},
		},
		"a refused policy of its neighbour": {
			[]func(*inventory.Inventory){letIn(peers + rule("cnpg-system", name, "8000")), fixture.Policy(strings.Replace(refusedPolicy, "NAME", "barman", 1))},
			v1alpha1.VerdictAllowed, nil,
		},
	} {
		t.Run(title, func(t *testing.T) {
			inv := fixture.World(t, tc.changes...)
			inv.Finish()
			m, err := model.New(inv, model.Options{})
			if err != nil {
				t.Fatal(err)
			}
			r := assess.Evaluate(m).Items[0]
			var got []v1alpha1.FindingCode
			for _, f := range r.Findings {
				if f.Code == v1alpha1.NoDefaultDeny || strings.Contains(string(f.Code), "OPERATOR") || f.Code == v1alpha1.PolicyInvalid {
					got = append(got, f.Code)
				}
			}
			if strings.Join(codeTexts(got), " ") != strings.Join(codeTexts(tc.want), " ") {
				t.Errorf("findings %v, want %v: %+v", got, tc.want, r.Findings)
			}
			if r.RequiredFlows[0].Verdict != tc.verdict {
				t.Errorf("%s, want %s: %s", r.RequiredFlows[0].Verdict, tc.verdict, r.RequiredFlows[0].Message)
			}
		})
	}
}

func codeTexts(list []v1alpha1.FindingCode) []string {
	out := make([]string, len(list))
	for i, c := range list {
		out[i] = string(c)
	}
	return out
}

// Of more operators than there can be, none is asked about: which one looks after the cluster is not known, unless its namespace is
// named.
func TestTooManyOperators(t *testing.T) {
	for _, seen := range []int{model.MostOperators, model.MostOperators + 1} {
		inv := fixture.World(t, letIn(rule("cnpg-system", "", "")+`,{"fromEndpoints":[{"matchLabels":{"cnpg.io/cluster":"pg"}}]}`), func(inv *inventory.Inventory) {
			for i := range seen - len(inv.Operators) {
				inv.Operators = append(inv.Operators, inventory.Operator{Namespace: fmt.Sprint("other-", i), PodLabels: map[string]string{"a": "b"}, FoundBy: "label"})
			}
			inv.Finish()
		})
		for named, want := range map[string]v1alpha1.Verdict{"": v1alpha1.VerdictUnknown, "cnpg-system": v1alpha1.VerdictAllowed, "other-3": v1alpha1.VerdictDenied} {
			why := "17 operators were seen, and more than 16 are not asked about"
			if seen == model.MostOperators {
				why = `more than one operator (allowed from "cnpg-system", denied from "other-0"`
			}
			m, err := model.New(inv, model.Options{OperatorNamespace: named})
			if err != nil {
				t.Fatal(err)
			}
			r := assess.Report(m, m.Clusters()[0])
			for _, f := range r.RequiredFlows {
				if f.Name == v1alpha1.FlowOperator && (f.Verdict != want || (named == "") != strings.HasPrefix(f.Message, why)) {
					t.Errorf("%d operators, %q named: %s, %q, want %s", seen, named, f.Verdict, f.Message, want)
				}
			}
			if want == v1alpha1.VerdictUnknown && r.Posture != v1alpha1.PostureUnknown {
				t.Errorf("%d operators: %s", seen, r.Posture)
			}
			if operators := assess.Operators(m); named == "" && seen > model.MostOperators && len(operators) > 0 {
				t.Errorf("a set would let in %v", operators)
			}
		}
	}
}
