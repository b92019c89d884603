// Package terminal is what writing to a terminal needs: making untrusted text harmless, colors
// that can be switched off, the width of text, and wrapping. It knows nothing about policies, and
// the environment is handed to it as values except in Detect.
package terminal
