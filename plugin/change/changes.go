package change

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/text"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/rollout"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/timer"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

// dryRun is the value of --dry-run.
type dryRun string

const (
	dryRunNone   dryRun = "none"
	dryRunClient dryRun = "client"
	dryRunServer dryRun = "server"
)

// objectFormat is the value of -o of the commands that print objects.
type objectFormat string

const (
	formatNone objectFormat = ""
	formatYAML objectFormat = "yaml"
	formatJSON objectFormat = "json"
	formatName objectFormat = "name"
)

// changeOptions is what lockdown and unlock share: preview, question, run.
type changeOptions struct {
	genericiooptions.IOStreams
	source kit.Source
	// names are the clusters that are to be changed, each of them once.
	names []string
	// several is true when they are in several namespaces, or may be.
	several bool
	// operator is true when it is the operator that is to be changed.
	operator bool
	verb     string
	dryRun   dryRun
	output   objectFormat
	yes      bool
	wait     bool
	// settle is whether to wait for the endpoints of the pods as well, and unsettled what came of it.
	settle    bool
	unsettled rollout.Unsettled
	timeout   time.Duration
	// left is true when a change that failed could not be put back completely.
	left bool
	// proving looks at a change that was made and verified; its error undoes the change. Nil looks at nothing.
	proving func(context.Context, change.Proposal) error
	// lost is what could not be printed of a change that was made.
	lost error
	// timers are what the change ends with by itself, and running what was made of them.
	timers  []timer.Spec
	running []runningTimer
	// now is the time by the server's clock when the change was made.
	now time.Time
	// logged is what the record of the change says besides its steps; nil keeps none.
	logged *change.Record
	// served is true when the server's kinds were looked at.
	served bool
	// answers is what somebody types, of which a reader may have taken more than one line.
	answers *bufio.Reader
}

func newChangeOptions(globals *kit.Globals, verb string) changeOptions {
	return changeOptions{
		IOStreams: globals.IOStreams, source: kit.Source{Globals: globals},
		verb: verb, dryRun: dryRunNone, wait: true, timeout: time.Minute,
	}
}

func (o *changeOptions) addFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	kit.EnumVarP(cmd, flags, &o.dryRun, "dry-run", "", "Show what would be done; with server, let the server check it",
		dryRunNone, dryRunClient, dryRunServer)
	kit.EnumVarP(cmd, flags, &o.output, "output", "o", "Print the policies instead of the preview", formatYAML, formatJSON, formatName)
	flags.BoolVarP(&o.yes, "yes", "y", false, "Do not ask; needed when stdin is no terminal")
	flags.BoolVar(&o.wait, "wait", o.wait, "Wait until Cilium has accepted the policies, and verify the result")
	flags.DurationVar(&o.timeout, "timeout", o.timeout, "How long to wait for Cilium")
}

// complete takes the arguments.
func (o *changeOptions) complete(args []string) { o.names = kit.Unique(args) }

// validate finds flags that need another one, and values that can't be. All that is wrong is reported.
func (o *changeOptions) validate() error {
	var errs []error
	if o.source.Offline() && o.dryRun != dryRunClient {
		errs = append(errs, kit.UsageErrorf("--filename evaluates manifests and changes nothing: use it with --dry-run=client"))
	}
	if o.timeout <= 0 {
		errs = append(errs, kit.UsageErrorf("--timeout %s: must be longer than nothing; --wait=false does not wait", o.timeout))
	}
	errs = append(errs, o.source.Files.Validate())
	return errors.Join(errs...)
}

// world is an inventory with its model: what a change is judged by.
type world struct {
	inv   *inventory.Inventory
	model *model.Model
}

// look reads the world. All clusters of the namespace are in it, because a change for one can
// concern the others; with an empty one, which only manifests have, all clusters that there are.
func look(ctx context.Context, source *kit.Source, namespace string) (world, error) {
	inv, err := source.Collect(ctx, namespace, nil)
	if err != nil {
		return world{}, err
	}
	model, err := model.New(inv, model.Options{Namespace: namespace, OperatorNamespace: source.OperatorNamespace})
	return world{inv, model}, err
}

// show prints the previews where they belong: to stdout as a result, to stderr when objects are
// the result.
func (o *changeOptions) show(p change.Proposal) error {
	if err := o.write(p); err != nil {
		return kit.LostOutput{Err: fmt.Errorf("nothing was changed, for the preview can't be written: %w", err)}
	}
	return nil
}

func (o *changeOptions) write(p change.Proposal) error {
	w := o.Out
	if o.output != formatNone {
		w = o.ErrOut
	}
	_, width := terminal.Detect(w)
	for i, one := range p.Previews {
		if i > 0 {
			if _, err := fmt.Fprintln(w); err != nil {
				return err
			}
		}
		if err := text.Preview(w, o.verb, one.Whole(), text.Options{Colors: o.source.Colors(w), Width: width}); err != nil {
			return err
		}
	}
	// What was done follows.
	_, err := fmt.Fprintln(w)
	return err
}

// confirm asks unless --yes was given. Declining is an answer, and exits with 1.
func (o *changeOptions) confirm() error {
	if o.yes {
		return nil
	}
	if !o.source.Interactive() {
		return kit.UsageErrorf("stdin is no terminal, so nobody can be asked: add --yes to go on without a question")
	}
	return o.ask(strings.ToUpper(o.verb[:1]) + o.verb[1:])
}

// ask puts a question, which everything but a yes declines.
func (o *changeOptions) ask(question string) error {
	fmt.Fprintf(o.ErrOut, "%s? [y/N] ", question)
	if o.answers == nil {
		o.answers = bufio.NewReader(o.In)
	}
	answer, err := o.answers.ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return kit.AnswerNo(errors.New("declined: nothing was changed"))
}

func compareKeys(a, b types.NamespacedName) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}
