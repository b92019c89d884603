package v1alpha1

import (
	"encoding/json"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ExpectationsKind is the kind of what test reads, and of what test --init writes.
const ExpectationsKind = "Expectations"

// Expectations say who must and who must not connect to databases, and what these must and must not reach.
type Expectations struct {
	metav1.TypeMeta `json:",inline"`
	// Namespace is that of the clusters that name none; empty for the command's.
	Namespace string `json:"namespace,omitempty"`
	// Expect are the expectations, in the order in which they are tested: one at least.
	Expect []Expectation `json:"expect"`
}

// Expectation is one sentence that holds or does not: a Posture of the cluster in To; a Verdict for From,
// which connects to the cluster in To; or a Verdict for the cluster in From, which connects to To.
type Expectation struct {
	// From is who connects; missing with Posture.
	From *ExpectedFrom `json:"from,omitempty"`
	// To is a cluster, or what a cluster connects to.
	To ExpectedTo `json:"to"`
	// Verdict is allowed or denied: for every pod of both ends.
	Verdict Verdict `json:"verdict,omitempty"`
	// Posture is that of the cluster. UNKNOWN can't be expected.
	Posture Posture `json:"posture,omitempty"`
	// Because is the reason for the expectation, for whoever reads that it does not hold.
	Because string `json:"because,omitempty"`
}

// ExpectedFrom is who connects: text, or fields. In JSON, Text stands in place of the fields.
type ExpectedFrom struct {
	// Text is a SOURCE of explain; or a cluster, as NAME or NAMESPACE/NAME, when To is something that it
	// connects to. The fields are empty then.
	Text               string `json:"-"`
	ExpectedFromFields `json:",inline"`
}

// ExpectedFromFields describe a pod that need not exist, by Labels; or who of a cluster connects, by Cluster.
type ExpectedFromFields struct {
	Labels map[string]string `json:"labels,omitempty"`
	// Namespace is that of the pod, or of the cluster.
	Namespace string `json:"namespace,omitempty"`
	// ServiceAccount is the pod's; "default" when it is empty.
	ServiceAccount string `json:"serviceAccount,omitempty"`
	Cluster        string `json:"cluster,omitempty"`
	// Pooler is the name of a pooler of Cluster, and Job the role of a job; its instances connect when both are empty.
	Pooler string `json:"pooler,omitempty"`
	Job    string `json:"job,omitempty"`
}

// MarshalJSON is the text, or the fields.
func (f ExpectedFrom) MarshalJSON() ([]byte, error) { return textOr(f.Text, f.ExpectedFromFields) }

// UnmarshalJSON reads either.
func (f *ExpectedFrom) UnmarshalJSON(data []byte) error {
	return intoTextOr(data, &f.Text, &f.ExpectedFromFields)
}

// ExpectedTo is who is connected to: text, or fields. In JSON, Text stands in place of the fields.
type ExpectedTo struct {
	// Text is a cluster, as NAME or NAMESPACE/NAME; or a TARGET of explain --to, when a cluster connects. The
	// fields are empty then.
	Text             string `json:"-"`
	ExpectedToFields `json:",inline"`
}

// ExpectedToFields are a cluster, and what of it is connected to.
type ExpectedToFields struct {
	Cluster   string `json:"cluster,omitempty"`
	Namespace string `json:"namespace,omitempty"`
	// Pooler is the name of a pooler; its instances are connected to when it is empty.
	Pooler string `json:"pooler,omitempty"`
	// Port is the number of a TCP port, or the name of a container port; "5432" when it is empty. JSON may have a number.
	Port Port `json:"port,omitempty"`
}

// MarshalJSON is the text, or the fields.
func (t ExpectedTo) MarshalJSON() ([]byte, error) { return textOr(t.Text, t.ExpectedToFields) }

// UnmarshalJSON reads either.
func (t *ExpectedTo) UnmarshalJSON(data []byte) error {
	return intoTextOr(data, &t.Text, &t.ExpectedToFields)
}

// Port is the number or the name of a port. In JSON, it is a number where it is one.
type Port string

// MarshalJSON is a number, or text.
func (p Port) MarshalJSON() ([]byte, error) {
	if number := json.Number(p); number != "" && isDigits(string(p)) {
		return json.Marshal(number)
	}
	return json.Marshal(string(p))
}

// UnmarshalJSON reads either.
func (p *Port) UnmarshalJSON(data []byte) error {
	if isDigits(string(data)) {
		*p = Port(data)
		return nil
	}
	return json.Unmarshal(data, (*string)(p))
}

// isDigits is true for a number as JSON has it, without a sign.
func isDigits(text string) bool {
	for _, r := range text {
		if r < '0' || r > '9' {
			return false
		}
	}
	return text != "" && (text[0] != '0' || text == "0")
}

func textOr(text string, fields any) ([]byte, error) {
	if text != "" {
		return json.Marshal(text)
	}
	return json.Marshal(fields)
}

func intoTextOr(data []byte, text *string, fields any) error {
	if len(data) > 0 && data[0] == '"' {
		return json.Unmarshal(data, text)
	}
	return json.Unmarshal(data, fields)
}

// ExpectationsDraft is what test --init writes for one cluster: what holds today, and what could not be made an
// expectation of.
type ExpectationsDraft struct {
	Cluster      Metadata
	Expectations Expectations
	// Omitted are sentences, for comments: what is not among the Expectations, and why.
	Omitted []string
}
