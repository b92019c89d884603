// Package decode turns one raw JSON object, from a file or from the API server, into a value of
// package inventory. An object that cannot be read says so itself and never hides another one.
// Nothing here reads a file or talks to a server.
package decode
