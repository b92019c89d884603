package manifests

import "io"

// Document is one document of a file that is none of the manifests, read as these are: with the same limits, JSON
// or YAML, whatever its encoding.
type Document struct {
	// Number counts from one; documents without content are not counted.
	Number int
	// JSON is the document. It is nil with an Err, and Text is what was read then.
	JSON, Text []byte
	// Twice are sentences about the keys that it has twice.
	Twice []string
	// Err says why it can't be read.
	Err error
}

// Documents are those of a file or a stream, in their order.
func Documents(from io.Reader) ([]Document, error) {
	var all []Document
	err := documents(from, func(d document) error {
		all = append(all, Document{Number: d.number, JSON: d.raw, Text: d.text, Twice: d.twice, Err: d.err})
		return nil
	})
	return all, err
}
