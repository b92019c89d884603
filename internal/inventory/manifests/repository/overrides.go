package repository

// apply adds the overrides to a kustomization. It also asks for the file that each object comes from.
func (o Overrides) apply(fields map[string]any) {
	set := func(key, value string) {
		if value != "" {
			fields[key] = value
		}
	}
	add := func(key string, values ...any) {
		if len(values) > 0 {
			list, _ := fields[key].([]any)
			fields[key] = append(list, values...)
		}
	}
	set("namespace", o.Namespace)
	set("namePrefix", o.NamePrefix)
	set("nameSuffix", o.NameSuffix)
	add("patches", o.Patches...)
	for _, component := range o.Components {
		add("components", component)
	}
	for _, resource := range o.Resources {
		add("resources", resource)
	}
	add("buildMetadata", "originAnnotations")
}

// modern puts deprecated fields into the form that they have now, because kustomize writes a warning for each one, past the streams
// that a command has.
func modern(fields map[string]any, exists func(name string) bool) {
	move := func(from, to string, convert func(any) any) {
		list, ok := fields[from].([]any)
		if !ok {
			return
		}
		var moved []any
		for _, one := range list {
			moved = append(moved, convert(one))
		}
		target, _ := fields[to].([]any)
		fields[to] = append(moved, target...)
		delete(fields, from)
	}
	move("bases", "resources", func(one any) any { return one })
	move("patchesStrategicMerge", "patches", func(one any) any {
		if name, ok := one.(string); ok && exists(name) {
			return map[string]any{"path": name}
		}
		return map[string]any{"patch": one}
	})
	if pairs, ok := fields["commonLabels"].(map[string]any); ok {
		list, _ := fields["labels"].([]any)
		fields["labels"] = append([]any{map[string]any{"pairs": pairs, "includeSelectors": true}}, list...)
		delete(fields, "commonLabels")
	}
}
