package lab

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	kindcluster "sigs.k8s.io/kind/pkg/cluster"
)

// Lab is a kind cluster that this package makes.
type Lab struct {
	Sources Sources
	// Kubeconfig is the file with an administrator's access to it.
	Kubeconfig string
	// Log is told what is being done.
	Log func(format string, arguments ...any)
}

// New returns the lab of these sources; its kubeconfig is in the folder.
func New(s Sources, folder string, log func(string, ...any)) *Lab {
	return &Lab{Sources: s, Kubeconfig: filepath.Join(folder, "kubeconfig"), Log: log}
}

// step tells how long something takes.
func (l *Lab) step(what string, do func() error) error {
	begun := time.Now()
	if err := do(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	l.Log("%s: %s", what, time.Since(begun).Round(time.Second))
	return nil
}

// Exists is true when there is a kind cluster of the lab's name.
func (l *Lab) Exists() (bool, error) {
	names, err := kindcluster.NewProvider().List()
	return slices.Contains(names, l.Sources.Name), err
}

// Up makes the cluster, from nothing to an operator that answers. It can run again on a cluster that
// is there: what is done already stays.
func (l *Lab) Up(ctx context.Context) error {
	exists, err := l.Exists()
	if err != nil {
		return fmt.Errorf("looking for kind clusters: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(l.Kubeconfig), 0o755); err != nil {
		return err
	}
	if !exists {
		err := l.step("kind cluster "+l.Sources.Name+" created from "+l.Sources.NodeImage, l.create)
		if err != nil {
			return err
		}
	} else if err := kindcluster.NewProvider().ExportKubeConfig(l.Sources.Name, l.Kubeconfig, false); err != nil {
		return err
	}
	for _, s := range []struct {
		what string
		do   func(context.Context) error
	}{
		{fmt.Sprintf("%d images loaded", len(l.Sources.Images)), l.loadImages},
		{"Cilium installed from " + filepath.Base(l.Sources.CiliumChart), l.installCilium},
		// CloudNativePG's webhooks are called by name.
		{"cluster DNS answers", func(ctx context.Context) error { return l.available(ctx, "kube-system", "deployment/coredns") }},
		{"Hubble's relay answers", l.awaitHubble},
		{"CloudNativePG installed from " + filepath.Base(l.Sources.CNPGManifest), l.installCNPG},
	} {
		if err := l.step(s.what, func() error { return s.do(ctx) }); err != nil {
			return err
		}
	}
	return nil
}

// Down deletes the cluster.
func (l *Lab) Down() error {
	return l.step("kind cluster "+l.Sources.Name+" deleted", func() error {
		return kindcluster.NewProvider().Delete(l.Sources.Name, l.Kubeconfig)
	})
}
