package engine

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/cilium/cilium/pkg/endpoint/regeneration"
	"github.com/cilium/cilium/pkg/labels"
	"github.com/cilium/cilium/pkg/policy"
	"github.com/cilium/cilium/pkg/policy/api"
	"github.com/cilium/cilium/pkg/policy/types"
	"github.com/cilium/cilium/pkg/u8proto"
	cilium "github.com/cilium/proxy/go/cilium/api"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

// subject is one identity's policy, distilled once and looked up for every peer.
type subject struct {
	once     sync.Once
	identity *Identity
	*distilled
	// others are what the policy would be under other assumptions about what can't be seen. There are
	// none when nothing depends on it.
	others  []*distilled
	ingress endInfo
	egress  endInfo
}

// distilled is a policy as the data path has it. Identities that the same rules select have the same.
type distilled struct {
	once sync.Once
	// err is set when the engine could not resolve the policy.
	err    error
	policy *policy.EndpointPolicy
	// answers are what was asked so far, by direction, peer and port.
	mu      sync.Mutex
	answers map[policy.Key]Direction
}

// mostAnswers is how many answers a policy keeps: those about a database's own peers, which are asked for again, and
// not those about a whole fleet, which are not.
const mostAnswers = 128

// known is the answer to a question that was asked before. What it refers to must not be changed.
func (d *distilled) known(key policy.Key) (Direction, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	answer, ok := d.answers[key]
	return answer, ok
}

func (d *distilled) remember(key policy.Key, answer Direction) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.answers == nil {
		d.answers = map[policy.Key]Direction{}
	}
	if len(d.answers) < mostAnswers {
		d.answers[key] = answer
	}
}

// endInfo is what holds for one direction of a subject, whoever the peer is.
type endInfo struct {
	// selected is true when a rule for this direction selects the subject.
	selected bool
	// defaultDeny are the policies that bring default deny.
	defaultDeny []v1alpha1.PolicyReference
	// unsure are the rules that may select more peers than can be seen, and why.
	unsure []unsureRule
	// unreadable are the reasons of policies that could select the subject and that nobody can read, and unread says so in one
	// sentence.
	unreadable []string
	unread     string
	// rules are the names of those that select the subject; byName is true when one of them refers to ports by
	// name.
	rules  []string
	byName bool
}

type unsureRule struct {
	Rule
	verdict types.Verdict
	why     string
}

// subject distils the policy of an identity. Must be called withAgent.
func (e *Engine) subject(i *Identity) *subject {
	e.mu.Lock()
	s := e.subjects[i.id.ID]
	if s == nil {
		s = &subject{identity: i}
		e.subjects[i.id.ID] = s
		e.madeFor(i).add(i)
	}
	e.mu.Unlock()
	s.once.Do(func() {
		rules := e.describe(s)
		s.distilled = e.distil(whatIsSeen, i, rules)
		for _, a := range []assumption{mostOpen, mostClosed} {
			if slices.ContainsFunc(slices.Concat(s.ingress.unsure, s.egress.unsure), func(r unsureRule) bool { return a.widens(r.verdict) }) {
				s.others = append(s.others, e.distil(a, i, rules))
			}
		}
	})
	return s
}

// distil returns the policy of an identity, made once for all that the same rules select: besides
// these, only the identity's own ports count where rules refer to them by name and, of what is no pod,
// the identity itself (policy.Repository.computePolicyEnforcementAndRules).
func (e *Engine) distil(a assumption, i *Identity, rules ruleNames) *distilled {
	key := strings.Join(rules.names, ",")
	if rules.byName {
		key += "/" + i.portsKey
	}
	if i.name != "" || i.id.Labels.HasInitLabel() {
		key = "identity " + i.id.ID.String()
	}
	key = strconv.Itoa(int(a)) + ":" + key
	e.mu.Lock()
	d := e.distilled[key]
	if d == nil {
		d = &distilled{}
		e.distilled[key] = d
		if rules.namespaced {
			e.madeFor(i).addPolicy(key)
		}
	}
	e.mu.Unlock()
	d.once.Do(func() { d.resolve(e, a, i) })
	return d
}

func (d *distilled) resolve(e *Engine, a assumption, i *Identity) {
	resolved, err := e.resolve(a, i)
	if err != nil {
		d.err = fmt.Errorf("cilium's engine can't resolve the policy: %w", err)
		return
	}
	d.policy = resolved.DistillPolicy(quiet, owner{i}, map[string]uint16{policy.FallbackRedirectID: math.MaxUint16})
	_ = d.policy.Ready() // Fails only when called twice.
	d.policy.Detach(quiet)
	// What it was distilled from is not looked at again, and is ten times as large: the filters, which selectors know as their users,
	// would keep it.
	d.policy.SelectorPolicy.L4Policy.Ingress.PortRules, d.policy.SelectorPolicy.L4Policy.Egress.PortRules = nil, nil
	d.policy.SelectorPolicy = nil
}

// ruleNames are the rules that select a subject.
type ruleNames struct {
	names []string
	// byName is true when one of them refers to ports by name, and namespaced when one is of a policy with a namespace.
	byName, namespaced bool
}

// describe collects what selects the subject, by Cilium's own selectors.
func (e *Engine) describe(s *subject) (rules ruleNames) {
	for _, index := range e.candidates(s.identity) {
		p := &e.policies[index]
		if p.Unreadable != "" && p.WouldSelect(s.identity) {
			reason := fmt.Sprintf("%s can't be read: %s", p.Called(), p.Unreadable)
			s.ingress.unreadable = append(s.ingress.unreadable, reason)
			s.egress.unreadable = append(s.egress.unreadable, reason)
		}
		for i := range p.entries {
			rule := &p.entries[i]
			if !rule.selects(s.identity) {
				continue
			}
			end := &s.egress
			if rule.Ingress {
				end = &s.ingress
			}
			name, named := ruleName(index, i), rule.namesPorts()
			rules.names, end.rules = append(rules.names, name), append(end.rules, name)
			rules.byName, end.byName = rules.byName || named, end.byName || named
			rules.namespaced = rules.namespaced || p.Namespace != ""
			end.selected = true
			if rule.DefaultDeny {
				end.defaultDeny = append(end.defaultDeny, p.PolicyReference)
			}
			if rule.unsure != "" {
				end.unsure = append(end.unsure, unsureRule{Rule{p.PolicyReference, rule.path}, rule.Verdict, rule.unsure})
			}
		}
	}
	if len(s.ingress.unreadable) > 0 {
		s.ingress.unread = unreadableReason(s.ingress.unreadable)
		s.egress.unread = s.ingress.unread // They are the same policies: nobody knows which direction they are for.
	}
	s.ingress.defaultDeny = Unique(s.ingress.defaultDeny)
	s.egress.defaultDeny = Unique(s.egress.defaultDeny)
	return rules
}

// namesPorts tells whether the rule refers to a port by something else than a plain number.
func (r *entry) namesPorts() bool {
	if r.L4 == nil {
		return false
	}
	byName := false
	_ = r.L4.Iterate(func(ports api.Ports) error {
		for _, p := range ports.GetPortProtocols() {
			_, err := strconv.ParseUint(p.Port, 10, 16)
			byName = byName || p.Port != "" && err != nil
		}
		return nil
	})
	return byName
}

// candidates are the indexes of the policies that can select the identity at all.
func (e *Engine) candidates(i *Identity) []int { return e.candidatesIn(i.Namespace()) }

func (e *Engine) candidatesIn(namespace string) []int {
	clusterwide := e.byNamespace[""]
	if namespace == "" {
		return clusterwide
	}
	if len(clusterwide) == 0 {
		return e.byNamespace[namespace]
	}
	known, ok := e.candidatesFor.Load(namespace)
	if !ok {
		known, _ = e.candidatesFor.LoadOrStore(namespace, slices.Concat(clusterwide, e.byNamespace[namespace]))
	}
	all, _ := known.([]int)
	return all
}

// selects is what policy.Repository does before it applies a rule: rules for nodes select the
// host and only the host.
func (r *entry) selects(i *Identity) bool {
	return r.Node == (i.name == labels.IDNameHost) && r.Subject.Matches(i.id.LabelArray)
}

// owner is what the engine asks about the pods of a subject.
type owner struct{ *Identity }

var _ policy.PolicyOwner = owner{}

func (o owner) GetID() uint64                               { return uint64(o.id.ID) }
func (o owner) PolicyDebug(string, ...any)                  {}
func (o owner) IsHost() bool                                { return o.name == labels.IDNameHost }
func (o owner) PreviousMapStateSizes() policy.MapStateSizes { return policy.MapStateSizes{} }
func (o owner) GetIngressNamedPort(name string, proto u8proto.U8proto) uint16 {
	port, err := o.ports.GetNamedPort(name, proto)
	if err != nil {
		return 0
	}
	return port
}

// RegenerateIfAlive has nothing to regenerate: a closed channel says so.
func (o owner) RegenerateIfAlive(*regeneration.ExternalRegenerationMetadata) <-chan bool {
	done := make(chan bool)
	close(done)
	return done
}

// noSecrets stands in for the secrets and the proxy that rules with TLS or L7 parts refer to.
// Whether a connection is possible does not depend on them; that there is a proxy is reported.
type noSecrets struct{}

func (noSecrets) GetTLSContext(context.Context, *api.TLSContext, string) (ca, public, private string, inline bool, err error) {
	return "", "", "", false, nil
}

func (noSecrets) GetEnvoyHTTPRules(*api.L7Rules, string) (*cilium.HttpNetworkPolicyRules, bool) {
	return &cilium.HttpNetworkPolicyRules{}, false
}

func compareRules(a, b Rule) int {
	return cmp.Or(a.PolicyReference.Compare(b.PolicyReference), cmp.Compare(a.Path, b.Path))
}

// Unique orders references and leaves out repetitions. It changes the slice that it is given.
func Unique(refs []v1alpha1.PolicyReference) []v1alpha1.PolicyReference {
	return sortedSet(refs, v1alpha1.PolicyReference.Compare)
}

func sortedSet[T comparable](values []T, compare func(a, b T) int) []T {
	slices.SortFunc(values, compare)
	return slices.Compact(values)
}
