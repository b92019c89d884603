package assess

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cilium/cilium/pkg/policy/api"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/egress"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// Unanswered is something that a cluster needs and of which no rule can be made: the specs do not say where it is, or no
// rule can name it.
type Unanswered struct {
	// Flow and To are those of the required flow.
	Flow, To string
	// Why says what is not known, and Field where it hides.
	Why, Field string
	// Flags are those that answer, with what stands for what is not known.
	Flags []string
}

// Outlets are what the specs of a cluster say that its pods have to reach, as lockdown lets them out, and what is left
// open. Both are empty for a cluster that is not in the model.
func Outlets(m *model.Model, key types.NamespacedName) ([]policyset.Outlet, []Unanswered) {
	c := m.Cluster(key)
	if c == nil {
		return nil, nil
	}
	d := derivation{m: m, key: key}
	d.dns()
	for _, need := range m.Deriver().Designed(c.Object) {
		if need.Flow == egress.ObjectStore || need.Flow == egress.External {
			d.need(need)
		}
	}
	return d.outlets, d.unanswered
}

// derivation collects the outlets of one cluster.
type derivation struct {
	m          *model.Model
	key        types.NamespacedName
	outlets    []policyset.Outlet
	unanswered []Unanswered
}

// dns adds the places that answer for names. It is there in any set: with one more instance, names are used.
func (d *derivation) dns() {
	peers, which := d.m.Deriver().Resolvers()
	out := policyset.Outlet{Purpose: policyset.DNS, What: "DNS"}
	for _, peer := range peers {
		both := slices.Clone(peer.Ports)
		for _, port := range peer.Ports {
			both = append(both, egress.Port{Number: port.Number, Protocol: corev1.ProtocolTCP})
		}
		peer.Ports = both
		places, why, _ := d.places(peer)
		out.Places = append(out.Places, places...)
		if why != "" && which == "" {
			which = why
		}
	}
	if len(out.Places) == 0 {
		d.unanswered = append(d.unanswered, Unanswered{Flow: v1alpha1.FlowDNS, To: out.What, Why: which, Flags: []string{
			policyset.Grant{Kind: policyset.EgressPods, Value: "NAMESPACE:SELECTOR:53"}.Argument(),
		}})
		return
	}
	if which != "" {
		out.What += " (all places where it may be)"
	}
	d.outlets = append(d.outlets, out)
}

// need adds what one need takes. Of alternatives, those that are known are let out to, and nobody is asked for others.
func (d *derivation) need(need egress.Need) {
	purpose := policyset.Store
	if need.Flow == egress.External {
		purpose = policyset.External
	}
	out := policyset.Outlet{Purpose: purpose, What: need.What, Field: d.field(need.Source)}
	var open []Unanswered
	for _, peer := range need.Peers {
		places, why, flags := d.places(peer)
		out.Places = append(out.Places, places...)
		if why != "" {
			open = append(open, Unanswered{Flow: string(need.Flow), To: need.What, Why: why, Field: out.Field, Flags: flags})
		}
	}
	if len(out.Places) > 0 {
		d.outlets = append(d.outlets, out)
	}
	for _, one := range open {
		if !slices.ContainsFunc(d.unanswered, func(u Unanswered) bool { return u.To == one.To && u.Why == one.Why && u.Field == one.Field }) {
			d.unanswered = append(d.unanswered, one)
		}
	}
}

// field is the source of a need as policies describe it.
func (d *derivation) field(s egress.Source) string {
	name := s.Name
	if s.Namespace != d.key.Namespace {
		name = s.Namespace + "/" + name
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s %s", s.Kind, name, s.Path))
}

// places are where a peer is, or why no rule can say that, with the flags that can.
func (d *derivation) places(p egress.Peer) (places []policyset.Place, why string, flags []string) {
	var ports []string
	for _, port := range p.Ports {
		ports = append(ports, policyset.PortOf(port.Number, port.Protocol))
	}
	answer := func(kind policyset.Kind, texts ...string) []string {
		var out []string
		for _, text := range texts {
			if len(p.Ports) > 0 {
				text = fmt.Sprintf("%s:%d", text, p.Ports[0].Number)
			}
			out = append(out, policyset.Grant{Kind: kind, Value: text}.Argument())
		}
		return out
	}
	place := func(places ...policyset.Place) ([]policyset.Place, string, []string) {
		for i := range places {
			places[i].Ports = ports
		}
		return places, "", nil
	}
	switch {
	case p.By != nil:
		return place(policyset.Place{Namespace: p.By.Namespace, Labels: maps.Clone(p.By.Labels)})
	case p.Candidate != nil:
		return place(policyset.Place{Namespace: p.Candidate.Namespace, Labels: maps.Clone(p.Candidate.Labels)})
	case p.Host:
		return place(policyset.Place{Entity: string(api.EntityHost)})
	case len(p.Pods) > 0:
		pod := d.m.Pod(p.Pods[0])
		return nil, fmt.Sprintf("the address is that of the pod %s/%s, and another pod has another one", pod.Namespace, pod.Name), answer(policyset.EgressPods, pod.Namespace+":SELECTOR")
	case len(p.Like) > 0:
		return nil, p.Unknown, answer(policyset.EgressName, p.Patterns()...)
	case p.Within != "": // Rules by name select no pods.
		return nil, p.Unknown, answer(policyset.EgressPods, p.Within+":SELECTOR")
	case p.Unknown != "":
		return nil, p.Unknown, answer(policyset.EgressName, "NAME")
	case p.Name != "" && !d.m.Inventory().Settings.L7Proxy:
		return nil, fmt.Sprintf("it is called %s, and Cilium's DNS proxy is off (enable-l7-proxy), without which no rule can name it", p.Name), answer(policyset.EgressCIDR, "PREFIX")
	case p.Name != "":
		return place(policyset.Place{Name: p.Name})
	case d.m.Deriver().IsNode(p.Address):
		return place(policyset.Place{Entity: string(api.EntityHost)}, policyset.Place{Entity: string(api.EntityRemoteNode)})
	case p.Address.IsValid():
		return place(policyset.Place{CIDR: netip.PrefixFrom(p.Address, p.Address.BitLen()).String()})
	}
	return nil, "where it is was not seen", answer(policyset.EgressName, "NAME")
}
