package change

import (
	"context"
	"errors"
	"fmt"
	"strings"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	"github.com/pmezard/go-difflib/difflib"
	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

// diffContext is how many unchanged lines stand around a change, as in diff -u.
const diffContext = 3

type diffOptions struct {
	kit.Source
	set    kit.SetFlags
	output report.Output
}

func NewDiffCommand(root *kit.Globals) *cobra.Command {
	o := &diffOptions{Source: kit.Source{Globals: root}, set: kit.NewSetFlags()}
	cmd := &cobra.Command{
		Use:     "diff CLUSTER",
		GroupID: kit.GroupInspect,
		Annotations: map[string]string{
			kit.ExitNoAnnotation: "lockdown would change something",
		},
		Short: "Show what lockdown would change on the server",
		Long: kit.Long(`
			Shows the policies as they are and as lockdown with the same flags would leave them, as a
			unified diff. Nothing is changed. Fields that the server or Cilium writes are left out.

			Without any flag of the policy set, a cluster that is locked already is compared with the
			flags that it was locked with: what differs then is what somebody has changed since.

			-o json and -o yaml print the whole preview instead, for programs: the policies, the required
			flows before and after, who gains, loses and keeps access, and why lockdown would refuse.
		`),
		Example: kit.Examples(`
			# What would lockdown with these flags change?
			kubectl cnpg-netpol diff shop-db -n shop --allow-pods role=backend

			# Who would lose access?
			kubectl cnpg-netpol diff shop-db -n shop --allow-pods role=backend -o json | jq '.access.loses'

			# Has anybody changed the policies since they were applied?
			kubectl cnpg-netpol diff shop-db -n shop
		`),
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: o.CompleteClusters,
		RunE: func(cmd *cobra.Command, args []string) error {
			options, err := o.set.Parse()
			if err := errors.Join(err, o.Files.Validate()); err != nil {
				return err
			}
			return o.run(cmd.Context(), args[0], options, o.set.Given(cmd))
		},
	}
	o.set.AddFlags(cmd, root, &o.OperatorNamespace)
	o.Files.AddFlags(cmd)
	kit.OutputVarP(cmd, &o.output, report.ChangeFormats())
	return cmd
}

func (o *diffOptions) run(ctx context.Context, name string, set policyset.Options, asked bool) error {
	namespace, err := o.ScopeOf()
	if err != nil {
		return err
	}
	w, err := (&changeOptions{Source: o.Source}).look(ctx, namespace)
	if err != nil {
		return err
	}
	cluster, err := o.Cluster(w.inv, namespace, name)
	if err != nil {
		return err
	}
	if !asked {
		if set, err = lockedWith(w.model, cluster, set); err != nil {
			return err
		}
	}
	plan, err := change.Lockdown(w.inv.Policies, []policyset.Options{set.For(cluster, w.model.OperatorNamespaces())})
	if err != nil {
		return err
	}
	if err := o.print(w.model, plan, cluster); err != nil {
		return err
	}
	var errs []error
	for _, conflict := range plan.Conflicts {
		errs = append(errs, errors.New(conflict))
	}
	if len(plan.Changing()) > 0 || len(errs) > 0 {
		return kit.AnswerNo(errors.Join(errs...))
	}
	return nil
}

// lockedWith are the options that the cluster was locked with, or those that were given when it is not.
func lockedWith(m *model.Model, cluster types.NamespacedName, given policyset.Options) (policyset.Options, error) {
	recorded, err := policyset.FromLive(cluster, assess.Managed(m, m.Cluster(cluster)))
	switch {
	case errors.Is(err, policyset.ErrNotLocked):
		return given, nil
	case err != nil:
		return given, fmt.Errorf("the flags that cluster %q was locked with can't be read from its policies, so give them: %w", cluster.Name, err)
	}
	return recorded, nil
}

// print writes the difference of the policies, or the whole preview for programs.
func (o *diffOptions) print(m *model.Model, plan change.Plan, cluster types.NamespacedName) error {
	if o.output.Format == "" && o.output.Template == nil {
		text, err := diffOf(plan)
		if err != nil {
			return err
		}
		_, err = fmt.Fprint(o.Out, o.colored(text))
		return err
	}
	p, err := change.Propose(m, plan, []types.NamespacedName{cluster})
	if err != nil {
		return err
	}
	return report.PrintChange(o.Out, o.output, p.Previews[0])
}

// diffOf is the unified diff of all changes of a plan, empty when there are none.
func diffOf(plan change.Plan) (string, error) {
	var out strings.Builder
	for _, c := range plan.Changing() {
		before, err := lines(c.Before)
		if err != nil {
			return "", err
		}
		after, err := lines(c.After)
		if err != nil {
			return "", err
		}
		path := fmt.Sprintf("cilium.io.v2.CiliumNetworkPolicy.%s.%s", c.Policy.Namespace, c.Policy.Name)
		text, err := difflib.GetUnifiedDiffString(difflib.UnifiedDiff{
			A: before, B: after, FromFile: "LIVE/" + path, ToFile: "LOCKDOWN/" + path, Context: diffContext,
		})
		if err != nil {
			return "", fmt.Errorf("comparing %s: %w", c.Policy, err)
		}
		out.WriteString(text)
	}
	return out.String(), nil
}

// lines are a policy as YAML with what users write, none for nil.
func lines(p *ciliumv2.CiliumNetworkPolicy) ([]string, error) {
	if p == nil {
		return nil, nil
	}
	content, err := policyset.Unstructured(policyset.Policy{Object: policyset.WithoutServerFields(p)})
	if err != nil {
		return nil, err
	}
	text, err := yaml.Marshal(content.Object)
	if err != nil {
		return nil, err
	}
	// Line by line, because the breaks are the diff's own and must survive.
	var out []string
	for line := range strings.Lines(string(text)) {
		out = append(out, terminal.Escape(strings.TrimSuffix(line, "\n"))+"\n")
	}
	return out, nil
}

// colored marks added and removed lines.
func (o *diffOptions) colored(text string) string {
	colors := o.Colors(o.Out)
	if !colors.Enabled() {
		return text
	}
	var out strings.Builder
	for line := range strings.Lines(text) {
		body := strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "---"), strings.HasPrefix(line, "+++"):
			body = colors.Heading(body)
		case strings.HasPrefix(line, "+"):
			body = colors.Good(body)
		case strings.HasPrefix(line, "-"):
			body = colors.Bad(body)
		}
		out.WriteString(body + "\n")
	}
	return out.String()
}
