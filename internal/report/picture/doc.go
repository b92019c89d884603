// Package picture draws who reaches a database through which policy: as a graph for Graphviz, as a
// flowchart for Mermaid, and as a page of HTML. All of them draw the same connections, which are read from the
// values of v1alpha1; what they look like is in tables by their kind. It takes values and writes to a
// stream, and judges nothing.
//
// Text in reports comes from a cluster or a file and is never trusted: it goes through terminal.Escape
// when a connection is made of it, and is then quoted for the language.
package picture
