package repository

import "errors"

// Limits of what is read. A repository beyond them is no repository of manifests, or means harm; whoever has one
// can name the folders that matter.
const (
	// MaxFiles is the largest number of files and folders that are looked at below one folder.
	MaxFiles = 200_000
	// MaxDepth is how many folders may be within each other.
	MaxDepth = 64
	// MaxFile is the size in bytes of the largest file that a kustomization may be built from, and of the largest
	// one that is searched for objects without being named.
	MaxFile = 64 << 20
	// MaxBuildReads is how many files a build may read, counting those that it reads again: a kustomization that
	// includes two others, which include two others each, reads twice as many at every step.
	MaxBuildReads = 20_000
	// MaxBuildBytes is how many bytes a build may read, counted alike.
	MaxBuildBytes = 256 << 20
)

var (
	errTooManyFiles = errors.New("holds more files than are looked at: name the folders that matter")
	errTooDeep      = errors.New("has folders within folders beyond all measure: name the folders that matter")
)
