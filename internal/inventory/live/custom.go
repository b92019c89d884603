package live

import (
	"fmt"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/decode"
)

const (
	ciliumGroup = "cilium.io"

	installCilium = "install Cilium 1.20 or later, or choose another --context"
	installCNPG   = "install the CloudNativePG operator, or choose another --context"
)

// Positions in collector.policies.
const (
	networkPolicySlot = iota
	ciliumSlot
	clusterwideSlot
	clusterNetworkPolicySlot
)

// custom is a kind that a CustomResourceDefinition brings.
type custom struct {
	schema.GroupVersionResource
	scope scope
	// absent is the remedy when the server doesn't know the kind; with optional, that is no loss.
	absent   string
	optional bool
	// advisory is as that of a resource.
	advisory bool
	// decode takes what matters of an object; its error names the object.
	decode func(d *decode.Decoder, raw []byte) (any, error)
	// decodeAll, where there is one, decodes the text of a list at once, and fails when it can't.
	decodeAll func(d *decode.Decoder, list []byte) (values []any, next string, err error)
	// put adds what decode returned to what is collected, and reset forgets all of it.
	put   func(c *collector, value any)
	reset func(c *collector)
}

func cloudNativePG(plural string) custom {
	return custom{
		GroupVersionResource: schema.GroupVersionResource{Group: "postgresql.cnpg.io", Version: "v1", Resource: plural},
		scope:                ownNamespace, absent: installCNPG,
	}
}

func cilium(plural string, s scope) custom {
	return custom{
		GroupVersionResource: schema.GroupVersionResource{Group: ciliumGroup, Version: "v2", Resource: plural},
		scope:                s, absent: installCilium,
	}
}

func clusters() custom {
	k := cloudNativePG("clusters")
	k.decode = func(_ *decode.Decoder, raw []byte) (any, error) {
		c, err := decode.Cluster(raw, "")
		if err != nil {
			return nil, fmt.Errorf("%s/%s: %w", c.Namespace, c.Name, err)
		}
		return c, nil
	}
	k.decodeAll = func(_ *decode.Decoder, list []byte) ([]any, string, error) {
		found, next, err := decode.Clusters(list)
		return asAny(found), next, err
	}
	k.put = func(c *collector, value any) { c.inv.Clusters = appendAs(c.inv.Clusters, value) }
	k.reset = func(c *collector) { c.inv.Clusters = nil }
	return k
}

func poolers() custom {
	k := cloudNativePG("poolers")
	k.decode = func(_ *decode.Decoder, raw []byte) (any, error) {
		p, err := decode.Pooler(raw, "")
		if err != nil {
			return nil, fmt.Errorf("%s/%s: %w", p.Namespace, p.Name, err)
		}
		return p, nil
	}
	k.put = func(c *collector, value any) { c.inv.Poolers = appendAs(c.inv.Poolers, value) }
	k.reset = func(c *collector) { c.inv.Poolers = nil }
	return k
}

// endpoint is a CiliumEndpoint with its name.
type endpoint struct {
	types.NamespacedName
	inventory.Endpoint
}

func endpoints() custom {
	k := cilium("ciliumendpoints", allNamespaces)
	k.decode = func(_ *decode.Decoder, raw []byte) (any, error) {
		name, e, err := decode.Endpoint(raw, "")
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return endpoint{name, e}, nil
	}
	k.decodeAll = func(_ *decode.Decoder, list []byte) ([]any, string, error) {
		var values []any
		next, err := decode.Endpoints(list, func(name types.NamespacedName, e inventory.Endpoint) {
			values = append(values, endpoint{name, e})
		})
		return values, next, err
	}
	k.put = func(c *collector, value any) {
		if e, ok := value.(endpoint); ok {
			c.inv.Endpoints[e.NamespacedName] = e.Endpoint
		}
	}
	k.reset = func(c *collector) { c.inv.Endpoints = map[types.NamespacedName]inventory.Endpoint{} }
	return k
}

func ciliumNetworkPolicies() custom {
	return policies(cilium("ciliumnetworkpolicies", allNamespaces), v1alpha1.CiliumNetworkPolicy, ciliumSlot)
}

func ciliumClusterwideNetworkPolicies() custom {
	return policies(cilium("ciliumclusterwidenetworkpolicies", clusterScoped), v1alpha1.CiliumClusterwideNetworkPolicy, clusterwideSlot)
}

func clusterNetworkPolicies() custom {
	return policies(custom{
		GroupVersionResource: schema.GroupVersionResource{Group: "policy.networking.k8s.io", Version: "v1alpha2", Resource: "clusternetworkpolicies"},
		scope:                clusterScoped, optional: true,
	}, v1alpha1.ClusterNetworkPolicy, clusterNetworkPolicySlot)
}

// policies completes a kind of policies. One that can't be decoded is a policy, too.
func policies(k custom, kind v1alpha1.PolicyKind, slot int) custom {
	k.decode = func(d *decode.Decoder, raw []byte) (any, error) {
		return d.Policy(kind, raw, decode.PolicyOptions{Stored: true}), nil
	}
	if k.Group == ciliumGroup {
		k.decodeAll = func(d *decode.Decoder, list []byte) ([]any, string, error) {
			found, next, err := d.Policies(kind, list)
			return asAny(found), next, err
		}
	}
	k.put = func(c *collector, value any) { c.policies[slot] = appendAs(c.policies[slot], value) }
	k.reset = func(c *collector) { c.policies[slot] = nil }
	return k
}

func asAny[T any](all []T) []any {
	values := make([]any, len(all))
	for i, one := range all {
		values[i] = one
	}
	return values
}

// appendAs appends a value of the slice's type.
func appendAs[T any](all []T, value any) []T {
	if one, ok := value.(T); ok {
		return append(all, one)
	}
	return all
}
