package change

import (
	"cmp"
	"io"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/printers"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

// did is an action in the past, as kubectl says it.
func did(action v1alpha1.PolicyAction) string {
	switch action {
	case v1alpha1.PolicyCreate:
		return "created"
	case v1alpha1.PolicyUpdate:
		return "configured"
	case v1alpha1.PolicyDelete:
		return "deleted"
	case v1alpha1.PolicyUnchanged:
	}
	return "unchanged"
}

// printSteps prints the steps of the plan, with the policies in this state, without touching the server.
func (o *changeOptions) printSteps(p change.Proposal, state func(change.Step) *ciliumv2.CiliumNetworkPolicy) error {
	out := &kit.Remembering{Writer: o.Out}
	printer := o.printer(out)
	for _, s := range p.Plan.Steps {
		if err := cmp.Or(printer(s, state(s)), out.Err); err != nil {
			return err
		}
	}
	return nil
}

// printer returns what prints one change: a line as kubectl's, or the object.
func (o *changeOptions) printer(w io.Writer) func(change.Step, *ciliumv2.CiliumNetworkPolicy) error {
	suffix := map[dryRun]string{dryRunServer: " (server dry run)", dryRunClient: " (dry run)"}[o.dryRun]
	objects := o.objectPrinter()
	return func(c change.Step, object *ciliumv2.CiliumNetworkPolicy) error {
		if objects != nil {
			if c.Action == v1alpha1.PolicyDelete {
				return nil // What is printed is what there is afterwards.
			}
			return objects.PrintObj(plain(object), w)
		}
		line := printers.NamePrinter{Operation: did(c.Action) + suffix}
		return line.PrintObj(named(c.Policy.Name), w)
	}
}

// named is what kubectl needs to know of a policy to print its name.
func named(policy string) runtime.Object {
	return &metav1.PartialObjectMetadata{
		TypeMeta:   metav1.TypeMeta{APIVersion: ciliumv2.SchemeGroupVersion.String(), Kind: ciliumv2.CNPKindDefinition},
		ObjectMeta: metav1.ObjectMeta{Name: terminal.Escape(policy)},
	}
}

// objectPrinter is nil when no objects are asked for.
func (o *changeOptions) objectPrinter() printers.ResourcePrinter {
	switch o.output {
	case formatYAML:
		return &printers.YAMLPrinter{}
	case formatJSON:
		return &printers.JSONPrinter{}
	case formatName:
		return &printers.NamePrinter{ShortOutput: true}
	case formatNone:
	}
	return nil
}

// plain is the policy without what the server adds, so that it can be applied, here or elsewhere. A timer is the
// server's: elsewhere, the policy would be gone at once.
func plain(object *ciliumv2.CiliumNetworkPolicy) runtime.Object {
	content, err := policyset.Unstructured(policyset.Policy{Object: policyset.ForGood(policyset.WithoutServerFields(object))})
	if err != nil {
		return object
	}
	return content
}
