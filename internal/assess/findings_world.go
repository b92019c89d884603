package assess

import (
	"fmt"
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
	// everybody is true when the rule lets in the whole world, alone or together with others.
	everybody bool
	// parts are those of the world that the rule lets in, and except those within them that can't connect.
	parts, except []string
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
	for _, t := range protectedTargets(m, c) {
		all = addOpenings(m, t, all)
	}
	var out []v1alpha1.Finding
	for _, o := range all {
		at := fmt.Sprintf("%s of %s", o.rule.Path, o.rule.PolicyReference)
		lets := strings.Join(o.parts, ", ")
		if len(o.except) > 0 {
			lets += " except " + strings.Join(o.except, ", ")
		}
		if !o.everybody {
			out = append(out, finding(v1alpha1.WorldCanConnect, v1alpha1.SeverityWarning,
				fmt.Sprintf("the policies let a part of the world connect to %s: %s lets in %s", o.where(), at, lets),
				command.Words("If these are not the clients that are meant, narrow the rule, or remove it.")))
			continue
		}
		out = append(out, finding(v1alpha1.WorldCanConnect, v1alpha1.SeverityError,
			fmt.Sprintf("the policies let everybody outside the Kubernetes cluster connect to %s: %s lets in %s", o.where(), at, lets),
			command.Words("Narrow the rule, or remove it; explain shows it:").Run(
				command.Plugin("explain", string(v1alpha1.EntityWorld), c.Object.Name).In(c.Object.Namespace).With("--port", strconv.Itoa(int(o.ports[0].ports[0]))))))
	}
	return out
}

// addOpenings adds the rules that let somebody from outside in to a target.
func addOpenings(m *model.Model, t protected, all []*opening) []*opening {
	var world, denied []*engine.Identity
	for _, id := range m.OutsideOf(t.Target) {
		switch {
		case !id.IsWorld():
		case m.Reaches(id, t.Target) == v1alpha1.VerdictAllowed:
			world = append(world, id)
		default:
			denied = append(denied, id)
		}
	}
	if len(world) == 0 {
		return all
	}
	everybody := m.WorldReaches(t.Target)
	for _, id := range world {
		for _, to := range t.Identities {
			d := m.Engine().Decide(id, to, t.Port)
			if d.Verdict != v1alpha1.VerdictAllowed {
				continue
			}
			for _, rule := range d.Ingress.Rules {
				at := slices.IndexFunc(all, func(o *opening) bool { return o.rule == rule })
				if at < 0 {
					at, all = len(all), append(all, &opening{rule: rule})
				}
				all[at].add(id, denied, t, everybody)
			}
		}
	}
	return all
}

func (o *opening) add(id *engine.Identity, denied []*engine.Identity, t protected, everybody bool) {
	o.everybody = o.everybody || everybody
	if name := id.Entity().Short(); !slices.Contains(o.parts, name) {
		o.parts = append(o.parts, name)
	}
	for _, other := range denied {
		hole, ok := other.Entity().Prefix()
		whole, isPart := id.Entity().Prefix()
		inside := ok && (!isPart || whole.Bits() < hole.Bits() && whole.Contains(hole.Addr()))
		if inside && !slices.Contains(o.except, hole.String()) {
			o.except = append(o.except, hole.String())
		}
	}
	at := slices.IndexFunc(o.ports, func(p openPorts) bool { return p.name == t.name })
	if at < 0 {
		at, o.ports = len(o.ports), append(o.ports, openPorts{name: t.name})
	}
	if !slices.Contains(o.ports[at].ports, t.Port) {
		o.ports[at].ports = append(o.ports[at].ports, t.Port)
	}
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
