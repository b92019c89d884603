package change_test

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
)

// aRecord is one of a lockdown.
func aRecord(t *testing.T) change.Record {
	t.Helper()
	at := metav1.Time{Time: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	return change.Record{Verb: "lockdown", Flags: []string{"--allow-pods=role=backend"}, By: "alice", At: &at}.
		Of(fixture.Lockdown(t, nil, fixture.Options(t, example, fixture.Flags(fixture.Backends))), example)
}

// What is stored is read by the programs to come, and by people: its form changes by additions only.
func TestARecordAsItIsStored(t *testing.T) {
	text, err := aRecord(t).Text()
	if err != nil {
		t.Fatal(err)
	}
	const head = `apiVersion: cnpg-netpol/v1alpha1
at: "2026-03-01T12:00:00Z"
by: alice
flags:
- --allow-pods=role=backend
kind: ChangeRecord
state: begun
steps:
- action: create
  after:
    apiVersion: cilium.io/v2
`
	if !strings.HasPrefix(text, head) || !strings.HasSuffix(text, "verb: lockdown\n") {
		t.Errorf("%s", text)
	}
	if got, want := aRecord(t).Words(), "lockdown --allow-pods=role=backend by alice at 2026-03-01 12:00:00 UTC, which was not seen to end"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// A record has a size, so that those of all clusters of a namespace have room.
func TestARecordIsBounded(t *testing.T) {
	r := aRecord(t)
	r.Steps[0].After = r.Steps[0].After.DeepCopy()
	r.Steps[0].After.Spec.Description = strings.Repeat("x", change.MaxRecord)
	if _, err := r.Text(); err == nil || !strings.HasSuffix(err.Error(), "bytes, and 131072 is the most") {
		t.Errorf("%v", err)
	}
	if _, err := change.ReadRecord(strings.Repeat("#", change.MaxRecord+1)); err == nil {
		t.Error("a text that is too long is read")
	}
}

// What is no record says why.
func TestRecordsThatCannotBeRead(t *testing.T) {
	const kind = "apiVersion: cnpg-netpol/v1alpha1\nkind: ChangeRecord\n"
	for text, want := range map[string]string{
		"":                                 `it is a "" of "", and no ChangeRecord of cnpg-netpol/v1alpha1`,
		"kind: Secret\napiVersion: v1":     `it is a "Secret" of "v1", and no ChangeRecord of cnpg-netpol/v1alpha1`,
		"\t":                               "yaml",
		kind + "steps: [{action: create}]": "steps[0]: ",
		kind + "steps: [{policy: {kind: CiliumNetworkPolicy, namespace: a, name: b}}]":                                             `steps[0]: policy "b" is neither there before nor afterwards`,
		kind + "steps: [{policy: {kind: CiliumNetworkPolicy, namespace: a, name: b}, after: {metadata: {name: c, namespace: a}}}]": `steps[0]: policy "b" is called "c" in namespace "a"`,
		kind + "steps: [{policy: {kind: NetworkPolicy, namespace: a, name: b}, after: {metadata: {name: b, namespace: a}}}]":       `steps[0]: NetworkPolicy/a/b is no CiliumNetworkPolicy`,
	} {
		if _, err := change.ReadRecord(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}

// FuzzRecord reads anything, and undoes what it has read over a set that is there: nothing panics, and nothing is
// touched that lockdown does not manage.
func FuzzRecord(f *testing.F) {
	f.Add("apiVersion: cnpg-netpol/v1alpha1\nkind: ChangeRecord\nverb: unlock\nsteps:\n- {action: delete, policy: {kind: CiliumNetworkPolicy, namespace: default, name: a}, before: {metadata: {namespace: default, name: a, labels: {app.kubernetes.io/managed-by: kubectl-cnpg-netpol, cnpg-netpol/policy: default-deny, cnpg-netpol/cluster: cluster-example}}, spec: {ingress: [{}]}}}")
	f.Add("apiVersion: cnpg-netpol/v1alpha1\nkind: ChangeRecord\nsteps: [{takeover: true, policy: {kind: CiliumNetworkPolicy, namespace: default, name: a}, after: {}}]")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := change.ReadRecord(text)
		if err != nil {
			return
		}
		back, _ := change.Undo(nil, []change.LastChange{{Cluster: example, Record: r}})
		for _, s := range back.Steps {
			if s.Policy.Namespace != example.Namespace {
				t.Errorf("%s is touched", s.Policy)
			}
		}
	})
}
