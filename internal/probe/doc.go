// Package probe holds proofs of verdicts on the data path, as values: which connections are to be tried with whose
// identity, the pods that try them, and what their results say about the engine's verdicts. A twin is a pod that has the
// labels and the ServiceAccount by which Cilium knows a client, and nothing else of it: no traffic, no token, no owner
// that could take it for its own.
//
// Nothing here talks to a server: package twins carries a plan out.
package probe
