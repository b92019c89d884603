package lab

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"time"
)

// OperatorNamespace is where CloudNativePG's manifest puts the operator.
const OperatorNamespace = "cnpg-system"

const operatorDeployment = "deployment/cnpg-controller-manager"

// canary is a Cluster that nobody keeps: it only asks whether the operator's webhooks answer.
const canary = `apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: canary, namespace: default}
spec: {instances: 1, storage: {size: 1Gi}}
`

func (l *Lab) installCNPG(ctx context.Context) error {
	return l.InstallCNPG(ctx, OperatorNamespace)
}

// InstallCNPG applies the operator's manifest, in a namespace of choice, and returns when its
// webhooks answer.
func (l *Lab) InstallCNPG(ctx context.Context, namespace string) error {
	manifest, err := fetch(ctx, l.Sources.CNPGManifest)
	if err != nil {
		return err
	}
	if err := l.Apply(ctx, inNamespace(manifest, namespace)); err != nil {
		return err
	}
	if err := l.available(ctx, namespace, operatorDeployment); err != nil {
		return err
	}
	return l.webhooksAnswer(ctx)
}

// UninstallCNPG removes the operator and leaves the databases alone: no custom resource definition
// goes, and a webhook that nobody answers does not stay.
func (l *Lab) UninstallCNPG(ctx context.Context, namespace string) error {
	err := l.run(ctx, nil, "delete", "--ignore-not-found",
		"mutatingwebhookconfiguration/cnpg-mutating-webhook-configuration",
		"validatingwebhookconfiguration/cnpg-validating-webhook-configuration")
	if err != nil {
		return err
	}
	return l.run(ctx, nil, "delete", "--ignore-not-found", "--timeout=5m", "namespace/"+namespace)
}

// inNamespace moves the manifest to another namespace.
func inNamespace(manifest []byte, namespace string) []byte {
	names := regexp.MustCompile(`\b` + regexp.QuoteMeta(OperatorNamespace) + `\b`)
	return names.ReplaceAll(bytes.Clone(manifest), []byte(namespace))
}

func (l *Lab) webhooksAnswer(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	for {
		_, err := l.Kubectl(ctx, []byte(canary), "create", "--dry-run=server", "-f", "-")
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the operator's webhooks do not answer: %w", err)
		case <-time.After(time.Second):
		}
	}
}
