package testserver

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/rollout"
)

// Snapshot is every object of the server as canonical JSON, one after the other, in the order of
// kind, namespace and name. Left out are events, leases, endpoints and endpoint slices, the journal of
// changes, and the times in managedFields. Two equal snapshots mean that nobody has written anything in between:
// UIDs and resource versions are part of it.
func (s *Server) Snapshot(ctx context.Context) ([]byte, error) { return s.snapshot(ctx, withoutTimes) }

// SnapshotContent is Snapshot without what the server itself assigns (UID, resource version,
// generation, times, managedFields): equal when the objects read the same, even if one of them was
// deleted and made again.
func (s *Server) SnapshotContent(ctx context.Context) ([]byte, error) {
	return s.snapshot(ctx, contentOnly)
}

func (s *Server) snapshot(ctx context.Context, reduce func(*unstructured.Unstructured)) ([]byte, error) {
	objects, err := s.objects(ctx)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	for _, o := range objects {
		if isJournal(o.key) {
			continue
		}
		reduce(&o.content)
		if err := encoder.Encode(o.content.Object); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), nil
}

// isJournal tells whether an object records what was changed: it stays when the change is taken back.
func isJournal(key objectKey) bool {
	return key.resource.Resource == "configmaps" && key.name == rollout.JournalName
}

func withoutTimes(u *unstructured.Unstructured) {
	fields := u.GetManagedFields()
	for i := range fields {
		fields[i].Time = nil
	}
	u.SetManagedFields(fields)
}

func contentOnly(u *unstructured.Unstructured) {
	u.SetManagedFields(nil)
	for _, field := range []string{"uid", "resourceVersion", "generation", "creationTimestamp"} {
		unstructured.RemoveNestedField(u.Object, "metadata", field)
	}
	conditions, found, err := unstructured.NestedSlice(u.Object, "status", "conditions")
	if !found || err != nil {
		return
	}
	for _, condition := range conditions {
		if fields, ok := condition.(map[string]any); ok {
			delete(fields, "lastTransitionTime")
		}
	}
	// The path was read a moment ago, so it can be written.
	_ = unstructured.SetNestedSlice(u.Object, conditions, "status", "conditions")
}

func compareObjects(a, b unstructured.Unstructured) int {
	return cmp.Or(
		cmp.Compare(a.GetKind(), b.GetKind()),
		cmp.Compare(a.GetAPIVersion(), b.GetAPIVersion()),
		cmp.Compare(a.GetNamespace(), b.GetNamespace()),
		cmp.Compare(a.GetName(), b.GetName()),
	)
}
