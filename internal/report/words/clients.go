package words

import (
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

// Everybody is the short phrase for what is open to all.
const Everybody = "everybody"

// reach is who can connect to any of a cluster's targets, added up for one short phrase.
type reach struct {
	pods, total, namespaces, unknown int
	// possible is the number of selectors that match nobody who was read.
	possible int
	// world is part of entities too.
	world    bool
	entities []v1alpha1.Entity
}

// reachOf adds up the targets: a workload that reaches instances and poolers counts once.
func reachOf(exposure []v1alpha1.Exposure) reach {
	var r reach
	clients := map[[2]string]int{}
	namespaces := map[string]bool{}
	entities := map[v1alpha1.Entity]bool{}
	most := 0
	for _, e := range exposure {
		r.total = max(r.total, e.Total)
		r.unknown = max(r.unknown, e.Unknown)
		r.possible = max(r.possible, len(e.Possible))
		most = max(most, e.Pods)
		for _, c := range e.Clients {
			key := [2]string{c.Namespace, c.Workload}
			clients[key] = max(clients[key], c.Pods)
		}
		for _, namespace := range e.Namespaces {
			namespaces[namespace] = true
		}
		for _, name := range e.Entities {
			r.world = r.world || name == v1alpha1.EntityWorld
			if !entities[name] {
				entities[name] = true
				r.entities = append(r.entities, name)
			}
		}
	}
	for _, pods := range clients {
		r.pods += pods
	}
	r.pods, r.namespaces = max(r.pods, most), len(namespaces)
	return r
}

// short is the phrase: "everybody", "world + 12 pods in 3 namespaces", "nobody". The host entity
// is left out: Cilium lets a node reach its own pods unless told otherwise (allow-localhost), so
// it would stand on every line. Nodes and API server are left out next to the world.
func (r reach) short() string {
	if r.world && r.pods >= r.total && r.unknown == 0 {
		return Everybody
	}
	var parts []string
	ranges := 0
	if r.world {
		parts = append(parts, "world")
	}
	if r.pods > 0 {
		parts = append(parts, podsIn(r.pods, r.namespaces))
	}
	for _, entity := range r.entities {
		_, isRange := entity.Addresses()
		switch {
		case entity == v1alpha1.EntityWorld || entity == v1alpha1.EntityHost:
		case entity == v1alpha1.EntityRemoteNode || entity == v1alpha1.EntityKubeAPIServer:
			if !r.world {
				parts = append(parts, string(entity))
			}
		case isRange:
			ranges++
		default:
			parts = append(parts, string(entity))
		}
	}
	if ranges > 0 {
		parts = append(parts, Count(ranges, "address range"))
	}
	if r.possible > 0 && !r.world {
		parts = append(parts, "pods not read")
	}
	if r.unknown > 0 {
		parts = append(parts, "unknown")
	}
	if len(parts) == 0 {
		return "nobody"
	}
	return strings.Join(parts, " + ")
}

// ShortClients is the phrase for a report. Where evidence is missing, nobody is no answer.
func ShortClients(report v1alpha1.IsolationReport) string {
	short := reachOf(report.Exposure).short()
	if short == "nobody" && (report.Posture == v1alpha1.PostureUnknown || len(report.Exposure) == 0) {
		return "unknown"
	}
	return short
}

// Possible is what a selector asks for: "pods with app=web in namespace shop of cluster west".
func Possible(c v1alpha1.PossibleClient) string {
	out := "pods"
	if c.Labels != "" {
		out += " with " + c.Labels
	}
	if c.Namespace != "" {
		out += " in namespace " + c.Namespace
	}
	if c.Cluster != "" {
		out += " of cluster " + c.Cluster
	}
	return out
}

func podsIn(pods, namespaces int) string {
	if namespaces == 0 {
		return Count(pods, "pod")
	}
	return Count(pods, "pod") + " in " + Count(namespaces, "namespace")
}
