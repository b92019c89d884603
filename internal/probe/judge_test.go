package probe_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/probe"
)

// Only an answer, or silence beside somebody else's answer, says something about a verdict.
func TestJudge(t *testing.T) {
	const (
		allowed, denied, unknown           = v1alpha1.VerdictAllowed, v1alpha1.VerdictDenied, v1alpha1.VerdictUnknown
		connected, refused, dropped, doubt = v1alpha1.ProbeConnected, v1alpha1.ProbeRefused, v1alpha1.ProbeDropped, v1alpha1.ProbeInconclusive
	)
	for name, tc := range map[string]struct {
		expected          v1alpha1.Verdict
		result, control   v1alpha1.ProbeResult
		want              v1alpha1.ProbeResult
		contradicts       bool
		controlled, words string
	}{
		"allowed, and connected":              {allowed, connected, doubt, connected, false, "", "seen"},
		"allowed, and nobody listens":         {allowed, refused, doubt, refused, false, "", "seen"},
		"allowed, and dropped":                {allowed, dropped, connected, dropped, true, "pod/pg-2", "seen, while pod/pg-2 got one"},
		"allowed, and silent for all":         {allowed, dropped, dropped, doubt, false, "", "nobody else who tried got one"},
		"allowed, and the control was no use": {allowed, dropped, doubt, doubt, false, "", "nobody else who tried got one"},
		"denied, and dropped":                 {denied, dropped, connected, dropped, false, "pod/pg-2", "while"},
		"denied, dropped, and refused others": {denied, dropped, refused, dropped, false, "pod/pg-2", "while"},
		"denied, and silent for all":          {denied, dropped, dropped, doubt, false, "", "nobody else"},
		"denied, and connected":               {denied, connected, connected, connected, true, "", "seen"},
		"denied, and let through":             {denied, refused, refused, refused, true, "", "seen"},
		"denied, and nothing was tried":       {denied, doubt, connected, doubt, false, "", "seen"},
		"unknown, and connected":              {unknown, connected, connected, connected, false, "", "seen"},
		"unknown, and dropped":                {unknown, dropped, connected, dropped, false, "pod/pg-2", "while"},
	} {
		t.Run(name, func(t *testing.T) {
			to := probe.Connection{To: "pod/pg-1", Address: netip.MustParseAddr("10.0.0.1"), Port: 5432, Expected: tc.expected}
			plan := probe.Plan{Clients: []probe.Client{
				{Name: "pod/web", Connections: []probe.Connection{to}},
				{Name: "pod/pg-2", Control: true, Connections: []probe.Connection{to}},
			}}
			got := probe.Judge(plan, probe.Results{{{Result: tc.result, Detail: "seen"}}, {{Result: tc.control, Detail: "seen"}}})
			if len(got) != 1 || got[0].Result != tc.want || got[0].Contradicts != tc.contradicts || got[0].Control != tc.controlled || !strings.Contains(got[0].Message, tc.words) {
				t.Errorf("%+v", got)
			}
			if findings := probe.Findings(got); (len(findings) == 1) != tc.contradicts {
				t.Errorf("%+v", findings)
			}
		})
	}
}

// Who comes by the network is a better control than the target, which reaches itself.
func TestTheTargetItselfIsTheLastControl(t *testing.T) {
	to := probe.Connection{To: "pod/pg-1", Address: netip.MustParseAddr("10.0.0.1"), Port: 5432, Expected: v1alpha1.VerdictDenied}
	client := func(name string, control bool) probe.Client {
		c := probe.Client{Name: "pod/" + name, Control: control, Connections: []probe.Connection{to}}
		c.Pod.Namespace, c.Pod.Name = "shop", name
		return c
	}
	plan := probe.Plan{Clients: []probe.Client{client("web", false), client("pg-1", true), client("pg-2", true)}}
	plan.Cluster.Namespace = "shop"
	connected, dropped := probe.Attempt{Result: v1alpha1.ProbeConnected}, probe.Attempt{Result: v1alpha1.ProbeDropped}
	if got := probe.Judge(plan, probe.Results{{dropped}, {connected}, {connected}}); got[0].Control != "pod/pg-2" {
		t.Errorf("%+v", got)
	}
	if got := probe.Judge(plan, probe.Results{{dropped}, {connected}, {dropped}}); got[0].Control != "pod/pg-1 itself" {
		t.Errorf("%+v", got)
	}
}

// Nobody is a control of itself: a client that got an answer once, and once none, proves nothing.
func TestNobodyIsAControlOfItself(t *testing.T) {
	to := probe.Connection{To: "pod/pg-1", Address: netip.MustParseAddr("10.0.0.1"), Port: 5432, Expected: v1alpha1.VerdictAllowed}
	plan := probe.Plan{Clients: []probe.Client{{Name: "pod/web", Connections: []probe.Connection{to, to}}}}
	got := probe.Judge(plan, probe.Results{{{Result: v1alpha1.ProbeDropped}, {Result: v1alpha1.ProbeConnected}}})
	if got[0].Result != v1alpha1.ProbeInconclusive || got[0].Contradicts {
		t.Errorf("%+v", got)
	}
}

// A pod that tries a place twice, once as a control, is no control of itself either.
func TestNoPodIsAControlOfItself(t *testing.T) {
	to := probe.Connection{To: "the API server", Address: netip.MustParseAddr("192.0.2.1"), Port: 6443, Expected: v1alpha1.VerdictAllowed}
	pg := probe.Client{Name: "pod/pg-1", Connections: []probe.Connection{to}}
	pg.Pod.Namespace, pg.Pod.Name = "shop", "pg-1"
	again := pg
	again.Control = true
	plan := probe.Plan{Clients: []probe.Client{pg, again}}
	got := probe.Judge(plan, probe.Results{{{Result: v1alpha1.ProbeDropped}}, {{Result: v1alpha1.ProbeConnected}}})
	if got[0].Result != v1alpha1.ProbeInconclusive || got[0].Contradicts {
		t.Errorf("%+v", got)
	}
}

func TestWhatCouldNotBeTriedSaysWhy(t *testing.T) {
	plan := probe.Plan{Clients: []probe.Client{{Name: "world", Unfit: "no pod"}, {Name: "pod/web"}}}
	got := probe.Judge(plan, probe.Nothing(plan, "nothing"))
	if len(got) != 2 || got[0].Message != "no pod" || !strings.Contains(got[1].Message, "has an address") {
		t.Errorf("%+v", got)
	}
}
