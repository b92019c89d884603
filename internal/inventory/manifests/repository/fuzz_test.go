package repository

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func FuzzRead(f *testing.F) {
	f.Add(`{"metadata":{"name":"a"},"spec":{"path":"./x","postBuild":{"substitute":{"a":"b"}},"targetNamespace":"n"}}`)
	f.Add(`{"metadata":{"name":"a"},"spec":{"sources":[{"path":"x"},{"chart":"c"},{"ref":"r"}],"destination":{"namespace":"n"}}}`)
	f.Add(`{"metadata":{"name":"a"},"spec":{"chart":{"spec":{"chart":"./c","sourceRef":{"kind":"GitRepository"}}}}}`)
	f.Fuzz(func(t *testing.T, text string) {
		for _, of := range [][2]string{
			{"kustomize.toolkit.fluxcd.io/v1", "Kustomization"}, {"helm.toolkit.fluxcd.io/v2", "HelmRelease"},
			{"argoproj.io/v1alpha1", "Application"}, {"argoproj.io/v1alpha1", "ApplicationSet"},
		} {
			i, ok := Read(of[0], of[1], []byte(text), "default")
			if ok && i.By == "" {
				t.Errorf("%s: nobody says so", of[1])
			}
		}
	})
}

// Whatever a kustomization says, nothing but the files is looked at, and a build ends.
func FuzzBuild(f *testing.F) {
	f.Add("resources: [p.yaml]\nnamespace: n\n")
	f.Add("resources: ['https://127.0.0.1:1/x?ref=y', p.yaml]\npatches: [{path: p.yaml}]\n")
	f.Add("generators: [p.yaml]\ncommonLabels: {a: b}\nbases: [.]\n")
	f.Add("configMapGenerator: [{name: a, files: [b=p.yaml], envs: [p.yaml]}]\nreplacements: [{path: p.yaml}]\n")
	f.Fuzz(func(t *testing.T, text string) {
		dir := t.TempDir()
		for name, content := range map[string]string{
			"kustomization.yaml": text, "p.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n",
		} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		_, err := Build(ctx, dir, Overrides{Namespace: "x"})
		if ctx.Err() != nil {
			t.Errorf("no end: %v", err)
		}
	})
}
