package probe

import (
	"net/netip"
	"slices"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/explain"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// maxClients is of how many identities a plan has a client: pods of one identity are alike.
const maxClients = 4

// OfQuestion is the plan that tries the answers to a question: one client for each identity of the source, to every pod
// that was asked about, and to the Service in front of them.
func OfQuestion(q *explain.Question) Plan {
	p := Plan{Cluster: q.Cluster.Key()}
	for _, o := range q.Origins {
		if len(p.Clients) == maxClients {
			break
		}
		pod, found := fittest(q.Model, o.Pods)
		if !found {
			name := q.Source.Name()
			if o.Identity != nil && o.Identity.Name() != "" {
				name = o.Identity.Name()
			}
			p.Clients = append(p.Clients, Client{Name: name, Unfit: nobody(name)})
			continue
		}
		c := clientOf(q.Model, pod, q.Source.Name())
		if c.Unfit != "" {
			if !slices.ContainsFunc(p.Clients, func(have Client) bool { return have.Pod == c.Pod }) {
				p.Clients = append(p.Clients, c)
			}
			continue
		}
		for _, t := range q.Goals {
			if t.Member.Pod == pod || !o.Asks(t) {
				continue
			}
			ingress, egress := q.Directions(o, t)
			expected := ingress.Verdict
			if egress.Verdict.WorseThan(expected) {
				expected = egress.Verdict
			}
			if one, ok := connectionTo(q.Model, t.Member.Pod, t.Port, expected); ok {
				c.Connections = append(c.Connections, one)
			}
		}
		c.Connections = append(c.Connections, throughService(q.Model, q.Cluster, q.Target, c.Connections)...)
		p.Clients = append(p.Clients, c)
	}
	return p.withControls(q.Model, q.Cluster)
}

// fittest is the first of some pods that can be tried, or the first.
func fittest(m *model.Model, pods []int) (int, bool) {
	for _, i := range pods {
		if clientOf(m, i, "").Unfit == "" && m.Unsettled(i) == "" {
			return i, true
		}
	}
	if len(pods) == 0 {
		return 0, false
	}
	return pods[0], true
}

// throughService is the connection by way of the Service in front of a target. Where its pods are decided differently, nobody
// knows which of them takes a connection.
func throughService(m *model.Model, c *model.Cluster, target v1alpha1.Target, direct []Connection) []Connection {
	if len(direct) == 0 || direct[0].Port != cnpg.PostgresPort {
		return nil
	}
	expected, alike := worst(direct)
	if !alike {
		return nil
	}
	// CloudNativePG's Service of the primary, unless the Cluster does without it.
	name := c.Object.GetServiceReadWriteName()
	if target.Pooler != "" {
		name = target.Pooler
	}
	for _, s := range m.ServicesIn(c.Object.Namespace) {
		address, err := netip.ParseAddr(s.Spec.ClusterIP)
		if s.Name != name || err != nil {
			continue
		}
		return []Connection{{To: "service/" + name, Address: address, Port: cnpg.PostgresPort, PostgreSQL: true, Service: true, Expected: expected}}
	}
	return nil
}
