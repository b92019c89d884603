package schema

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
	openapierrors "k8s.io/kube-openapi/pkg/validation/errors"
	kjson "sigs.k8s.io/json"
)

// Problem is one reason for which the API server would refuse an object.
type Problem struct {
	// Path is the field ("spec.ingress[0].toPorts[0].ports[0].port"), empty when it is about the object as a whole.
	Path string
	// Message says what is wrong with it, in lower case.
	Message string
}

// String is the path and the message.
func (p Problem) String() string {
	if p.Path == "" {
		return p.Message
	}
	return p.Path + ": " + p.Message
}

// Paths are the fields that the problems are about, each once.
func Paths(problems []Problem) []string {
	var paths []string
	known := map[string]bool{"": true}
	for _, p := range problems {
		if !known[p.Path] {
			known[p.Path] = true
			paths = append(paths, p.Path)
		}
	}
	return paths
}

// Sentence is all problems in one line. Of very many it has the first ones and says how many there are.
func Sentence(problems []Problem) string {
	const most = 5
	var texts []string
	for i := range problems {
		if i == most {
			texts = append(texts, fmt.Sprintf("and %d more", len(problems)-most))
			break
		}
		texts = append(texts, problems[i].String())
	}
	return strings.Join(texts, "; ")
}

// sorted has the problems in the order of their fields, each one once.
func sorted(problems []Problem) []Problem {
	slices.SortStableFunc(problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Message, b.Message))
	})
	return slices.Compact(problems)
}

// fromSchema puts what the validator of OpenAPI schemas says into plain words.
func fromSchema(errs []error) []Problem {
	var problems []Problem
	for _, err := range errs {
		problems = append(problems, fromError(err)...)
	}
	return exact(problems)
}

func fromError(err error) []Problem {
	var composite *openapierrors.CompositeError
	if errors.As(err, &composite) {
		var problems []Problem
		for _, one := range composite.Errors {
			problems = append(problems, fromError(one)...)
		}
		return problems
	}
	var v *openapierrors.Validation
	if !errors.As(err, &v) {
		return []Problem{alternatives(err.Error())}
	}
	path := strings.TrimPrefix(v.Name, ".")
	return []Problem{{path, inWords(v)}}
}

// The endings of a Problem about alternatives, of which something more exact may be known.
const (
	noAlternative    = "has none of the forms that are allowed"
	manyAlternatives = "has several forms that exclude each other"
)

// alternatives puts the validator's word on oneOf, anyOf and the like into ours. It has the path in quotes.
func alternatives(text string) Problem {
	path, rest, ok := strings.Cut(strings.TrimPrefix(text, `"`), `" must validate`)
	switch {
	case !ok:
		return Problem{Message: text}
	case strings.Contains(rest, "valid alternatives"):
		return Problem{strings.TrimPrefix(path, "."), manyAlternatives}
	}
	return Problem{strings.TrimPrefix(path, "."), noAlternative}
}

// exact leaves out what is said of the alternatives at a field whose problem is known otherwise.
func exact(problems []Problem) []Problem {
	vague := func(p Problem) bool { return p.Message == noAlternative || p.Message == manyAlternatives }
	known := map[string]bool{}
	for _, p := range problems {
		known[p.Path] = known[p.Path] || !vague(p)
	}
	return slices.DeleteFunc(problems, func(p Problem) bool { return vague(p) && known[p.Path] })
}

func inWords(v *openapierrors.Validation) string {
	switch v.Code() {
	case openapierrors.RequiredFailCode:
		return "is missing"
	case openapierrors.EnumFailCode:
		var allowed []string
		for _, value := range v.Values {
			allowed = append(allowed, shown(value))
		}
		return fmt.Sprintf("%s is none of %s", shown(v.Value), strings.Join(allowed, ", "))
	case openapierrors.InvalidTypeCode:
		return typeInWords(v)
	case openapierrors.PatternFailCode:
		return fmt.Sprintf("%s has not the form that it must have (%s)", shown(v.Value), afterWord(v.Error(), " should match "))
	}
	text := strings.Replace(v.Error(), " in body", "", 1)
	text = strings.TrimPrefix(text, v.Name)
	text = strings.TrimSpace(text)
	if v.Value != nil && v.Code() != openapierrors.CompositeErrorCode && scalar(v.Value) {
		return shown(v.Value) + " " + text
	}
	return text
}

// duplicate is a field that the text has twice.
func duplicate(err error) Problem {
	var at kjson.FieldError
	if errors.As(err, &at) {
		return Problem{at.FieldPath(), "is there twice"}
	}
	return Problem{Message: err.Error()}
}

func afterWord(text, word string) string {
	_, rest, _ := strings.Cut(text, word)
	return strings.Trim(rest, "'")
}

// typeInWords says what was expected and what is there: `5432 is a number, and text is needed ("5432")`.
func typeInWords(v *openapierrors.Validation) string {
	_, wanted, _ := strings.Cut(v.Error(), "must be of type ")
	wanted, _, _ = strings.Cut(wanted, ":")
	wanted = strings.Trim(wanted, `"`)
	// The validator's value is the name of the type that it met.
	met, _ := v.Value.(string)
	switch {
	case wanted == "string" && (met == "integer" || met == "number" || met == "boolean"):
		return fmt.Sprintf("is %s, and text is needed: put it in quotes", typeName(met))
	case met == "null":
		return fmt.Sprintf("is empty, and %s is needed", typeName(wanted))
	}
	return fmt.Sprintf("is %s, and %s is needed", typeName(met), typeName(wanted))
}

func typeName(name string) string {
	switch name {
	case "object":
		return "a mapping"
	case "array":
		return "a list"
	case "string":
		return "text"
	case "integer":
		return "a whole number"
	case "number":
		return "a number"
	case "boolean":
		return "true or false"
	case "integer,string", "[integer string]":
		return "a whole number or text"
	case "":
		return "something else"
	}
	return name
}

func scalar(value any) bool {
	switch value.(type) {
	case map[string]any, []any:
		return false
	}
	return true
}

// shown is a value as YAML would have it, and never long.
func shown(value any) string {
	const longest = 80
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	if len(text) > longest {
		return string(text[:longest]) + "…"
	}
	return string(text)
}

// fromFields takes what Kubernetes' own validation says.
func fromFields(list field.ErrorList) []Problem {
	var problems []Problem
	for _, err := range list {
		problems = append(problems, Problem{err.Field, plainField(err)})
	}
	return problems
}

func plainField(err *field.Error) string {
	value := ""
	if err.BadValue != nil && scalar(err.BadValue) && err.Type != field.ErrorTypeForbidden && err.Type != field.ErrorTypeTooMany {
		value = shown(err.BadValue)
	}
	switch err.Type {
	case field.ErrorTypeRequired:
		return joined("is missing", err.Detail)
	case field.ErrorTypeDuplicate:
		return value + " is there twice"
	case field.ErrorTypeNotSupported:
		return joined(value+" is not supported", err.Detail)
	default: // The detail says it all.
	}
	if value == "" {
		return err.Detail
	}
	return joined(value+" is not valid", err.Detail)
}

func joined(text, detail string) string {
	// Kubernetes ends with an example and the regular expression.
	detail, _, _ = strings.Cut(detail, " (e.g. ")
	if detail == "" {
		return text
	}
	return text + ": " + detail
}
