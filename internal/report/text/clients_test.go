package text_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/golden"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/text"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
)

// clientList has a client of each kind, with names that start with the prefix.
func clientList(prefix string) v1alpha1.ClientList {
	at := func(minute int) *metav1.Time {
		return &metav1.Time{Time: time.Date(2026, 1, 2, 10, minute, 0, 0, time.UTC)}
	}
	client := func(namespace, workload string, pods int) v1alpha1.Client {
		return v1alpha1.Client{Namespace: prefix + namespace, Workload: workload, Pods: pods}
	}
	denied := v1alpha1.PolicyReference{Kind: v1alpha1.CiliumNetworkPolicy, Namespace: "shop", Name: prefix + "orders-default-deny"}
	return v1alpha1.ClientList{
		Metadata: v1alpha1.Metadata{Namespace: "shop", Name: prefix + "orders"},
		Clients: []v1alpha1.ObservedClient{
			{
				Client: client("shop", "deployment/web", 2), References: []string{"Secret orders-app"}, Verdict: v1alpha1.VerdictAllowed, Flag: "--allow-pods=app=web",
				Targets: []v1alpha1.ObservedTarget{
					{Port: 5432, Sessions: 4, Opened: 30, First: at(0), Last: at(30), Verdict: v1alpha1.VerdictAllowed},
					{Target: v1alpha1.Target{Pooler: "rw"}, Port: 5432, Ongoing: true, Verdict: v1alpha1.VerdictAllowed},
				},
			},
			{
				Client: client("etl", "cronjob/nightly", 0), Verdict: v1alpha1.VerdictDenied, NearestMiss: "lacks role=backend", DefaultDeny: []v1alpha1.PolicyReference{denied},
				Targets: []v1alpha1.ObservedTarget{{Port: 5432, Opened: 1, Denied: 2, Audited: 1, Last: at(59), Verdict: v1alpha1.VerdictDenied}},
			},
			{Entity: v1alpha1.EntityWorld, Address: "203.0.113.7", Verdict: v1alpha1.VerdictUnknown, Targets: []v1alpha1.ObservedTarget{{Port: 5432, Opened: 1}}},
			{Entity: v1alpha1.EntityHost, Verdict: v1alpha1.VerdictDenied, Targets: []v1alpha1.ObservedTarget{{Port: 9187, Opened: 1}}},
		},
		MayConnect:         []v1alpha1.Client{client("a", "deployment/a", 3), client("b", "deployment/b", 1), client("c", "deployment/c", 1), client("d", "deployment/d", 1)},
		MayConnectEntities: []v1alpha1.Entity{v1alpha1.EntityRemoteNode},
		Evidence: []v1alpha1.EvidenceReport{
			{Kind: v1alpha1.EvidenceSessions, Gaps: []string{"not looked at"}, CannotSee: "a", Remedy: command.Words("The role:").Run(command.Plugin("rbac", "observe"))},
			{Kind: v1alpha1.EvidenceFlows, Source: prefix + "flows.jsonl", Events: 1200, From: at(0), To: &metav1.Time{Time: at(5).AddDate(0, 0, 1)}, Nodes: []string{"n"}, Gaps: []string{"17 events were lost"}, CannotSee: "who did not connect in that time"},
			{Kind: v1alpha1.EvidenceReferences, Source: "specs of workloads", Gaps: []string{}, CannotSee: "who gets the address in another way"},
		},
		Lockdown: &v1alpha1.ProposedLockdown{
			Command:    command.Plugin("lockdown", prefix+"orders").In("shop").With("--allow-pods=app=web"),
			Grants:     []v1alpha1.ProposedGrant{{Flag: "--allow-pods=app=web", Clients: []string{prefix + "shop/deployment/web"}}, {Flag: "--allow-namespace=etl", Clients: []string{"etl/cronjob/nightly"}, ReferencesOnly: true}},
			LeavesOut:  []v1alpha1.LeftOutClient{{Client: "world 203.0.113.7", Reason: "no flag of lockdown lets it in", Remedy: command.Run(command.Plugin("explain", "203.0.113.7", prefix+"orders").In("shop").With("--why-not"))}},
			AlsoLetsIn: []v1alpha1.Client{client("a", "deployment/a", 3)},
			Refusals:   []v1alpha1.Refusal{{Reason: v1alpha1.RefusalFlowBlocked, Message: "the required flow operator would be denied"}},
		},
		Timed: []v1alpha1.ObservedTimed{
			{
				Timed: v1alpha1.Timed{
					Name: prefix + "orders-grant-1", Kind: v1alpha1.TimedGrant, Until: at(59), Remaining: &metav1.Duration{Duration: 29 * time.Minute},
					Clients: []string{"--allow-namespace=" + prefix + "etl"}, RequestedBy: prefix + "jane", Reason: "INC-1",
				},
				CutOff: []string{prefix + "etl/cronjob/nightly", "etl/b", "etl/c", "etl/d"},
			},
			{Timed: v1alpha1.Timed{Name: "orders-lockdown-1", Until: at(40), Kind: v1alpha1.TimedLockdown, Then: v1alpha1.PostureOpen}, CutOff: []string{}},
		},
		Notes: []string{"a note"},
	}
}

func rehearsal(prefix string) v1alpha1.Rehearsal {
	return v1alpha1.Rehearsal{
		Since:    metav1.NewTime(time.Date(2026, 1, 2, 9, 0, 0, 0, time.UTC)),
		Lockdown: command.Plugin("lockdown", prefix+"orders").In("shop").With("--allow-pods=app=web"),
	}
}

func TestClients(t *testing.T) {
	few := clientList("")
	few.Clients = few.Clients[:1]
	few.Clients[0].Targets = few.Clients[0].Targets[:1]
	nobody := v1alpha1.ClientList{Metadata: few.Metadata, Evidence: few.Evidence[:1]}
	denied := clientList("")
	denied.Lockdown, denied.Clients[1].Flag = nil, "--allow-namespace=etl"
	rehearsed := func(prefix string, cutOff ...int) v1alpha1.ClientList {
		l := clientList(prefix)
		l.Rehearsal = &v1alpha1.ObservedRehearsal{Rehearsal: rehearsal(prefix)}
		for _, i := range cutOff {
			c := l.Clients[i]
			c.Targets[0].ByDefault = c.Targets[0].Opened
			l.Rehearsal.CutOff = append(l.Rehearsal.CutOff, c)
		}
		return l
	}
	for name, test := range map[string]struct {
		list    v1alpha1.ClientList
		options text.Options
	}{
		"clients":                   {clientList(""), text.Options{}},
		"clients-wide":              {clientList(""), text.Options{Wide: true, Width: 140}},
		"clients-color":             {clientList(""), text.Options{Colors: always()}},
		"clients-few":               {few, text.Options{}},
		"clients-nobody":            {nobody, text.Options{}},
		"clients-denied":            {denied, text.Options{}},
		"clients-rehearsal":         {rehearsed("", 1, 2), text.Options{}},
		"clients-rehearsal-nobody":  {rehearsed(""), text.Options{}},
		"clients-rehearsal-hostile": {rehearsed("\x1b[2J\u202e", 0, 1), text.Options{Width: 100}},
		"clients-hostile":           {clientList("\x1b[2J\u202e"), text.Options{Width: 100}},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := text.Clients(&out, test.list, test.options); err != nil {
				t.Fatal(err)
			}
			golden.Compare(t, "testdata/"+name+".txt", out.Bytes())
			if name == "clients-color" {
				return
			}
			for line := range strings.Lines(out.String()) {
				line = strings.TrimSuffix(line, "\n")
				if terminal.Escape(line) != line {
					t.Errorf("not safe to print: %q", line)
				}
				if width := terminal.Width(line); width > 100 && !test.options.Wide && !strings.Contains(line, "kubectl") {
					t.Errorf("%d columns: %s", width, line)
				}
			}
		})
	}
}
