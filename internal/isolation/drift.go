package isolation

import (
	"errors"
	"strings"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// drifted are the differences between the cluster's managed policies and what lockdown would apply
// with the flags that the policies themselves record, by name. A policy that lockdown would not
// apply at all is left to SET_INCOMPLETE and to the next lockdown.
func (m *Model) drifted(c *cluster) (map[string]string, error) {
	live := m.managed(c)
	options, err := policyset.FromLive(c.key(), live)
	if errors.Is(err, policyset.ErrNotLocked) {
		return nil, nil
	}
	options = options.For(c.key(), m.OperatorNamespaces())
	desired, buildErr := policyset.Build(options)
	if err := errors.Join(err, buildErr); err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, want := range desired {
		for _, have := range live {
			if have.Name != want.Object.Name {
				continue
			}
			if paths := policyset.Differences(have, want.Object); len(paths) > 0 {
				out[have.Name] = strings.Join(paths, ", ")
			}
		}
	}
	return out, nil
}

// managed are the policies that lockdown manages for the cluster.
func (m *Model) managed(c *cluster) []*ciliumv2.CiliumNetworkPolicy {
	var out []*ciliumv2.CiliumNetworkPolicy
	for _, index := range m.engine.PoliciesFor(c.object.Namespace) {
		p, ok := m.inv.Policies[index].Object.(*ciliumv2.CiliumNetworkPolicy)
		if ok && p.Namespace == c.object.Namespace && policyset.IsManaged(p.Labels, c.object.Name) {
			out = append(out, p)
		}
	}
	return out
}

// Managed are the policies that lockdown manages for a cluster of the model.
func (m *Model) Managed(cluster types.NamespacedName) []*ciliumv2.CiliumNetworkPolicy {
	if c := m.cluster(cluster); c != nil {
		return m.managed(c)
	}
	return nil
}

// OperatorNamespaces are where the operator was found, or is assumed.
func (m *Model) OperatorNamespaces() []string {
	var out []string
	for _, op := range m.operators {
		out = append(out, op.Namespace)
	}
	return out
}
