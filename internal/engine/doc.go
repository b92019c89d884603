// Package engine asks Cilium's own policy engine: policies in, identities in, verdicts out, each
// with the policies that decided it. It never decides anything itself: when Cilium's engine can't
// answer, the verdict is unknown, with the reason.
//
// It works on identities. Pods with equal identity labels are one identity, so a thousand equal
// pods cost one evaluation.
//
// Cilium's engine reads the agent's configuration from package variables. They are set in one
// place, settings.go, under a lock, so that engines with different settings can live in one process.
package engine
