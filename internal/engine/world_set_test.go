package engine_test

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// database is the cluster of a world that has a set, with an instance, the pod of a job and a pooler.
var database = types.NamespacedName{Namespace: "default", Name: "pg"}

// set adds the policies of a lockdown with egress, or all but some of them, and the pods that they are about.
func (w *world) set() {
	for name, labels := range map[string]map[string]string{
		"pg-1":      {"cnpg.io/cluster": "pg", "cnpg.io/podRole": "instance"},
		"pg-2-join": {"cnpg.io/cluster": "pg", "cnpg.io/jobRole": "join"},
		"pg-rw-1":   {"cnpg.io/cluster": "pg", "cnpg.io/poolerName": "pg-rw", "cnpg.io/podRole": "pooler"},
	} {
		w.pods = append(w.pods, inventory.Pod{Namespace: database.Namespace, Name: name, ServiceAccount: "pg", Labels: labels})
	}
	slices.SortFunc(w.pods, func(a, b inventory.Pod) int { return strings.Compare(a.Key().String(), b.Key().String()) })
	ports := func() []string {
		return pick(*w, nil, []string{"5432/TCP"}, []string{"8000/TCP", "9999/TCP"}, []string{"53/UDP", "53/TCP"})
	}
	place := func() policyset.Place {
		p := pick(*w,
			policyset.Place{Name: pick(*w, names...)}, policyset.Place{Name: pick(*w, "*.example.com", "backups.s3.*.amazonaws.com")},
			policyset.Place{CIDR: pick(*w, "10.1.0.0/16", "203.0.113.9/32")}, policyset.Place{Entity: pick(*w, "host", "remote-node", "kube-apiserver")},
			policyset.Place{Namespace: pick(*w, "default", "other", "backend")},
			policyset.Place{Namespace: pick(*w, "default", "other"), Labels: map[string]string{"app": pick(*w, "web", "db")}})
		p.Ports = ports()
		return p
	}
	o := policyset.Options{Egress: true, ThroughPoolers: w.chance(2), OperatorOnly: w.chance(4)}.For(database, []policyset.Operator{{Namespace: "backend"}})
	outlets := []policyset.Outlet{{Purpose: policyset.DNS, What: "DNS", Places: []policyset.Place{
		{Namespace: "other", Labels: map[string]string{"app": "web"}, Ports: []string{"53/UDP", "53/TCP"}},
	}}}
	for range w.random.IntN(4) {
		outlets = append(outlets, policyset.Outlet{Purpose: pick(*w, policyset.Store, policyset.External), What: "it", Places: []policyset.Place{place(), place()}})
	}
	o = o.Reaching(outlets)
	for _, g := range []policyset.Grant{
		{Kind: policyset.EgressName, Value: "db.example.com:5432"}, {Kind: policyset.EgressCIDR, Value: "10.1.2.0/24"},
		{Kind: policyset.EgressPods, Value: "backend:role=backend:8000"}, {Kind: policyset.Pods, Value: "role=backend"},
	} {
		if w.chance(2) {
			o = o.With(g)
		}
	}
	built, err := policyset.Build(o)
	if err != nil {
		panic(err) // The generator asks for nothing that is refused.
	}
	for _, p := range built {
		if !w.chance(6) {
			w.policies = append(w.policies, inventory.Policy{PolicyReference: p.Reference(), Labels: p.Object.Labels, Object: p.Object})
		}
	}
}
