// Package testserver starts a real Kubernetes API server with the custom resources of Cilium and
// CloudNativePG, for tests and for the live demo: etcd and kube-apiserver as controller-runtime's
// envtest runs them, and nothing else. No controller, scheduler, kubelet or agent runs: what they
// would write comes from package standin, and a deleted namespace stays in phase Terminating.
package testserver
