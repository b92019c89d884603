package rollout

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	kubefake "k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
)

// Each cluster has its record, and none touches another's.
func TestTheJournalHasOneRecordForEachCluster(t *testing.T) {
	j := Journal{ConfigMaps: kubefake.NewClientset().CoreV1()}
	other := types.NamespacedName{Namespace: example.Namespace, Name: "other"}
	write := func(cluster types.NamespacedName, r *change.Record) {
		t.Helper()
		if err := j.Write(t.Context(), cluster, r); err != nil {
			t.Fatal(err)
		}
	}
	verb := func(cluster types.NamespacedName) string {
		t.Helper()
		r, found, err := j.Read(t.Context(), cluster)
		if err != nil {
			t.Fatal(err)
		}
		if !found {
			return "none"
		}
		return r.Verb
	}
	expect := func(first, second string) {
		t.Helper()
		if verb(example) != first || verb(other) != second {
			t.Errorf("%s and %s, want %s and %s", verb(example), verb(other), first, second)
		}
	}
	record := func(verb string, cluster types.NamespacedName) *change.Record {
		r := change.Record{Verb: verb}.Of(fixture.Lockdown(t, nil, fixture.Options(t, cluster, fixture.Flags())), cluster)
		return &r
	}
	expect("none", "none")
	write(example, record("lockdown", example))
	expect("lockdown", "none")
	write(other, record("unlock", other))
	write(example, record("unlock", example))
	expect("unlock", "unlock")
	write(example, nil)
	expect("none", "unlock")
}

// What the server does not answer is asked for again, and what it refuses is not.
func TestTheJournalTriesAgain(t *testing.T) {
	for name, tc := range map[string]struct {
		err   error
		tries int
	}{
		"unavailable": {apierrors.NewServiceUnavailable("later"), 2},
		"conflict":    {apierrors.NewConflict(schema.GroupResource{Resource: "configmaps"}, JournalName, nil), 2},
		"forbidden":   {apierrors.NewForbidden(schema.GroupResource{Resource: "configmaps"}, JournalName, nil), 1},
	} {
		fake, tries := kubefake.NewClientset(), 0
		fake.PrependReactor("patch", "configmaps", func(clienttesting.Action) (bool, runtime.Object, error) {
			tries++
			return tries == 1, nil, tc.err
		})
		err := Journal{ConfigMaps: fake.CoreV1()}.Write(t.Context(), example, nil)
		if tries != tc.tries || (err == nil) != (tc.tries == 2) {
			t.Errorf("%s: %d tries, %v", name, tries, err)
		}
	}
}

// What is no record is said, with the place where it stands.
func TestARecordThatCannotBeRead(t *testing.T) {
	j := Journal{ConfigMaps: kubefake.NewClientset(&corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: example.Namespace, Name: JournalName}, Data: map[string]string{example.Name: "x"},
	}).CoreV1()}
	_, _, err := j.Read(t.Context(), example)
	if err == nil || !strings.HasPrefix(err.Error(), `the record of cluster "cluster-example" in ConfigMap "cnpg-netpol-journal" can't be read: `) {
		t.Error(err)
	}
}
