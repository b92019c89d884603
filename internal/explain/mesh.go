package explain

import (
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// farOrigin is a source in another Kubernetes cluster of the mesh. Each side's policies are decided by its own agents: the
// database's know the source by its identity, and the source's know the database's pods by theirs.
type farOrigin struct {
	// question is about the source in its own model, and origin what it found; nil when only its labels are known.
	question *Question
	origin   Origin
	// goals are the identities of the question's goals in the source's model.
	goals map[types.NamespacedName]*engine.Identity
	// cluster is the name of the source's Kubernetes cluster in the mesh.
	cluster string
}

// Remote is true for a source in another Kubernetes cluster than the target.
func (q *Question) Remote() bool { return len(q.Origins) > 0 && q.Origins[0].far != nil }

// end is the source's pod when it is a single one.
func (f *farOrigin) end() model.End {
	if len(f.origin.Pods) != 1 {
		return model.End{}
	}
	return f.question.Model.EndOf(f.origin.Pods[0], "pod "+f.question.Model.Pod(f.origin.Pods[0]).Name)
}

// ConnectedNote is what nobody has looked at: whether the clusters of a mesh are connected at all.
const ConnectedNote = "whether the two Kubernetes clusters are connected was not looked at: the verdict is about connections that come with the pod's identity"

// AskAcross puts a query about a source in one Kubernetes cluster to the model of another one, in the same mesh. Errors say
// why there is no answer; one for a source that is not there is an ErrUnknownSource.
func AskAcross(far, near *inventory.Inventory, o model.Options, key types.NamespacedName, source Source, query Query) (*Question, error) {
	if err := inOneMesh(far.Settings, near.Settings); err != nil {
		return nil, err
	}
	if source.form == formEntity || source.form == formPrefix {
		return nil, fmt.Errorf("%s is nobody of a Kubernetes cluster: ask without --contexts", source.Name())
	}
	if source.cluster != "" && source.cluster != far.Settings.ClusterName {
		return nil, fmt.Errorf("the source is in the Kubernetes cluster %q by its labels, and the first of --contexts is %q", source.cluster, far.Settings.ClusterName)
	}
	source.cluster = ""
	nobody := model.Options{Names: []string{""}, Extra: source.Extra()} // The question is about none of the databases there.
	there, err := farSource(far, nobody, source)
	if err != nil {
		return nil, err
	}
	here, err := model.New(near, o)
	if err != nil {
		return nil, err
	}
	goals := &Question{Model: here, Cluster: here.Cluster(key), Source: source, Port: query.Port}
	if goals.Cluster == nil {
		return nil, fmt.Errorf("there is no model of cluster %q in namespace %q", key.Name, key.Namespace)
	}
	if err := goals.addGoals(query); err != nil {
		return nil, err
	}
	// Once more, with each other's identities.
	for _, g := range goals.Goals {
		nobody.Extra.Remote = append(nobody.Extra.Remote, model.Remote{Labels: g.Identity.Labels(), Pod: *g.Pod})
	}
	for _, origin := range there.Origins {
		o.Extra.Remote = append(o.Extra.Remote, remoteOf(there, origin))
	}
	if there, err = farSource(far, nobody, source); err != nil {
		return nil, err
	}
	if here, err = model.New(near, o); err != nil {
		return nil, err
	}
	q := &Question{Model: here, Cluster: here.Cluster(key), Source: source, Port: query.Port}
	if err := q.addGoals(query); err != nil {
		return nil, err
	}
	seen := map[types.NamespacedName]*engine.Identity{}
	for i, g := range q.Goals {
		seen[g.Pod.Key()] = there.Model.Remote(i)
	}
	for i, origin := range there.Origins {
		q.Origins = append(q.Origins, Origin{
			Identity: here.Remote(i), far: &farOrigin{question: there, origin: origin, goals: seen, cluster: far.Settings.ClusterName},
		})
	}
	q.Notes = append(q.Notes, ConnectedNote)
	q.Notes = append(q.Notes, there.Notes...)
	return q, nil
}

// inOneMesh says why pods of one Kubernetes cluster do not come to the other with their identities.
func inOneMesh(far, near inventory.Settings) error {
	var errs []error
	for _, s := range []inventory.Settings{far, near} {
		if s.ClusterID == 0 {
			errs = append(errs, fmt.Errorf("cilium's cluster-id is 0 in %q, which is in no mesh: pods of it come to other Kubernetes clusters as addresses, so ask for the address that they have there", s.ClusterName))
		}
	}
	if len(errs) == 0 && (far.ClusterID == near.ClusterID || far.ClusterName == near.ClusterName) {
		errs = append(errs, fmt.Errorf("both have Cilium's cluster-name %q and cluster-id %d, or one of the two in common, so that they are not two of one mesh", near.ClusterName, near.ClusterID))
	}
	return errors.Join(errs...)
}

// farSource finds the source in its own Kubernetes cluster.
func farSource(far *inventory.Inventory, o model.Options, source Source) (*Question, error) {
	m, err := model.New(far, o)
	if err != nil {
		return nil, err
	}
	for i := range far.Pods {
		if pod := &far.Pods[i]; source.Matches(pod) && pod.HostNetwork {
			return nil, fmt.Errorf("pod %q in namespace %q uses its node's network, so that it comes to another Kubernetes cluster as a node: ask about remote-node there", pod.Name, pod.Namespace)
		}
	}
	q := &Question{Model: m, Source: source}
	err = q.addSource()
	return q, err
}

// remoteOf is what the agents of another Kubernetes cluster know a source by.
func remoteOf(q *Question, o Origin) model.Remote {
	r := model.Remote{Labels: o.Identity.Labels()}
	if len(o.Pods) > 0 {
		r.Pod.NamedPorts = q.Model.Pod(o.Pods[0]).NamedPorts
	}
	return r
}

// addHypotheticalOf adds a pod that does not exist, in another Kubernetes cluster of the mesh.
func (q *Question) addHypotheticalOf(s Source) error {
	if q.Model.Inventory().Settings.ClusterID == 0 {
		return fmt.Errorf("cilium's cluster-id is 0 in %q, which is in no mesh: no pod comes to it as one of the Kubernetes cluster %q", q.Model.Inventory().Settings.ClusterName, s.cluster)
	}
	q.Origins = append(q.Origins, Origin{Identity: q.Model.Remote(0), name: s.Name(), far: &farOrigin{cluster: s.cluster}})
	q.Notes = append(q.Notes, ConnectedNote)
	return nil
}

// directionsAcross are the answers of both Kubernetes clusters, each by its own engine.
func (q *Question) directionsAcross(o Origin, t Goal) (ingress, egress engine.Direction) {
	ingress = q.Model.Engine().Decide(o.Identity, t.Identity, t.Port).Ingress
	if q.Model.IsUnmanaged(t.Member.Pod) {
		ingress = engine.AllowedBecause(model.NotManaged)
	}
	if reason := q.blindness(t.Pod.Namespace); reason != "" {
		ingress = engine.UnknownBecause(reason)
	}
	to := q.Model.EndOf(t.Member.Pod, "pod "+t.Pod.Name)
	f := o.far
	if f.question == nil {
		if q.Model.Engine().LooksAtNamespaces(t.Identity) {
			ingress = engine.UnknownBecause(fmt.Sprintf("a policy looks at the labels of the source's namespace, which is in the Kubernetes cluster %q and was not read: --contexts reads both", f.cluster))
		}
		ingress = doubtUnsettled(q.Model, model.End{}, to, engine.Join(ingress, engine.Direction{Verdict: v1alpha1.VerdictAllowed})).Ingress
		return ingress, engine.UnknownBecause(fmt.Sprintf("the policies of the Kubernetes cluster %q, where the source is, were not read: --contexts reads both", f.cluster))
	}
	far := f.question
	from := f.end()
	if f.origin.egress != "" { // Cilium does not manage the pod there, and gives it no identity.
		ingress = engine.UnknownBecause("Cilium does not manage the pod, so that it comes as an address, and not as one of a mesh: ask for the address")
		return ingress, engine.AllowedBecause(f.origin.egress)
	}
	if missing := far.namespaceLabelsMissingFor(f.origin, q.Model, t); missing != "" {
		ingress = engine.UnknownBecause(missing)
	}
	egress = far.Model.Engine().Decide(f.origin.Identity, f.goals[t.Pod.Key()], t.Port).Egress
	if reason := far.blindnessAt(f.origin.Identity.Namespace()); reason != "" {
		egress = engine.UnknownBecause(reason)
	}
	free := engine.Direction{Verdict: v1alpha1.VerdictAllowed}
	ingress = doubtUnsettled(q.Model, from, to, engine.Join(ingress, free)).Ingress
	egress = doubtUnsettled(far.Model, from, to, engine.Join(free, egress)).Egress
	return ingress, egress
}

// blindnessAt says why nothing is known of what policies do at pods of a namespace without databases.
func (q *Question) blindnessAt(namespace string) string {
	if q.Model.NoAgent() {
		return "there is no sign of a Cilium agent in the source's Kubernetes cluster"
	}
	for _, missing := range q.Model.MissingAt("namespaces", namespace) {
		return missing.Message
	}
	return q.Model.Blind(namespace)
}
