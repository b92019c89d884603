package isolation

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/cilium/cilium/pkg/k8s/apis/cilium.io"
	"github.com/cilium/cilium/pkg/policy/api"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// candidates are the options with one more flag that may let the source in, narrow ones first. A
// label can be given to a pod of any namespace by whoever may create one there, so that a
// namespace as a whole counts as narrower than a label in any.
func (m *Model) candidates(c *cluster, targets []goal, options policyset.Options) []policyset.Options {
	// What has drifted may let it in when it is restored.
	out := []policyset.Options{options}
	add := func(change func(*policyset.Options)) {
		o := options
		change(&o)
		out = append(out, o)
	}
	namespaces := m.originNamespaces()
	for _, port := range ports(targets) {
		switch port {
		case postgresPort:
			m.clientCandidates(c, targets, namespaces, add)
		case metricsPort, poolerMetricsPort:
			if len(namespaces) == 1 {
				add(func(o *policyset.Options) { o.AllowMetrics = append(slices.Clip(o.AllowMetrics), namespaces[0]) })
			}
		case statusPort:
			add(func(o *policyset.Options) { o.AllowKubectlCNPG = true })
		}
	}
	return out
}

func (m *Model) clientCandidates(c *cluster, targets []goal, namespaces []string, add func(func(*policyset.Options))) {
	if len(namespaces) == 1 {
		if namespaces[0] == c.object.Namespace {
			if s, ok := m.distinguishing(c, targets, namespaces[0]); ok {
				add(func(o *policyset.Options) { o.AllowPods = append(slices.Clip(o.AllowPods), s) })
			}
		}
		add(func(o *policyset.Options) { o.AllowNamespaces = append(slices.Clip(o.AllowNamespaces), namespaces[0]) })
	}
	if s, ok := m.distinguishing(c, targets, ""); ok {
		add(func(o *policyset.Options) { o.AllowPodsAnyNamespace = append(slices.Clip(o.AllowPodsAnyNamespace), s) })
	}
	add(func(o *policyset.Options) { o.AllowClusterWide = true })
}

// originNamespaces are the namespaces of the source's pods; none when some of it is no pod.
func (m *Model) originNamespaces() []string {
	var out []string
	for _, o := range m.origins {
		namespace := o.identity.Namespace()
		if namespace == "" {
			return nil
		}
		out = append(out, namespace)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func ports(targets []goal) []uint16 {
	var out []uint16
	for _, t := range targets {
		if t.port != 0 && !slices.Contains(out, t.port) {
			out = append(out, t.port)
		}
	}
	return out
}

// snippets are single policies that may let the source in, made from the rules of the set's client
// policies: without the set's labels, because lockdown would take them for its own.
func (m *Model) snippets(c *cluster, targets []goal) []policyset.Policy {
	var options []policyset.Options
	if namespaces := m.originNamespaces(); len(namespaces) == 1 {
		if s, ok := m.distinguishing(c, targets, namespaces[0]); ok {
			options = append(options, policyset.Options{AllowPods: []policyset.Selector{s}})
		}
		options = append(options, policyset.Options{AllowNamespaces: namespaces})
	} else {
		options = append(options, policyset.Options{AllowClusterWide: true})
	}
	var out []policyset.Policy
	for _, o := range options {
		policies, err := policyset.Build(o.For(c.key(), []string{c.object.Namespace}))
		if err != nil {
			continue
		}
		for _, p := range policies {
			if p.Role == policyset.PostgresAccess {
				m.adapt(&p, c, targets)
				out = append(out, p)
			}
		}
	}
	return out
}

// adapt makes a policy of the set one of the user's own, for the port and, when the source is no
// pod, for the entity or the addresses.
func (m *Model) adapt(p *policyset.Policy, c *cluster, targets []goal) {
	object, rule := p.Object, &p.Object.Spec.Ingress[0]
	object.Labels, object.Annotations = nil, nil
	object.Spec.Description = ""
	suffix := strings.TrimPrefix(object.Name, c.object.Name+"-"+string(policyset.PostgresAccess)+"-")
	switch namespaces := m.originNamespaces(); {
	case namespaces == nil:
		suffix = m.adaptPeers(rule)
	case namespaces[0] != c.object.Namespace && rule.FromEndpoints[0].MatchLabels[ciliumio.PodNamespaceLabel] == "":
		// A selector without namespace is limited to the policy's own.
		rule.FromEndpoints[0].MatchLabels[ciliumio.PodNamespaceLabel] = namespaces[0]
		suffix = namespaces[0] + "-" + suffix
	}
	asked := ports(targets)
	if !slices.Equal(asked, []uint16{postgresPort}) {
		var list []api.PortProtocol
		for _, port := range asked {
			text := strconv.Itoa(int(port))
			list = append(list, api.PortProtocol{Port: text, Protocol: api.ProtoTCP})
			suffix += "-" + text
		}
		rule.ToPorts = api.PortRules{{Ports: list}}
	}
	object.Name = c.object.Name + "-allow-" + suffix
}

// adaptPeers lets in exactly the entities or addresses of the source, and names them.
func (m *Model) adaptPeers(rule *api.IngressRule) string {
	rule.IngressCommonRule = api.IngressCommonRule{}
	var names []string
	for _, o := range m.origins {
		switch {
		case o.prefix.IsValid() && len(names) == 0:
			rule.FromCIDR = api.CIDRSlice{api.CIDR(o.prefix.String())}
			names = append(names, o.prefix.String())
		case o.prefix.IsValid(): // A part of the first.
		default:
			name := o.identity.Name()
			if strings.HasPrefix(name, "world-") {
				name = "world"
			}
			if entity := api.Entity(name); !slices.Contains(rule.FromEntities, entity) {
				rule.FromEntities = append(rule.FromEntities, entity)
				names = append(names, name)
			}
		}
	}
	return strings.Trim(regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.Join(names, "-"), "-"), "-")
}

// distinguishing is the selector that lets in the source and the fewest others of a namespace, or
// of any: of those the one with the fewest labels, and of those the one by which people tell
// applications apart. False when the source's pods have no label in common.
func (m *Model) distinguishing(c *cluster, targets []goal, namespace string) (policyset.Selector, bool) {
	labels := m.commonLabels()
	if len(labels) == 0 {
		return policyset.Selector{}, false
	}
	var rivals []rival
	for _, p := range m.peers {
		if namespace != "" && p.identity.Namespace() != namespace {
			continue
		}
		others := len(slices.DeleteFunc(m.strangers(c, p), m.isSource))
		if others > 0 && !m.letIn(p.identity, targets) {
			rivals = append(rivals, rival{podLabels(p.identity), others})
		}
	}
	fewest := matching(rivals, labels)
	chosen := labels
	const most = 3
	for size := 1; size <= min(most, len(labels)); size++ {
		if found := choose(labels, size, func(some []string) bool { return matching(rivals, some) == fewest }); found != nil {
			chosen = found
			break
		}
	}
	s, err := policyset.ParseSelector(strings.Join(chosen, ","))
	return s, err == nil
}

// letIn tells whether the targets let the identity in already.
func (m *Model) letIn(id *engine.Identity, targets []goal) bool {
	return !slices.ContainsFunc(targets, func(t goal) bool {
		return m.engine.Decide(id, t.identity, t.port).Ingress.Verdict != v1alpha1.Allowed
	})
}

// rival is an identity that should not be let in, and the number of its pods.
type rival struct {
	labels []string
	pods   int
}

// matching counts the pods that have all of the labels.
func matching(rivals []rival, labels []string) int {
	total := 0
	for _, r := range rivals {
		if !slices.ContainsFunc(labels, func(l string) bool { return !slices.Contains(r.labels, l) }) {
			total += r.pods
		}
	}
	return total
}

// choose is the first combination of so many of the labels that is good; nil when none is.
func choose(labels []string, size int, good func([]string) bool) []string {
	var some []string
	var extend func(from int) bool
	extend = func(from int) bool {
		if len(some) == size {
			return good(some)
		}
		for i := from; i < len(labels); i++ {
			some = append(some, labels[i])
			if extend(i + 1) {
				return true
			}
			some = some[:len(some)-1]
		}
		return false
	}
	if extend(0) {
		return some
	}
	return nil
}

// commonLabels are the labels that all of the source's pods have, those first by which people tell
// applications apart. Labels that change with every rollout or differ between replicas are left out.
func (m *Model) commonLabels() []string {
	var common []string
	for i, o := range m.origins {
		mine := podLabels(o.identity)
		if i == 0 {
			common = mine
			continue
		}
		common = slices.DeleteFunc(common, func(l string) bool { return !slices.Contains(mine, l) })
	}
	common = slices.DeleteFunc(common, func(l string) bool {
		key, _, _ := strings.Cut(l, "=")
		return slices.Contains([]string{
			"pod-template-hash", "controller-revision-hash", "pod-template-generation", "statefulset.kubernetes.io/pod-name",
			"apps.kubernetes.io/pod-index", "controller-uid", "batch.kubernetes.io/controller-uid", "app.kubernetes.io/version", "helm.sh/chart",
		}, key)
	})
	preferred := []string{"app.kubernetes.io/name", "app", "role"}
	rank := func(l string) int {
		key, _, _ := strings.Cut(l, "=")
		if at := slices.Index(preferred, key); at >= 0 {
			return at
		}
		return len(preferred)
	}
	slices.SortStableFunc(common, func(a, b string) int { return rank(a) - rank(b) })
	return common
}

// podLabels are the labels of a pod that its identity has, as key=value, in order. Those that Cilium
// adds by itself are no labels of the pod.
func podLabels(id *engine.Identity) []string {
	var out []string
	for _, l := range id.Labels() {
		text, ok := strings.CutPrefix(l, "k8s:")
		if !ok || strings.HasPrefix(text, "io.kubernetes.") || strings.HasPrefix(text, "io.cilium.k8s.") {
			continue
		}
		out = append(out, text)
	}
	slices.Sort(out)
	return out
}
