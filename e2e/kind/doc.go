// Package kind proves the plugin's verdicts with real connections: a kind cluster with Cilium,
// CloudNativePG and PostgreSQL, and the built plugin as kubectl finds it on PATH. It has tests only,
// behind the build tag e2e; README.md says how to run them.
//
// The tests are one sequence over one cluster. Each group begins without any policy; in a group, a
// case may build on the one before it, so the first failure ends the group.
package kind
