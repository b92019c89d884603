package text_test

import (
	"bytes"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/golden"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/probe"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/text"
)

func TestProbes(t *testing.T) {
	probes := []v1alpha1.Probe{
		{Client: "deployment/backend", Namespace: "shop", Pod: "backend-1", Target: "pod/orders-1", Address: "10.0.0.1", Port: 5432,
			Expected: v1alpha1.VerdictAllowed, Result: v1alpha1.ProbeConnected, Message: "PostgreSQL answered"},
		{Client: "deployment/backend", Namespace: "shop", Pod: "backend-1", Target: "service/orders-rw", Address: "10.96.0.1", Port: 5432,
			Expected: v1alpha1.VerdictAllowed, Result: v1alpha1.ProbeDropped, Message: "no answer in 5s, while pod/orders-2 got one", Control: "pod/orders-2", Contradicts: true},
		{Client: "deployment/frontend", Namespace: "shop", Pod: "frontend-1", Target: "pod/orders-1", Address: "10.0.0.1", Port: 5432,
			Expected: v1alpha1.VerdictDenied, Result: v1alpha1.ProbeDropped, Message: "no answer in 5s, while pod/orders-2 got one", Control: "pod/orders-2"},
		{Client: "world", Expected: v1alpha1.VerdictUnknown, Result: v1alpha1.ProbeInconclusive, Message: "no pod of world runs whose identity a connection could have"},
		{Client: "a\x1b[2Jb", Namespace: "shop", Target: "pod/orders-1", Port: 5432, Expected: v1alpha1.VerdictDenied, Result: v1alpha1.ProbeInconclusive, Message: "\x1b[2J"},
	}
	var out bytes.Buffer
	if err := text.Probes(&out, probes, probe.Findings(probes), text.Options{Width: 100}); err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "testdata/probes.txt", out.Bytes())
}
