// Package rollout carries out plans on a server: it waits for Cilium, keeps a journal of what was done, and puts back
// what was there when a step fails, by running the journal backwards.
//
// It changes exactly the objects that a plan has seen, and decides nothing: what is done, and in which order, is
// package change's.
package rollout
