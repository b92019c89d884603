package rollout

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// fields are paths of a policy, or their beginnings: "labels.team", "spec.".
type fields []string

func (f fields) have(path string) bool {
	return slices.ContainsFunc(f, func(field string) bool { return strings.HasPrefix(path, field) })
}

// lockdowns are the fields that lockdown applies.
var lockdowns = fields{
	"labels." + policyset.LabelManagedBy, "labels.cnpg-netpol/", "labels." + policyset.LabelUserPrefix, "annotations.cnpg-netpol/",
	"spec.description", "spec.endpointSelector", "spec.ingress", "spec.enableDefaultDeny",
}

// withOthers is what server-side apply makes of a policy: what is applied, and the fields of other managers.
// What was applied before, and is not any more, goes.
func (u *unreliable) withOthers(name string, data []byte) ([]byte, error) {
	content := map[string]any{}
	if err := json.Unmarshal(data, &content); err != nil {
		return nil, err
	}
	var now fields
	for _, section := range sections(content) {
		for key := range section.of {
			now = append(now, section.path+key)
		}
	}
	defer func() { u.applied[name] = now }()
	if u.objects[name] == nil {
		return data, nil
	}
	is, err := policyset.Unstructured(policyset.Policy{Object: u.objects[name]})
	if err != nil {
		return nil, err
	}
	into := sections(content)
	for i, section := range sections(is.Object) {
		for key, value := range section.of {
			path := section.path + key
			if _, set := into[i].of[key]; !set && (!u.applied[name].have(path) || u.updated[name].have(path)) {
				into[i].of[key] = value
			}
		}
	}
	return json.Marshal(content)
}

type section struct {
	path string
	of   map[string]any
}

// sections are the parts of a policy whose fields have managers of their own. They are made where they are missing.
func sections(content map[string]any) []section {
	child := func(of map[string]any, key string) map[string]any {
		if c, ok := of[key].(map[string]any); ok {
			return c
		}
		c := map[string]any{}
		of[key] = c
		return c
	}
	metadata := child(content, "metadata")
	out := []section{{"labels.", child(metadata, "labels")}, {"annotations.", child(metadata, "annotations")}}
	if _, ok := content["specs"]; ok && content["spec"] == nil {
		return append(out, section{"spec.", map[string]any{}})
	}
	return append(out, section{"spec.", child(content, "spec")})
}
