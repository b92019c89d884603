// Package rbac tests that the commands work with exactly the permissions of the ClusterRoles that
// kubectl cnpg-netpol rbac prints.
package rbac
