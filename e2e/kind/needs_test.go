//go:build e2e

package kind_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/e2e/kind/datapath"
)

// What instances may reach under the policies of this group.
const (
	itself    = `{toEndpoints: [{matchLabels: {cnpg.io/cluster: CLUSTER}}]}`
	itsDNS    = `{toEndpoints: [{matchLabels: {k8s-app: kube-dns, "k8s:io.kubernetes.pod.namespace": kube-system}}], toPorts: [{ports: [{port: "53", protocol: ANY}]}]}`
	apiServer = `{toEntities: [kube-apiserver]}`
)

// onlyTo is a policy that lets the pods of a cluster reach nothing else.
func onlyTo(cluster string, rules ...string) string {
	return strings.ReplaceAll(`apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: CLUSTER-egress, namespace: default}
spec:
  endpointSelector: {matchLabels: {cnpg.io/cluster: CLUSTER}}
  egress: [`+strings.Join(rules, ", ")+"]\n", "CLUSTER", cluster)
}

// needs takes away, one after the other, what a database needs to reach. status knows it at once, and what it
// prints repairs it.
func needs(t *testing.T, w *world) {
	const cluster = "cluster-example"
	w.applyFile(t, "store.yaml")
	w.kubectl(t, "-n", "backend", "wait", "--for=condition=Ready", "pod/store", "--timeout=10m")
	w.lockdown(t, cluster, "--allow-pods", "role=backend")

	w.it(t, "egress to the instances and to DNS alone cuts off the API server; status says so while the Cluster is called healthy", func(t *testing.T) {
		w.apply(t, onlyTo(cluster, itself, itsDNS))
		r := w.expectPosture(t, cluster, "BROKEN", "API_SERVER_BLOCKED")
		r.expectFlow(t, "api-server", denied, cluster+"-egress")
		r.expectFlow(t, "dns", allowed, cluster+"-egress")
		w.expectPhase(t, cluster, healthyPhase)
		w.expectReached(t, w.toAPIServer(t), denied)
		w.expectPhase(t, cluster, healthyPhase)

		w.repair(t, r, "API_SERVER_BLOCKED")
		w.expectReached(t, w.toAPIServer(t), allowed)
		w.expectPosture(t, cluster, "LOCKED").expectFlow(t, "api-server", allowed, cluster+"-egress")
		w.expectProven(t, labelledHere, theHost)
		w.waitHealthy(t, cluster, 2)
	})

	w.it(t, "egress without DNS: no instance resolves a name, and status says DNS_BLOCKED", func(t *testing.T) {
		w.apply(t, onlyTo(cluster, itself, apiServer))
		r := w.expectPosture(t, cluster, "BROKEN", "DNS_BLOCKED")
		w.expectReached(t, w.toName(t), denied)

		w.repair(t, r, "DNS_BLOCKED")
		w.expectReached(t, w.toName(t), allowed)
		w.expectPosture(t, cluster, "LOCKED")
		w.expectStreaming(t, 1)
	})

	w.it(t, "an object store as a pod: the port that counts is the pod's, and status says OBJECT_STORE_BLOCKED", func(t *testing.T) {
		w.kubectl(t, "patch", "clusters.postgresql.cnpg.io", cluster, "--type=merge", "-p", `{"spec":{"backup":{"barmanObjectStore":{
			"destinationPath":"s3://backups/","endpointURL":"http://store.backend:80",
			"s3Credentials":{"accessKeyId":{"name":"store","key":"id"},"secretAccessKey":{"name":"store","key":"key"}}}}}}`)
		t.Cleanup(func() {
			_, err := w.lab.Kubectl(context.WithoutCancel(t.Context()), nil, "patch", "clusters.postgresql.cnpg.io", cluster, "--type=merge", "-p", `{"spec":{"backup":null}}`)
			if err != nil {
				t.Error(err)
			}
		})
		w.apply(t, onlyTo(cluster, itself, apiServer, itsDNS, `{toEndpoints: [{matchLabels: {app: store, "k8s:io.kubernetes.pod.namespace": backend}}], toPorts: [{ports: [{port: "80", protocol: TCP}]}]}`))
		r := w.expectPosture(t, cluster, "BROKEN", "OBJECT_STORE_BLOCKED")
		w.expectReached(t, w.toStore(t), denied)
		w.tellArchiving(t, cluster)

		w.repair(t, r, "OBJECT_STORE_BLOCKED")
		w.expectReached(t, w.toStore(t), allowed)
		w.expectPosture(t, cluster, "LOCKED")
	})

	w.it(t, "an import from a locked database waits, and both reports say what it lacks; with the remedy it comes to its end", func(t *testing.T) {
		w.inDatabase(t, w.primary(t, cluster), "create table if not exists brought (what text); truncate brought; insert into brought values ('over'); grant all on brought to app")
		begun := time.Now()
		w.applyFile(t, "imported.yaml")
		t.Cleanup(func() {
			_, err := w.lab.Kubectl(context.WithoutCancel(t.Context()), nil, "delete", "clusters.postgresql.cnpg.io", "imported", "--wait")
			if err != nil {
				t.Error(err)
			}
		})
		w.expectImportDenied(t, "imported", begun)
		w.expectPosture(t, "imported", "BROKEN", "EXTERNAL_BLOCKED", "NO_DEFAULT_DENY")
		r := w.expectPosture(t, cluster, "BROKEN", "DEPENDANT_BLOCKED")

		w.repair(t, r, "DEPENDANT_BLOCKED")
		w.expectPosture(t, cluster, "LOCKED")
		w.waitHealthy(t, "imported", 1)
		if got := w.inDatabase(t, "imported-1", "select what from brought"); got != "over" {
			t.Errorf("the import brought %q", got)
		}
		t.Log("the import has come to its end: the table is there")
	})

	w.it(t, "an operator that can't reach the API server: the webhook goes, and status says WEBHOOK_BLOCKED", func(t *testing.T) {
		w.apply(t, `apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: operator-egress, namespace: cnpg-system}
spec:
  endpointSelector: {matchLabels: {app.kubernetes.io/name: cloudnative-pg}}
  egress: [{toEndpoints: [{matchLabels: {"k8s:io.kubernetes.pod.namespace": default}}]}, `+itsDNS+`]
`)
		t.Cleanup(func() {
			_, err := w.lab.Kubectl(context.WithoutCancel(t.Context()), nil, "-n", "cnpg-system", "delete", "ciliumnetworkpolicies", "operator-egress", "--ignore-not-found")
			if err != nil {
				t.Error(err)
			}
		})
		begun := time.Now()
		r := w.expectPosture(t, cluster, "BROKEN", "WEBHOOK_BLOCKED")
		w.expectPhase(t, cluster, healthyPhase)
		w.expectDenied(t, "the operator to the API server", datapath.Path{
			From: w.addresses(t, "", "app.kubernetes.io/name=cloudnative-pg"), To: w.nodeAddresses(t), Port: 6443,
		}, begun)
		took := eventually(t, func(ctx context.Context) error {
			if err := w.webhookAnswers(ctx, cluster); err == nil {
				return errors.New("the webhook still answers")
			}
			return nil
		})
		t.Logf("after %s nobody can change a Cluster: %v", took.Round(time.Second), w.webhookAnswers(t.Context(), cluster))

		w.repair(t, r, "WEBHOOK_BLOCKED")
		w.expectPosture(t, cluster, "LOCKED")
		eventually(t, func(ctx context.Context) error { return w.webhookAnswers(ctx, cluster) })
		w.expectOperatorSees(t, cluster)
	})
}
