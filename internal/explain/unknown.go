package explain

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// ErrUnknownSource is in the error of Ask when the inventory does not have the source. In an
// inventory of a whole Kubernetes cluster, the error also says where there is one of its name.
var ErrUnknownSource = errors.New("unknown source")

type unknownSourceError struct{ error }

func (unknownSourceError) Is(target error) bool { return target == ErrUnknownSource }

func (e unknownSourceError) Unwrap() error { return e.error }

// unknownSource says why there is nobody to ask about.
func (q *Question) unknownSource(s Source) error {
	for _, missing := range q.podsMissing(s.namespace) {
		return fmt.Errorf("%s in namespace %q can't be looked up: %s: %s", s.Name(), s.namespace, missing.Message, missing.Remedy)
	}
	where := fmt.Sprintf("in namespace %q", s.namespace)
	elsewhere := q.elsewhere(s)
	kind := s.workload.Kind
	_, wellKnown := sourceKinds()[kind]
	switch {
	case !wellKnown && !slices.ContainsFunc(q.Model.Inventory().Pods, func(p inventory.Pod) bool { return p.Workload.Kind == kind }):
		return fmt.Errorf("no pod belongs to a %q, so that %q is no source: use %s", kind, s.Name(), sourceForms)
	case elsewhere != "":
		return fmt.Errorf("there is no %s %s, but one in namespace %q: use %s/%s", s.Name(), where, elsewhere, elsewhere, s.Name())
	case q.Model.Inventory().Origin == inventory.Manifests && kind == "pod":
		return fmt.Errorf("there is no pod %q %s of the manifests: add it, or describe it with --labels and --source-namespace", s.workload.Name, where)
	case q.Model.Inventory().Origin == inventory.Manifests:
		return fmt.Errorf("no pod of %s %s follows from the manifests: the workload is missing there, or has no replicas; add it, or describe its pods with --labels and --source-namespace", s.Name(), where)
	case kind == "pod":
		return fmt.Errorf("there is no running pod %q %s: '%s' lists what there is", s.workload.Name, where, command.Kubectl("get", "pods").In(s.namespace))
	}
	return fmt.Errorf("no pod of %s runs %s: describe one with --labels and --source-namespace", s.Name(), where)
}

// elsewhere is the only other namespace that has such a source; empty when there is none or several.
func (q *Question) elsewhere(s Source) string {
	found := ""
	for i := range q.Model.Inventory().Pods {
		pod := q.Model.Pod(i)
		if other := s.inNamespace(pod.Namespace); !other.Matches(pod) || pod.Namespace == found {
			continue
		}
		if found != "" {
			return ""
		}
		found = pod.Namespace
	}
	return found
}

func (s Source) inNamespace(namespace string) Source {
	s.namespace = namespace
	return s
}

// podsMissing is why pods of a namespace are not in the inventory although they may be there.
func (q *Question) podsMissing(namespace string) []inventory.Missing {
	out := q.Model.MissingAt("pods", namespace)
	for _, resource := range []string{inventory.ClientsResource, "namespaces"} {
		for _, missing := range q.Model.MissingAt(resource, namespace) {
			if missing.Reason == inventory.TooLarge {
				out = append(out, missing)
			}
		}
	}
	return out
}
