package manifests

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/decode"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/schema"
)

// unrendered is something that can't be judged as it stands.
type unrendered struct {
	// namespace is where it can have an effect on a database; empty when that may be everywhere.
	namespace string
	// peers is true when it can only change who the clients are, and not what the policies of a database are.
	peers bool
	// why is the same for things that are told together.
	why string
	// what is the thing and where it stands.
	what string
	// detail is what else is to say of it, empty when nothing is.
	detail string
	// remedy renders it, and kustomize is the folder that kubectl kustomize does that with, when it can.
	remedy, kustomize string
	// at is where the thing stands, zero when that is no single place.
	at inventory.Source
}

// The reasons for which something is unrendered.
const (
	whyPlaceholder = "holds placeholders that nobody has filled in"
	whyTemplate    = "is a template"
	whyEncrypted   = "is encrypted"
	whyName        = "has a namespace that no namespace can be called"
)

const (
	remedyPlaceholder = "Fill in the placeholders first, as with flux build kustomization or envsubst, and pass the result with -f -."
	remedyName        = "Correct the namespace, or fill in what stands for it, and pass the result with -f -."
	remedyTemplate    = "Render the template first, as with helm template, and pass the result with -f -."
	remedyEncrypted   = "Decrypt it first, as with sops --decrypt FILE, and pass the result with -f -."
)

// placeholder is what templates, Flux and other tools replace: {{ .Values.x }}, ${x}, <x>, %x%, @@x@@ or __X__.
var placeholder = regexp.MustCompile(`\{\{.*?\}\}|\{\{|\$\{[^}]*\}`)

// placeholderName is what stands for a name and can't be one.
var placeholderName = regexp.MustCompile(`[<>%@$*#{}\[\]]|__[A-Za-z0-9_]+__`)

// isPlaceholder is true for what stands for a name. Control characters are no part of any: they are those of a
// terminal, with a bracket among them.
func isPlaceholder(name string) bool {
	return placeholderName.MatchString(name) && !strings.ContainsFunc(name, unicode.IsControl)
}

// notRendered notes an object that can't be judged as it stands, and tells whether it is one. Kinds
// that do not matter are none.
func (l *loader) notRendered(h header, raw []byte, at place) bool {
	policy, isPolicy := decode.PolicyKind(h.APIVersion, h.Kind)
	database := databaseKind(h)
	peers := decode.WorkloadKind(h.APIVersion, h.Kind) || h.APIVersion == "v1" && (h.Kind == "Pod" || h.Kind == "Namespace" || h.Kind == "Service")
	if !isPolicy && !database && !peers {
		return false
	}
	suspicious := bytes.Contains(raw, []byte("{{")) || bytes.Contains(raw, []byte("${")) || bytes.Contains(raw, []byte(`"sops"`))
	var object struct {
		Metadata struct {
			Name      any `json:"name"`
			Namespace any `json:"namespace"`
			UID       any `json:"uid"`
		} `json:"metadata"`
		SOPS *struct {
			MAC          any `json:"mac"`
			LastModified any `json:"lastmodified"`
		} `json:"sops"`
	}
	if peers && !suspicious || json.Unmarshal(raw, &object) != nil {
		return false
	}
	name, _ := object.Metadata.Name.(string)
	namespace, _ := object.Metadata.Namespace.(string)
	if namespace == "" {
		namespace = l.namespace
	}
	u := unrendered{namespace: namespace, peers: peers, what: fmt.Sprintf("%s %s (%s)", h.Kind, name, at.source), at: at.from}
	clusterwide := isPolicy && !decode.Namespaced(policy) || h.Kind == "Namespace"
	mark := mentions(h, raw, suspicious, isPolicy, database)
	switch {
	case object.SOPS != nil && (object.SOPS.MAC != nil || object.SOPS.LastModified != nil):
		u.why, u.remedy = whyEncrypted, remedyEncrypted
	case mark != "":
		u.why, u.remedy = whyPlaceholder, remedyPlaceholder
		if strings.HasPrefix(mark, "{{") {
			u.why, u.remedy = whyTemplate, remedyTemplate
		}
	case !peers && (isPlaceholder(name) || !clusterwide && isPlaceholder(namespace)):
		u.why, u.remedy = whyPlaceholder, remedyPlaceholder
	case !peers && object.Metadata.UID == nil && !clusterwide && schema.NotAName(namespace) != "":
		u.why, u.remedy = whyName, remedyName
		u.detail = schema.NotAName(namespace)
	default:
		return false
	}
	if clusterwide || schema.NotAName(namespace) != "" {
		u.namespace = ""
	}
	l.unrendered = append(l.unrendered, u)
	return true
}

func databaseKind(h header) bool {
	return strings.HasPrefix(h.APIVersion, "postgresql.cnpg.io/") && (h.Kind == "Cluster" || h.Kind == "Pooler")
}

// mentions is the first placeholder in a part of the object that matters, empty when there is none.
func mentions(h header, raw []byte, suspicious, policy, database bool) string {
	if !suspicious {
		return ""
	}
	var object map[string]any
	if err := json.Unmarshal(raw, &object); err != nil {
		return ""
	}
	metadata, _ := object["metadata"].(map[string]any)
	spec, _ := object["spec"].(map[string]any)
	parts := []any{metadata["name"], metadata["namespace"]}
	switch {
	case policy:
		parts = append(parts, object["spec"], object["specs"])
	case database:
		// What the database stores, and where from its image comes, is nobody's way in.
		for _, harmless := range []string{"storage", "walStorage", "tablespaces", "resources", "imageName", "description"} {
			delete(spec, harmless)
		}
		if postgresql, ok := spec["postgresql"].(map[string]any); ok {
			delete(postgresql, "parameters")
		}
		parts = append(parts, spec)
	case h.Kind == "Namespace":
		parts = append(parts, metadata["labels"])
	case h.Kind == "Pod":
		parts = append(parts, metadata["labels"], spec["serviceAccountName"], spec["hostNetwork"])
	default:
		template, _ := spec["template"].(map[string]any)
		inner, _ := template["spec"].(map[string]any)
		parts = append(parts, spec["replicas"], spec["selector"], template["metadata"], inner["serviceAccountName"], inner["hostNetwork"])
	}
	for _, part := range parts {
		if found := firstPlaceholder(part); found != "" {
			return found
		}
	}
	return ""
}

func firstPlaceholder(value any) string {
	switch value := value.(type) {
	case string:
		return placeholder.FindString(value)
	case []any:
		for _, one := range value {
			if found := firstPlaceholder(one); found != "" {
				return found
			}
		}
	case map[string]any:
		for key, one := range value {
			if found := placeholder.FindString(key) + firstPlaceholder(one); found != "" {
				return found
			}
		}
	}
	return ""
}

var (
	kindLine      = regexp.MustCompile(`(?m)^kind:[ \t]*["']?([A-Za-z]+)`)
	versionLine   = regexp.MustCompile(`(?m)^apiVersion:[ \t]*["']?([A-Za-z0-9./]+)`)
	namespaceLine = regexp.MustCompile(`(?m)^ {2}namespace:[ \t]*["']?([a-z0-9-]+)["']?[ \t]*(?:#.*)?$`)
)

// unparsed takes a document that is no YAML: a template, nothing that matters, or a mistake.
func (l *loader) unparsed(source string, d document) {
	switch mark := placeholder.Find(d.text); {
	case mark != nil:
		l.objects++ // Or would be.
		u := unrendered{why: whyPlaceholder, remedy: remedyPlaceholder, what: source, at: l.hereIn(source)}
		if bytes.HasPrefix(mark, []byte("{{")) {
			u.why, u.remedy = whyTemplate, remedyTemplate
		}
		l.template(u, source, d.text)
	case l.from.named, kindLine.Match(d.text) && versionLine.Match(d.text), d.text == nil:
		l.fail(source, d.err)
	default:
		l.skipped++
	}
}

// template notes a text that is no YAML before it is rendered, if it makes something that matters.
func (l *loader) template(u unrendered, source string, text []byte) {
	kinds := kindLine.FindAllSubmatch(text, -1)
	versions := versionLine.FindSubmatch(text)
	if len(kinds) == 1 && versions != nil {
		kind, version := string(kinds[0][1]), string(versions[1])
		policy, isPolicy := decode.PolicyKind(version, kind)
		h := header{Kind: kind, APIVersion: version}
		switch {
		case isPolicy && !decode.Namespaced(policy):
		case isPolicy, databaseKind(h):
			if found := namespaceLine.FindSubmatch(text); found != nil {
				u.namespace = string(found[1])
			}
		case decode.WorkloadKind(version, kind), kind == "Pod":
			u.peers = true
		default:
			l.skipped++
			return
		}
		u.what = fmt.Sprintf("%s (%s)", kind, source)
	}
	l.unrendered = append(l.unrendered, u)
}

// policyKinds are the kinds of which a chart's template must not be passed over.
func policyKinds() []v1alpha1.PolicyKind {
	return []v1alpha1.PolicyKind{
		v1alpha1.CiliumNetworkPolicy, v1alpha1.CiliumClusterwideNetworkPolicy, v1alpha1.NetworkPolicy, v1alpha1.ClusterNetworkPolicy,
	}
}
