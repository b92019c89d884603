package rollout

import (
	"cmp"
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"
	coreclient "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// JournalName is the ConfigMap of a namespace in which the last change of each of its clusters is recorded. It has one name
// everywhere, so that a role can allow this one and no other.
const JournalName = "cnpg-netpol-journal"

// Journal keeps the records of changes on the server: one for each cluster, the last one.
type Journal struct {
	ConfigMaps coreclient.ConfigMapsGetter
	// DryRun lets the server check what is written, and keep nothing.
	DryRun bool
	// Pace is DefaultPace when it is not set.
	Pace Pace
}

// Read is the record of a cluster's last change; found is false when there is none.
func (j Journal) Read(ctx context.Context, cluster types.NamespacedName) (r change.Record, found bool, err error) {
	var text string
	err = j.retrying(func() error {
		now, err := j.ConfigMaps.ConfigMaps(cluster.Namespace).Get(ctx, JournalName, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		text, found = now.Data[cluster.Name]
		return nil
	})
	if err != nil || !found {
		return change.Record{}, false, err
	}
	if r, err = change.ReadRecord(text); err != nil {
		return change.Record{}, false, fmt.Errorf("the record of cluster %q in ConfigMap %q can't be read: %w", cluster.Name, JournalName, err)
	}
	return r, true, nil
}

// Write records the last change of a cluster, nil for none. Records of other clusters stay: each has a field manager of its
// own. It is an apply also where there is no ConfigMap yet, because a role can allow that for one name.
func (j Journal) Write(ctx context.Context, cluster types.NamespacedName, r *change.Record) error {
	content := applycorev1.ConfigMap(JournalName, cluster.Namespace).WithLabels(map[string]string{policyset.LabelManagedBy: policyset.FieldManager})
	if r != nil {
		text, err := r.Text()
		if err != nil {
			return fmt.Errorf("the record of cluster %q: %w", cluster.Name, err)
		}
		content = content.WithData(map[string]string{cluster.Name: text})
	}
	options := metav1.ApplyOptions{FieldManager: policyset.FieldManager + ":" + cluster.Name, Force: true}
	if j.DryRun {
		options.DryRun = []string{metav1.DryRunAll}
	}
	return j.retrying(func() error {
		_, err := j.ConfigMaps.ConfigMaps(cluster.Namespace).Apply(ctx, content, options)
		return err
	})
}

// retrying tries again what the server did not answer.
func (j Journal) retrying(do func() error) error {
	return cmp.Or(j.Pace, DefaultPace()).retrying(func(err error) bool { return apierrors.IsConflict(err) || noAnswer(err) }, do)
}
