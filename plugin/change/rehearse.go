package change

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/clients"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/observe/hubble"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

// validateRehearsal finds what can't be said together with --rehearse.
func (o *lockdownOptions) validateRehearsal() error {
	var errs []error
	if o.rehearse && (o.output == formatYAML || o.output == formatJSON) {
		errs = append(errs, kit.UsageErrorf("--rehearse is about what is there, and printed policies are for good: leave out -o %s", o.output))
	}
	return errors.Join(errs...)
}

// rehearsedOf are the clusters that are rehearsed, with since when.
func rehearsedOf(m *model.Model, keys []types.NamespacedName) map[types.NamespacedName]time.Time {
	out := map[types.NamespacedName]time.Time{}
	for _, key := range keys {
		if options, is := assess.Rehearsed(m, m.Cluster(key)); is {
			out[key] = options.RehearsedSince
		}
	}
	return out
}

// begun is since when a cluster's rehearsal is there: one that goes on, with other flags perhaps, keeps its beginning.
func begun(w world, key types.NamespacedName, rehearsed map[types.NamespacedName]time.Time) time.Time {
	if since, is := rehearsed[key]; is {
		return since
	}
	if w.inv.Now.IsZero() {
		return time.Now()
	}
	return w.inv.Now
}

// proposeRehearsal is the proposal of a rehearsal, and says where nobody will see anything.
func (o *lockdownOptions) proposeRehearsal(w world, options []policyset.Options) (change.Proposal, error) {
	p, err := change.ProposeRehearsal(w.model, options)
	if err != nil {
		return p, kit.AnswerNo(errors.Join(err, errors.New("nothing was changed")))
	}
	if _, _, err := hubble.Relay(w.inv); err != nil && !o.evidence.Given() {
		for i := range p.Previews {
			p.Previews[i].Notes = append(p.Previews[i].Notes, v1alpha1.ChangeNote{
				Subject: "Nothing is seen",
				Message: "Hubble's relay was not found, and what Cilium reports is seen by Hubble alone: without it, clients sees no connection that comes and goes",
				Remedy:  command.Words("Turn it on, or let the agents export flows and name the file with --flows."),
			})
		}
	}
	return p, nil
}

// endRehearsals refuses what would cut off those who were seen, and says where nobody has looked.
func endRehearsals(p change.Proposal, rehearsed map[types.NamespacedName]time.Time, questions map[types.NamespacedName]clients.Question) change.Proposal {
	var ends []types.NamespacedName
	for i, preview := range p.Previews {
		key := types.NamespacedName{Namespace: preview.Metadata.Namespace, Name: preview.Metadata.Name}
		since, is := rehearsed[key]
		if !is {
			continue
		}
		ends = append(ends, key)
		note := v1alpha1.ChangeNote{Subject: "Rehearsal", Message: fmt.Sprintf("it began at %s, and ends by this", since.UTC().Format("2006-01-02 15:04:05 UTC"))}
		question, asked := questions[key]
		if gaps := flowGaps(question, asked); len(gaps) > 0 {
			note.Message += ". Who connected meanwhile is not known, or not of all: " + strings.Join(gaps, "; ") + ". Who was not seen may be cut off"
		}
		p.Previews[i].Notes = append(slices.Clip(p.Previews[i].Notes), note)
	}
	return p.RefuseSeen(ends)
}

// flowGaps are what is missing of the flows.
func flowGaps(q clients.Question, asked bool) []string {
	if !asked {
		return []string{"nobody has looked"}
	}
	var gaps []string
	for _, e := range q.Evidence() {
		if e.Kind == v1alpha1.EvidenceFlows {
			gaps = append(gaps, e.Gaps...)
		}
	}
	return gaps
}

// untilLockdown says on stderr what can be done in a rehearsal.
func (o *lockdownOptions) untilLockdown(p change.Proposal, options []policyset.Options) {
	for _, preview := range p.Previews {
		c := preview.Metadata
		at := slices.IndexFunc(options, func(one policyset.Options) bool {
			return one.Cluster.Namespace == c.Namespace && one.Cluster.Name == c.Name
		})
		if at < 0 {
			continue
		}
		fmt.Fprintf(o.ErrOut, "The lockdown of %s is rehearsed since %s, and nobody is cut off:\n", terminal.Escape(o.called(c)), options[at].RehearsedSince.UTC().Format("2006-01-02 15:04:05 UTC"))
		line := func(verb string) command.Line {
			return command.Plugin(verb, c.Name).In(c.Namespace).InContext(*o.source.Config.Context)
		}
		o.suggestions([]suggestion{
			{line("clients"), "who would be"},
			{line("lockdown").With(policyset.Flags(options[at])...), "ends it"},
			{o.givesUp(options[at]), "gives it up"},
		})
	}
}

// givesUp is the command that ends a rehearsal or a trial at once. Where it is about egress alone, what was in force before stays.
func (o *lockdownOptions) givesUp(options policyset.Options) command.Line {
	line := func(verb string) command.Line {
		return command.Plugin(verb, options.Cluster.Name).In(options.Cluster.Namespace).InContext(*o.source.Config.Context)
	}
	if options.InForce {
		return line("lockdown").With(policyset.Flags(options.WithoutEgress())...)
	}
	return line("unlock")
}

// suggestion is a command and what it does.
type suggestion struct {
	line command.Line
	does string
}

// suggestions are commands that can be run next.
func (o *lockdownOptions) suggestions(list []suggestion) {
	for _, s := range list {
		fmt.Fprintf(o.ErrOut, "  %s   # %s\n", terminal.Escape(s.line.String()), s.does)
	}
}
