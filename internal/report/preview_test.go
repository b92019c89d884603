package report_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/text"
)

func renderPreview(t *testing.T, verb string, p change.Preview, o options) string {
	t.Helper()
	var out bytes.Buffer
	if err := text.Preview(&out, verb, p, o.text()); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestPrintPreview(t *testing.T) {
	for name, tc := range map[string]struct {
		verb    string
		preview change.Preview
		options options
	}{
		"preview-lockdown.txt":       {verb: "lockdown", preview: lockdownPreview()},
		"preview-lockdown-color.txt": {verb: "lockdown", preview: lockdownPreview(), options: options{Colors: always()}},
		"preview-refused.txt":        {verb: "lockdown", preview: refusedPreview()},
		"preview-refused-color.txt":  {verb: "lockdown", preview: refusedPreview(), options: options{Colors: always()}},
		"preview-unlock.txt":         {verb: "unlock", preview: unlockPreview()},
		"preview-repair.txt":         {verb: "lockdown", preview: repairPreview()},
		"preview-unchanged.txt":      {verb: "lockdown", preview: unchangedPreview()},
		"preview-crowded.txt":        {verb: "lockdown", preview: crowdedPreview()},
		"preview-crowded-wide.txt":   {verb: "lockdown", preview: crowdedPreview(), options: options{Format: report.Wide}},
		"preview-long.txt":           {verb: "lockdown", preview: longPreview()},
		"preview-hostile.txt":        {verb: "lockdown", preview: hostilePreview()},
		"preview-gone.txt":           {verb: "unlock", preview: change.Preview{Cluster: v1alpha1.Metadata{Namespace: "default", Name: "gone"}, Steps: steps(change.Delete)[:1]}},
	} {
		t.Run(name, func(t *testing.T) {
			out := renderPreview(t, tc.verb, tc.preview, tc.options)
			golden(t, name, []byte(out))
			if !tc.options.Colors.Enabled() {
				checkLines(t, out, 100)
				tc.options.Width = 80
				checkLines(t, renderPreview(t, tc.verb, tc.preview, tc.options), 80)
			}
		})
	}
}

func lastLine(out string) string {
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	return lines[len(lines)-1]
}

// The last line stands above the question: it must be right in number and grammar.
func TestPreviewEndsWithASummary(t *testing.T) {
	one := func(kind change.Change, namespace, name string) change.AccessChange {
		return change.AccessChange{Change: kind, Target: "instances", Port: 5432, Client: v1alpha1.Client{Namespace: namespace, Workload: name, Pods: 1}}
	}
	flow := func(before, after v1alpha1.Verdict, advisory bool) change.FlowChange {
		return change.FlowChange{Name: "operator", From: "operator", Port: 8000, Before: before, After: after, Advisory: advisory}
	}
	create := change.Step{Action: change.Create, Policy: cnp("a")}
	for name, tc := range map[string]struct {
		preview change.Preview
		want    string
	}{
		"nothing":       {change.Preview{}, "no policy to change; nobody gains or loses access"},
		"one policy":    {change.Preview{Steps: []change.Step{create}}, "1 policy to create; nobody gains or loses access"},
		"several steps": {change.Preview{Steps: []change.Step{create, create, {Action: change.Update}, {Action: change.Delete}, {Action: change.Unchanged}}}, "2 policies to create, 1 to update, 1 to delete; nobody gains or loses access"},
		"one loses":     {change.Preview{Access: []change.AccessChange{one(change.Loses, "a", "pod/a")}}, "no policy to change; 1 workload loses access"},
		"two lose":      {change.Preview{Access: []change.AccessChange{one(change.Loses, "a", "pod/a"), one(change.Loses, "b", "pod/a")}}, "no policy to change; 2 workloads lose access"},
		"one workload loses two targets": {change.Preview{Access: onBoth(change.Loses, "a", "pod/a", 1)},
			"no policy to change; 1 workload loses access"},
		"the world loses": {change.Preview{Access: []change.AccessChange{one(change.Loses, "", "world")}}, "no policy to change; world loses access"},
		"workload and range": {change.Preview{Access: []change.AccessChange{one(change.Loses, "a", "pod/a"), one(change.Loses, "", "cidr:10.0.0.0/8")}},
			"no policy to change; 10.0.0.0/8 and 1 workload lose access"},
		"one gains":     {change.Preview{Access: []change.AccessChange{one(change.Gains, "a", "pod/a")}}, "no policy to change; 1 workload gains access"},
		"one bystander": {change.Preview{Bystanders: []change.Bystander{{}}}, "no policy to change; nobody gains or loses access; 1 other workload affected"},
		"flows stay":    {change.Preview{Flows: []change.FlowChange{flow(v1alpha1.VerdictAllowed, v1alpha1.VerdictAllowed, false)}}, "no policy to change; nobody gains or loses access; required flows stay allowed"},
		"flow blocked":  {change.Preview{Flows: []change.FlowChange{flow(v1alpha1.VerdictAllowed, v1alpha1.VerdictDenied, false)}}, "no policy to change; nobody gains or loses access; 1 required flow BLOCKED"},
		"flow unknown":  {change.Preview{Flows: []change.FlowChange{flow(v1alpha1.VerdictAllowed, v1alpha1.VerdictUnknown, false)}}, "no policy to change; nobody gains or loses access; 1 required flow cannot be judged"},
		"flow repaired": {change.Preview{Flows: []change.FlowChange{flow(v1alpha1.VerdictDenied, v1alpha1.VerdictAllowed, false)}}, "no policy to change; nobody gains or loses access; 1 required flow allowed again"},
		"advisory flow": {change.Preview{Flows: []change.FlowChange{flow(v1alpha1.VerdictAllowed, v1alpha1.VerdictDenied, true)}}, "no policy to change; nobody gains or loses access"},
		"refused":       {change.Preview{Refusals: []string{"x"}}, "REFUSED: no policy to change; nobody gains or loses access"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := lastLine(renderPreview(t, "lockdown", tc.preview, options{})); got != tc.want {
				t.Errorf("got  %q\nwant %q", got, tc.want)
			}
		})
	}
}

func TestBlockedFlowsComeFirst(t *testing.T) {
	out := renderPreview(t, "lockdown", refusedPreview(), options{})
	previous := -1
	for _, word := range []string{"allowed → DENIED", "allowed → unknown", "allowed → denied (advisory)", "stays allowed"} {
		at := strings.Index(out, word)
		if at <= previous {
			t.Errorf("%q is at %d, not after %d in\n%s", word, at, previous, out)
		}
		previous = at
	}
}
