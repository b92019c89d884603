package decode

import (
	"errors"

	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kjson "sigs.k8s.io/json"
)

var errNoName = errors.New("metadata.name is missing")

// Cluster decodes a CloudNativePG Cluster. The object is returned with an error too, as far as it
// was read, so that the error's reader can name it.
func Cluster(raw []byte, defaultNamespace string) (*cnpgv1.Cluster, error) {
	c := &cnpgv1.Cluster{}
	err := kjson.UnmarshalCaseSensitivePreserveInts(raw, c)
	if c.Namespace == "" {
		c.Namespace = defaultNamespace
	}
	return c, named(c.Name, err)
}

// Clusters decodes a list of Clusters, and returns the token of the next page.
func Clusters(raw []byte) (clusters []*cnpgv1.Cluster, next string, err error) {
	var list struct {
		Metadata metav1.ListMeta   `json:"metadata"`
		Items    []*cnpgv1.Cluster `json:"items"`
	}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(raw, &list); err != nil {
		return nil, "", errors.New(plain(err))
	}
	for _, c := range list.Items {
		if c == nil || c.Name == "" {
			return nil, "", errNoName
		}
	}
	return list.Items, list.Metadata.Continue, nil
}

// Pooler decodes a CloudNativePG Pooler, as Cluster does a Cluster.
func Pooler(raw []byte, defaultNamespace string) (*cnpgv1.Pooler, error) {
	p := &cnpgv1.Pooler{}
	err := kjson.UnmarshalCaseSensitivePreserveInts(raw, p)
	if p.Namespace == "" {
		p.Namespace = defaultNamespace
	}
	return p, named(p.Name, err)
}

// named is err in plain words, or the complaint that a name is missing.
func named(name string, err error) error {
	if err != nil {
		return errors.New(plain(err))
	}
	if name == "" {
		return errNoName
	}
	return nil
}
