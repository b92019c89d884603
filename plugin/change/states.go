package change

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/resource"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/compare"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/manifests"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/text"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

// states are the two states of manifests that diff --from compares.
type states struct{ from, to string }

func (s *states) addFlags(cmd *cobra.Command) {
	s.to = "."
	cmd.Flags().StringVar(&s.from, "from", "",
		"Compare two states of manifests instead, for all clusters: the one before, a directory or a file; kustomizations are built")
	cmd.Flags().StringVar(&s.to, "to", s.to, "With --from, the state after")
	_ = cmd.MarkFlagDirname("from")
	_ = cmd.MarkFlagDirname("to")
}

// validateStates finds flags that do not go together with --from, or need it.
func (o *diffOptions) validateStates(cmd *cobra.Command, args []string) error {
	if !cmd.Flags().Changed("from") {
		switch {
		case cmd.Flags().Changed("to"):
			return kit.UsageErrorf("--to needs --from, the state before")
		case len(args) == 0 && !o.operator:
			return kit.UsageErrorf("diff needs a CLUSTER, --operator, or --from and --to for two states of manifests")
		}
		return nil
	}
	var errs []error
	if o.operator {
		errs = append(errs, kit.UsageErrorf("--from compares all clusters: it can't be combined with --operator"))
	}
	if len(args) > 0 {
		errs = append(errs, kit.UsageErrorf("--from compares all clusters: it can't be combined with a CLUSTER"))
	}
	if o.source.Offline() {
		errs = append(errs, kit.UsageErrorf("--from and --to name the manifests: they can't be combined with --filename or --kustomize"))
	}
	if o.given {
		errs = append(errs, kit.UsageErrorf("--from compares what is there: it can't be combined with flags of the policy set"))
	}
	for _, side := range []struct{ flag, path string }{{"from", o.states.from}, {"to", o.states.to}} {
		if _, err := os.Stat(side.path); side.path == "" || err != nil {
			errs = append(errs, kit.UsageErrorf("the path %q of --%s does not exist", side.path, side.flag))
		}
	}
	return errors.Join(errs...)
}

// runStates compares two states of manifests.
func (o *diffOptions) runStates(ctx context.Context) error {
	before, problem := o.load(ctx, o.states.from)
	after, other := o.load(ctx, o.states.to)
	problem = errors.Join(problem, other)
	if before == nil || after == nil {
		return problem
	}
	c, err := compare.States(compare.State{Name: o.states.from, Inventory: before}, compare.State{Name: o.states.to, Inventory: after},
		model.Options{OperatorNamespace: o.source.OperatorNamespace})
	if err != nil {
		return err
	}
	if o.output.Format == report.Markdown {
		places := v1alpha1.IsolationReportList{Findings: c.Findings.New}
		for _, one := range c.Clusters {
			places.Items = append(places.Items, v1alpha1.IsolationReport{Findings: one.Findings.New})
		}
		manifests.Locate(ctx, after, &places)
	}
	_, width := terminal.Detect(o.Out)
	if err := report.PrintComparison(o.Out, o.output, c, text.Options{Colors: o.source.Colors(o.Out), Width: width}); err != nil {
		return err
	}
	return errors.Join(problem, unknown(c), differs(c))
}

// load reads a state: a repository with everything below it, or a file.
func (o *diffOptions) load(ctx context.Context, path string) (*inventory.Inventory, error) {
	return manifests.Load(ctx, manifests.Options{
		FilenameOptions:  resource.FilenameOptions{Filenames: []string{path}, Recursive: true},
		DefaultNamespace: o.source.ManifestNamespace(),
		Note:             func(line string) { fmt.Fprintln(o.ErrOut, terminal.Escape(path+": "+line)) },
	})
}

// unknown is an error for the clusters of which something could not be judged, one for all of them.
func unknown(c v1alpha1.StateComparison) error {
	var doubtful []v1alpha1.ClusterComparison
	for _, one := range c.Clusters {
		if len(one.Unknown) > 0 {
			doubtful = append(doubtful, one)
		}
	}
	if len(doubtful) == 0 {
		return nil
	}
	first, side := doubtful[0], c.To
	if first.Unknown[0].Before {
		side = c.From
	}
	if len(doubtful) == 1 {
		return fmt.Errorf("cluster %q in namespace %q can't be compared completely: in %s, %s", first.Metadata.Name, first.Metadata.Namespace, side, first.Unknown[0].Message)
	}
	return fmt.Errorf("%d clusters, %q in namespace %q among them, can't be compared completely: in %s, %s",
		len(doubtful), first.Metadata.Name, first.Metadata.Namespace, side, first.Unknown[0].Message)
}

func differs(c v1alpha1.StateComparison) error {
	if c.Findings.Differs() {
		return kit.AnswerNo(nil)
	}
	for _, one := range c.Clusters {
		if one.Differs() {
			return kit.AnswerNo(nil)
		}
	}
	return nil
}
