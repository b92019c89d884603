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
	// MaxBuildReads is how many files a build may read, counting those that it reads again.
	MaxBuildReads = 20_000
	// MaxIncluded is how often a build may include the same kustomization: one that includes two others, which include
	// the same two each, takes twice as long at every step.
	MaxIncluded = 256
	// MaxBuildBytes is how many bytes a build may read, counted alike.
	MaxBuildBytes = 256 << 20
)

var (
	errTooManyFiles = errors.New("holds more files than are looked at: name the folders that matter")
	errTooDeep      = errors.New("has folders within folders beyond all measure: name the folders that matter")
)
