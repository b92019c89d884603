package chaos

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/live"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/rollout"
)

// namespace is where the databases are.
const namespace = "shop"

// state is what lockdown manages in the namespace: policies by name, as JSON without what the server or a user's name add.
type state map[string]string

// equal compares two states.
func (s state) equal(other state) bool { return maps.Equal(s, other) }

// String lists the policies.
func (s state) String() string { return fmt.Sprint(slices.Sorted(maps.Keys(s))) }

// now is what is there.
func (l *lab) now(t *testing.T) state {
	t.Helper()
	out := state{}
	for _, p := range l.managed(t) {
		out[p.Name] = written(t, &p)
	}
	return out
}

// written is a policy as text.
func written(t *testing.T, p *ciliumv2.CiliumNetworkPolicy) string {
	t.Helper()
	content := policyset.WithoutServerFields(p.DeepCopy())
	for i := range content.OwnerReferences {
		content.OwnerReferences[i].UID = ""
	}
	// Who asks is left out when the server does not say it.
	delete(content.Annotations, policyset.AnnotationRequestedBy)
	if content.Spec != nil {
		content.Spec.Log.Value = ""
	}
	text, err := json.Marshal(content)
	if err != nil {
		t.Fatal(err)
	}
	// A rehearsal says since when.
	return timeless(string(text))
}

// timeless is a text without the times in it.
func timeless(text string) string {
	return regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`).ReplaceAllString(text, "then")
}

// whole is everything that is there of lockdown's as text: policies, timers and what was recorded. What leads from one state to
// its end leads there from every other that is the same.
func (l *lab) whole(t *testing.T) string {
	t.Helper()
	var out strings.Builder
	now := l.now(t)
	for _, name := range slices.Sorted(maps.Keys(now)) {
		out.WriteString(now[name] + "\n")
	}
	jobs, err := l.clients.Kubernetes.BatchV1().Jobs(namespace).List(t.Context(), metav1.ListOptions{LabelSelector: policyset.LabelManagedBy + "=" + policyset.FieldManager})
	if err != nil {
		t.Fatal(err)
	}
	for _, job := range jobs.Items {
		fmt.Fprintf(&out, "%s, complete: %t, ending: %t\n", job.Name, job.Status.CompletionTime != nil, job.DeletionTimestamp != nil)
	}
	journal, err := l.clients.Kubernetes.CoreV1().ConfigMaps(namespace).Get(t.Context(), rollout.JournalName, metav1.GetOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		t.Fatal(err)
	}
	if err == nil {
		fmt.Fprintln(&out, timeless(fmt.Sprint(journal.Data)))
	}
	return out.String()
}

func (l *lab) managed(t *testing.T) []ciliumv2.CiliumNetworkPolicy {
	t.Helper()
	list, err := l.clients.Cilium.CiliumV2().CiliumNetworkPolicies(namespace).List(t.Context(), metav1.ListOptions{
		LabelSelector: policyset.LabelManagedBy + "=" + policyset.FieldManager,
	})
	if err != nil {
		t.Fatal(err)
	}
	return list.Items
}

// clear removes everything but what was there from the beginning.
func (l *lab) clear(t *testing.T) {
	t.Helper()
	ctx, mine := t.Context(), metav1.ListOptions{LabelSelector: policyset.LabelManagedBy + "=" + policyset.FieldManager}
	background := metav1.DeletePropagationBackground
	check := func(err error) {
		t.Helper()
		if err != nil && !apierrors.IsNotFound(err) {
			t.Fatal(err)
		}
	}
	check(l.clients.Cilium.CiliumV2().CiliumNetworkPolicies(namespace).DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "app!=theirs"}))
	check(l.clients.Kubernetes.BatchV1().Jobs(namespace).DeleteCollection(ctx, metav1.DeleteOptions{PropagationPolicy: &background}, mine))
	check(l.clients.Kubernetes.CoreV1().ConfigMaps(namespace).Delete(ctx, rollout.JournalName, metav1.DeleteOptions{}))
	// A Job may have to wait for the controller of Jobs.
	for range 300 {
		jobs, err := l.clients.Kubernetes.BatchV1().Jobs(namespace).List(ctx, mine)
		check(err)
		if len(jobs.Items) == 0 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("a Job can't be removed")
}

// whatIsForeign are the versions of what belongs to others: nobody but them writes it.
func (l *lab) whatIsForeign(t *testing.T) map[string]string {
	t.Helper()
	ctx, out := t.Context(), map[string]string{}
	add := func(object metav1.Object, err error) {
		t.Helper()
		if err != nil {
			out[fmt.Sprintf("%T", object)] = err.Error()
			return
		}
		out[fmt.Sprintf("%T", object)] = object.GetResourceVersion()
	}
	policy, err := l.clients.Cilium.CiliumV2().CiliumNetworkPolicies(namespace).Get(ctx, "theirs", metav1.GetOptions{})
	add(policy, err)
	job, err := l.clients.Kubernetes.BatchV1().Jobs(namespace).Get(ctx, "theirs", metav1.GetOptions{})
	add(job, err)
	config, err := l.clients.Kubernetes.CoreV1().ConfigMaps(namespace).Get(ctx, "theirs", metav1.GetOptions{})
	add(config, err)
	return out
}

// cut asks Cilium's engine which required flows are not allowed by what is on the server. It is asked once about the same
// policies for the same databases: all else stays.
func (l *lab) cut(t *testing.T) []string {
	t.Helper()
	seen := l.seen(t)
	if out, known := l.judged[seen]; known {
		return out
	}
	out := l.judge(t)
	if seen == l.seen(t) {
		l.judged[seen] = out
	}
	return out
}

// seen are the policies and databases that are there, as text.
func (l *lab) seen(t *testing.T) string {
	t.Helper()
	var out strings.Builder
	for _, kind := range []schema.GroupVersionResource{
		cnpgv1.SchemeGroupVersion.WithResource("clusters"),
		ciliumv2.SchemeGroupVersion.WithResource("ciliumnetworkpolicies"),
		ciliumv2.SchemeGroupVersion.WithResource("ciliumclusterwidenetworkpolicies"),
	} {
		list, err := l.clients.Dynamic.Resource(kind).List(t.Context(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, object := range list.Items {
			spec, err := json.Marshal(object.Object["spec"])
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&out, "%s %s/%s %s\n", kind.Resource, object.GetNamespace(), object.GetName(), spec)
		}
	}
	return out.String()
}

// judge asks Cilium's engine.
func (l *lab) judge(t *testing.T) []string {
	t.Helper()
	inv, err := live.Collect(t.Context(), l.clients, live.Options{Namespace: namespace})
	if err != nil {
		t.Fatal(err)
	}
	m, err := model.New(inv, model.Options{Namespace: namespace})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	flows := 0
	for _, c := range m.Clusters() {
		for _, f := range assess.RequiredFlows(m, c) {
			if f.Advisory {
				continue
			}
			flows++
			if f.Verdict != v1alpha1.VerdictAllowed {
				out = append(out, fmt.Sprintf("%s of %s is %s: %s", f.Name, c.Object.Name, f.Verdict, f.Message))
			}
		}
	}
	if len(m.Clusters()) > 1 && flows < 8 {
		t.Fatalf("only %d required flows were looked at", flows)
	}
	return out
}

// expectSound fails when something is cut, or something foreign is lost.
func (l *lab) expectSound(t *testing.T, when string) {
	t.Helper()
	if cut := l.cut(t); len(cut) > 0 {
		l.figures.cut++
		t.Errorf("%s: %v", when, cut)
	}
	if now := l.whatIsForeign(t); !reflect.DeepEqual(now, l.foreign) {
		l.figures.lost++
		t.Errorf("%s: what belongs to others was %v, and is %v", when, l.foreign, now)
	}
}

// figures count what was seen.
type figures struct {
	faults, cut, lost, untrue, unfinished int
}

// add adds those of another lab.
func (f *figures) add(other figures) {
	f.faults += other.faults
	f.cut += other.cut
	f.lost += other.lost
	f.untrue += other.untrue
	f.unfinished += other.unfinished
}

// String are the figures as make chaos prints them.
func (f figures) String() string {
	return fmt.Sprintf("%d faults: %d states in which a required flow is cut, %d foreign changes lost, %d failures reported as success or otherwise untrue, %d that a second run does not complete",
		f.faults, f.cut, f.lost, f.untrue, f.unfinished)
}
