package assess

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// opening is what a rule lets in from outside the Kubernetes cluster.
type opening struct {
	rule engine.Rule
	// everybody is true when the rule lets in the whole world, alone or, where none does, together with others.
	everybody bool
	// more is how many rules of the same policy do the same, where there are many.
	more int
	// parts are those of the world that the rule lets in, and except those within them that can't connect.
	parts, except distinct
	ports         []openPorts
}

// openPorts are ports of one kind of pods.
type openPorts struct {
	name  string
	ports []uint16
}

// worldFindings are about the rules that let in somebody from outside, one for each.
func worldFindings(m *model.Model, c *model.Cluster, _ *v1alpha1.IsolationReport) []v1alpha1.Finding {
	if !m.Enforces() {
		return nil // ENFORCEMENT_DISABLED says it all.
	}
	var all []*opening
	known := map[engine.Rule]*opening{}
	for _, t := range protectedTargets(m, c) {
		all = addOpenings(m, t, all, known)
	}
	var out []v1alpha1.Finding
	for _, o := range likeEachOther(all) {
		path := o.rule.Path
		if o.more > 0 {
			path += fmt.Sprintf(" (and %d more rules)", o.more)
		}
		rule, place := fmt.Sprintf("%s of %s", path, o.rule.PolicyReference), fieldOf(o.rule.PolicyReference, o.rule.Path)
		lets := o.parts.few()
		if len(o.except.names) > 0 {
			lets += " except " + o.except.few()
		}
		if !o.everybody {
			out = append(out, at(finding(v1alpha1.WorldCanConnect, v1alpha1.SeverityWarning,
				fmt.Sprintf("the policies let a part of the world connect to %s: %s lets in %s", o.where(), rule, lets),
				command.Words("If these are not the clients that are meant, narrow the rule, or remove it.")), place))
			continue
		}
		out = append(out, at(finding(v1alpha1.WorldCanConnect, v1alpha1.SeverityError,
			fmt.Sprintf("the policies let everybody outside the Kubernetes cluster connect to %s: %s lets in %s", o.where(), rule, lets),
			command.Words("Narrow the rule, or remove it; explain shows it:").Run(
				command.Plugin("explain", string(v1alpha1.EntityWorld), c.Object.Name).In(c.Object.Namespace).With("--port", strconv.Itoa(int(o.ports[0].ports[0]))))), place))
	}
	return out
}

// addOpenings adds the rules that let somebody from outside in to a target.
func addOpenings(m *model.Model, t protected, all []*opening, known map[engine.Rule]*opening) []*opening {
	var world []*engine.Identity
	var denied []netip.Prefix
	decide := m.Decider(t.Target)
	for _, id := range m.OutsideOf(t.Target) {
		if !id.IsWorld() {
			continue
		}
		if verdict, _ := decide(id); verdict == v1alpha1.VerdictAllowed {
			world = append(world, id)
		} else if prefix, ok := id.Entity().Prefix(); ok {
			denied = append(denied, prefix)
		}
	}
	if len(world) == 0 {
		return all
	}
	slices.SortFunc(denied, netip.Prefix.Compare)
	by := map[*engine.Identity][]*opening{}
	for _, id := range world {
		standIn := m.Engine().StandIn(id)
		openings, ok := by[standIn]
		if !ok {
			for _, rule := range rulesThatAllow(m, standIn, t.Target) {
				o := known[rule]
				if o == nil {
					o = &opening{rule: rule}
					known[rule], all = o, append(all, o)
				}
				openings = append(openings, o)
			}
			by[standIn] = openings
		}
		for _, o := range openings {
			o.add(id, denied, t)
		}
	}
	if m.WorldReaches(t.Target) {
		for _, o := range forEverybody(m, by) {
			o.everybody = true
		}
	}
	return all
}

// forEverybody are, of the rules that let in the whole world, those that do so alone, or else all that do so together.
// by are the rules for each identity.
func forEverybody(m *model.Model, by map[*engine.Identity][]*opening) []*opening {
	var alone, together []*opening
	for id, openings := range by {
		together = append(together, openings...)
		if slices.Contains(m.Identities().Worlds(), id) {
			alone = append(alone, openings...)
		}
	}
	if len(alone) > 0 {
		return alone
	}
	return together
}

// rulesThatAllow are the rules by which an identity can connect to pods of the target.
func rulesThatAllow(m *model.Model, id *engine.Identity, t model.Target) []engine.Rule {
	var rules []engine.Rule
	for _, to := range t.Identities {
		if d := m.Engine().Decide(id, to, t.Port); d.Verdict == v1alpha1.VerdictAllowed {
			rules = append(rules, d.Ingress.Rules...)
		}
	}
	return rules
}

// add notes that the rule lets in the identity; the prefixes that are denied are in order.
func (o *opening) add(id *engine.Identity, denied []netip.Prefix, t protected) {
	o.parts.add(id.Entity().Short())
	for _, hole := range holesIn(id, denied) {
		o.except.add(hole.String())
	}
	at := slices.IndexFunc(o.ports, func(p openPorts) bool { return p.name == t.name })
	if at < 0 {
		at, o.ports = len(o.ports), append(o.ports, openPorts{name: t.name})
	}
	if !slices.Contains(o.ports[at].ports, t.Port) {
		o.ports[at].ports = append(o.ports[at].ports, t.Port)
	}
}

// holesIn are those of the prefixes, which are in order, that are narrower parts of an identity's addresses: all
// of them where it is the rest of the world.
func holesIn(id *engine.Identity, denied []netip.Prefix) []netip.Prefix {
	whole, isPart := id.Entity().Prefix()
	if !isPart {
		return denied
	}
	from, _ := slices.BinarySearchFunc(denied, whole.Masked(), netip.Prefix.Compare)
	for from < len(denied) && denied[from].Masked() == whole.Masked() {
		from++
	}
	to := from
	for to < len(denied) && whole.Contains(denied[to].Addr()) {
		to++ // In order, those within a prefix follow it.
	}
	return denied[from:to]
}

// likeEachOther puts together what many rules of one policy let in to the same ports.
func likeEachOther(all []*opening) []*opening {
	const many = 5
	type alike struct {
		policy    v1alpha1.PolicyReference
		everybody bool
		where     string
	}
	rules := map[alike][]*opening{}
	keyOf := func(o *opening) alike { return alike{o.rule.PolicyReference, o.everybody, o.where()} }
	for _, o := range all {
		rules[keyOf(o)] = append(rules[keyOf(o)], o)
	}
	return slices.DeleteFunc(all, func(o *opening) bool {
		group := rules[keyOf(o)]
		if len(group) <= many {
			return false
		}
		first := group[0]
		if o != first {
			first.more++
			first.parts.add(o.parts.names...)
			first.except.add(o.except.names...)
		}
		return o != first
	})
}

// distinct are names, each once, in the order in which they came.
type distinct struct {
	names []string
	known map[string]bool
}

func (d *distinct) add(names ...string) {
	if d.known == nil {
		d.known = map[string]bool{}
	}
	for _, name := range names {
		if !d.known[name] {
			d.known[name] = true
			d.names = append(d.names, name)
		}
	}
}

// few are the first names, and the number of the others.
func (d *distinct) few() string {
	const most = 5
	if len(d.names) <= most+1 {
		return strings.Join(d.names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(d.names[:most], ", "), len(d.names)-most)
}

// where are the ports that the rule opens: "ports 5432 and 8000 of the instances, and port 5432 of the poolers".
func (o *opening) where() string {
	var out []string
	for _, p := range o.ports {
		var numbers []string
		for _, port := range p.ports {
			numbers = append(numbers, fmt.Sprint(port))
		}
		noun := "port"
		if len(numbers) > 1 {
			last := len(numbers) - 1
			noun, numbers = "ports", []string{strings.Join(numbers[:last], ", ") + " and " + numbers[last]}
		}
		out = append(out, fmt.Sprintf("%s %s of the %s", noun, numbers[0], p.name))
	}
	return strings.Join(out, ", and ")
}
