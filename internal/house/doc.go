// Package house holds the test of the order of this repository: what the map in CONTRIBUTING.md says
// lives where, what the linter's import rules allow there, and what the folders and their imports
// are. It has tests only.
package house
