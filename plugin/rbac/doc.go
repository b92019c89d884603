// Package rbac is the verb rbac, and holds the ClusterRoles that it prints. Package e2e/rbac tests that
// the other verbs work with exactly these permissions.
package rbac
