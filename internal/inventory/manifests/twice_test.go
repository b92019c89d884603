package manifests

import (
	"fmt"
	"strings"
	"testing"

	kjson "sigs.k8s.io/json"
)

func TestPlainJSON(t *testing.T) {
	var many, again []string
	for i := range 40 {
		many = append(many, fmt.Sprintf(`"k%d": {"a": [{}, {"b": "c"}]}`, i))
	}
	again = append(append(again, many...), many[3])
	for text, want := range map[string]bool{
		`{}`: true,
		` {"a": {"a": 1}, "b": {"a": [1, "a", {"a": "a"}]}, "c": "a"} `: true,
		`{"a": "b", "c": "a\\", "d": "\"e\": 1, \"d\"", "e": "{"}`:      true,
		`{"a": [{"x": 1}, {"x": 1}], "x": [["x"], "x", "x"]}`:           true,
		`{"a": {"b": 1, "c": 1, "b": 1}}`:                               false,
		`{"a": [1, {"b": [{"c": 1}], "d": {}, "b": 1}]}`:                false,
		`{"a": {"b": {}}, "c": {"b": {}}, "a": 1}`:                      false,
		`{"a": 1, "\u0061": 1}`:                                         false,
		`{"a": 1} {"b": 1}`:                                             false,
		`{"a": 1`:                                                       false,
		`{a: 1}`:                                                        false,
		`["a"]`:                                                         false,
		`"a"`:                                                           false,
		``:                                                              false,
		"{" + strings.Join(many, ",") + "}":                             true,
		"{" + strings.Join(again, ",") + "}":                            false,
	} {
		if got := plainJSON([]byte(text)); got != want {
			t.Errorf("%s: %t", text, got)
		}
	}
}

// FuzzPlainJSON holds what is said of keys against a decoder that keeps them.
func FuzzPlainJSON(f *testing.F) {
	for _, text := range []string{`{"a":1,"a":2}`, `{"a":{"b":[{"c":"}"}]},"b":"\"a"}`, `{"a":[],"":{"":{}},"":0}`, `{"\u0061":1,"a":2}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if !plainJSON(text) {
			return
		}
		var object map[string]any
		if twice, err := kjson.UnmarshalStrict(text, &object, kjson.DisallowDuplicateFields); len(twice) > 0 || err != nil && !strings.Contains(err.Error(), "number") {
			t.Errorf("%s: %v, %v", text, twice, err)
		}
	})
}
