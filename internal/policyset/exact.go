package policyset

import (
	"encoding/json"
	"reflect"
	"strings"
)

// keepEmpty adds to the JSON of a value the lists that are there and empty, which Cilium's types leave out
// when they are written. It matters: an empty list of peers lets in nobody, and a missing one lets in
// everybody on the rule's ports.
func keepEmpty(value reflect.Value, content any) {
	switch value.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !value.IsNil() {
			keepEmpty(value.Elem(), content)
		}
	case reflect.Slice:
		if list, ok := content.([]any); ok && len(list) == value.Len() {
			for i := range list {
				keepEmpty(value.Index(i), list[i])
			}
		}
	case reflect.Struct:
		fields, ok := content.(map[string]any)
		if _, custom := value.Interface().(json.Marshaler); !ok || custom {
			return
		}
		for i := range value.NumField() {
			keepEmptyField(value.Type().Field(i), value.Field(i), fields)
		}
	default:
	}
}

func keepEmptyField(field reflect.StructField, value reflect.Value, fields map[string]any) {
	name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
	switch {
	case !field.IsExported(), name == "-":
	case name == "" && field.Anonymous:
		keepEmpty(value, fields)
	case name == "":
	case value.Kind() == reflect.Slice && !value.IsNil() && value.Len() == 0:
		fields[name] = []any{}
	default:
		keepEmpty(value, fields[name])
	}
}
