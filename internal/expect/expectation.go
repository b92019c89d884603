package expect

import (
	"fmt"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/explain"
)

// Expectation is one that was read, and that can be asked about. Get them from Decode.
type Expectation struct {
	// File, Document and Path say where it stands.
	File     string
	Document int
	Path     string
	// Namespace is that of the cluster; empty when neither the expectation nor its document names one.
	Namespace string
	Cluster   string
	// Posture is expected of the cluster; empty for a Verdict on a connection.
	Posture v1alpha1.Posture
	Verdict v1alpha1.Verdict
	// Outbound is true when the cluster connects, as Sender to Target. Else Source does, and Query says to what of the cluster.
	Outbound bool
	Source   explain.Source
	Query    explain.Query
	Sender   explain.Sender
	Target   explain.Target
	// Because is the reason that was given.
	Because string
	// from and to are the source and the target as they are written, for command lines.
	from, to string
	// described are the fields of a source that is a pod which need not exist; nil for others.
	described *v1alpha1.ExpectedFromFields
}

// Expected is the verdict or the posture.
func (x *Expectation) Expected() string {
	if x.Posture != "" {
		return string(x.Posture)
	}
	return string(x.Verdict)
}

// Place is where an expectation stands, for messages: "tests.yaml, document 1, expect[2]".
func (x *Expectation) Place() string {
	return fmt.Sprintf("%s, document %d, %s", x.File, x.Document, x.Path)
}

// Asked is an expectation with what had to be looked up before it is put to a model.
type Asked struct {
	Expectation
	// Key is the cluster.
	Key types.NamespacedName
	// Note is a sentence about what was put in the place of the source; empty for nothing.
	Note string
	// Err says why it can't be asked: there is no such cluster, or no such source.
	Err error
}
