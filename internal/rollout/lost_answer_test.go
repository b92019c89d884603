package rollout

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	ciliumclient "github.com/cilium/cilium/pkg/k8s/client/clientset/versioned/typed/cilium.io/v2"
	"github.com/cilium/cilium/pkg/policy/api"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// example is the cluster of the recording.
var example = fixture.Recorded()

const exampleDefaultDeny = "cluster-example-default-deny"

// unreliable is a server whose answers can get lost after it has done what it was asked for.
type unreliable struct {
	ciliumclient.CiliumNetworkPolicyInterface
	objects map[string]*ciliumv2.CiliumNetworkPolicy
	version int
	// applied are the fields that our server-side apply owns, by policy, and updated those that an update
	// of ours has written, which an apply leaves alone.
	applied, updated map[string]fields
	// loseAnswerTo is the policy about which the next answer to a patch or a deletion is lost, and
	// refuseToDelete the one that can't be deleted.
	loseAnswerTo, refuseToDelete string
	// overtake is what somebody else creates in place of the policy of its name, whose answer is lost.
	overtake *ciliumv2.CiliumNetworkPolicy
	// webhookLabel is what an admission webhook adds to every policy.
	webhookLabel string
	// noteStatus lets Cilium write its status after the next update, which makes a new version.
	noteStatus bool
}

func newUnreliable(objects ...*ciliumv2.CiliumNetworkPolicy) *unreliable {
	u := &unreliable{objects: map[string]*ciliumv2.CiliumNetworkPolicy{}, applied: map[string]fields{}, updated: map[string]fields{}}
	for _, o := range objects {
		u.store(o)
		if policyset.IsOurs(o.Labels) {
			u.applied[o.Name] = lockdowns
		}
	}
	return u
}

func (u *unreliable) CiliumNetworkPolicies(string) ciliumclient.CiliumNetworkPolicyInterface {
	return u
}

func (u *unreliable) store(p *ciliumv2.CiliumNetworkPolicy) *ciliumv2.CiliumNetworkPolicy {
	u.version++
	p = p.DeepCopy()
	p.ResourceVersion = fmt.Sprint(u.version)
	if p.UID == "" {
		p.UID = types.UID(p.Name)
	}
	u.objects[p.Name] = p
	return p.DeepCopy()
}

func (u *unreliable) answer(name string) error {
	if name == u.loseAnswerTo {
		u.loseAnswerTo = ""
		return errors.New("read: connection reset by peer")
	}
	return nil
}

var policyResource = schema.GroupResource{Group: "cilium.io", Resource: "ciliumnetworkpolicies"}

func conflict(name string) error {
	return apierrors.NewConflict(policyResource, name, errors.New("the object has been modified"))
}

func (u *unreliable) Get(_ context.Context, name string, _ metav1.GetOptions) (*ciliumv2.CiliumNetworkPolicy, error) {
	if p := u.objects[name]; p != nil {
		return p.DeepCopy(), nil
	}
	return nil, apierrors.NewNotFound(policyResource, name)
}

func (u *unreliable) Patch(_ context.Context, name string, kind types.PatchType, data []byte, _ metav1.PatchOptions, _ ...string) (*ciliumv2.CiliumNetworkPolicy, error) {
	is := u.objects[name]
	var err error
	if kind == types.MergePatchType {
		data, err = merged(is, data)
	} else {
		data, err = u.withOthers(name, data)
	}
	if err != nil {
		return nil, err
	}
	p := &ciliumv2.CiliumNetworkPolicy{}
	if err := json.Unmarshal(data, p); err != nil {
		return nil, err
	}
	if u.overtake != nil && u.overtake.Name == name {
		u.store(u.overtake)
		return nil, errors.New("read: connection reset by peer")
	}
	if u.webhookLabel != "" {
		p.Labels[u.webhookLabel] = "seen"
	}
	if is != nil {
		if p.ResourceVersion != "" && p.ResourceVersion != is.ResourceVersion {
			return nil, conflict(name)
		}
		p.Generation = is.Generation + 1
	}
	return u.store(p), u.answer(name)
}

// merged is a policy with a merge patch.
func merged(is *ciliumv2.CiliumNetworkPolicy, patch []byte) ([]byte, error) {
	content, err := policyset.Unstructured(policyset.Policy{Object: is})
	if err != nil {
		return nil, err
	}
	whole, err := json.Marshal(content)
	if err != nil {
		return nil, err
	}
	return jsonpatch.MergePatch(whole, patch)
}

func (u *unreliable) Update(_ context.Context, p *ciliumv2.CiliumNetworkPolicy, _ metav1.UpdateOptions) (*ciliumv2.CiliumNetworkPolicy, error) {
	if p.ResourceVersion != u.objects[p.Name].ResourceVersion {
		return nil, conflict(p.Name)
	}
	p = p.DeepCopy()
	p.Generation++
	u.updated[p.Name] = append(u.updated[p.Name], "spec.")
	updated := u.store(p)
	if u.noteStatus {
		u.noteStatus = false
		u.store(updated)
	}
	return updated, u.answer(p.Name)
}

func (u *unreliable) Delete(_ context.Context, name string, _ metav1.DeleteOptions) error {
	switch {
	case name == u.refuseToDelete:
		return apierrors.NewForbidden(policyResource, name, errors.New("no"))
	case u.objects[name] == nil:
		return apierrors.NewNotFound(policyResource, name)
	}
	delete(u.objects, name)
	delete(u.applied, name)
	delete(u.updated, name)
	return u.answer(name)
}

// carryOut makes the steps of a plan. Time passes at once.
func (u *unreliable) carryOut(t *testing.T, plan change.Plan, adjust ...func(*Runner)) (journal change.Plan, err error) {
	t.Helper()
	r := Runner{Client: u}
	for _, f := range adjust {
		f(&r)
	}
	synctest.Test(t, func(t *testing.T) { journal, err = r.Run(t.Context(), plan) })
	return journal, err
}

// disappointed is a runner that does not find what it expects.
func disappointed(r *Runner) {
	r.Verify = func(context.Context) error { return errors.New("not what the preview said") }
}

func (u *unreliable) policies() []inventory.Policy {
	return fixture.Policies(slices.SortedFunc(maps.Values(u.objects), func(a, b *ciliumv2.CiliumNetworkPolicy) int {
		return strings.Compare(a.Name, b.Name)
	})...)
}

// expectNothingBroken evaluates what is on the server.
func (u *unreliable) expectNothingBroken(t *testing.T, inv *inventory.Inventory) {
	t.Helper()
	inv.Policies = u.policies()
	m, err := model.New(inv, model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range assess.RequiredFlows(m, m.Cluster(example)) {
		if !f.Advisory && f.Verdict != v1alpha1.VerdictAllowed {
			t.Errorf("after the roll-back, %s (port %d) is %s: %s", f.Name, f.Port, f.Verdict, f.Message)
		}
	}
}

// When the answer to default deny is lost, it is there all the same: rolling back only what came before
// would lock the operator and the replicas out.
func TestAPolicyWhoseAnswerIsLostIsRolledBack(t *testing.T) {
	inv := fixture.Load(t, fixture.Recording("live-open"))
	u := newUnreliable()
	u.loseAnswerTo = exampleDefaultDeny
	_, err := u.carryOut(t, fixture.Lockdown(t, nil, fixture.Options(t, example, fixture.Flags(fixture.Backends))))
	if err == nil || !strings.Contains(err.Error(), "removed "+exampleDefaultDeny) {
		t.Errorf("error %v", err)
	}
	if len(u.objects) > 0 {
		t.Errorf("left on the server: %v", slices.Sorted(maps.Keys(u.objects)))
	}
	u.expectNothingBroken(t, inv)
}

// An admission webhook may label what is created; it is ours all the same.
func TestALabelledPolicyWhoseAnswerIsLostIsRolledBack(t *testing.T) {
	u := newUnreliable()
	u.loseAnswerTo, u.webhookLabel = exampleDefaultDeny, "example.com/checked"
	_, err := u.carryOut(t, fixture.Lockdown(t, nil, fixture.Options(t, example, fixture.Flags(fixture.Backends))))
	if err == nil || len(u.objects) > 0 {
		t.Errorf("error %v, left on the server: %v", err, slices.Sorted(maps.Keys(u.objects)))
	}
}

// Where a default deny of somebody else came in between, what makes it bearable stays.
func TestSomebodyElsesDefaultDenyKeepsTheAllows(t *testing.T) {
	inv := fixture.Load(t, fixture.Recording("live-open"))
	u := newUnreliable()
	foreign := &ciliumv2.CiliumNetworkPolicy{Spec: &api.Rule{Description: "somebody else's"}}
	foreign.Name, foreign.Namespace = exampleDefaultDeny, example.Namespace
	u.overtake = foreign
	_, err := u.carryOut(t, fixture.Lockdown(t, nil, fixture.Options(t, example, fixture.Flags(fixture.Backends))))
	if err == nil || !strings.Contains(err.Error(), "somebody else was faster") || len(u.objects) != 3 {
		t.Errorf("error %v, on the server: %v", err, slices.Sorted(maps.Keys(u.objects)))
	}
	delete(u.objects, exampleDefaultDeny) // The recording can't be evaluated with a policy without rules.
	u.expectNothingBroken(t, inv)
}

// A deletion whose answer is lost took place: what was deleted comes back.
func TestADeletionWhoseAnswerIsLostIsRolledBack(t *testing.T) {
	inv := fixture.Load(t, fixture.Recording("live-open"))
	u := newUnreliable()
	if _, err := u.carryOut(t, fixture.Lockdown(t, nil, fixture.Options(t, example, fixture.Flags(fixture.Backends)))); err != nil {
		t.Fatal(err)
	}
	before := slices.Sorted(maps.Keys(u.objects))
	plan := change.Unlock(u.policies(), []types.NamespacedName{example})
	u.loseAnswerTo = "cluster-example-internal-access"
	if _, err := u.carryOut(t, plan); err == nil {
		t.Error("no error")
	}
	if got := slices.Sorted(maps.Keys(u.objects)); !slices.Equal(got, before) {
		t.Errorf("on the server are %v, before there were %v", got, before)
	}
	u.expectNothingBroken(t, inv)
}

// When default deny can't be taken back, the policies that make it bearable stay.
func TestARollBackStopsWhereItFails(t *testing.T) {
	inv := fixture.Load(t, fixture.Recording("live-open"))
	u := newUnreliable()
	u.refuseToDelete = exampleDefaultDeny
	journal, err := u.carryOut(t, fixture.Lockdown(t, nil, fixture.Options(t, example, fixture.Flags(fixture.Backends))), disappointed)
	if err == nil || !strings.Contains(err.Error(), "between two states") || strings.Contains(err.Error(), "rolled back: ") {
		t.Errorf("error %v", err)
	}
	if len(u.objects) != 3 || len(journal.Steps) != 3 {
		t.Errorf("on the server are %v, the journal says %q", slices.Sorted(maps.Keys(u.objects)), fixture.Steps(journal))
	}
	u.expectNothingBroken(t, inv)
}

// Cilium may write its status between the two steps of taking over somebody else's policy.
func TestATakeoverSurvivesCiliumsStatus(t *testing.T) {
	foreign := &ciliumv2.CiliumNetworkPolicy{Spec: &api.Rule{Description: "somebody else's"}}
	foreign.Name, foreign.Namespace, foreign.Generation = exampleDefaultDeny, example.Namespace, 1
	for name, failing := range map[string]bool{"applied": false, "put back": true} {
		t.Run(name, func(t *testing.T) {
			u := newUnreliable(foreign)
			u.noteStatus = true
			var adjust []func(*Runner)
			if failing {
				adjust = append(adjust, disappointed)
			}
			_, err := u.carryOut(t, fixture.Lockdown(t, u.policies(), fixture.Options(t, example, policyset.FlagValues{})), adjust...)
			got := u.objects[exampleDefaultDeny]
			if (err != nil) != failing || (got.Spec.Description == "somebody else's") != failing {
				t.Errorf("error %v, description %q", err, got.Spec.Description)
			}
		})
	}
}

// What was taken over is put back in one write: in between, rules would be there that nobody has asked for.
func TestPuttingBackIsOneWrite(t *testing.T) {
	foreign := &ciliumv2.CiliumNetworkPolicy{Spec: &api.Rule{Description: "somebody else's", Ingress: []api.IngressRule{{
		IngressCommonRule: api.IngressCommonRule{FromEndpoints: []api.EndpointSelector{}},
	}}}}
	foreign.Name, foreign.Namespace, foreign.Generation = exampleDefaultDeny, example.Namespace, 1
	u := newUnreliable(foreign)
	before := u.contents(t)
	if _, err := u.carryOut(t, fixture.Lockdown(t, u.policies(), fixture.Options(t, example, policyset.FlagValues{})), disappointed); err == nil {
		t.Error("no error")
	}
	if got := u.contents(t); !reflect.DeepEqual(got, before) {
		t.Errorf("%v, before %v", got, before)
	}
	// Two writes take it over.
	if got := u.objects[exampleDefaultDeny].Generation; got != 4 {
		t.Errorf("generation %d, want 4", got)
	}
}
