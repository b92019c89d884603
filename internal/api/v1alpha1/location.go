package v1alpha1

// Location is a place that a finding is about: a field of a policy or of the cluster, or a document of manifests.
type Location struct {
	// Kind, Namespace and Name are those of an object; empty for a document that is none.
	Kind      string `json:"kind,omitempty"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name,omitempty"`
	// Field is a path in the object ("spec.ingress[0]"), empty for all of it.
	Field string `json:"field,omitempty"`
	// File is what the object was read from, as the user wrote the path; empty for objects of a server, and for what a
	// kustomization generates. Document counts from one, without empty documents; it is 0 where a kustomization
	// has built the object from the File.
	File     string `json:"file,omitempty"`
	Document int    `json:"document,omitempty"`
	// Line is that of the Field in the File, or of what is there of it, from one. It is 0 where nobody has looked.
	Line int `json:"line,omitempty"`
}
