// Package observe has who really connects to databases, as values: connections that were seen, sessions that
// are open, and references in the specs of workloads, each with what it covers and what it can't see. It reads
// what Hubble has recorded line by line, and asks nobody: files, servers and clocks are the callers', and
// what policies say about a client is package clients' to find out.
package observe
