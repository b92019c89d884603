// Package change computes what a change of policies would do to clusters and their neighbours, before
// anything is done. It never carries a change out.
package change
