// Package standin writes what the programs would write that do not run beside a test server: the
// kubelet (a pod's status), Cilium's agent (CiliumEndpoint, CiliumIdentity), Cilium's operator (the
// condition Valid of a policy) and Cilium's installation (the ConfigMap cilium-config). It never
// does anything for the plugin under test: what it writes looks as on a live cluster.
package standin
