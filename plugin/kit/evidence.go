package kit

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/observe"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/observe/recorded"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/observe/specs"
)

// Evidence gathers who uses databases, for the verbs that say so.
type Evidence struct {
	source *Source
	// flows are files of recorded flows, and since is what to look back to, as it was written.
	flows []string
	since string
	// from is the time that since means; zero for all.
	from time.Time
	// manifests are the specs of workloads that were read from files.
	manifests []manifest
}

// manifest is an object that was read.
type manifest struct {
	kind, namespace string
	raw             []byte
}

// NewEvidence gathers evidence from what the source reads.
func NewEvidence(source *Source) *Evidence { return &Evidence{source: source} }

// AddFlags adds the flags that say where evidence comes from.
func (e *Evidence) AddFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&e.flows, "flows", nil,
		"Recorded flows: a file with what 'hubble observe -o jsonpb' or Cilium's exporter has written, gzipped or not, or - for stdin (repeatable)")
	_ = cmd.MarkFlagFilename("flows", "json", "jsonl", "gz", "log")
	flags.StringVar(&e.since, "since", "", "Leave out flows before this: a duration (2h), or a time (2026-01-02T15:04:05Z)")
}

// Given is true when a flag says where evidence comes from.
func (e *Evidence) Given() bool { return len(e.flows) > 0 }

// Complete reads the flags; now is the time. All that is wrong is reported.
func (e *Evidence) Complete(now time.Time) error {
	var errs []error
	if slices.Contains(e.flows, "") {
		errs = append(errs, UsageErrorf("--flows must be a file, or - for stdin, and not an empty name"))
	}
	stdin := 0
	for _, name := range slices.Concat(e.flows, e.source.Files.Filenames) {
		if name == "-" {
			stdin++
		}
	}
	if stdin > 1 && slices.Contains(e.flows, "-") {
		errs = append(errs, UsageErrorf("stdin can be read once, and more than one of --flows and --filename is -"))
	}
	var err error
	if e.from, err = sinceOf(e.since, now); err != nil {
		errs = append(errs, UsageError{Err: err})
	}
	if e.source.Offline() {
		e.source.Spec = func(kind string, raw []byte, namespace string) {
			e.manifests = append(e.manifests, manifest{kind, namespace, raw})
		}
	}
	return errors.Join(errs...)
}

// sinceOf is the time that --since means.
func sinceOf(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if duration, err := time.ParseDuration(text); err == nil {
		if duration <= 0 {
			return time.Time{}, fmt.Errorf("--since %s: must be longer than nothing", text)
		}
		return now.Add(-duration), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("--since %q is neither a duration as in 2h, nor a time as in 2026-01-02T15:04:05Z", text)
	}
	return at, nil
}

// Gather is what there is about a cluster. What can't be had is in the coverage; the error is about a file that
// was named and can't be read, or a ctx that is done.
func (e *Evidence) Gather(ctx context.Context, inv *inventory.Inventory, cluster types.NamespacedName) (observe.Evidence, error) {
	out := e.sessions()
	flows, err := e.recorded(ctx, inv, cluster)
	if err != nil {
		return out, err
	}
	references, err := e.references(ctx, inv, cluster)
	return out.Add(flows).Add(references), err
}

func missing(kind v1alpha1.EvidenceKind, why string, remedy command.Text) observe.Evidence {
	return observe.Evidence{Coverage: []observe.Coverage{{Kind: kind, Missing: why, Remedy: remedy}}}
}

// sessions are those that are open now.
func (e *Evidence) sessions() observe.Evidence {
	why := "not looked at"
	if e.source.Offline() {
		why += ": manifests have none"
	}
	return missing(v1alpha1.EvidenceSessions, why, command.Text{})
}

// recorded are the flows of all files.
func (e *Evidence) recorded(ctx context.Context, inv *inventory.Inventory, cluster types.NamespacedName) (observe.Evidence, error) {
	if len(e.flows) == 0 {
		return missing(v1alpha1.EvidenceFlows, "not looked at", command.Words(
			"Record some with Hubble, and name the file with --flows:").Run(
			command.Line{Program: []string{"hubble", "observe"}, Words: []string{"--follow", "--to-port", "5432", "-o", "jsonpb"}})), nil
	}
	progress := e.source.Progress()
	defer progress.Stop()
	members := observe.MembersOf(inv, cluster)
	var out observe.Evidence
	var errs []error
	for _, name := range e.flows {
		source := "stdin"
		if name != "-" {
			source = filepath.Base(name)
		}
		progress.Update("reading the flows of %s", source)
		flows := observe.NewFlows(members, source, e.from)
		if err := recorded.Read(ctx, name, e.source.In, flows); err != nil {
			errs = append(errs, err)
			continue
		}
		out = out.Add(flows.Evidence())
	}
	return out, errors.Join(errs...)
}

// references are those in the specs of workloads.
func (e *Evidence) references(ctx context.Context, inv *inventory.Inventory, cluster types.NamespacedName) (observe.Evidence, error) {
	names := observe.NamesOf(inv, cluster)
	if !e.source.Offline() {
		clients, err := e.source.Clients()
		if err != nil {
			return observe.Evidence{}, err
		}
		progress := e.source.Progress()
		defer progress.Stop()
		progress.Update("reading the specs of workloads")
		return specs.Read(ctx, clients.Kubernetes, names, inv, cluster.Namespace)
	}
	coverage := observe.Coverage{Kind: v1alpha1.EvidenceReferences, Source: specs.Source + " in the manifests"}
	var out observe.Evidence
	for _, m := range e.manifests {
		spec, connects, err := observe.SpecOf(m.kind, m.raw, m.namespace)
		switch {
		case err != nil:
			coverage.Missing = err.Error()
		case connects:
			out = out.Add(names.Evidence(spec))
		}
	}
	out.Coverage = []observe.Coverage{coverage}
	return out, nil
}
