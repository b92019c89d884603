package decode

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	kjson "sigs.k8s.io/json"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/schema"
)

// Decoder decodes objects. It reads the schema of a kind once, when the first object of it needs it, and may
// be used by several goroutines.
type Decoder struct{ kinds *schema.Kinds }

// NewDecoder returns a Decoder with the schemas of the versions that this program is built with.
func NewDecoder() *Decoder { return &Decoder{kinds: schema.NewKinds()} }

// check reads an object as the API server would.
func (d *Decoder) check(kind v1alpha1.PolicyKind, raw []byte) (schema.Result, error) {
	return d.kinds.Of(apiVersionOf(kind), string(kind)).Check(raw)
}

// TypeMeta is what every object begins with.
type TypeMeta struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
}

// Header reads apiVersion and kind. The error is about raw that is no JSON object, or one where they are no text.
func Header(raw []byte) (TypeMeta, error) {
	var h TypeMeta
	if err := kjson.UnmarshalCaseSensitivePreserveInts(raw, &h); err != nil {
		return TypeMeta{}, errors.New(plain(err))
	}
	return h, nil
}

// Problems are why an API server would not store an object that somebody applies, or else why that was not checked; empty when it
// would, when its rules are not known here, and when a server has taken it already.
func (d *Decoder) Problems(apiVersion, kind string, raw []byte) (refused, unchecked string) {
	rules := d.kinds.Of(apiVersion, kind)
	if rules == nil {
		return "", ""
	}
	var meta policyMeta
	if err := kjson.UnmarshalCaseSensitivePreserveInts(raw, &meta); err == nil && meta.Metadata.UID != "" {
		return "", ""
	}
	result, err := rules.Check(raw)
	if err != nil {
		return "", "" // Decoding it will tell.
	}
	return schema.Sentence(result.Refused), result.TooMany
}

// Plain is what an error of a decoder says, on one line and in YAML's terms.
func Plain(err error) string { return plain(err) }

// plain is an error on one line, in YAML's terms: without the decoder's prefix and without names of Go's types.
func plain(err error) string {
	text := strings.TrimPrefix(err.Error(), "json: ")
	var mismatch *json.UnmarshalTypeError
	if errors.As(err, &mismatch) {
		met, _, _ := strings.Cut(mismatch.Value, " ")
		text = fmt.Sprintf("%s is here, and %s is needed", inYAML(met), wanted(mismatch.Type))
		if mismatch.Field != "" {
			text = fmt.Sprintf("%s: %s", mismatch.Field, text)
		}
	}
	return strings.Join(strings.Fields(text), " ")
}

// inYAML is what YAML calls a kind of JSON value.
func inYAML(value string) string {
	switch value {
	case "object":
		return "a mapping"
	case "array":
		return "a list"
	case "string":
		return "text"
	case "bool":
		return "true or false"
	}
	return "a " + value
}

func wanted(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Map, reflect.Struct, reflect.Pointer:
		return "a mapping"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number"
	default:
		return "something else"
	}
}
