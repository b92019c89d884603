package markdown_test

import (
	"bytes"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/example"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/golden"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/markdown"
)

func TestComparison(t *testing.T) {
	for name, c := range map[string]v1alpha1.StateComparison{
		"comparison": example.Compared(t), "comparison-same": example.ComparedWithItself(t), "comparison-hostile": example.HostileComparison(),
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := markdown.Comparison(&out, c); err != nil {
				t.Fatal(err)
			}
			golden.Compare(t, "testdata/"+name+".md", out.Bytes())
			onlyOurs(t, out.Bytes())
		})
	}
}

func TestChange(t *testing.T) {
	hostile := example.HostileComparison().Clusters[0]
	preview := v1alpha1.ChangePreview{
		Metadata: hostile.Metadata, Posture: v1alpha1.PostureChange{Before: v1alpha1.PostureOpen, After: v1alpha1.PostureLocked},
		RequiredFlows: hostile.RequiredFlows, Access: hostile.Access,
		Notes:    []v1alpha1.ChangeNote{{Subject: "Prometheus", Message: hostile.Metadata.Name, Remedy: command.Run(command.Flags("--allow-metrics", "monitoring"))}},
		Refusals: []v1alpha1.Refusal{{Reason: v1alpha1.RefusalFlowBlocked, Message: hostile.Metadata.Name}},
		Observed: &v1alpha1.ObservedChange{Loses: []v1alpha1.ObservedReach{
			{From: "instances", Entity: v1alpha1.EntityWorld, Names: []string{hostile.Metadata.Name}, Port: 443, Protocol: "TCP", Verdict: v1alpha1.VerdictDenied, Flag: "--allow-egress-fqdn=" + hostile.Metadata.Name + ":443"},
			{From: "pooler " + hostile.Metadata.Name, Namespace: "media", Workload: "deployment/cache", Port: 53, Protocol: "UDP", Verdict: v1alpha1.VerdictUnknown, Message: hostile.Metadata.Name},
		}},
	}
	var out bytes.Buffer
	if err := markdown.Change(&out, preview, "--- a\n+++ b\n+```\n+</details>\x1b\n"); err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "testdata/change.md", out.Bytes())
	onlyOurs(t, out.Bytes())
	out.Reset()
	if err := markdown.Change(&out, v1alpha1.ChangePreview{Metadata: v1alpha1.Metadata{Namespace: "shop", Name: "orders"}}, ""); err != nil {
		t.Fatal(err)
	}
	const want = "## Lockdown of `shop/orders`\n\nNo policy changes.\n"
	if out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}
