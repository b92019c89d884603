package schema

import (
	"fmt"

	"k8s.io/kube-openapi/pkg/validation/spec"
	"k8s.io/kube-openapi/pkg/validation/strfmt"
	"k8s.io/kube-openapi/pkg/validation/validate"
)

// pieces are a schema, divided into what it says of a value itself and what it says of the fields and items in it. The API server's
// validator compares each error with all others at every level (Result.AddErrors), which takes a minute for what one object can have
// wrong. Asked about one value at a time, it says the same.
type pieces struct {
	own               *spec.Schema
	properties        map[string]*pieces
	items, additional *pieces
}

func piecesOf(s *spec.Schema) *pieces {
	own := *s
	p := &pieces{own: &own, properties: map[string]*pieces{}}
	for name, property := range s.Properties {
		p.properties[name] = piecesOf(&property)
	}
	if s.Items != nil && s.Items.Schema != nil {
		p.items, own.Items = piecesOf(s.Items.Schema), nil
	}
	if a := s.AdditionalProperties; a != nil && a.Schema != nil {
		p.additional, own.AdditionalProperties = piecesOf(a.Schema), nil
	}
	own.Properties = nil
	return p
}

// validate is what the validator says of a value, the path of which is given. Of what has its form for certain it is not asked.
func (p *pieces) validate(path string, value any, known *form) []error {
	if known != nil && known.certain(value) {
		return nil
	}
	if known == nil {
		known = &form{beyond: true}
	}
	problems := validate.NewSchemaValidator(p.own, nil, path, strfmt.Default).Validate(value).Errors
	switch value := value.(type) {
	case map[string]any:
		for key, child := range value {
			if of := p.of(key); of != nil {
				problems = append(problems, of.validate(within(path, key), child, known.of(key))...)
			}
		}
	case []any:
		if p.items == nil {
			break
		}
		for i, item := range value {
			problems = append(problems, p.items.validate(fmt.Sprintf("%s[%d]", path, i), item, known.items)...)
		}
	}
	return problems
}

// of is the piece of a field, nil where it may be anything.
func (p *pieces) of(key string) *pieces {
	if property := p.properties[key]; property != nil {
		return property
	}
	return p.additional
}

func within(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
