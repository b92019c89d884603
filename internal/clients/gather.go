package clients

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/explain"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/observe"
)

// who is a client, whatever the labels of its pods are.
type who struct {
	namespace, workload string
	entity              v1alpha1.Entity
	address             netip.Addr
}

// whoIs is the client of an evidence. Only of the world does it matter where somebody connects from.
func whoIs(c observe.Client) who {
	if c.Entity == "" && c.Address.IsValid() && c.Workload.Name == "" {
		return who{address: c.Address}
	}
	if c.Entity == "" {
		return who{namespace: c.Namespace, workload: c.Workload.String()}
	}
	w := who{entity: c.Entity}
	if c.Entity == v1alpha1.EntityWorld {
		w.address = c.Address
	}
	return w
}

// workloadIs is the client that a workload of the model is.
func workloadIs(c v1alpha1.Client) who {
	kind, name, _ := strings.Cut(c.Workload, "/")
	return who{namespace: c.Namespace, workload: observe.Workload(inventory.Workload{Kind: kind, Name: name}).String()}
}

// source is the client as the one who asks; false for one that can't be named.
func (w who) source() (explain.Source, bool) {
	text := w.namespace + "/" + w.workload
	switch {
	case w.address.IsValid():
		text = w.address.WithZone("").String()
	case w.entity != "":
		text = string(w.entity)
	}
	s, err := explain.ParseSource(text)
	return s, err == nil
}

// gathered is a client with what is known of it.
type gathered struct {
	who
	targets    []v1alpha1.ObservedTarget
	references []string
}

// gather joins the evidence about a cluster, by client: those who use it first, then those who refer to it.
func gather(key types.NamespacedName, e observe.Evidence) []gathered {
	all := map[who]*gathered{}
	of := func(w who) *gathered {
		if all[w] == nil {
			all[w] = &gathered{who: w}
		}
		return all[w]
	}
	for _, c := range e.Connections {
		if c.Target.Cluster == key {
			connection(of(whoIs(c.Client)).target(c.Target.Of, c.Target.Port), c)
		}
	}
	for _, s := range e.Sessions {
		if s.Target.Cluster == key {
			w := whoIs(s.Client)
			if outside := (who{entity: v1alpha1.EntityWorld, address: w.address}); w.anybody() && all[outside] != nil {
				w = outside // Hubble has seen that it is.
			}
			session(of(w).target(s.Target.Of, s.Target.Port), s)
		}
	}
	for _, r := range e.References {
		if r.Cluster != key {
			continue
		}
		g := of(whoIs(observe.Client{Namespace: r.Namespace, Workload: r.Workload}))
		if !slices.Contains(g.references, r.To) {
			g.references = append(g.references, r.To)
		}
		if r.Pooler != "" || r.Port != 0 {
			g.target(v1alpha1.Target{Pooler: r.Pooler}, cmp.Or(r.Port, cnpg.PostgresPort))
		}
	}
	var out []gathered
	for _, g := range all {
		if len(g.targets) == 0 {
			g.target(v1alpha1.Target{}, cnpg.PostgresPort)
		}
		slices.SortFunc(g.targets, func(a, b v1alpha1.ObservedTarget) int {
			return cmp.Or(cmp.Compare(a.Target.Pooler, b.Target.Pooler), cmp.Compare(a.Port, b.Port))
		})
		slices.Sort(g.references)
		out = append(out, *g)
	}
	slices.SortFunc(out, func(a, b gathered) int { return cmp.Or(cmp.Compare(a.rank(), b.rank()), a.compare(b.who)) })
	return out
}

// target is what is known at one target.
func (g *gathered) target(of v1alpha1.Target, port uint16) *v1alpha1.ObservedTarget {
	for i := range g.targets {
		if g.targets[i].Target == of && g.targets[i].Port == port {
			return &g.targets[i]
		}
	}
	g.targets = append(g.targets, v1alpha1.ObservedTarget{Target: of, Port: port})
	return &g.targets[len(g.targets)-1]
}

// rank puts those first who use the database.
func (g *gathered) rank() int {
	switch {
	case slices.ContainsFunc(g.targets, v1alpha1.ObservedTarget.Used):
		return 0
	case len(g.references) > 0:
		return 1
	}
	return 2
}

// mayBeProbes is true for the host at a pooler: what CloudNativePG lets the kubelet probe there is the port of clients
// (pkg/specs/pgbouncer/deployments.go), and at instances that of the status.
func (g *gathered) mayBeProbes() bool {
	return g.entity == v1alpha1.EntityHost && slices.ContainsFunc(g.targets, func(t v1alpha1.ObservedTarget) bool { return t.Target.Pooler != "" && t.Opened > 0 })
}

// wanted is true for a client that a lockdown should let in.
func (g *gathered) wanted() bool { return g.rank() < 2 }

// anybody is true for an address of which nobody knows who has it.
func (w who) anybody() bool { return w == who{address: w.address} }

// stranger is true for an address outside the Kubernetes cluster without a session: whoever looks for open ports is
// seen to connect, and PostgreSQL has let in nobody but those who have one.
func (g *gathered) stranger() bool {
	return g.anybody() || g.entity == v1alpha1.EntityWorld && !slices.ContainsFunc(g.targets, func(t v1alpha1.ObservedTarget) bool { return t.Sessions > 0 })
}

func (w who) compare(other who) int {
	return cmp.Or(
		cmp.Compare(w.entity, other.entity), w.address.Compare(other.address),
		cmp.Compare(w.namespace, other.namespace), cmp.Compare(w.workload, other.workload),
	)
}

// connection adds what was seen.
func connection(t *v1alpha1.ObservedTarget, c observe.Connection) {
	t.Opened += c.Opened
	t.Denied += c.Denied
	t.DeniedAtSource += c.DeniedAtSource
	t.Audited += c.Audited
	t.ByDefault += c.ByDefault
	t.Ongoing = t.Ongoing || c.Ongoing
	if !c.First.IsZero() && (t.First == nil || c.First.Before(t.First.Time)) {
		t.First = &metav1.Time{Time: c.First}
	}
	if !c.Last.IsZero() && (t.Last == nil || c.Last.After(t.Last.Time)) {
		t.Last = &metav1.Time{Time: c.Last}
	}
}

// session adds sessions that are open.
func session(t *v1alpha1.ObservedTarget, s observe.Session) {
	t.Sessions += s.Number
	t.Users, t.Databases = merged(t.Users, s.Users), merged(t.Databases, s.Databases)
	if !s.Oldest.IsZero() && (t.Oldest == nil || s.Oldest.Before(t.Oldest.Time)) {
		t.Oldest = &metav1.Time{Time: s.Oldest}
	}
}

func merged(all, more []string) []string {
	all = slices.Concat(all, more)
	slices.Sort(all)
	return slices.Compact(all)
}
