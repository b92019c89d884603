// Package model is an inventory that Cilium's engine can be asked about: who is who, and what each of
// them looks like to the others. Its terms are those of the packages above it:
//
//   - A cluster is a CloudNativePG cluster, and a member is one of its pods: an instance, a pooler or a job.
//   - An identity is what Cilium's policies can tell apart: pods with equal labels, or an entity such as the
//     world or a host.
//   - A peer is an identity with the pods behind it: somebody who may want to connect. Strangers are those
//     of its pods that are no members of a cluster.
//   - An end is one pod of a connection, with what the agents at work take it for.
//   - A target is a port of some of a cluster's pods: something that clients connect to.
//   - Outside are the identities that are no pods: the world and the parts of it that policies name,
//     hosts, the API server.
//   - A ghost is an operator that policies name and that does not exist.
//
// A model is asked for verdicts between ends and targets. What they mean for a cluster is never decided
// here, and nothing here knows who asks.
package model
