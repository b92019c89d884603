package decode

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	crdsv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/client/crds/v2"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

// Decoder decodes objects. It reads the schemas of Cilium's policies once, when the first policy
// needs them, and may be used by several goroutines.
type Decoder struct {
	namespaced, clusterwide func() (*schema.Structural, error)
}

// NewDecoder returns a Decoder with the schemas of the Cilium version that this program is built
// with.
func NewDecoder() *Decoder {
	return &Decoder{
		namespaced:  lazySchema("ciliumnetworkpolicies.yaml"),
		clusterwide: lazySchema("ciliumclusterwidenetworkpolicies.yaml"),
	}
}

func lazySchema(file string) func() (*schema.Structural, error) {
	return sync.OnceValues(func() (*schema.Structural, error) {
		s, err := readSchema(file)
		if err != nil {
			return nil, fmt.Errorf("schema %s of this program's Cilium version: %w", file, err)
		}
		return s, nil
	})
}

// readSchema reads a CustomResourceDefinition that the Cilium module embeds, the way the API
// server reads it.
func readSchema(file string) (*schema.Structural, error) {
	data, err := crdsv2.EmbedFS.ReadFile(file)
	if err != nil {
		return nil, err
	}
	crd := apiextensionsv1.CustomResourceDefinition{}
	if err := yaml.Unmarshal(data, &crd); err != nil {
		return nil, err
	}
	for _, version := range crd.Spec.Versions {
		if version.Name != "v2" || version.Schema == nil {
			continue
		}
		props := &apiextensions.JSONSchemaProps{}
		if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(
			version.Schema.OpenAPIV3Schema, props, nil); err != nil {
			return nil, err
		}
		return schema.NewStructural(props)
	}
	return nil, errors.New("version v2 is missing")
}

// prune drops the fields that are not in the kind's schema, as the API server does before it
// stores an object, and returns what is left and the paths of what was dropped.
func (d *Decoder) prune(kind v1alpha1.PolicyKind, raw []byte) ([]byte, []string, error) {
	read := d.namespaced
	if kind == v1alpha1.CiliumClusterwideNetworkPolicy {
		read = d.clusterwide
	}
	structural, err := read()
	if err != nil {
		return nil, nil, err
	}
	object := map[string]any{}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(raw, &object); err != nil {
		return nil, nil, err
	}
	dropped := pruning.PruneWithOptions(object, structural, true,
		schema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
	_, _, inMetadata, err := objectmeta.GetObjectMetaWithOptions(object,
		objectmeta.ObjectMetaOptions{ReturnUnknownFieldPaths: true})
	if err != nil {
		return nil, nil, err
	}
	pruned, err := json.Marshal(object)
	return pruned, append(dropped, inMetadata...), err
}
