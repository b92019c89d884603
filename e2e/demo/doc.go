// Package demo shows the plugin at work, for users: "make demo" over the manifests in shop and
// document, "make demo-live" on the test control plane. It has shell scripts, manifests, and a test
// of what they print.
package demo
