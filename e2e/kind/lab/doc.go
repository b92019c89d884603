// Package lab makes the Kubernetes cluster that the end-to-end suite runs on: kind as a library,
// Cilium from its chart, CloudNativePG from its manifest. It knows nothing about the plugin.
package lab
