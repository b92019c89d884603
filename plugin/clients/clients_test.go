package clients

import (
	"io"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

// What can't be watched is refused, all of it at once.
func TestWatchNeedsACluster(t *testing.T) {
	for args, want := range map[string][]string{
		"db -w -f a.yaml":                  {"--watch needs a cluster: it can't be combined with --filename"},
		"db -w --flows f":                  {"--watch looks until it is interrupted: it can't be combined with --flows"},
		"db -w --for 5m --hubble-server a": {"--watch looks until it is interrupted: it can't be combined with --for"},
	} {
		cmd := NewCommand(kit.NewGlobals(genericiooptions.IOStreams{Out: io.Discard, ErrOut: io.Discard}, "test"))
		cmd.SetArgs(strings.Fields(args))
		cmd.SilenceErrors, cmd.SilenceUsage = true, true
		err := cmd.ExecuteContext(t.Context())
		for _, line := range want {
			if err == nil || !strings.Contains(err.Error(), line) {
				t.Errorf("%s: %v", args, err)
			}
		}
	}
}

// In a file, a list is not repeated because time goes by or because the same were seen more often; it is when somebody comes,
// is denied, or when evidence is lost.
func TestFrameKey(t *testing.T) {
	o := newOptions(kit.NewGlobals(genericiooptions.IOStreams{}, "test"))
	list := func(change func(*v1alpha1.ClientList)) string {
		l := v1alpha1.ClientList{
			Clients:  []v1alpha1.ObservedClient{{Client: v1alpha1.Client{Namespace: "shop", Workload: "deployment/web", Pods: 1}, Targets: []v1alpha1.ObservedTarget{{Port: 5432, Opened: 3, Sessions: 2}}}},
			Evidence: []v1alpha1.EvidenceReport{{Kind: v1alpha1.EvidenceFlows, Events: 3, Gaps: []string{}}},
			Timed:    []v1alpha1.ObservedTimed{{Timed: v1alpha1.Timed{Name: "a", Remaining: &metav1.Duration{Duration: time.Minute}}}},
		}
		change(&l)
		return o.frame(l, nil).Key
	}
	now := metav1.NewTime(time.Unix(7, 0))
	was := list(func(*v1alpha1.ClientList) {})
	for name, test := range map[string]struct {
		change func(*v1alpha1.ClientList)
		same   bool
	}{
		"more of the same": {func(l *v1alpha1.ClientList) { l.Clients[0].Targets[0].Opened, l.Clients[0].Targets[0].Last = 9, &now }, true},
		"more sessions":    {func(l *v1alpha1.ClientList) { l.Clients[0].Targets[0].Sessions = 5 }, true},
		"more events":      {func(l *v1alpha1.ClientList) { l.Evidence[0].Events, l.Evidence[0].To = 9, &now }, true},
		"time":             {func(l *v1alpha1.ClientList) { l.Timed[0].Remaining = nil }, true},
		"no session":       {func(l *v1alpha1.ClientList) { l.Clients[0].Targets[0].Sessions = 0 }, false},
		"denied":           {func(l *v1alpha1.ClientList) { l.Clients[0].Targets[0].Denied = 1 }, false},
		"another verdict":  {func(l *v1alpha1.ClientList) { l.Clients[0].Verdict = v1alpha1.VerdictDenied }, false},
		"another client":   {func(l *v1alpha1.ClientList) { l.Clients = append(l.Clients, v1alpha1.ObservedClient{}) }, false},
		"a gap":            {func(l *v1alpha1.ClientList) { l.Evidence[0].Gaps = []string{"lost"} }, false},
		"a grant ended":    {func(l *v1alpha1.ClientList) { l.Timed = nil }, false},
	} {
		if got := list(test.change) == was; got != test.same {
			t.Errorf("%s: same is %t", name, got)
		}
	}
}
