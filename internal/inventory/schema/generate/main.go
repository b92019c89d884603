// Command generate writes the schemas of the kinds that this program reads, without descriptions, into
// a folder: from the CustomResourceDefinitions that the modules of Cilium, CloudNativePG and the
// network policy API bring along, and from Kubernetes' own types where there is no such definition.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: generate DIRECTORY")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// definitions are the CustomResourceDefinitions by the file that is written, as module, file in the
// module, and version.
func definitions() map[string][3]string {
	const (
		cilium = "github.com/cilium/cilium"
		cnpg   = "github.com/cloudnative-pg/cloudnative-pg"
		admin  = "sigs.k8s.io/network-policy-api"
	)
	return map[string][3]string{
		// That of CiliumClusterwideNetworkPolicy is the same.
		"ciliumnetworkpolicies.json":  {cilium, "pkg/k8s/apis/cilium.io/client/crds/v2/ciliumnetworkpolicies.yaml", "v2"},
		"clusters.json":               {cnpg, "config/crd/bases/postgresql.cnpg.io_clusters.yaml", "v1"},
		"poolers.json":                {cnpg, "config/crd/bases/postgresql.cnpg.io_poolers.yaml", "v1"},
		"clusternetworkpolicies.json": {admin, "config/crd/experimental/policy.networking.k8s.io_clusternetworkpolicies.yaml", "v1alpha2"},
	}
}

func run(directory string) error {
	for file, from := range definitions() {
		root, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", from[0]).Output()
		if err != nil {
			return fmt.Errorf("module %s: %w", from[0], err)
		}
		schema, err := read(filepath.Join(strings.TrimSpace(string(root)), filepath.FromSlash(from[1])), from[2])
		if err != nil {
			return fmt.Errorf("%s of %s: %w", from[1], from[0], err)
		}
		if err := write(filepath.Join(directory, file), schema); err != nil {
			return err
		}
	}
	if err := write(filepath.Join(directory, "networkpolicies.json"), ofType(reflect.TypeFor[networkingv1.NetworkPolicy]())); err != nil {
		return err
	}
	return write(filepath.Join(directory, "objectmeta.json"), ofType(reflect.TypeFor[metav1.ObjectMeta]()))
}

// read takes the schema of a version out of a CustomResourceDefinition, without its status: nobody
// writes that into a manifest.
func read(file, version string) (any, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	crd := apiextensionsv1.CustomResourceDefinition{}
	if err := yaml.UnmarshalStrict(data, &crd); err != nil {
		return nil, err
	}
	for _, v := range crd.Spec.Versions {
		if v.Name != version {
			continue
		}
		text, err := json.Marshal(v.Schema.OpenAPIV3Schema)
		if err != nil {
			return nil, err
		}
		var schema map[string]any
		if err := json.Unmarshal(text, &schema); err != nil {
			return nil, err
		}
		properties, _ := schema["properties"].(map[string]any)
		if _, ok := properties["status"]; ok {
			properties["status"] = map[string]any{"type": "object", "x-kubernetes-preserve-unknown-fields": true}
		}
		strip(schema)
		return schema, nil
	}
	return nil, fmt.Errorf("no version %s", version)
}

// strip removes the descriptions of a schema and of all within it. A property may be called so, too.
func strip(schema map[string]any) {
	delete(schema, "description")
	for key, value := range schema {
		children, ok := value.(map[string]any)
		switch {
		case !ok:
			if list, ok := value.([]any); ok && (key == "oneOf" || key == "anyOf" || key == "allOf") {
				for _, one := range list {
					if child, ok := one.(map[string]any); ok {
						strip(child)
					}
				}
			}
		case key == "properties":
			for _, child := range children {
				if child, ok := child.(map[string]any); ok {
					strip(child)
				}
			}
		case key == "items" || key == "additionalProperties" || key == "not":
			strip(children)
		}
	}
}

// ofType is the schema of a Go type with JSON tags, as far as types go.
func ofType(t reflect.Type) map[string]any {
	switch t {
	case reflect.TypeFor[metav1.Time]():
		return map[string]any{"type": "string", "nullable": true}
	case reflect.TypeFor[metav1.FieldsV1]():
		return map[string]any{"type": "object", "x-kubernetes-preserve-unknown-fields": true}
	case reflect.TypeFor[intstr.IntOrString]():
		return map[string]any{"x-kubernetes-int-or-string": true, "anyOf": []any{map[string]any{"type": "integer"}, map[string]any{"type": "string"}}}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return ofType(t.Elem())
	case reflect.Slice:
		return map[string]any{"type": "array", "items": ofType(t.Elem())}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": ofType(t.Elem())}
	case reflect.Struct:
		properties := map[string]any{}
		collect(t, properties)
		return map[string]any{"type": "object", "properties": properties}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.String:
		return map[string]any{"type": "string"}
	default:
		return map[string]any{"type": "integer"}
	}
}

func collect(t reflect.Type, properties map[string]any) {
	for i := range t.NumField() {
		field := t.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case name == "" && field.Anonymous:
			collect(field.Type, properties)
		case field.Type == reflect.TypeFor[metav1.ObjectMeta]():
			properties[name] = map[string]any{"type": "object"}
		default:
			properties[name] = ofType(field.Type)
		}
	}
}

func write(file string, schema any) error {
	text, err := json.Marshal(schema)
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644) //nolint:gosec // Part of the source code.
}
