package policyset

import (
	"slices"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	"github.com/cilium/cilium/pkg/policy/api"
	"k8s.io/apimachinery/pkg/types"
)

// SharedDefaultDenyName is the name of the default deny with ScopeNamespace, the document's own. It
// is one object for all clusters of a namespace.
const SharedDefaultDenyName = "default-deny"

// sharedDefaultDeny is a function of the namespace and of the clusters and their sets alone: whichever
// cluster is locked or unlocked, in whichever order, the same object results. So LabelCluster is
// the first user by name, and not the cluster that happened to create it.
func sharedDefaultDeny(namespace string, users []string, records map[string]string) Policy {
	o := Options{Cluster: types.NamespacedName{Namespace: namespace, Name: users[0]}}
	p := o.policy(DefaultDeny, SharedDefaultDenyName, "default deny of ingress for the whole namespace",
		"Default deny all ingress traffic to all Pods in this namespace", everyPod(), api.IngressRule{})
	for _, user := range users {
		p.Object.Labels[LabelUserPrefix+user] = userValue
	}
	p.Object.Annotations = map[string]string{AnnotationScope: string(ScopeNamespace)}
	for _, user := range users {
		if text, ok := records[user]; ok {
			p.Object.Annotations[LabelUserPrefix+user] = text
		}
	}
	return p
}

// Release says what becomes of a live policy when one cluster does not need it any more. keep is
// false when it is to be deleted; when it is true, the policy is to be applied in the form that is
// returned: the shared default deny without the cluster's mark. The caller has made sure with
// IsManaged that lockdown manages it for the cluster.
func Release(live *ciliumv2.CiliumNetworkPolicy, cluster string) (policy Policy, keep bool) {
	users := slices.DeleteFunc(Users(live.Labels), func(u string) bool { return u == cluster })
	if len(users) == 0 {
		return Policy{}, false
	}
	return sharedDefaultDeny(live.Namespace, users, SharedRecords(live)), true
}

// Join is the shared default deny as it is when a cluster needs it, whose set has the record; live is nil when there is
// none. The record is empty for a set that is older than records.
func Join(live *ciliumv2.CiliumNetworkPolicy, cluster types.NamespacedName, record string) Policy {
	users, records := []string{cluster.Name}, map[string]string{}
	if live != nil {
		users, records = append(users, Users(live.Labels)...), SharedRecords(live)
	}
	delete(records, cluster.Name)
	if record != "" {
		records[cluster.Name] = record
	}
	return sharedDefaultDeny(cluster.Namespace, sortedSet(users), records)
}

// IsUnchangedShared tells whether a live policy is the shared default deny as lockdown leaves it.
func IsUnchangedShared(live *ciliumv2.CiliumNetworkPolicy) bool {
	users := Users(live.Labels)
	return IsOurs(live.Labels) && len(users) > 0 && len(Differences(live, sharedDefaultDeny(live.Namespace, users, SharedRecords(live)).Object)) == 0
}
