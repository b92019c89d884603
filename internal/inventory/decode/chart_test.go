package decode

import "testing"

func TestOperatorFromChart(t *testing.T) {
	for name, tc := range map[string]struct {
		apiVersion, kind, object string
		// want is namespace, label and how it was found; empty for no operator.
		want string
	}{
		"HelmRelease": {"helm.toolkit.fluxcd.io/v2", "HelmRelease",
			"{metadata: {name: cnpg, namespace: databases}, spec: {chart: {spec: {chart: cloudnative-pg}}}}", "databases cloudnative-pg HelmRelease databases/cnpg"},
		"into another namespace, under another name": {"helm.toolkit.fluxcd.io/v2", "HelmRelease",
			"{metadata: {name: cnpg, namespace: flux}, spec: {targetNamespace: pg, chart: {spec: {chart: cloudnative-pg}}, values: {nameOverride: operator}}}", "pg operator HelmRelease flux/cnpg"},
		"another chart": {"helm.toolkit.fluxcd.io/v2", "HelmRelease", "{metadata: {name: x}, spec: {chart: {spec: {chart: cluster}}}}", ""},
		"Application": {"argoproj.io/v1alpha1", "Application",
			"{metadata: {name: cnpg, namespace: argocd}, spec: {destination: {namespace: cnpg}, source: {chart: cloudnative-pg}}}", "cnpg cloudnative-pg Application argocd/cnpg"},
		"one of several sources": {"argoproj.io/v1alpha1", "Application",
			"{metadata: {name: cnpg, namespace: argocd}, spec: {destination: {namespace: cnpg}, sources: [{repoURL: x}, {chart: charts/cloudnative-pg, helm: {valuesObject: {nameOverride: op}}}]}}", "cnpg op Application argocd/cnpg"},
		"no namespace is named": {"argoproj.io/v1alpha1", "Application", "{metadata: {name: cnpg}, spec: {source: {chart: cloudnative-pg}}}", ""},
		"HelmChart": {"helm.cattle.io/v1", "HelmChart",
			"{metadata: {name: cnpg, namespace: kube-system}, spec: {chart: cloudnative-pg, targetNamespace: cnpg}}", "cnpg cloudnative-pg HelmChart kube-system/cnpg"},
		"OLM":                   {"operators.coreos.com/v1alpha1", "Subscription", "{metadata: {name: cnpg, namespace: operators}, spec: {name: cloudnative-pg}}", "operators cloudnative-pg Subscription operators/cnpg"},
		"PostgreSQL's":          {"postgresql.cnpg.io/v1", "Subscription", "{metadata: {name: cloudnative-pg}, spec: {name: cloudnative-pg}}", ""},
		"somebody else's kind":  {"example.com/v1", "HelmRelease", "{spec: {chart: {spec: {chart: cloudnative-pg}}}}", ""},
		"not what it should be": {"helm.toolkit.fluxcd.io/v2", "HelmRelease", "{metadata: {name: x}, spec: {chart: [1]}}", ""},
	} {
		t.Run(name, func(t *testing.T) {
			o, ok := OperatorFromChart(tc.apiVersion, tc.kind, fromYAML(t, tc.object), "default")
			got := o.Namespace + " " + o.PodLabels["app.kubernetes.io/name"] + " " + o.FoundBy
			if ok != (tc.want != "") || ok && got != tc.want {
				t.Errorf("got %q, %t, want %q", got, ok, tc.want)
			}
		})
	}
}
