package assess

import (
	"errors"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// drifted are the differences between the cluster's managed policies and what lockdown would apply
// with the flags that the policies themselves record, by name. A policy that lockdown would not
// apply at all is left to SET_INCOMPLETE and to the next lockdown.
func drifted(m *model.Model, c *model.Cluster) (map[string]string, error) {
	live := Managed(m, c)
	options, err := policyset.FromLive(c.Key(), live)
	if errors.Is(err, policyset.ErrNotLocked) {
		return nil, nil
	}
	options = options.For(c.Key(), m.OperatorNamespaces())
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

// Managed are the policies that lockdown manages for the cluster; none for one that is not in the model.
func Managed(m *model.Model, c *model.Cluster) []*ciliumv2.CiliumNetworkPolicy {
	if c == nil {
		return nil
	}
	var out []*ciliumv2.CiliumNetworkPolicy
	for _, index := range m.Engine().PoliciesFor(c.Object.Namespace) {
		p, ok := m.Inventory().Policies[index].Object.(*ciliumv2.CiliumNetworkPolicy)
		if ok && p.Namespace == c.Object.Namespace && policyset.IsManaged(p.Labels, c.Object.Name) {
			out = append(out, p)
		}
	}
	return out
}
