// Package repository finds out what a folder of a Git repository holds: manifests, kustomizations and what
// they are made of, charts, and what Flux and Argo CD make of them. It builds kustomizations in the process, as
// kubectl kustomize does, from files alone: nothing here runs a command, reaches the network, or decodes a policy.
package repository
