package manifests

import (
	"bufio"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// listHead is how a list of objects begins in JSON, as kubectl and API servers print it: its own fields, which say what
// it is, or items that do. Others are read as any document.
var listHead = regexp.MustCompile(`^\s*\{\s*(?:"(?:apiVersion|kind)"\s*:\s*"[^"\\]*"\s*,\s*|"metadata"\s*:\s*\{[^{}]*\}\s*,\s*)*"items"\s*:\s*\[\s*\{\s*"(apiVersion|kind|metadata)"`)

var listField = regexp.MustCompile(`"(apiVersion|kind)"\s*:\s*"([^"\\]*)"\s*,`)

// headBytes is how far a list's first item is looked for.
const headBytes = 4096

// listItems tells whether what comes is a list whose items can be read one by one, so that the list may be larger than
// a document, and what its items are that do not say so.
func listItems(from *bufio.Reader) (of header, yes bool) {
	start, _ := from.Peek(headBytes) // What there is of them.
	match := listHead.FindSubmatchIndex(start)
	if match == nil {
		return header{}, false
	}
	own, _, _ := strings.Cut(string(start[:match[1]]), `"items"`)
	for _, field := range listField.FindAllStringSubmatch(own, -1) {
		if field[1] == "kind" {
			of.Kind = field[2]
		} else {
			of.APIVersion = field[2]
		}
	}
	kind, isList := strings.CutSuffix(of.Kind, "List")
	switch {
	case of.Kind != "" && !isList, of.Kind == "" && string(start[match[2]:match[3]]) == "metadata":
		return header{}, false
	case kind == "":
		return header{}, true
	}
	of.Kind = kind
	return of, true
}

// items reads a list's items, each as a document with the list's number.
func items(decoder *json.Decoder, limits *limited, number int, of header, take func(d document) error) error {
	for { // The list's own fields, of which listItems has read what counts.
		token, err := decoder.Token()
		if err != nil {
			return take(document{number: number, err: fmt.Errorf("not valid JSON: %w", err)})
		}
		if token == json.Delim('[') {
			break
		}
	}
	for item := 1; decoder.More(); item++ {
		limits.next()
		var raw json.RawMessage
		if err := decoder.Decode(&raw); err != nil {
			return take(document{number: number, item: item, err: fmt.Errorf("not valid JSON, and what follows was not read: %w", err)})
		}
		if err := take(document{number: number, item: item, of: of, raw: raw}); err != nil {
			return err
		}
	}
	limits.next()
	for depth := 2; depth > 0; {
		token, err := decoder.Token()
		if err != nil {
			return take(document{number: number, err: fmt.Errorf("not valid JSON behind the items: %w", err)})
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
	}
	return nil
}
