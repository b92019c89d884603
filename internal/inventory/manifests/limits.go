package manifests

import (
	"errors"
	"fmt"
	"io"
)

// Limits of what is read, so that memory stays bounded whatever comes.
const (
	// MaxDocument is the size in bytes of the largest document, a list of objects in YAML included; of one in JSON, the
	// items are read one by one. An API server takes no object of more than 3 MB; a list of all pods of a large cluster
	// has tens of megabytes.
	MaxDocument = 100 << 20
	// MaxInput is how many bytes are read of one file, or of the standard input.
	MaxInput = 2 << 30
	// MaxProblems is how many problems are told one by one.
	MaxProblems = 100
	// maxDepth is how far Lists may hold Lists.
	maxDepth = 8
)

var (
	errDocumentTooLarge = fmt.Errorf("a document is larger than %d MB, or this is no text: nothing of it and what follows was read", MaxDocument>>20)
	errInputTooLarge    = fmt.Errorf("more than %d MB: the rest was not read", MaxInput>>20)
)

// limited is a reader that fails when a document or the input is too large.
type limited struct {
	from io.Reader
	// document is what may still be read of the current document, and input of everything.
	document, input int64
}

func newLimited(from io.Reader) *limited {
	return &limited{from: from, document: MaxDocument, input: MaxInput}
}

// next begins a new document.
func (l *limited) next() { l.document = MaxDocument }

// Read implements io.Reader.
func (l *limited) Read(p []byte) (int, error) {
	switch {
	case l.input <= 0:
		return 0, errInputTooLarge
	case l.document <= 0:
		return 0, errDocumentTooLarge
	}
	p = p[:min(int64(len(p)), l.document, l.input)]
	n, err := l.from.Read(p)
	l.document, l.input = l.document-int64(n), l.input-int64(n)
	return n, err
}

// tooLarge is true for errors after which there is no point in reading on.
func tooLarge(err error) bool {
	return errors.Is(err, errDocumentTooLarge) || errors.Is(err, errInputTooLarge)
}
