package explain

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/cilium/cilium/pkg/labels"
	corev1 "k8s.io/api/core/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// Origin is one identity behind a source.
type Origin struct {
	Identity *engine.Identity
	// Pods are indexes into the inventory; none for entities and for pods that do not exist.
	Pods []int
	// name is what to call it when there are no pods.
	name string
	// egress is set when the source's side is not decided by the engine's answer for identity:
	// the reason for which nothing restricts it there.
	egress string
	// node is true when the source's side is decided by what holds on a node.
	node bool
	// address is that of the node of a pod on its node's network, and where says how it is to the target's
	// node; empty where they are not known.
	address, where string
	// apiServer is true for the API server, which can look like the instance's own node.
	apiServer bool
	// Prefix is set for a part of the world whose addresses are known.
	Prefix netip.Prefix
	// far is set for pods of another Kubernetes cluster, whose pods and policies are in its own model.
	far *farOrigin
}

// Matches tells whether a pod belongs to the source.
func (s Source) Matches(pod *inventory.Pod) bool {
	if s.form != formPods || pod.Namespace != s.namespace {
		return false
	}
	w := pod.Workload
	switch s.workload.Kind {
	case "pod":
		return pod.Name == s.workload.Name
	case "replicaset":
		// A ReplicaSet of a Deployment is named by it and by the hash of the template.
		hash := pod.Labels["pod-template-hash"]
		return w == s.workload || hash != "" && w.Kind == "deployment" && w.Name+"-"+hash == s.workload.Name
	case "cronjob":
		// The controller names a CronJob's Jobs by its own name and the minute.
		minute, made := strings.CutPrefix(w.Name, s.workload.Name+"-")
		return w == s.workload || made && w.Kind == "job" && minute != "" && strings.Trim(minute, "0123456789") == ""
	}
	return w == s.workload
}

// addSource finds the identities behind the source.
func (q *Question) addSource() error {
	s := q.Source
	switch s.form {
	case formEntity:
		return q.addEntity(s)
	case formPrefix:
		return q.addPrefix(s.Prefix)
	case formNamespace, formHypothetical:
		return q.addHypothetical(s)
	case formPods:
	}
	at := map[*engine.Identity]int{}
	var onNode []int
	for i := range q.Model.Inventory().Pods {
		pod := q.Model.Pod(i)
		if !s.Matches(pod) {
			continue
		}
		o := Origin{Identity: q.Model.IdentityOf(i)}
		switch {
		case pod.HostNetwork:
			onNode = append(onNode, i)
			continue
		case q.Model.IsUnmanaged(i):
			// The agents know the pod's address from Kubernetes, and nothing of its labels
			// (pkg/k8s/watchers/pod.go).
			o.Identity = q.Model.Identities().Reserved(labels.IDNameUnmanaged)
			o.egress = model.NotManaged
			q.Notes = append(q.Notes, fmt.Sprintf(
				"Cilium does not manage pod %q, so that no rule by labels lets it in: restart it, if it started before the agent", pod.Name))
		}
		q.AddPod(at, o, i)
	}
	if len(onNode) > 0 {
		q.addNodes(s.Name(), onNode)
	}
	if len(q.Origins) == 0 {
		return unknownSourceError{q.unknownSource(s)}
	}
	return nil
}

// AddPod adds a pod to the origin of its identity, whose position is in at. One at which the agent is still at
// work is an origin of its own.
func (q *Question) AddPod(at map[*engine.Identity]int, o Origin, pod int) {
	index, known := at[o.Identity]
	if settled := q.Model.Unsettled(pod) == ""; !known || !settled {
		index = len(q.Origins)
		if settled {
			at[o.Identity] = index
		}
		q.Origins = append(q.Origins, o)
	}
	q.Origins[index].Pods = append(q.Origins[index].Pods, pod)
}

func (q *Question) addEntity(s Source) error {
	switch name := s.entity; name {
	case labels.IDNameWorld:
		// On dual stack, each family has a world of its own (pkg/labels/cidr.go).
		for _, id := range q.Model.Identities().Worlds() {
			family := FamilyOf(id)
			if s.Prefix.IsValid() && family.IsValid() && family != s.Prefix {
				continue
			}
			all := q.Model.FamilyOf(id)
			if parts := q.partsOf(all); (!s.Prefix.IsValid() || s.Prefix == all) && model.Covered(all, parts) {
				// Nobody is left who is in none of the parts.
				if err := q.addParts(parts); err != nil {
					return err
				}
				continue
			}
			q.Origins = append(q.Origins, Origin{Identity: id, name: id.Name(), egress: outsideReason})
		}
	case labels.IDNameKubeAPIServer:
		q.Origins = append(q.Origins, Origin{Identity: q.Model.Identities().Reserved(name), name: name, apiServer: true, egress: apiServerReason})
		if agents := q.Model.Deriver().Konnectivity(); len(agents) > 0 {
			q.Notes = append(q.Notes, fmt.Sprintf("the API server connects by way of konnectivity here, so that policies see its agents (%s), and not the entity kube-apiserver", q.podNames(agents)))
		}
	case labels.IDNameIngress, labels.IDNameHealth:
		// Agents have endpoints for them, which clusterwide policies can restrict.
		q.Origins = append(q.Origins, Origin{Identity: q.Model.Identities().Reserved(name), name: name})
	case labels.IDNameUnmanaged:
		q.Origins = append(q.Origins, Origin{Identity: q.Model.Identities().Reserved(name), name: name, egress: model.NotManaged})
	case labels.IDNameInit:
		q.Origins = append(q.Origins, Origin{Identity: q.Model.Identities().Reserved(name), name: name, egress: "what a pod without an identity may open was not asked: agents deny it until they know the pod, unless a policy for this entity allows it"})
	default:
		q.Origins = append(q.Origins, Origin{Identity: q.Model.Identities().Reserved(name), name: name, node: true})
	}
	return nil
}

// FamilyOf are all addresses of a world that is one of two; invalid for other identities.
func FamilyOf(id *engine.Identity) netip.Prefix {
	switch id.Name() {
	case labels.IDNameWorldIPv4:
		return netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	case labels.IDNameWorldIPv6:
		return netip.PrefixFrom(netip.IPv6Unspecified(), 0)
	}
	return netip.Prefix{}
}

// podNames are the names of pods, the first few of many.
func (q *Question) podNames(pods []int) string {
	const few = 3
	var names []string
	for _, i := range pods[:min(few, len(pods))] {
		names = append(names, q.Model.Pod(i).Namespace+"/"+q.Model.Pod(i).Name)
	}
	if more := len(pods) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	return strings.Join(names, ", ")
}

const (
	apiServerReason = "the API server is no pod: policies for pods do not apply to it"
	outsideReason   = "it is outside the Kubernetes cluster, where no policy of it applies"
)

// addPrefix adds the prefix and those parts of it that policies name: they have identities of
// their own. What is made of smaller parts altogether has no address left.
func (q *Question) addPrefix(prefix netip.Prefix) error {
	if err := q.inside(prefix); err != nil {
		return err
	}
	return q.addParts(append([]netip.Prefix{prefix}, q.partsOf(prefix)...))
}

// partsOf are the narrower prefixes in a prefix that policies name.
func (q *Question) partsOf(prefix netip.Prefix) []netip.Prefix {
	var parts []netip.Prefix
	seen := map[netip.Prefix]bool{}
	for _, id := range q.Model.Outside() {
		part, ok := id.Entity().Prefix()
		if ok && part.Bits() > prefix.Bits() && prefix.Contains(part.Addr()) && !seen[part] {
			seen[part] = true
			parts = append(parts, part)
		}
	}
	return parts
}

// addParts adds those of the prefixes that have addresses which are in no narrower one.
func (q *Question) addParts(parts []netip.Prefix) error {
	parts = slices.SortedFunc(slices.Values(parts), netip.Prefix.Compare)
	for i, part := range parts {
		end := i + 1
		for end < len(parts) && part.Contains(parts[end].Addr()) {
			end++ // In order, those within a prefix follow it.
		}
		if model.Covered(part, parts[i+1:end]) {
			continue
		}
		id, err := q.Model.Identities().CIDR(part)
		if err != nil {
			return err
		}
		q.Origins = append(q.Origins, Origin{Identity: id, name: prefixText(part), egress: outsideReason, Prefix: part})
	}
	return nil
}

func (q *Question) addHypothetical(s Source) error {
	if s.cluster != "" && s.cluster != q.Model.Inventory().Settings.ClusterName {
		return q.addHypotheticalOf(s)
	}
	known := slices.ContainsFunc(q.Model.Inventory().Namespaces, func(n inventory.Namespace) bool { return n.Name == s.namespace })
	switch {
	case known:
	case q.Model.Inventory().Origin == inventory.Manifests:
		q.Notes = append(q.Notes, fmt.Sprintf(
			"namespace %q is not in the manifests: it is taken to have no labels but %s", s.namespace, corev1.LabelMetadataName))
	case len(q.Model.MissingAt("namespaces", s.namespace)) == 0:
		return fmt.Errorf("there is no namespace %q: '%s' lists all", s.namespace, command.Kubectl("get", "namespaces"))
	}
	name := s.Name()
	if s.form == formNamespace {
		name = "a pod without labels"
	}
	q.Origins = append(q.Origins, Origin{Identity: q.Model.ExtraOf(s.Extra().Pods[0]), name: name})
	return nil
}
