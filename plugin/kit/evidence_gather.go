package kit

import (
	"context"
	"errors"
	"path/filepath"
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/observe"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/observe/recorded"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/observe/sessions"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/observe/specs"
)

// Gather is what there is about a cluster. What can't be had is in the coverage; the error is about a file that
// was named and can't be read, or a ctx that is done.
func (e *Evidence) Gather(ctx context.Context, inv *inventory.Inventory, cluster types.NamespacedName) (observe.Evidence, error) {
	if e.quiet {
		return e.glance(ctx, inv, cluster)
	}
	sessions, err := e.sessions(ctx, inv, cluster)
	if err != nil {
		return sessions, err
	}
	flows, err := e.flowsOf(ctx, inv, cluster)
	if err != nil {
		return sessions, err
	}
	references, err := e.references(ctx, inv, cluster)
	return sessions.Add(flows).Add(references), err
}

// progress is the line on what is being asked; a glance has one for all, and a screen has none.
func (e *Evidence) progress() *Progress {
	if e.quiet || e.watched {
		return &Progress{}
	}
	return e.source.Progress()
}

// notWanted is evidence that --evidence leaves out.
func notWanted(kind v1alpha1.EvidenceKind) observe.Evidence {
	return missing(kind, "not looked at: --evidence leaves it out", command.Text{})
}

func missing(kind v1alpha1.EvidenceKind, why string, remedy command.Text) observe.Evidence {
	return observe.Evidence{Coverage: []observe.Coverage{{Kind: kind, Missing: why, Remedy: remedy}}}
}

// sessions are those that are open now.
func (e *Evidence) sessions(ctx context.Context, inv *inventory.Inventory, cluster types.NamespacedName) (observe.Evidence, error) {
	switch {
	case !e.wants(v1alpha1.EvidenceSessions):
		return notWanted(v1alpha1.EvidenceSessions), nil
	case e.source.Offline():
		return missing(v1alpha1.EvidenceSessions, "not looked at: manifests have none", command.Text{}), nil
	}
	config, err := e.source.RESTConfig()
	if err != nil {
		return observe.Evidence{}, err
	}
	clients, err := e.source.Clients()
	if err != nil {
		return observe.Evidence{}, err
	}
	progress := e.progress()
	defer progress.Stop()
	progress.Update("asking the database who is connected")
	patience := sessionsPatience
	if e.quiet {
		patience = glancePatience
	}
	return sessions.Read(ctx, sessions.OnCluster(config, clients.Kubernetes), inv, cluster, sessions.Options{Now: e.now, Patience: patience})
}

// flowsOf are recorded flows where there are any, and what Hubble's relay has otherwise.
func (e *Evidence) flowsOf(ctx context.Context, inv *inventory.Inventory, cluster types.NamespacedName) (observe.Evidence, error) {
	if !e.wants(v1alpha1.EvidenceFlows) {
		return notWanted(v1alpha1.EvidenceFlows), nil
	}
	var out observe.Evidence
	var err error
	if len(e.flows) > 0 {
		if out, err = e.recorded(ctx, inv, cluster); err != nil || e.hubble.server == "" {
			return out, err
		}
	}
	if e.source.Offline() && e.hubble.server == "" {
		return missing(v1alpha1.EvidenceFlows, "not looked at", recordSome()), nil
	}
	live, err := e.relay(ctx, inv, cluster)
	return out.Add(live), err
}

// recordSome says how to have flows without a relay at hand.
func recordSome() command.Text {
	return command.Words("Record some with Hubble, and name the file with --flows:").Run(
		command.Line{Program: []string{"hubble", "observe"}, Words: []string{"--follow", "--to-port", "5432", "-o", "jsonpb"}})
}

// recorded are the flows of all files.
func (e *Evidence) recorded(ctx context.Context, inv *inventory.Inventory, cluster types.NamespacedName) (observe.Evidence, error) {
	progress := e.progress()
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

// configMapKind is the kind of manifests that specs refer to.
const configMapKind = "ConfigMap"

// references are those in the specs of workloads.
func (e *Evidence) references(ctx context.Context, inv *inventory.Inventory, cluster types.NamespacedName) (observe.Evidence, error) {
	if !e.wants(v1alpha1.EvidenceReferences) {
		return notWanted(v1alpha1.EvidenceReferences), nil
	}
	names := observe.NamesOf(inv, cluster)
	known := observe.Evidence{References: slices.Concat(names.OfClusters(inv.Clusters), observe.OfMonitors(inv, cluster))}
	if !e.source.Offline() {
		clients, err := e.source.Clients()
		if err != nil {
			return observe.Evidence{}, err
		}
		progress := e.progress()
		defer progress.Stop()
		progress.Update("reading the specs of workloads")
		out, err := specs.Read(ctx, clients.Kubernetes, names, inv, cluster.Namespace)
		return out.Add(known), err
	}
	coverage := observe.Coverage{Kind: v1alpha1.EvidenceReferences, Source: specs.Source + " in the manifests"}
	out := known
	for _, m := range e.manifests {
		if m.kind == configMapKind {
			if err := names.AddConfigMapManifest(m.raw, m.namespace); err != nil {
				coverage.Missing = err.Error()
			}
		}
	}
	for _, m := range e.manifests {
		if m.kind == configMapKind {
			continue
		}
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
