package probe

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/explain"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// OfOutbound is the plan that tries the answers to a question about what a database reaches: each of its pods that was asked about
// connects by itself, to every place whose address or name is known.
func OfOutbound(o *explain.Outbound) Plan {
	p := Plan{Cluster: o.Cluster.Key()}
	asked := false
	var places []place
	for _, origin := range o.Origins {
		pod := slices.IndexFunc(o.Model.Inventory().Pods, func(pod inventory.Pod) bool {
			return pod.Namespace == o.Cluster.Object.Namespace && pod.Name == origin.Name && !pod.Expected
		})
		if pod < 0 {
			continue // It is still to come.
		}
		asked = true
		client := clientOf(o.Model, pod, "")
		if client.Unfit != "" {
			p.Clients = append(p.Clients, client)
			continue
		}
		for _, end := range o.Destination.Ends {
			for _, a := range end.Alternatives {
				for _, to := range placesOf(o.Model, a.Peer, a.Port) {
					if a.Port.Protocol == corev1.ProtocolUDP || isSelf(client, to.Connection) {
						continue
					}
					to.Expected = o.Decide(origin, explain.Destined{Alternatives: []explain.Alternative{a}}).Verdict
					p.add(client, to.Connection)
					places = append(places, to)
				}
			}
		}
		if len(client.Connections) == 0 && !slices.ContainsFunc(p.Clients, func(c Client) bool { return c.Pod == client.Pod }) {
			client.Unfit = "no address or name of " + o.Destination.Target.Name() + " is known that a TCP connection could be opened to"
			p.Clients = append(p.Clients, client)
		}
	}
	if !asked {
		p.Clients = append(p.Clients, Client{Name: o.Destination.Sender.Name(), Unfit: nobody(o.Destination.Sender.Name())})
	}
	return p.withOutsider(o.Model, o.Cluster, places).withControls(o.Model, o.Cluster)
}

// isSelf is true for a connection of a pod to itself.
func isSelf(c Client, to Connection) bool { return to.To == c.Pod.Namespace+"/pod/"+c.Pod.Name }

// withOutsider adds somebody who is no pod of the cluster and tries the same places: one who may open what it likes, or who is let
// through to the first of them that is a pod.
func (p Plan) withOutsider(m *model.Model, c *model.Cluster, places []place) Plan {
	who, found := unrestricted(m, c)
	if i := slices.IndexFunc(places, func(to place) bool { return len(to.peer.Pods) == 1 }); !found && i >= 0 {
		who, found = whoReaches(m, c, places[i].peer.Pods[0], places[i].Port)
		places = places[i : i+1]
	}
	if !found || len(places) == 0 {
		return p
	}
	control := clientOf(m, who, "")
	control.Control = true
	for _, to := range places {
		to.Expected = v1alpha1.VerdictAllowed
		if !isSelf(control, to.Connection) && !slices.ContainsFunc(control.Connections, to.same) {
			control.Connections = append(control.Connections, to.Connection)
		}
	}
	if len(control.Connections) > 0 {
		p.Clients = append(slices.Clip(p.Clients), control)
	}
	return p
}
