package manifests

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// document is one document of a source.
type document struct {
	// number counts from one; documents without content are not counted. item counts from one as well, and is zero for what
	// is no item of a list that is read one by one; of is what such items are that do not say so.
	number, item int
	of           header
	// raw is the document as JSON, nil when it is none; text is what it was made from, when that is YAML.
	raw, text []byte
	// twice are the keys that it has twice, each one a sentence.
	twice []string
	// err says why it could not be parsed.
	err error
}

// documents splits what from has, and calls take with each document, in order. What cannot be parsed has an error; the rest
// is read all the same, unless it is beyond the limits. It stops at the first error that take returns.
func documents(from io.Reader, take func(d document) error) error {
	limits := newLimited(from)
	// A byte order mark says what the text is, as in kubectl.
	reader := bufio.NewReader(transform.NewReader(limits, unicode.BOMOverride(transform.Nop)))
	start, _ := reader.Peek(512)
	number := 0
	if utilyaml.IsJSONBuffer(start) {
		rest, last, err := jsonDocuments(reader, limits, take)
		if err != nil || rest == nil {
			return err
		}
		reader, number = rest, last
	}
	split := utilyaml.NewYAMLReader(reader)
	for {
		limits.next()
		text, err := split.Read()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			// Else it is a separator line with something else on it: the reader is past that line.
			number++
			if err := take(document{number: number, err: err}); err != nil {
				return err
			}
			var syntax utilyaml.YAMLSyntaxError
			if !errors.As(err, &syntax) {
				return nil
			}
			continue
		case len(bytes.TrimSpace(text)) == 0:
			continue
		}
		d := fromYAML(text)
		if d.err == nil && bytes.Equal(d.raw, []byte("null")) {
			continue
		}
		number++
		d.number = number
		if err := take(d); err != nil {
			return err
		}
	}
}

// jsonDocuments reads JSON values that follow one another, and returns how many there were and a reader
// for text that is no JSON: YAML that happens to begin with a brace. It is nil when there is no more.
func jsonDocuments(from *bufio.Reader, limits *limited, take func(d document) error) (*bufio.Reader, int, error) {
	of, isList := listItems(from)
	decoder, number := json.NewDecoder(from), 0
	if isList {
		number++
		failed := false
		if err := items(decoder, limits, number, of, func(d document) error {
			failed = failed || d.err != nil
			return take(d)
		}); err != nil || failed {
			return nil, number, err
		}
	}
	for {
		limits.next()
		var raw json.RawMessage
		switch err := decoder.Decode(&raw); {
		case errors.Is(err, io.EOF):
			return nil, number, nil
		case err != nil && tooLarge(err):
			return nil, number, take(document{number: number + 1, err: err})
		case err != nil:
			// Not JSON is an answer: the rest is read as YAML.
			return bufio.NewReader(io.MultiReader(decoder.Buffered(), from)), number, nil //nolint:nilerr // As above.
		}
		number++
		if err := take(document{number: number, raw: raw}); err != nil {
			return nil, number, err
		}
	}
}

// fromYAML converts a YAML document. The YAML library reports some broken input by a panic of its
// own, which must not end the program.
func fromYAML(text []byte) (d document) {
	d.text = text
	if plainJSON(text) { // As dumps have it: to read it as YAML takes ten times as long, but says where a key is there twice.
		d.raw = text
		return d
	}
	defer func() {
		if r := recover(); r != nil {
			d.raw, d.err = nil, fmt.Errorf("not valid YAML: %v", r)
		}
	}()
	raw, err := yaml.YAMLToJSONStrict(text)
	if err != nil {
		if d.twice = keysTwice(err); d.twice != nil {
			raw, err = yaml.YAMLToJSON(text)
		}
	}
	if err != nil {
		d.err = fmt.Errorf("not valid YAML: %s", oneLine(err))
		return d
	}
	d.raw = raw
	return d
}

var keyTwice = regexp.MustCompile(`line (\d+): key "?(.*?)"? already set in map`)

// keysTwice are the keys that the YAML library has found twice, nil when it complains of something else.
func keysTwice(err error) []string {
	var out []string
	for _, match := range keyTwice.FindAllStringSubmatch(err.Error(), -1) {
		out = append(out, fmt.Sprintf("the key %q is there twice (line %s of the document)", match[2], match[1]))
	}
	return out
}

func oneLine(err error) string {
	text := strings.Join(strings.Fields(err.Error()), " ")
	for _, prefix := range []string{"error converting YAML to JSON: ", "yaml: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	return text
}
