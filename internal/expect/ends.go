package expect

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/explain"
)

const (
	fieldsOfTo   = "cluster, namespace, pooler and port"
	fieldsOfFrom = "labels, namespace and serviceAccount of a pod, or cluster, namespace, pooler and job"
)

// ends reads both ends: which of them is the cluster, to tells.
func (r *reader) ends(x *Expectation, from, to json.RawMessage) {
	text, isText, ok := r.text(to, x.Path+".to", "name the cluster, or what a cluster connects to")
	switch {
	case !ok:
	case isText && explain.LooksLikeTarget(text):
		r.outbound(x, from, text)
		return
	case isText:
		r.cluster(x, x.Path+".to", text)
		x.Query.Port = defaultPort()
	default:
		r.toFields(x, to)
	}
	path := x.Path + ".from"
	switch missing := kindOf(from) == "nothing"; {
	case x.Posture != "" && !missing:
		r.wrong(path, "a posture is about the cluster alone: leave it out, or write verdict in place of posture")
	case x.Posture != "":
		if x.Query.Pooler != "" || x.Query.Port != "" && x.Query.Port != defaultPort() {
			r.wrong(x.Path+".to", "a posture is about the cluster as a whole: leave out pooler and port")
		}
	case missing && x.Verdict != "":
		r.missing(path, "say who connects, as in from: world")
	case !missing:
		r.inbound(x, from, path)
	}
}

func defaultPort() string { return strconv.Itoa(int(cnpg.PostgresPort)) }

// text is a value that is text; false when it is a mapping. ok is false for what is neither, which is noted.
func (r *reader) text(data json.RawMessage, path, what string) (text string, isText, ok bool) {
	switch met := kindOf(data); met {
	case "nothing":
		r.missing(path, what)
	case "a mapping":
		return "", false, true
	case "text":
		if err := json.Unmarshal(data, &text); err != nil {
			r.wrong(path, "%w", err)
			return "", false, false
		}
		if strings.TrimSpace(text) == "" {
			r.wrong(path, "is empty: %s", what)
			return "", false, false
		}
		return text, true, true
	default:
		r.wrong(path, "%s is here, and text or a mapping is needed", met)
	}
	return "", false, false
}

// cluster reads NAME or NAMESPACE/NAME.
func (r *reader) cluster(x *Expectation, path, text string) {
	namespace, name, named := strings.Cut(text, "/")
	if !named {
		namespace, name = x.Namespace, text
	} else {
		r.validName(path, namespace, "namespace", validation.IsDNS1123Label)
	}
	x.Namespace, x.Cluster = namespace, name
	r.validName(path, name, "cluster", validation.IsDNS1123Subdomain)
}

// clusterFields reads a cluster of two fields.
func (r *reader) clusterFields(x *Expectation, path, namespace, name string) {
	if name == "" {
		r.missing(path+".cluster", "name the cluster")
		return
	}
	x.Namespace, x.Cluster = cmp.Or(namespace, x.Namespace), name
	r.validName(path+".cluster", name, "cluster", validation.IsDNS1123Subdomain)
	if namespace != "" {
		r.validName(path+".namespace", namespace, "namespace", validation.IsDNS1123Label)
	}
}

func (r *reader) toFields(x *Expectation, data json.RawMessage) {
	path := x.Path + ".to"
	var to struct {
		Cluster   string          `json:"cluster"`
		Namespace string          `json:"namespace"`
		Pooler    string          `json:"pooler"`
		Port      json.RawMessage `json:"port"`
	}
	if !r.into(data, path, &to, fieldsOfTo) {
		return
	}
	r.clusterFields(x, path, to.Namespace, to.Cluster)
	if x.Query.Pooler = to.Pooler; to.Pooler != "" {
		r.validName(path+".pooler", to.Pooler, "pooler", validation.IsDNS1123Subdomain)
	}
	var port v1alpha1.Port
	switch met := kindOf(to.Port); met {
	case "nothing":
		port = v1alpha1.Port(defaultPort())
	case "text", "a number":
		if err := json.Unmarshal(to.Port, &port); err != nil {
			r.wrong(path+".port", "%s is no port: use a whole number from 1 to 65535, or the name of a container port", to.Port)
			return
		}
	default:
		r.wrong(path+".port", "%s is here, and a number or the name of a container port is needed", met)
		return
	}
	x.Query.Port = string(port)
	if err := x.Query.Validate(); err != nil {
		r.wrong(path+".port", "%w", err)
	}
}

// inbound reads who connects to the cluster.
func (r *reader) inbound(x *Expectation, data json.RawMessage, path string) {
	text, isText, ok := r.text(data, path, "say who connects")
	switch {
	case !ok:
		return
	case isText:
		source, err := explain.ParseSource(text)
		if err != nil {
			r.wrong(path, "%w", err)
		}
		x.Source, x.from = source, text
		return
	}
	var from v1alpha1.ExpectedFromFields
	switch {
	case !r.into(data, path, &from, fieldsOfFrom):
	case from.Cluster != "" || from.Pooler != "" || from.Job != "":
		r.wrong(path, "cluster, pooler and job say who of a cluster connects to something else, and to is a cluster: write its instances as text, from: cluster/NAME")
	case len(from.Labels) == 0:
		r.missing(path+".labels", "write the labels of the pod, or from: namespace/NAME for one without")
	default:
		x.described = &from
		// Where it names no namespace, that of the cluster will be put in.
		source, err := described(from, "default")
		if err != nil {
			r.wrong(path, "%w", err)
		}
		x.Source = source
	}
}

// described is a pod that need not exist, in a namespace when it names none.
func described(from v1alpha1.ExpectedFromFields, namespace string) (explain.Source, error) {
	return explain.HypotheticalPod(labelText(from.Labels), cmp.Or(from.Namespace, namespace), from.ServiceAccount)
}

// labelText are labels as a flag takes them.
func labelText(labels map[string]string) string {
	pairs := make([]string, 0, len(labels))
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		pairs = append(pairs, key+"="+labels[key])
	}
	return strings.Join(pairs, ",")
}

// outbound reads who of the cluster connects, and to what.
func (r *reader) outbound(x *Expectation, data json.RawMessage, to string) {
	x.Outbound, x.to = true, to
	target, err := explain.ParseTarget(to, "")
	if err != nil {
		r.wrong(x.Path+".to", "%w", err)
	}
	x.Target = target
	path := x.Path + ".from"
	if x.Posture != "" {
		r.wrong(x.Path+".to", "%q is no cluster: a posture is that of a cluster", to)
		return
	}
	text, isText, ok := r.text(data, path, "name the cluster that connects to "+to)
	switch {
	case !ok:
	case isText:
		name := strings.TrimPrefix(text, "cluster/")
		if name == text && explain.LooksLikeTarget(text) || strings.Count(name, "/") > 1 || kindOfEntity(text) {
			r.wrong(path, "%q is no cluster: what connects to %s is a cluster, as NAME, NAMESPACE/NAME or a mapping", text, to)
			return
		}
		r.cluster(x, path, name)
	default:
		r.fromCluster(x, data, path)
	}
}

// kindOfEntity is true for the name of an entity.
func kindOfEntity(text string) bool {
	_, err := explain.ParseSource(text)
	return err == nil && !strings.Contains(text, "/")
}

// fromCluster reads who of a cluster connects.
func (r *reader) fromCluster(x *Expectation, data json.RawMessage, path string) {
	var from v1alpha1.ExpectedFromFields
	if !r.into(data, path, &from, fieldsOfFrom) {
		return
	}
	if len(from.Labels) > 0 || from.ServiceAccount != "" {
		r.wrong(path, "labels and serviceAccount describe a pod that connects to a cluster, and to is none: name the cluster that connects")
		return
	}
	r.clusterFields(x, path, from.Namespace, from.Cluster)
	switch {
	case from.Pooler != "" && from.Job != "":
		r.wrong(path+".job", "it stands in place of pooler: write an expectation for each")
	case from.Pooler != "":
		x.from = "pooler/" + from.Pooler
	case from.Job != "":
		if x.from = "job/" + from.Job; !slices.Contains(cnpg.JobRoles(), cnpg.JobRole(from.Job)) {
			r.wrong(path+".job", "no job has the role %q: use one of %s", from.Job, jobRoles())
			return
		}
	}
	var err error
	if x.Sender, err = explain.ParseSender(x.from); err != nil {
		r.wrong(path+".pooler", "%s", strings.TrimPrefix(err.Error(), "--from "))
	}
}

func jobRoles() string {
	var roles []string
	for _, role := range cnpg.JobRoles() {
		roles = append(roles, string(role))
	}
	return strings.Join(roles, ", ")
}
