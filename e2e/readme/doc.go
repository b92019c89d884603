// Package readme runs the commands of README.md and of pages in plugin/docs, word for word and from the first to the
// last, as a newcomer would who has a cluster: the test control plane with the shop of the demo in it. It has
// tests only.
//
// In a document, an "sh" block is a script that is run in a clone of the repository. In a "console"
// block, lines that begin with "$ " are commands, run in e2e/demo. Each must succeed; what console
// blocks print is compared by package demo. The first script installs the plugin, and all other
// blocks use what it has installed. Questions are answered with yes, on a terminal.
package readme
