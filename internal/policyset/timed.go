package policyset

import (
	"slices"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
)

// AnnotationTimer names the Job of the policy's namespace with which the policy ends: it has an owner reference
// to that Job. Without the annotation, an owner reference is somebody else's.
const AnnotationTimer = "cnpg-netpol/timer"

// Timer is the Job that a policy ends with. The garbage collector deletes the policy when the Job is gone.
type Timer struct {
	Name string
	// UID is empty as long as there is no Job.
	UID types.UID
	// Lost is true when somebody has taken the owner reference away, so that the policy does not end any more.
	Lost bool
}

// TimerOf is the Job that a policy ends with; false when it was not meant to end by itself.
func TimerOf(p *ciliumv2.CiliumNetworkPolicy) (Timer, bool) {
	name, timed := p.Annotations[AnnotationTimer]
	if !timed {
		return Timer{}, false
	}
	for _, o := range p.OwnerReferences {
		if isTimer(o, name) {
			return Timer{Name: name, UID: o.UID}, true
		}
	}
	return Timer{Name: name, Lost: true}, true
}

func isTimer(o metav1.OwnerReference, name string) bool {
	return name != "" && o.Kind == "Job" && o.APIVersion == batchv1.SchemeGroupVersion.String() && o.Name == name
}

// EndingWith is the policy as it ends with the timer.
func EndingWith(p *ciliumv2.CiliumNetworkPolicy, t Timer) *ciliumv2.CiliumNetworkPolicy {
	out := ForGood(p)
	if out.Annotations == nil {
		out.Annotations = map[string]string{}
	}
	out.Annotations[AnnotationTimer] = t.Name
	out.OwnerReferences = append(out.OwnerReferences, metav1.OwnerReference{
		APIVersion: batchv1.SchemeGroupVersion.String(), Kind: "Job", Name: t.Name, UID: t.UID,
		// The Job's own end must not wait for the policy, and nobody else is the policy's controller.
		Controller: ptr.To(false), BlockOwnerDeletion: ptr.To(false),
	})
	return out
}

// ForGood is the policy without the timer that it ends with. Owner references of others stay.
func ForGood(p *ciliumv2.CiliumNetworkPolicy) *ciliumv2.CiliumNetworkPolicy {
	out := p.DeepCopy()
	name := out.Annotations[AnnotationTimer]
	out.OwnerReferences = slices.DeleteFunc(out.OwnerReferences, func(o metav1.OwnerReference) bool { return isTimer(o, name) })
	delete(out.Annotations, AnnotationTimer)
	if len(out.OwnerReferences) == 0 {
		out.OwnerReferences = nil
	}
	if len(out.Annotations) == 0 {
		out.Annotations = nil
	}
	return out
}

// timerReferences are the owner references that a policy ends with.
func timerReferences(p *ciliumv2.CiliumNetworkPolicy) []metav1.OwnerReference {
	var out []metav1.OwnerReference
	for _, o := range p.OwnerReferences {
		if isTimer(o, p.Annotations[AnnotationTimer]) {
			out = append(out, o)
		}
	}
	return out
}

// ownerDifferences compares the timers of two policies. One that has no UID yet is the same as one of its name.
func ownerDifferences(live, desired *ciliumv2.CiliumNetworkPolicy) []string {
	got, want := timerReferences(live), timerReferences(desired)
	same := len(got) == len(want)
	for i := range want {
		same = same && got[i].Name == want[i].Name && (want[i].UID == "" || got[i].UID == want[i].UID)
	}
	if same {
		return nil
	}
	return []string{"metadata.ownerReferences"}
}

// ManagedBy says who else keeps the policy as it is: a controller that would bring it back, or that owns it. It is
// empty when nothing of that can be seen.
func ManagedBy(p *ciliumv2.CiliumNetworkPolicy) string {
	for _, mark := range []struct{ key, who string }{
		{"kustomize.toolkit.fluxcd.io/name", "Flux"},
		{"helm.toolkit.fluxcd.io/name", "Flux"},
		{"argocd.argoproj.io/instance", "Argo CD"},
		{"argocd.argoproj.io/tracking-id", "Argo CD"},
		{"meta.helm.sh/release-name", "Helm"},
		{"configsync.gke.io/resource-id", "Config Sync"},
		{"fleet.cattle.io/bundle-id", "Fleet"},
		{"objectset.rio.cattle.io/id", "Fleet"},
		{"kubectl.kubernetes.io/last-applied-configuration", "who applies manifests"},
	} {
		_, labelled := p.Labels[mark.key]
		if _, annotated := p.Annotations[mark.key]; annotated || labelled {
			return mark.who
		}
	}
	for _, o := range p.OwnerReferences {
		if !isTimer(o, p.Annotations[AnnotationTimer]) {
			return o.Kind + " " + o.Name
		}
	}
	return ""
}

// IsRehearsed tells whether the policy says that its set lacks default deny on purpose.
func IsRehearsed(p *ciliumv2.CiliumNetworkPolicy) bool {
	return p.Annotations[AnnotationRehearsedSince] != ""
}

const (
	// AnnotationReason is why a grant was asked for, in the words of whoever did.
	AnnotationReason = "cnpg-netpol/reason"
	// AnnotationRequestedBy is the user who asked for a grant, as the server knew them.
	AnnotationRequestedBy = "cnpg-netpol/requested-by"
)

// GrantOf is the client that a live policy of the set lets in.
func GrantOf(p *ciliumv2.CiliumNetworkPolicy) (Grant, error) {
	text, _ := stored(p.Annotations)
	return parseGrant(text)
}
