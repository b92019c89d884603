package manifests

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// documents splits data and calls object with each document as JSON, in order and counted from
// one. Documents without content are passed over and not counted. What cannot be parsed goes to
// failed; the rest is read all the same. It stops at the first error that object returns.
func documents(data []byte, object func(number int, raw []byte) error, failed func(number int, err error)) error {
	number, rest := 0, data
	if utilyaml.IsJSONBuffer(data) {
		var err error
		if number, rest, err = jsonDocuments(data, object); err != nil {
			return err
		}
	}
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(rest)))
	for {
		text, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			// A separator line with something else on it: the reader is past that line.
			number++
			failed(number, err)
			continue
		}
		if len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		raw, err := toJSON(text)
		if err == nil && bytes.Equal(raw, []byte("null")) {
			continue
		}
		number++
		if err != nil {
			failed(number, err)
			continue
		}
		if err := object(number, raw); err != nil {
			return err
		}
	}
}

// jsonDocuments reads JSON values that follow one another, and returns how many there were and
// the text that is no JSON: nothing, or YAML that happens to begin with a brace.
func jsonDocuments(data []byte, object func(number int, raw []byte) error) (int, []byte, error) {
	decoder, number := json.NewDecoder(bytes.NewReader(data)), 0
	for {
		offset := decoder.InputOffset()
		var raw json.RawMessage
		if err := decoder.Decode(&raw); errors.Is(err, io.EOF) {
			return number, nil, nil
		} else if err != nil {
			return number, data[offset:], nil //nolint:nilerr // Not JSON is an answer: the rest is read as YAML.
		}
		number++
		if err := object(number, raw); err != nil {
			return number, nil, err
		}
	}
}

// toJSON converts a YAML document. The YAML library reports some broken input by a panic of its
// own, which must not end the program.
func toJSON(text []byte) (raw []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			raw, err = nil, fmt.Errorf("not valid YAML: %v", r)
		}
	}()
	raw, err = yaml.YAMLToJSON(text)
	if err != nil {
		return nil, fmt.Errorf("not valid YAML: %s", strings.TrimPrefix(
			strings.TrimPrefix(err.Error(), "error converting YAML to JSON: "), "yaml: "))
	}
	return raw, nil
}
