package manifests

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"

	kjson "sigs.k8s.io/json"
)

// seen is an object as it was met first.
type seen struct {
	raw    []byte
	source string
	root   string
}

// twice is an object that is there twice, in two places that do not say the same.
type twice struct {
	key           objectKey
	first, second seen
}

// same notes an object by which postures may change, and whether it was there before with other content. Two roots that have the
// same database are two stages of it, whatever they say.
func (l *loader) same(key objectKey, raw []byte, source string, database bool) {
	now := seen{raw: raw, source: source, root: l.from.root}
	before, ok := l.first[key]
	if !ok {
		now.raw = bytes.Clone(raw) // Which may lie in a larger piece of text.
		l.first[key] = now
		return
	}
	stages := database && before.root != now.root && before.root != "" && now.root != ""
	if stages || !bytes.Equal(before.raw, raw) && fingerprint(before.raw) != fingerprint(raw) {
		l.twice = append(l.twice, twice{key, before, now})
	}
}

// fingerprint is the same for objects that would be the same once they are applied.
func fingerprint(raw []byte) [sha256.Size]byte {
	var object map[string]any
	if err := kjson.UnmarshalCaseSensitivePreserveInts(raw, &object); err != nil {
		return sha256.Sum256(raw)
	}
	delete(object, "status")
	if metadata, ok := object["metadata"].(map[string]any); ok {
		for key := range metadata {
			if key != "name" && key != "labels" {
				// What a server writes, annotations that change nothing, and the namespace, which may be
				// written or not.
				delete(metadata, key)
			}
		}
	}
	// The keys of a mapping are written in order.
	text, err := json.Marshal(object)
	if err != nil {
		text = raw
	}
	return sha256.Sum256(text)
}
