package clients

import (
	"fmt"
	"slices"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/propose"
)

// planner looks for the grants that let clients in.
type planner struct {
	m       *model.Model
	c       *model.Cluster
	options policyset.Options
	// planned is the model under the options.
	planned *model.Model
}

// lockdown is the command that lets in those who use the cluster, and sets the clients' flags. Without one, the
// note says why.
func (q Question) lockdown(m *model.Model, c *model.Cluster, list []v1alpha1.ObservedClient) (plan *v1alpha1.ProposedLockdown, note string, err error) {
	p := planner{m: m, c: c, options: base(m, c)}
	if p.planned, err = propose.Planned(m, p.options); err != nil {
		return nil, "no lockdown can be proposed: " + err.Error(), nil //nolint:nilerr // The rest of the list is good.
	}
	for _, g := range q.clients {
		if g.wanted() && !g.stranger() {
			if err := p.admit(g); err != nil {
				return nil, "", err
			}
		}
	}
	plan = &v1alpha1.ProposedLockdown{
		Command: assess.BareLockdown(c).With(policyset.Flags(p.options)...),
		Grants:  []v1alpha1.ProposedGrant{}, LeavesOut: []v1alpha1.LeftOutClient{}, Refusals: []v1alpha1.Refusal{},
	}
	grants, err := p.grants()
	if err != nil {
		return nil, "", err
	}
	for i, g := range q.clients {
		if err := p.settle(plan, g, &list[i], grants); err != nil {
			return nil, "", err
		}
	}
	if !slices.ContainsFunc(q.clients, func(g gathered) bool { return g.wanted() }) {
		return nil, "nobody was seen to use the cluster or to refer to it, so that no lockdown is proposed: that is no proof that nobody does", nil
	}
	plan.AlsoLetsIn, _ = q.others(p.planned, c)
	proposal, err := change.ProposeLockdown(m, []policyset.Options{p.options})
	if err != nil {
		return nil, "", err
	}
	plan.Refusals = append(plan.Refusals, proposal.Refusals...)
	return plan, "", nil
}

// base are the options without a client: with the scope and the operator's namespaces that the cluster was
// locked with, if it was.
func base(m *model.Model, c *model.Cluster) policyset.Options {
	recorded, err := policyset.FromLive(c.Key(), assess.Managed(m, c))
	if err != nil {
		recorded = policyset.Options{}
	}
	o := policyset.Options{Scope: recorded.Scope, OperatorNamespaces: recorded.OperatorNamespaces, ThroughPoolers: recorded.ThroughPoolers, Egress: recorded.Egress}
	for _, g := range recorded.Grants {
		if g.Direction() == policyset.Egress {
			o = o.With(g)
		}
	}
	if n := m.Options().OperatorNamespace; n != "" {
		o.OperatorNamespaces = []string{n}
	}
	return assess.Surrounded(m, o, c.Key())
}

// admit adds the grants that a client needs at the targets that it uses.
func (p *planner) admit(g gathered) error {
	for _, t := range g.targets {
		if g.rank() == 0 && !t.Used() {
			continue
		}
		asked, ok := ask(p.planned, p.c, g.who, t)
		if !ok {
			continue
		}
		if e, err := asked.Explain(); err != nil || !deniedAtTarget(e) {
			continue
		}
		options, ok, err := propose.Admit(asked, p.options)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		planned, err := propose.Planned(p.m, options)
		if err != nil {
			return err
		}
		p.options, p.planned = options, planned
	}
	return nil
}

// deniedAtTarget is true when the database's side denies somebody.
func deniedAtTarget(e v1alpha1.Explanation) bool {
	return slices.ContainsFunc(e.Answers, func(a v1alpha1.Answer) bool { return a.Ingress.Verdict == v1alpha1.VerdictDenied })
}

// grants are the options' grants by the names of the policies that are made of them.
func (p *planner) grants() (map[string]string, error) {
	policies, err := policyset.Build(p.options)
	if err != nil {
		return nil, err
	}
	stored := map[string]string{}
	for _, g := range p.options.Grants {
		stored[g.String()] = g.Argument()
	}
	out := map[string]string{}
	for _, policy := range policies {
		if argument, ok := stored[policy.Object.Annotations[policyset.AnnotationGrant]]; ok {
			out[policy.Object.Name] = argument
		}
	}
	return out, nil
}

// settle says what the command does with a client.
func (p *planner) settle(plan *v1alpha1.ProposedLockdown, g gathered, client *v1alpha1.ObservedClient, grants map[string]string) error {
	out, unknown := false, false
	var denied v1alpha1.Explanation
	for _, t := range g.targets {
		e, ok := explained(p.planned, p.c, g.who, t)
		switch {
		case !ok || e.Verdict == v1alpha1.VerdictUnknown:
			unknown = true
		case e.Verdict == v1alpha1.VerdictDenied:
			out, denied = true, e
		}
		for _, a := range e.Answers {
			for _, rule := range a.Ingress.Rules {
				if flag := grants[rule.Name]; flag != "" && g.wanted() && a.Ingress.Verdict == v1alpha1.VerdictAllowed {
					plan.Grants = granted(plan.Grants, flag, client.Name(), g.rank() > 0)
					if client.Flag == "" {
						client.Flag = flag
					}
				}
			}
		}
	}
	if client.Flag == "" && out {
		if err := p.suggest(g, client); err != nil {
			return err
		}
	}
	if out || unknown {
		plan.LeavesOut = append(plan.LeavesOut, p.leftOut(g, *client, denied, !out))
	}
	return nil
}

// suggest finds the flag for a client that the command does not let in.
func (p *planner) suggest(g gathered, client *v1alpha1.ObservedClient) error {
	for _, t := range g.targets {
		asked, ok := ask(p.planned, p.c, g.who, t)
		if !ok {
			continue
		}
		options, ok, err := propose.Admit(asked, p.options)
		if err != nil {
			return err
		}
		if ok && len(options.Grants) > len(p.options.Grants) {
			client.Flag = options.Grants[len(options.Grants)-1].Argument()
			return nil
		}
	}
	return nil
}

// leftOut says why a client is.
func (p *planner) leftOut(g gathered, client v1alpha1.ObservedClient, denied v1alpha1.Explanation, unknown bool) v1alpha1.LeftOutClient {
	out := v1alpha1.LeftOutClient{Client: client.Name()}
	if client.Flag != "" {
		out.Remedy = command.Run(command.Flags(client.Flag))
	}
	source, named := g.source()
	why := command.Text{}
	if named {
		name := source.Name()
		if g.namespace != "" {
			name = g.namespace + "/" + name
		}
		why = command.Run(command.Plugin("explain", name, p.c.Object.Name).In(p.c.Object.Namespace).With("--why-not"))
	}
	switch {
	case unknown:
		out.Reason, out.Remedy = "the engine can't tell whether it would be let in", why
	case !deniedAtTarget(denied):
		out.Reason, out.Remedy = "its own side does not let it out", why
	case !g.wanted():
		out.Reason = fmt.Sprintf("was denied %s, and nothing else tells that it uses the cluster", times(client.Denied()))
		if client.Denied() == 0 {
			out.Reason = "was on its way to the cluster, and was not seen to arrive"
		}
	case g.anybody():
		out.Reason = "is connected, and no pod and no node has its address now: it is outside the Kubernetes cluster, or was a pod that is gone"
	case g.stranger():
		out.Reason = "connects from outside the Kubernetes cluster, as anybody may who finds the port, and no session of it was seen"
	case client.Flag == "":
		out.Reason, out.Remedy = "no flag of lockdown lets it in", why
	default:
		out.Reason = "not at all targets that it uses"
	}
	return out
}

func times(n uint64) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// granted adds a client to the grant of a flag.
func granted(grants []v1alpha1.ProposedGrant, flag, client string, refers bool) []v1alpha1.ProposedGrant {
	for i := range grants {
		if grants[i].Flag == flag {
			if !slices.Contains(grants[i].Clients, client) {
				grants[i].Clients = append(grants[i].Clients, client)
			}
			grants[i].ReferencesOnly = grants[i].ReferencesOnly && refers
			return grants
		}
	}
	return append(grants, v1alpha1.ProposedGrant{Flag: flag, Clients: []string{client}, ReferencesOnly: refers})
}
