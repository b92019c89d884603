package kit

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/observe"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/observe/hubble"
)

// relayPatience is how long Hubble's relay may take to tell what it has.
const relayPatience = 30 * time.Second

// relayName is what the coverage calls the relay.
const relayName = "Hubble's relay"

// hubbleFlags are the flags about Hubble's relay.
type hubbleFlags struct {
	server string
	tls    hubble.TLS
	watch  time.Duration
}

func (h *hubbleFlags) addFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&h.server, "hubble-server", "", "Address of Hubble's relay, HOST:PORT; without it, its pod is reached through the API server")
	flags.BoolVar(&h.tls.Use, "hubble-tls", false, "Speak TLS with Hubble's relay")
	flags.StringVar(&h.tls.CAFile, "hubble-tls-ca-file", "", "Certificates by which Hubble's relay is known, in PEM")
	_ = cmd.MarkFlagFilename("hubble-tls-ca-file", "pem", "crt")
	flags.StringVar(&h.tls.ServerName, "hubble-tls-server-name", "", "Name in the certificate of Hubble's relay")
	flags.DurationVar(&h.watch, "for", 0, "Go on watching the relay's flows for this long")
}

// validate finds flags that need another one.
func (h *hubbleFlags) validate(offline bool) error {
	var errs []error
	if (h.tls.CAFile != "" || h.tls.ServerName != "") && !h.tls.Use {
		errs = append(errs, UsageErrorf("--hubble-tls-ca-file and --hubble-tls-server-name need --hubble-tls"))
	}
	if h.watch < 0 {
		errs = append(errs, UsageErrorf("--for %s: must not be negative", h.watch))
	}
	if offline && h.server == "" && (h.watch > 0 || h.tls.Use) {
		errs = append(errs, UsageErrorf("--for and --hubble-tls are about Hubble's relay, which manifests have none of: add --hubble-server"))
	}
	return errors.Join(errs...)
}

// relay is what Hubble's relay has seen.
func (e *Evidence) relay(ctx context.Context, inv *inventory.Inventory, cluster types.NamespacedName) (observe.Evidence, error) {
	progress := e.progress()
	defer progress.Stop()
	progress.Update("asking Hubble's relay")
	flows := observe.NewFlows(observe.MembersOf(inv, cluster), relayName, e.from)
	problem, remedy, err := e.askRelay(ctx, inv, cluster, flows)
	if err != nil {
		return observe.Evidence{}, err
	}
	return withProblem(flows.Evidence(), problem, remedy), nil
}

// withProblem is what a relay has told, with why not all of it is there.
func withProblem(out observe.Evidence, problem string, remedy command.Text) observe.Evidence {
	c := &out.Coverage[0]
	c.Missing, c.Remedy = problem, remedy
	if problem != "" && c.Events == 0 {
		c.Source = ""
	}
	return out
}

// askRelay gives flows what the relay says. The problem says why not all of it is there. The error is that of a ctx that is
// done, and of a file that was named and can't be read.
func (e *Evidence) askRelay(ctx context.Context, inv *inventory.Inventory, cluster types.NamespacedName, flows hubble.Sink) (problem string, remedy command.Text, _ error) {
	patience := relayPatience
	if e.quiet {
		patience = glancePatience
	}
	return e.tell(ctx, inv, flows, hubble.Options{Namespace: cluster.Namespace, Since: e.from, For: e.hubble.watch, Patience: patience})
}

// tell gives flows what a relay says that has to be reached first.
func (e *Evidence) tell(ctx context.Context, inv *inventory.Inventory, flows hubble.Sink, o hubble.Options) (problem string, remedy command.Text, _ error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // The port-forward ends with it.
	address, useTLS := e.hubble.server, e.hubble.tls
	if address == "" {
		pod, wantsTLS, err := hubble.Relay(inv)
		switch {
		case err != nil:
			return "not looked at: " + err.Error(), recordSome(), nil
		case wantsTLS && !useTLS.Use:
			return "not looked at: Hubble's relay speaks TLS", command.Words("Name the certificates by which it is known: --hubble-tls --hubble-tls-ca-file FILE."), nil
		}
		if address, err = e.forward(ctx, pod); err != nil {
			if ctx.Err() != nil {
				return "", remedy, context.Cause(ctx)
			}
			// What the server says when it refuses a stream is no status that could be told apart.
			if apierrors.IsForbidden(err) || strings.Contains(err.Error(), "is forbidden: ") {
				return "not looked at: to reach Hubble's relay by a port-forward is forbidden", command.Words("The role that lets one do that:").Run(command.Plugin("rbac", "observe")), nil
			}
			return "not looked at: no port-forward to Hubble's relay: " + singleText(err), recordSome(), nil
		}
	}
	conn, err := hubble.Connect(address, useTLS)
	if err != nil {
		return "", remedy, err
	}
	defer func() { _ = conn.Close() }()
	problem, err = hubble.Read(ctx, conn, flows, o)
	return problem, remedy, err
}

func (e *Evidence) forward(ctx context.Context, pod *inventory.Pod) (string, error) {
	config, err := e.source.RESTConfig()
	if err != nil {
		return "", err
	}
	clients, err := e.source.Clients()
	if err != nil {
		return "", err
	}
	return hubble.Forward(ctx, config, clients.Kubernetes, pod)
}

// singleText is an error on one line.
func singleText(err error) string {
	for _, line := range ErrorLines(err) {
		return line
	}
	return "unknown"
}
