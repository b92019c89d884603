package text

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/words"
)

// access is one client and the targets for which its access changes alike.
type access struct {
	client  v1alpha1.Client
	targets string
}

// accessChange is what happens to somebody's access.
type accessChange string

const (
	loses accessChange = "loses"
	gains accessChange = "gains"
	keeps accessChange = "keeps"
)

// accessKinds are the kinds of change in the order in which they are shown.
func accessKinds() []accessChange { return []accessChange{loses, gains, keeps} }

// of are the clients of one kind of change.
func (c accessChange) of(all v1alpha1.AccessChanges) []v1alpha1.ClientChange {
	switch c {
	case loses:
		return all.Loses
	case gains:
		return all.Gains
	default:
		return all.Keeps
	}
}

// named is how many workloads a table names for each kind of change: losses are what the reader
// has come for, so more of them.
func named(kind accessChange) int {
	if kind == loses {
		return 20
	}
	return 10
}

// listed are the clients of one kind of change: those that a table names, and how many others there are.
type listed struct {
	shown []access
	// workloads and addresses are the numbers of the others, places those of the workloads by namespace.
	workloads, addresses int
	places               places
	// targets are the different ones of all of them.
	targets []string
}

// list collects clients, one entry for each with all its targets. An entity is a client without a namespace. Of a long list, the first
// are shown: entities that every Kubernetes cluster has always, and parts of the world do not take the place of workloads.
func (p *page) list(all []v1alpha1.ClientChange, limit int) listed {
	var out listed
	names := targetNames{}
	whole := p.wide || clientsIn(all) <= limit+1
	workloads, addresses := 0, 0
	add := func(same []v1alpha1.ClientChange) {
		client := v1alpha1.Client{Namespace: same[0].Namespace, Workload: cmp.Or(string(same[0].Entity), same[0].Workload)}
		targets := ""
		for _, c := range same {
			client.Pods = max(client.Pods, c.Pods)
			targets = names.and(targets, names.of(c))
		}
		if n := len(out.targets); n == 0 || out.targets[n-1] != targets && !slices.Contains(out.targets, targets) {
			out.targets = append(out.targets, targets)
		}
		switch {
		case whole:
		case client.Namespace != "":
			workloads++
			if workloads > limit {
				out.workloads++
				out.places.add(client.Namespace)
				return
			}
		case isAddress(client):
			addresses++
			if addresses > limit/2 {
				out.addresses++
				return
			}
		}
		out.shown = append(out.shown, access{client, targets})
	}
	// Workloads are what people look for; everybody else is much the same everywhere.
	for _, wanted := range []bool{true, false} {
		for from := 0; from < len(all); {
			to := from + 1
			for to < len(all) && sameClient(all[from], all[to]) {
				to++
			}
			if (all[from].Namespace != "") == wanted {
				add(all[from:to])
			}
			from = to
		}
	}
	return out
}

// sameClient tells whether two changes are about the same client: they follow each other, because changes are in order.
func sameClient(a, b v1alpha1.ClientChange) bool {
	return a.Workload == b.Workload && a.Namespace == b.Namespace && a.Entity == b.Entity
}

// clientsIn is the number of clients that changes are about.
func clientsIn(all []v1alpha1.ClientChange) int {
	n := 0
	for i, c := range all {
		if i == 0 || !sameClient(all[i-1], c) {
			n++
		}
	}
	return n
}

// targetNames are the texts of targets, each of which is made once, however many clients have it.
type targetNames struct {
	last   v1alpha1.ClientChange
	name   string
	joined map[[2]string]string
}

// of is the target of a change.
func (t *targetNames) of(c v1alpha1.ClientChange) string {
	if t.name == "" || c.Target != t.last.Target || c.Port != t.last.Port {
		t.last, t.name = c, fmt.Sprintf("%s:%d", c.Target, c.Port)
	}
	return t.name
}

// and are some targets, or none, and another one.
func (t *targetNames) and(some, other string) string {
	if some == "" {
		return other
	}
	key := [2]string{some, other}
	if t.joined == nil {
		t.joined = map[[2]string]string{}
	}
	text, known := t.joined[key]
	if !known {
		text = some + ", " + other
		t.joined[key] = text
	}
	return text
}

// accessChanges writes who loses, gains and keeps access.
func (p *page) accessChanges(preview v1alpha1.ChangePreview) error {
	whole := preview
	preview = seenLosers(whole)
	lists := map[accessChange]listed{}
	var targets []string
	for _, kind := range accessKinds() {
		lists[kind] = p.list(kind.of(preview.Access), named(kind))
		for _, to := range lists[kind].targets {
			if !slices.Contains(targets, to) {
				targets = append(targets, to)
			}
		}
	}
	if len(targets) == 0 && len(preview.RequiredFlows) == 0 {
		// The cluster is gone: there is nothing to connect to.
		return nil
	}
	title := "Access to PostgreSQL"
	if preview.Metadata.Name == v1alpha1.OperatorSubject {
		title = "Access to the operator"
	}
	if len(targets) == 0 {
		p.section(title)
		said := "nobody could connect before, and nobody can afterwards"
		if preview.Posture.Before == v1alpha1.PostureUnknown {
			said = "nobody is known who could connect, before or afterwards"
		}
		p.paragraph(2, said, nil)
		return nil
	}

	if len(targets) == 1 {
		title += " (" + targets[0] + ")"
	}
	p.section(title)
	if err := p.accessRows(lists, len(targets) == 1); err != nil {
		return err
	}
	p.unseenLosers(whole)
	return nil
}

// accessTable writes who loses and gains access, without a title.
func (p *page) accessTable(all v1alpha1.AccessChanges) error {
	lists := map[accessChange]listed{}
	for _, kind := range accessKinds() {
		lists[kind] = p.list(kind.of(all), named(kind))
	}
	return p.accessRows(lists, false)
}

// accessRows writes changes of access; same says that their target has been named already.
func (p *page) accessRows(lists map[accessChange]listed, same bool) error {
	g := grid{columns: []column{
		{header: "ACCESS"}, {header: "NAMESPACE", flexible: true, limit: p.limit(1)}, {header: "CLIENT", flexible: true, limit: p.limit(2)},
	}}
	// What is the same for everybody is said once.
	if !same {
		g.columns = append(g.columns, column{header: "TO", flexible: true, limit: p.limit(2)})
	}
	var omitted []string
	for _, kind := range accessKinds() {
		list := lists[kind]
		for _, group := range grouped(list.shown) {
			row := []cell{painted(string(kind), p.change(kind)), text(group.namespace), lines(group.clients)}
			if !same {
				row = append(row, lines(strings.Split(group.targets, ", ")))
			}
			g.add(row...)
		}
		if list.workloads > 0 {
			sum, places := list.places.words()
			omitted = append(omitted, "and "+sum+" "+inflect(list.workloads, kind)+" access: "+places)
		}
		if list.addresses > 0 {
			omitted = append(omitted, "and "+moreAddresses(list.addresses)+" "+inflect(list.addresses, kind)+" access")
		}
	}
	if err := p.table(2, g); err != nil {
		return err
	}
	for _, sentence := range omitted {
		p.paragraph(2, sentence, nil)
	}
	return nil
}

// isAddress tells whether a client is a part of the world that policies name.
func isAddress(c v1alpha1.Client) bool {
	_, ok := v1alpha1.Entity(c.Workload).Addresses()
	return c.Namespace == "" && ok
}

func (p *page) change(kind accessChange) style {
	switch kind {
	case loses:
		return p.colors.Bad
	case gains:
		return p.colors.Warn
	default:
		return nil
	}
}

type accessGroup struct {
	namespace, targets string
	clients            []string
}

// grouped puts the clients of a namespace with the same targets into one row.
func grouped(all []access) []accessGroup {
	var groups []accessGroup
	type key struct{ namespace, targets string }
	places := map[key]int{}
	for _, a := range all {
		namespace, client := a.client.Namespace, words.Workload(a.client)
		if namespace == "" {
			namespace, client = "-", words.Entity(v1alpha1.Entity(a.client.Workload))
		}
		i, known := places[key{namespace, a.targets}]
		if !known {
			i = len(groups)
			places[key{namespace, a.targets}] = i
			groups = append(groups, accessGroup{namespace: namespace, targets: a.targets})
		}
		groups[i].clients = append(groups[i].clients, client)
	}
	return groups
}
