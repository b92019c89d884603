package assess

import (
	"fmt"
	"slices"
	"strings"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// lacking says which policies of the set are not there: default deny and what lets in the operator by what they are for,
// those of clients by the flag that asks for them, and what lets out by where to. Each policy that is left tells what the
// whole set was made with; what the cluster needs to reach is read from the specs as they are now. It is
// empty when all are there, and when the set can't be made anew, which is said where it is compared.
func lacking(m *model.Model, c *model.Cluster, live []*ciliumv2.CiliumNetworkPolicy) string {
	there, roles := map[string]bool{}, map[policyset.Role]bool{}
	for _, p := range live {
		there[p.Name], roles[policyset.Role(p.Labels[policyset.LabelPolicy])] = true, true
	}
	options, err := policyset.FromLive(c.Key(), live)
	if err != nil {
		options.Grants = nil // What a policy is for that can't be read is not known, so that it is none that is missing.
	}
	operators, _ := operatorsFor(m, c, options)
	outlets, _ := Outlets(m, c.Key())
	set, err := policyset.Build(options.For(c.Key(), operators).Reaching(outlets))
	if err != nil {
		return ""
	}
	var essential, clients, outs []string
	for _, p := range set {
		g, isClient := policyset.GrantOf(p.Object)
		switch {
		case isClient == nil && !there[p.Object.Name]:
			clients = append(clients, command.Flags(g.Flag()...).String())
		case isClient == nil:
		case policyset.IsOutlet(p.Object) && !there[p.Object.Name]:
			outs = append(outs, policyset.OutletOf(p.Object))
		case !policyset.IsOutlet(p.Object) && !roles[p.Role]:
			// The order of the set is that in which it is applied, default deny last; it is the worst to miss.
			essential = append([]string{string(p.Role)}, essential...)
		}
	}
	if len(outs) > 1 {
		// What names take goes with them.
		outs = slices.DeleteFunc(outs, func(out string) bool { return out == policyset.NamesWhat })
	}
	missing := len(essential) + len(outs) + len(clients)
	if len(outs) > 0 {
		essential = append(essential, noun(len(outs), "what lets out to ")+strings.Join(outs, ", "))
	}
	if len(clients) > 0 {
		essential = append(essential, noun(len(clients), "the policy of ")+few(clients))
	}
	switch n := len(essential); {
	case n == 0:
		return ""
	case missing == 1:
		return essential[0] + " is missing"
	default:
		return strings.TrimPrefix(strings.Join(essential[:n-1], ", ")+" and "+essential[n-1], " and ") + " are missing"
	}
}

// noun is what one or several policies are called.
func noun(n int, one string) string {
	if n > 1 {
		return strings.Replace(one, "the policy of ", "the policies of ", 1)
	}
	return one
}

// few names the first of some.
func few(names []string) string {
	const most = 3
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
