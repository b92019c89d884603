package change

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
)

// refusal is one line for each reason.
func refusal(reasons []v1alpha1.Refusal) error {
	var errs []error
	for _, reason := range reasons {
		errs = append(errs, fmt.Errorf("refused: %s", reason.Message))
	}
	return errors.Join(append(errs, errors.New("nothing was changed; --force goes on all the same"))...)
}

// printPlan prints the policies of the plan without touching the server.
func (o *lockdownOptions) printPlan(p change.Proposal) error {
	return o.printSteps(p, func(s change.Step) *ciliumv2.CiliumNetworkPolicy { return cmp.Or(s.After, s.Before) })
}

// summarize says on stderr how each cluster stands now.
func (o *lockdownOptions) summarize(p change.Proposal) {
	for _, preview := range p.Previews {
		c, after := preview.Metadata, preview.Posture.After
		switch {
		case o.operator && o.wait:
			fmt.Fprintf(o.ErrOut, "%s is locked down.\n", capital(o.called(c)))
		case o.operator:
			fmt.Fprintf(o.ErrOut, "%s: the policies are applied; whether Cilium accepts them was not waited for.\n", capital(o.called(c)))
		case after == "":
			fmt.Fprintf(o.ErrOut, "Cluster %s is not there any more: whether it is locked can't be said.\n", o.called(c))
		case !o.wait:
			fmt.Fprintf(o.ErrOut, "Cluster %s: the policies are applied; whether Cilium accepts them was not waited for.\n", o.called(c))
		case after == v1alpha1.PostureLocked:
			fmt.Fprintf(o.ErrOut, "Cluster %s is LOCKED.\n", o.called(c))
		default:
			fmt.Fprintf(o.ErrOut, "Cluster %s is %s: '%s' says why.\n",
				o.called(c), after, terminal.Escape(command.Plugin("status", c.Name).In(c.Namespace).String()))
		}
	}
}

// capital begins a sentence.
func capital(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

// untilWhen says on stderr when the lockdowns or rehearsals end, and how to keep them.
func (o *lockdownOptions) untilWhen(what string, options []policyset.Options) {
	for _, running := range o.running {
		c := running.Cluster
		ends := policyset.Options{Cluster: c}
		if at := slices.IndexFunc(options, func(one policyset.Options) bool { return one.Cluster == c }); at >= 0 {
			ends = options[at]
		}
		fmt.Fprintf(o.ErrOut, "The %s of %s ends by itself at %s, unless it is confirmed before:\n", what, terminal.Escape(c.Name), deadline(running.now, o.now))
		confirm := command.Plugin("confirm", c.Name).In(c.Namespace).InContext(*o.source.Config.Context)
		o.suggestions([]suggestion{
			{confirm, "keeps it"},
			{confirm.With("--extend", o.confirmWithin.String()), "gives more time"},
			{o.givesUp(ends), "ends it now"},
		})
	}
}
