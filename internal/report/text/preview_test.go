package text_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/example"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/golden"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/text"
)

func renderPreview(t *testing.T, verb string, p v1alpha1.ChangePreview, o text.Options) string {
	t.Helper()
	var out bytes.Buffer
	if err := text.Preview(&out, verb, p, o); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestPrintPreview(t *testing.T) {
	for name, tc := range map[string]struct {
		verb    string
		preview v1alpha1.ChangePreview
		options text.Options
	}{
		"preview-lockdown.txt":       {verb: "lockdown", preview: example.LockdownPreview(t)},
		"preview-lockdown-color.txt": {verb: "lockdown", preview: example.LockdownPreview(t), options: text.Options{Colors: always()}},
		"preview-refused.txt":        {verb: "lockdown", preview: example.RefusedPreview(t)},
		"preview-refused-color.txt":  {verb: "lockdown", preview: example.RefusedPreview(t), options: text.Options{Colors: always()}},
		"preview-unlock.txt":         {verb: "unlock", preview: example.UnlockPreview(t)},
		"preview-repair.txt":         {verb: "lockdown", preview: example.RepairPreview(t)},
		"preview-unchanged.txt":      {verb: "lockdown", preview: example.UnchangedPreview(t)},
		"preview-crowded.txt":        {verb: "lockdown", preview: crowdedPreview()},
		"preview-crowded-wide.txt":   {verb: "lockdown", preview: crowdedPreview(), options: text.Options{Wide: true}},
		"preview-many.txt":           {verb: "lockdown", preview: manyNamespaces()},
		"preview-many-wide.txt":      {verb: "lockdown", preview: manyNamespaces(), options: text.Options{Wide: true}},
		"preview-long.txt":           {verb: "lockdown", preview: longPreview(t)},
		"preview-hostile.txt":        {verb: "lockdown", preview: hostilePreview()},
		"preview-loses-reach.txt":    {verb: "lockdown", preview: withLosses(example.LockdownPreview(t))},
		"preview-operator.txt":       {verb: "lockdown", preview: operatorPreview()},
		"preview-gone.txt":           {verb: "unlock", preview: v1alpha1.ChangePreview{Metadata: v1alpha1.Metadata{Namespace: "default", Name: "gone"}, Policies: steps(v1alpha1.PolicyDelete)[:1]}},
	} {
		t.Run(name, func(t *testing.T) {
			tc.options.Width = 100
			out := renderPreview(t, tc.verb, tc.preview, tc.options)
			golden.Compare(t, "testdata/"+name, []byte(out))
			if !tc.options.Colors.Enabled() {
				checkLines(t, out, 100)
				tc.options.Width = 80
				checkLines(t, renderPreview(t, tc.verb, tc.preview, tc.options), 80)
			}
		})
	}
}

// manyNamespaces is a change that concerns applications of more namespaces than a preview names.
func manyNamespaces() v1alpha1.ChangePreview {
	var lost []clientChange
	p := v1alpha1.ChangePreview{Metadata: v1alpha1.Metadata{Namespace: "default", Name: "cluster-example"}}
	for i := range 50 {
		namespace := fmt.Sprintf("team-%02d", i)
		lost = append(lost, onBoth(loses, namespace, "deployment/web", 2)...)
		p.Bystanders = append(p.Bystanders, v1alpha1.BystanderChange{
			Client: v1alpha1.Client{Namespace: namespace, Workload: "deployment/web", Pods: 2}, DefaultDenyBefore: i%3 == 0, DefaultDenyAfter: i%3 != 0,
		})
	}
	p.Access = join(lost)
	return p
}

func lastLine(out string) string {
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	return lines[len(lines)-1]
}

// The last line stands above the question: it must be right in number and grammar.
func TestPreviewEndsWithASummary(t *testing.T) {
	one := func(kind accessChange, namespace, name string) clientChange {
		return onBoth(kind, namespace, name, 1)[0]
	}
	flow := func(before, after v1alpha1.Verdict, advisory bool) v1alpha1.RequiredFlowChange {
		return v1alpha1.RequiredFlowChange{Name: "operator", From: "operator", Port: 8000, Before: before, After: after, Advisory: advisory}
	}
	create := v1alpha1.PolicyChange{Action: v1alpha1.PolicyCreate, PolicyReference: cnp("a")}
	for name, tc := range map[string]struct {
		preview v1alpha1.ChangePreview
		want    string
	}{
		"nothing":       {v1alpha1.ChangePreview{}, "no policy to change; nobody gains or loses access"},
		"one policy":    {v1alpha1.ChangePreview{Policies: []v1alpha1.PolicyChange{create}}, "1 policy to create; nobody gains or loses access"},
		"several steps": {v1alpha1.ChangePreview{Policies: []v1alpha1.PolicyChange{create, create, {Action: v1alpha1.PolicyUpdate}, {Action: v1alpha1.PolicyDelete}, {Action: v1alpha1.PolicyUnchanged}}}, "2 policies to create, 1 to update, 1 to delete; nobody gains or loses access"},
		"one loses":     {v1alpha1.ChangePreview{Access: join([]clientChange{one(loses, "a", "pod/a")})}, "no policy to change; 1 workload loses access"},
		"two lose":      {v1alpha1.ChangePreview{Access: join([]clientChange{one(loses, "a", "pod/a"), one(loses, "b", "pod/a")})}, "no policy to change; 2 workloads lose access"},
		"one workload loses two targets": {v1alpha1.ChangePreview{Access: join(onBoth(loses, "a", "pod/a", 1))},
			"no policy to change; 1 workload loses access"},
		"the world loses": {v1alpha1.ChangePreview{Access: join([]clientChange{one(loses, "", "world")})}, "no policy to change; world loses access"},
		"workload and range": {v1alpha1.ChangePreview{Access: join([]clientChange{one(loses, "a", "pod/a"), one(loses, "", "cidr:10.0.0.0/8")})},
			"no policy to change; 10.0.0.0/8 and 1 workload lose access"},
		"one gains":     {v1alpha1.ChangePreview{Access: join([]clientChange{one(gains, "a", "pod/a")})}, "no policy to change; 1 workload gains access"},
		"one bystander": {v1alpha1.ChangePreview{Bystanders: []v1alpha1.BystanderChange{{}}}, "no policy to change; nobody gains or loses access; 1 other workload affected"},
		"flows stay":    {v1alpha1.ChangePreview{RequiredFlows: []v1alpha1.RequiredFlowChange{flow(v1alpha1.VerdictAllowed, v1alpha1.VerdictAllowed, false)}}, "no policy to change; nobody gains or loses access; required flows stay allowed"},
		"flow blocked":  {v1alpha1.ChangePreview{RequiredFlows: []v1alpha1.RequiredFlowChange{flow(v1alpha1.VerdictAllowed, v1alpha1.VerdictDenied, false)}}, "no policy to change; nobody gains or loses access; 1 required flow BLOCKED"},
		"flow unknown":  {v1alpha1.ChangePreview{RequiredFlows: []v1alpha1.RequiredFlowChange{flow(v1alpha1.VerdictAllowed, v1alpha1.VerdictUnknown, false)}}, "no policy to change; nobody gains or loses access; 1 required flow cannot be judged"},
		"flow repaired": {v1alpha1.ChangePreview{RequiredFlows: []v1alpha1.RequiredFlowChange{flow(v1alpha1.VerdictDenied, v1alpha1.VerdictAllowed, false)}}, "no policy to change; nobody gains or loses access; 1 required flow allowed again"},
		"advisory flow": {v1alpha1.ChangePreview{RequiredFlows: []v1alpha1.RequiredFlowChange{flow(v1alpha1.VerdictAllowed, v1alpha1.VerdictDenied, true)}}, "no policy to change; nobody gains or loses access"},
		"refused":       {v1alpha1.ChangePreview{Refusals: []v1alpha1.Refusal{{Message: "x"}}}, "REFUSED: no policy to change; nobody gains or loses access"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := lastLine(renderPreview(t, "lockdown", tc.preview, text.Options{})); got != tc.want {
				t.Errorf("got  %q\nwant %q", got, tc.want)
			}
		})
	}
}

func TestBlockedFlowsComeFirst(t *testing.T) {
	out := renderPreview(t, "lockdown", inventedRefusal(), text.Options{})
	previous := -1
	for _, word := range []string{"allowed → DENIED", "allowed → unknown", "allowed → denied (advisory)", "stays allowed"} {
		at := strings.Index(out, word)
		if at <= previous {
			t.Errorf("%q is at %d, not after %d in\n%s", word, at, previous, out)
		}
		previous = at
	}
}
