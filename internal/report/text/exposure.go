package text

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/words"
)

// firstClients is how many workloads of a target a table names.
const firstClients = 10

// mergeTargets joins neighboring targets that the same clients reach, as an instance and its
// poolers mostly are: the reader should not have to compare two lists.
func mergeTargets(all []v1alpha1.Exposure) []exposed {
	var merged []exposed
	for _, e := range all {
		if last := len(merged) - 1; last >= 0 {
			if sameClients(merged[last].Exposure, e) {
				merged[last].targets += ", " + e.Target.String()
				continue
			}
		}
		merged = append(merged, exposed{e.Target.String(), e})
	}
	return merged
}

// exposed are targets with what holds for each of them.
type exposed struct {
	targets string
	v1alpha1.Exposure
}

// sameClients compares what the table shows: who can connect, and not why.
func sameClients(a, b v1alpha1.Exposure) bool {
	return a.Port == b.Port && a.Identities == b.Identities && a.Pods == b.Pods && a.Total == b.Total && a.Unknown == b.Unknown &&
		slices.EqualFunc(a.Possible, b.Possible, func(a, b v1alpha1.PossibleClient) bool { return words.Possible(a) == words.Possible(b) }) &&
		len(a.Services) == 0 && len(b.Services) == 0 &&
		len(a.ByPod) == 0 && len(b.ByPod) == 0 &&
		slices.Equal(a.Namespaces, b.Namespaces) && slices.Equal(a.Entities, b.Entities) &&
		a.MoreClients == b.MoreClients && slices.EqualFunc(a.Clients, b.Clients, func(a, b v1alpha1.ClientAccess) bool { return a.Client == b.Client })
}

// exposure writes who can connect to one target.
func (p *page) exposure(e exposed, posture v1alpha1.Posture) error {
	title := fmt.Sprintf("%s (port %d)", e.targets, e.Port)
	paint := p.colors.Heading
	if len(e.Clients) == 0 && len(e.Entities) == 0 && e.Pods == 0 {
		answer := "nobody but the cluster itself"
		if e.Unknown > 0 || posture == v1alpha1.PostureUnknown {
			answer = "unknown"
		}
		if len(e.Possible)+e.MorePossible > 0 {
			answer = "nobody who was read"
		}
		p.paragraph(2, title+": "+answer, paint)
		p.possible(e.Exposure)
		p.unknownClients(e.Exposure)
		return nil
	}
	if e.Total > 0 {
		title += fmt.Sprintf(": %d of %s", e.Pods, words.Count(e.Total, "pod"))
		if n := len(e.Namespaces); n > 0 {
			title += " in " + words.Count(n, "namespace")
		}
	}
	if p.wide {
		title += ", " + words.Identities(e.Identities)
	}
	p.paragraph(2, title, paint)

	g := grid{columns: []column{{header: "NAMESPACE", flexible: true, limit: p.limit(1)}, {header: "CLIENT", flexible: true, limit: p.limit(2)}}}
	entities, addresses := p.fewAddresses(e.Entities)
	for _, name := range entities {
		var paint style
		if name == v1alpha1.EntityWorld {
			paint = p.colors.Bad
		}
		g.add(text("-"), painted(words.Entity(name), paint))
	}
	shown := e.Clients
	if !p.wide && len(shown) > firstClients+1 {
		shown = shown[:firstClients]
	}
	for _, group := range byNamespace(clientsOf(shown)) {
		g.add(text(group.namespace), lines(group.workloads))
	}
	if err := p.table(4, g); err != nil {
		return err
	}
	if addresses > 0 {
		p.paragraph(4, "and "+moreAddresses(addresses)+" (-o wide names all)", nil)
	}
	if rest := e.Clients[len(shown):]; len(rest) > 0 {
		sum, places := more(rest)
		p.paragraph(4, "and "+sum+" (-o wide names all): "+places, nil)
	}
	if e.MoreClients > 0 {
		p.paragraph(4, "and "+words.Count(e.MoreClients, "more workload")+" that can connect", nil)
	}
	p.byPod(e.Exposure)
	p.possible(e.Exposure)
	p.unknownClients(e.Exposure)
	return nil
}

// fewAddresses leaves out all but the first parts of the world that policies name, and says how many.
func (p *page) fewAddresses(all []v1alpha1.Entity) (shown []v1alpha1.Entity, more int) {
	parts := 0
	for _, name := range all {
		if _, ok := name.Addresses(); ok {
			parts++
		}
	}
	if p.wide || parts <= firstClients+1 {
		return all, 0
	}
	left := firstClients
	for _, name := range all {
		if _, ok := name.Addresses(); ok {
			left--
			if left < 0 {
				continue
			}
		}
		shown = append(shown, name)
	}
	return shown, parts - firstClients
}

// moreAddresses counts parts of the world that are not named.
func moreAddresses(n int) string { return words.Count(n, "more part") + " of the world" }

// possible writes who would get in and was not read, and how clients come from outside.
func (p *page) possible(e v1alpha1.Exposure) {
	shown := e.Possible
	if !p.wide && len(shown) > firstClients+1 {
		shown = shown[:firstClients]
	}
	for _, c := range shown {
		p.paragraph(4, "not read, but let in: "+words.Possible(c), p.colors.Warn)
	}
	if more := len(e.Possible) - len(shown); more > 0 {
		p.paragraph(4, fmt.Sprintf("and %d more whom rules would let in and who were not read (-o wide names them)", more), p.colors.Warn)
	}
	if e.MorePossible > 0 {
		p.paragraph(4, "not asked whom "+words.Count(e.MorePossible, "more selector")+" of rules would let in who was not read", p.colors.Warn)
	}
	for _, s := range e.Services {
		as := s.ArriveAs[0]
		if len(s.ArriveAs) > 1 {
			as = "their own address or that of a node (" + strings.Join(s.ArriveAs[1:], ", ") + ")"
		}
		p.paragraph(4, fmt.Sprintf("Service %s/%s (%s, externalTrafficPolicy: %s): clients from outside come with %s", s.Namespace, s.Name, s.Type, s.ExternalTrafficPolicy, as), nil)
	}
}

func (p *page) unknownClients(e v1alpha1.Exposure) {
	if e.Unknown > 0 {
		p.paragraph(4, "no verdict about "+words.Identities(e.Unknown)+": they may be able to connect", p.colors.Warn)
	}
}

// more counts the workloads that are not named: "14 more workloads in 2 namespaces" and "a (10),
// b (4)".
func more(rest []v1alpha1.ClientAccess) (sum, names string) {
	var counted places
	for _, c := range rest {
		counted.add(c.Namespace)
	}
	return counted.words()
}

// places are numbers of workloads by namespace, in the order in which they come.
type places struct {
	all   []place
	known map[string]int
}

// place is a namespace and how many workloads in it are meant.
type place struct {
	namespace string
	n         int
}

func (p *places) add(namespace string) {
	if last := len(p.all) - 1; last >= 0 && p.all[last].namespace == namespace {
		p.all[last].n++
		return
	}
	if i, ok := p.known[namespace]; ok {
		p.all[i].n++
		return
	}
	if p.known == nil {
		p.known = map[string]int{}
	}
	p.known[namespace] = len(p.all)
	p.all = append(p.all, place{namespace, 1})
}

// words count the workloads, and name the first namespaces.
func (p *places) words() (sum, names string) {
	n, in := 0, make([]string, 0, firstClients+1)
	for i, one := range p.all {
		n += one.n
		if i < firstClients || len(p.all) == firstClients+1 {
			in = append(in, one.namespace+" ("+strconv.Itoa(one.n)+")")
		}
	}
	if left := len(p.all) - len(in); left > 0 {
		in = append(in, words.Count(left, "more namespace"))
	}
	return words.Count(n, "more workload") + " in " + words.Count(len(p.all), "namespace"), strings.Join(in, ", ")
}

type namespaceGroup struct {
	namespace string
	workloads []string
}

// byNamespace groups workloads, keeping the order in which they come.
func byNamespace(clients []v1alpha1.Client) []namespaceGroup {
	var groups []namespaceGroup
	places := map[string]int{}
	for _, c := range clients {
		i, known := places[c.Namespace]
		if !known {
			i = len(groups)
			places[c.Namespace] = i
			groups = append(groups, namespaceGroup{namespace: c.Namespace})
		}
		groups[i].workloads = append(groups[i].workloads, words.Workload(c))
	}
	return groups
}

// clientsOf leaves out what decided about them.
func clientsOf(all []v1alpha1.ClientAccess) []v1alpha1.Client {
	out := make([]v1alpha1.Client, len(all))
	for i, c := range all {
		out[i] = c.Client
	}
	return out
}
