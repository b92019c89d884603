package rollout

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	ciliumclient "github.com/cilium/cilium/pkg/k8s/client/clientset/versioned/typed/cilium.io/v2"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
)

// agents say of the cluster's pods one answer each time somebody asks; the last one stays.
type agents struct {
	ciliumclient.CiliumEndpointInterface
	server  *watchful
	answers []answer
}

// answer are the states of the endpoints cluster-example-1, -2 and so on, or an error.
type answer struct {
	states []string
	err    error
}

const (
	ready = "ready"
	// nobody is ready and has no identity, unlabelled has that of an endpoint whose labels are not known.
	nobody, unlabelled = "nobody", "unlabelled"
)

func (a *agents) CiliumEndpoints(string) ciliumclient.CiliumEndpointInterface { return a }

func (a *agents) List(ctx context.Context, options metav1.ListOptions) (*ciliumv2.CiliumEndpointList, error) {
	if err := a.server.note(ctx, "endpoints", options.LabelSelector); err != nil {
		return nil, err
	}
	says := a.answers[0]
	a.answers = a.answers[min(1, len(a.answers)-1):]
	list := &ciliumv2.CiliumEndpointList{}
	for i, state := range says.states {
		e := ciliumv2.CiliumEndpoint{}
		e.Namespace, e.Name = example.Namespace, example.Name+"-"+string(rune('1'+i))
		e.Status = ciliumv2.EndpointStatus{State: state, Identity: &ciliumv2.EndpointIdentity{ID: 7, Labels: []string{"k8s:a=b"}}}
		switch state {
		case nobody:
			e.Status.State, e.Status.Identity = ready, nil
		case unlabelled:
			e.Status.State, e.Status.Identity.Labels = ready, []string{"reserved:init"}
		}
		list.Items = append(list.Items, e)
	}
	return list, says.err
}

// What Cilium has accepted is in force when the endpoints of the pods are ready.
func TestEndpointsAreWaitedFor(t *testing.T) {
	forbidden := apierrors.NewForbidden(schema.GroupResource{Group: "cilium.io", Resource: "ciliumendpoints"}, "", errors.New("no"))
	pod := func(name string) types.NamespacedName {
		return types.NamespacedName{Namespace: example.Namespace, Name: example.Name + name}
	}
	for name, tc := range map[string]struct {
		answers []answer
		asked   int
		want    Unsettled
		settled []string
	}{
		"ready":                     {answers: []answer{{states: []string{ready, ready}}}, asked: 1},
		"none":                      {answers: []answer{{}}, asked: 1},
		"one that goes":             {answers: []answer{{states: []string{ready, "disconnecting"}}}, asked: 1},
		"ready after a while":       {answers: []answer{{states: []string{ready, "waiting-for-identity"}}, {states: []string{ready, "regenerating"}}, {states: []string{ready, ready}}}, asked: 3, settled: []string{example.Name + "-2"}},
		"a hiccup":                  {answers: []answer{{err: apierrors.NewServiceUnavailable("starting")}, {states: []string{ready}}}, asked: 2},
		"an agent without the kind": {answers: []answer{{err: apierrors.NewNotFound(schema.GroupResource{Resource: "ciliumendpoints"}, "")}}, asked: 1},
		"never ready": {
			answers: []answer{{states: []string{ready, "waiting-for-identity", nobody, unlabelled}}},
			want: Unsettled{Pods: map[types.NamespacedName]string{
				pod("-2"): "waiting-for-identity", pod("-3"): "ready, without an identity", pod("-4"): "ready, without an identity",
			}},
			settled: []string{example.Name + "-2", example.Name + "-3", example.Name + "-4"},
		},
		"seen, and then not": {
			answers: []answer{{states: []string{"regenerating"}}, {err: apierrors.NewServiceUnavailable("over")}},
			want:    Unsettled{Pods: map[types.NamespacedName]string{pod("-1"): "regenerating"}}, settled: []string{example.Name + "-1"},
		},
		"not to be seen": {answers: []answer{{err: forbidden}}, asked: 1, want: Unsettled{Unseen: forbidden}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWatchful()
			var got Unsettled
			var settled []string
			verified := false
			err := w.run(t, fixture.Lockdown(t, nil, backendsOnly(t)), func(r *Runner) {
				r.Endpoints = &agents{server: w, answers: tc.answers}
				r.Settling = func(pods []string) { settled = pods }
				r.Unsettled = func(u Unsettled) { got = u }
				r.Verify = func(context.Context) error { verified = true; return nil }
			})
			if err != nil || !verified {
				t.Fatalf("verified %t, error %v", verified, err)
			}
			if !reflect.DeepEqual(got.Unseen, tc.want.Unseen) || len(got.Pods)+len(tc.want.Pods) > 0 && !reflect.DeepEqual(got.Pods, tc.want.Pods) {
				t.Errorf("not known: %+v, want %+v", got, tc.want)
			}
			if !slices.Equal(settled, tc.settled) {
				t.Errorf("waited for %q, want %q", settled, tc.settled)
			}
			asked := slices.DeleteFunc(slices.Clone(w.requests), func(r string) bool { return r != "endpoints cnpg.io/cluster="+example.Name })
			if tc.asked > 0 && len(asked) != tc.asked {
				t.Errorf("asked %d times, want %d", len(asked), tc.asked)
			}
			if first := slices.Index(w.requests, asked[0]); first < slices.Index(w.requests, "ask "+exampleDefaultDeny) {
				t.Errorf("the endpoints come before Cilium's word: %q", w.requests)
			}
		})
	}
}

// Who gives up while endpoints are waited for gets back what was there before.
func TestGivingUpOnEndpoints(t *testing.T) {
	w := newWatchful()
	r := Runner{Client: w, Wait: true, Timeout: time.Minute, Endpoints: &agents{server: w, answers: []answer{{states: []string{"regenerating"}}}}}
	var err error
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errors.New("given up"))
		defer cancel()
		_, err = r.Run(ctx, fixture.Lockdown(t, nil, backendsOnly(t)))
	})
	if err == nil || !strings.Contains(err.Error(), "given up") || len(w.objects) > 0 {
		t.Errorf("error %v, left %q", err, w.names())
	}
}
