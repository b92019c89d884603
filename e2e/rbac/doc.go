// Package rbac holds the ClusterRoles that the README refers to, and a test that the commands
// work with exactly these permissions.
package rbac
