//go:build !linux

package main

// endChildren does nothing where a process is not told of its children: on a terminal, an interruption reaches
// them as well.
func endChildren() {}
