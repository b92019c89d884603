package manifests

import (
	"bytes"
	"encoding/json"
)

// plainJSON is true for a valid object of JSON in which surely no key is there twice. What JSON allows beside that, such as keys with
// escapes, is for others to read.
func plainJSON(text []byte) bool {
	if text = bytes.TrimSpace(text); len(text) == 0 || text[0] != '{' || !json.Valid(text) {
		return false
	}
	var open opened
	inKey := false // A key comes next, where there is a text.
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '{', '[':
			inKey = text[i] == '{'
			open = open.more(inKey)
		case '}', ']':
			open, inKey = open[:len(open)-1], false
		case ',':
			inKey = open[len(open)-1].object
		case '"':
			end := i + 1
			for ; text[end] != '"'; end++ {
				if text[end] != '\\' {
					continue
				}
				if inKey {
					return false
				}
				end++
			}
			if inKey && !open[len(open)-1].add(text[i+1:end]) {
				return false
			}
			i, inKey = end, false
		}
	}
	return true
}

// opened are objects and lists within each other.
type opened []keys

// more is one more of them. What those had that are closed is used again.
func (o opened) more(object bool) opened {
	if len(o) == cap(o) {
		return append(o, keys{object: object})
	}
	o = o[:len(o)+1]
	last := &o[len(o)-1]
	last.object, last.few, last.many = object, last.few[:0], nil
	return o
}

// keys are those of an object. Most have few.
type keys struct {
	object bool // Or else it is a list, which has none.
	few    [][]byte
	many   map[string]bool
}

// add tells whether a key is new.
func (k *keys) add(key []byte) bool {
	const few = 16
	if k.many != nil {
		if k.many[string(key)] {
			return false
		}
		k.many[string(key)] = true
		return true
	}
	for _, known := range k.few {
		if bytes.Equal(known, key) {
			return false
		}
	}
	if k.few = append(k.few, key); len(k.few) > few {
		k.many = make(map[string]bool, 4*few)
		for _, known := range k.few {
			k.many[string(known)] = true
		}
	}
	return true
}
