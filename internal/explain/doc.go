// Package explain answers one question: may this source connect to this cluster, and which rules decide
// it? It reads sources, finds their identities in a model, and never proposes a change.
package explain
