package manifests

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWhatDatabasesNeed(t *testing.T) {
	inv, err := load(t, `
apiVersion: v1
kind: Service
metadata: {name: minio, namespace: minio}
spec: {selector: {app: minio}, ports: [{port: 80, targetPort: api}]}
---
apiVersion: v1
kind: Endpoints
metadata: {name: kubernetes, namespace: default}
subsets: [{addresses: [{ip: 192.168.7.10}, {ip: 192.168.7.11}], ports: [{name: https, port: 6443}]}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: outside-x, namespace: web, labels: {kubernetes.io/service-name: outside}}
endpoints: [{addresses: [203.0.113.9]}]
---
apiVersion: postgresql.cnpg.io/v1
kind: Backup
metadata: {name: b1}
---
apiVersion: postgresql.cnpg.io/v1
kind: Subscription
metadata: {name: sub}
spec: {externalClusterName: src}
---
apiVersion: barmancloud.cnpg.io/v1
kind: ObjectStore
metadata: {name: store}
spec: {configuration: {endpointURL: https://objects.example.com}, instanceSidecarConfiguration: {env: [{name: AWS_REGION, value: eu-west-1}]}}
---
apiVersion: cilium.io/v2alpha1
kind: CiliumCIDRGroup
metadata: {name: lan}
spec: {externalCIDRs: [10.0.0.0/8]}
---
apiVersion: cilium.io/v2
kind: CiliumCIDRGroup
metadata: {name: lan}
spec: {externalCIDRs: [10.1.0.0/16]}
---
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata: {name: pg}
spec: {selector: {matchLabels: {cnpg.io/cluster: pg}}, namespaceSelector: {matchNames: [shop]}}
`)
	if err != nil {
		t.Fatal(err)
	}
	var slicesFound []string
	for _, s := range inv.EndpointSlices {
		for _, e := range s.Endpoints {
			slicesFound = append(slicesFound, s.Namespace+"/"+s.Labels["kubernetes.io/service-name"]+" "+strings.Join(e.Addresses, ","))
		}
	}
	if d := cmp.Diff([]string{"default/kubernetes 192.168.7.10", "default/kubernetes 192.168.7.11", "web/outside 203.0.113.9"}, slicesFound); d != "" {
		t.Error(d)
	}
	if len(inv.Services) != 1 || inv.Services[0].Spec.Ports[0].TargetPort.StrVal != "api" {
		t.Errorf("services %v", inv.Services)
	}
	if len(inv.Backups) != 1 || inv.Backups[0].Namespace != "default" || len(inv.Subscriptions) != 1 || inv.Subscriptions[0].Spec.ExternalClusterName != "src" {
		t.Errorf("backups %v, subscriptions %v", inv.Backups, inv.Subscriptions)
	}
	if len(inv.ObjectStores) != 1 || inv.ObjectStores[0].Spec.Configuration.EndpointURL != "https://objects.example.com" ||
		inv.ObjectStores[0].Spec.InstanceSidecarConfiguration.Env[0].Value != "eu-west-1" {
		t.Errorf("object stores %v", inv.ObjectStores)
	}
	if len(inv.CIDRGroups) != 1 || inv.CIDRGroups[0].Spec.ExternalCIDRs[0] != "10.1.0.0/16" {
		t.Errorf("groups %v: of two versions of an object the last one counts", inv.CIDRGroups)
	}
	if len(inv.Monitors) != 1 || inv.Monitors[0].Kind != "PodMonitor" || !slices.Equal(inv.Monitors[0].Spec.NamespaceSelector.MatchNames, []string{"shop"}) {
		t.Errorf("monitors %v", inv.Monitors)
	}
	if inv.AllServices || inv.AllCIDRGroups {
		t.Error("files never hold all of a kind")
	}
}

func TestWhatDatabasesNeedAndCannotBeRead(t *testing.T) {
	for _, object := range []string{
		"{apiVersion: v1, kind: Service, metadata: {name: s}, spec: []}",
		"{apiVersion: v1, kind: Endpoints, metadata: {name: s}, subsets: {}}",
		"{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: s}, endpoints: {}}",
		"{apiVersion: postgresql.cnpg.io/v1, kind: Backup, metadata: {name: s}, spec: []}",
		"{apiVersion: postgresql.cnpg.io/v1, kind: Subscription, metadata: {name: s}, spec: []}",
		"{apiVersion: barmancloud.cnpg.io/v1, kind: ObjectStore, metadata: {name: s}, spec: []}",
		"{apiVersion: cilium.io/v2, kind: CiliumCIDRGroup, metadata: {name: s}, spec: []}",
		"{apiVersion: monitoring.coreos.com/v1, kind: PodMonitor, metadata: {name: s}, spec: []}",
	} {
		if _, err := load(t, object); err == nil || !strings.Contains(err.Error(), "stdin document 1") {
			t.Errorf("%s: error %v", object, err)
		}
	}
}

func TestOperatorsThatAChartInstalls(t *testing.T) {
	const release = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: cnpg, namespace: databases}\nspec: {chart: {spec: {chart: cloudnative-pg}}}\n"
	const deployment = "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: op, namespace: infra}\nspec: {template: {metadata: {labels: {app: op}}, spec: {containers: [{image: ghcr.io/cloudnative-pg/cloudnative-pg:1.29.1}]}}}\n"
	for text, want := range map[string]string{release: "databases", release + deployment: "infra", deployment[4:]: "infra"} {
		inv, err := load(t, text)
		if err != nil {
			t.Fatal(err)
		}
		if len(inv.Operators) != 1 || inv.Operators[0].Namespace != want {
			t.Errorf("operators %v, want one in %q", inv.Operators, want)
		}
	}
}
