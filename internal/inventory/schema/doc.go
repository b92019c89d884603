// Package schema holds the API server's rules for the kinds that matter here, so that a manifest is
// judged as the server would: which fields it drops, and what it refuses. The rules are those of the
// kinds' own CustomResourceDefinitions, in the versions that this program is built with; those of
// NetworkPolicy, which has none, are written down here. Nothing here decides what a policy does.
package schema

//go:generate go run ./generate kinds
