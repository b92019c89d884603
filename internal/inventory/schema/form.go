package schema

import (
	"math"
	"reflect"
	"regexp"
	"slices"
	"sync"
	"unicode/utf8"

	structural "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/kube-openapi/pkg/validation/strfmt"
)

// form is a schema, as far as it can be told quickly that a value has it. The API server's validator makes eight validators for
// each value that it meets, which is most of what it costs to read a policy. It decides wherever this is not certain, and finds the
// words.
type form struct {
	structural.ValueValidation

	typ                   string
	nullable, intOrString bool
	// preserved is true where fields are kept that no schema has, and with them those that are null.
	preserved         bool
	properties        map[string]*form
	items, additional *form
	enum              []string
	pattern           func() *regexp.Regexp
	// oneOf are names of fields of which exactly one is there, anyOf of which at least one is.
	oneOf, anyOf []string
	// set is true for a list that has each item once, keyed for one that has each value of some fields once.
	set, keyed bool
	// beyond is true for a schema that asks for more than is known here.
	beyond bool
}

func formOf(s *structural.Structural) *form {
	f := &form{
		typ: s.Type, nullable: s.Nullable, intOrString: s.XIntOrString, preserved: s.XPreserveUnknownFields, beyond: s.XEmbeddedResource,
		properties: map[string]*form{},
	}
	if s.XListType != nil {
		f.set, f.keyed = *s.XListType == "set", *s.XListType == "map"
	}
	for name, property := range s.Properties {
		f.properties[name] = formOf(&property)
	}
	if s.Items != nil {
		f.items = formOf(s.Items)
	}
	switch a := s.AdditionalProperties; {
	case a == nil:
	case a.Structural != nil:
		f.additional = formOf(a.Structural)
	case !a.Bool:
		f.beyond = true
	}
	if s.ValueValidation != nil {
		f.ValueValidation = *s.ValueValidation
		f.values()
	}
	return f
}

// values takes over what a schema says of values beside their types.
func (f *form) values() {
	f.beyond = f.beyond || f.UniqueItems || f.MultipleOf != nil || f.Not != nil || len(f.AllOf) > 0 || f.ExclusiveMaximum || f.ExclusiveMinimum
	for _, value := range f.Enum {
		if text, ok := value.Object.(string); ok { // Of others, nothing is certain.
			f.enum = append(f.enum, text)
		}
	}
	if f.Pattern != "" {
		f.pattern = sync.OnceValue(func() *regexp.Regexp {
			expression, err := regexp.Compile(f.Pattern)
			if err != nil {
				return nil
			}
			return expression
		})
	}
	var all bool
	if f.oneOf, all = required(f.OneOf); !all {
		f.beyond = true
	}
	if f.intOrString {
		// That it is a number or a text is all that can stand there.
		return
	}
	if f.anyOf, all = required(f.AnyOf); !all {
		f.beyond = true
	}
}

// required are the fields that alternatives ask for; false when they ask for more than one field each.
func required(alternatives []structural.NestedValueValidation) ([]string, bool) {
	var names []string
	for _, a := range alternatives {
		if len(a.Required) != 1 {
			return nil, false
		}
		names = append(names, a.Required[0])
		a.Required = nil
		for _, property := range a.Properties {
			if !asksNothing(property) {
				return nil, false
			}
		}
		a.Properties = nil
		if !asksNothing(a) {
			return nil, false
		}
	}
	return names, true
}

func asksNothing(v structural.NestedValueValidation) bool {
	return reflect.ValueOf(v).IsZero()
}

// of is the form of a field, nil where it may have any.
func (f *form) of(key string) *form {
	if property := f.properties[key]; property != nil {
		return property
	}
	return f.additional
}

// dropNulls removes the fields that are null where the schema does not allow it: the API server takes
// them for absent. It tells whether there were any.
func (f *form) dropNulls(value any) (dropped bool) {
	switch value := value.(type) {
	case map[string]any:
		for key, child := range value {
			switch as := f.of(key); {
			case as == nil:
			case child == nil && !as.nullable && !as.preserved:
				delete(value, key)
				dropped = true
			default:
				dropped = as.dropNulls(child) || dropped
			}
		}
	case []any:
		if f.items != nil {
			for _, child := range value {
				dropped = f.items.dropNulls(child) || dropped
			}
		}
	}
	return dropped
}

// certain tells whether a value has the form. It is false where that can't be told here, too.
func (f *form) certain(value any) bool {
	if f.beyond {
		return false
	}
	switch value := value.(type) {
	case nil:
		return f.nullable && len(f.Enum) == 0
	case map[string]any:
		return f.typ == "object" && f.object(value)
	case []any:
		return f.typ == "array" && f.list(value)
	case string:
		return (f.typ == "string" || f.intOrString) && f.text(value)
	case int64:
		return (f.typ == "integer" || f.intOrString) && f.number(value)
	case bool:
		return f.typ == "boolean" && len(f.Enum) == 0
	}
	return false
}

func (f *form) object(value map[string]any) bool {
	if len(f.Enum) > 0 || below(len(value), f.MinProperties) || above(len(value), f.MaxProperties) {
		return false
	}
	for key, child := range value {
		if as := f.of(key); as != nil && !as.certain(child) {
			return false
		}
	}
	has := func(name string) int {
		if _, ok := value[name]; ok {
			return 1
		}
		return 0
	}
	for _, name := range f.Required {
		if has(name) == 0 {
			return false
		}
	}
	one, some := 0, 0
	for _, name := range f.oneOf {
		one += has(name)
	}
	for _, name := range f.anyOf {
		some += has(name)
	}
	return (len(f.oneOf) == 0 || one == 1) && (len(f.anyOf) == 0 || some > 0)
}

func (f *form) list(value []any) bool {
	if len(f.Enum) > 0 || below(len(value), f.MinItems) || above(len(value), f.MaxItems) {
		return false
	}
	if len(value) > 1 && (f.keyed || f.set && !unique(value)) {
		return false
	}
	if f.items == nil {
		return true
	}
	for _, item := range value {
		if !f.items.certain(item) {
			return false
		}
	}
	return true
}

// unique tells whether a list has only texts, and each once.
func unique(value []any) bool {
	seen := make(map[string]bool, len(value))
	for _, item := range value {
		text, ok := item.(string)
		if !ok || seen[text] {
			return false
		}
		seen[text] = true
	}
	return true
}

func (f *form) text(value string) bool {
	if f.MinLength != nil || f.MaxLength != nil {
		if n := utf8.RuneCountInString(value); below(n, f.MinLength) || above(n, f.MaxLength) {
			return false
		}
	}
	if len(f.Enum) > 0 && !slices.Contains(f.enum, value) {
		return false
	}
	if f.pattern != nil {
		if p := f.pattern(); p == nil || !p.MatchString(value) {
			return false
		}
	}
	return f.Format == "" || !strfmt.Default.ContainsName(f.Format) || strfmt.Default.Validates(f.Format, value)
}

func (f *form) number(value int64) bool {
	switch f.Format {
	case "", "int64":
	case "int32":
		if value < math.MinInt32 || value > math.MaxInt32 {
			return false
		}
	default:
		return false
	}
	const exact = 1 << 53 // Beyond it, a limit is not what it was written as.
	if value < -exact || value > exact || len(f.Enum) > 0 {
		return false
	}
	return (f.Minimum == nil || float64(value) >= *f.Minimum) && (f.Maximum == nil || float64(value) <= *f.Maximum)
}

func below(n int, least *int64) bool { return least != nil && int64(n) < *least }

func above(n int, most *int64) bool { return most != nil && int64(n) > *most }
