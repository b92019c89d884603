package twins

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	ciliumclient "github.com/cilium/cilium/pkg/k8s/client/clientset/versioned/typed/cilium.io/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	kubefake "k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/probe"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/rollout"
)

// endpoints are those that the agent writes: all with the same status.
type endpoints struct {
	ciliumclient.CiliumEndpointInterface
	status ciliumv2.EndpointStatus
}

func (e endpoints) CiliumEndpoints(string) ciliumclient.CiliumEndpointInterface { return e }

func (e endpoints) Get(context.Context, string, metav1.GetOptions) (*ciliumv2.CiliumEndpoint, error) {
	return &ciliumv2.CiliumEndpoint{Status: e.status}, nil
}

func identity(id int64, state string) ciliumv2.EndpointStatus {
	return ciliumv2.EndpointStatus{Identity: &ciliumv2.EndpointIdentity{ID: id}, State: state}
}

// server completes each Job, as long as controllers run, and lets each pod run.
func server(controllers bool, phase corev1.PodPhase, objects ...runtime.Object) *kubefake.Clientset {
	fake := kubefake.NewClientset(objects...)
	on := func(resource string, change func(runtime.Object)) {
		fake.PrependReactor("create", resource, func(a clienttesting.Action) (bool, runtime.Object, error) {
			create, ok := a.(clienttesting.CreateActionImpl)
			if ok && len(create.CreateOptions.DryRun) > 0 {
				return true, create.GetObject(), nil
			}
			change(create.GetObject())
			return false, nil, nil
		})
	}
	on("jobs", func(o runtime.Object) {
		if job, ok := o.(*batchv1.Job); ok && controllers {
			job.UID, job.Status.Conditions = "job", []batchv1.JobCondition{{Type: batchv1.JobComplete, Status: corev1.ConditionTrue, LastTransitionTime: metav1.Now()}}
		}
	})
	on("pods", func(o runtime.Object) {
		if pod, ok := o.(*corev1.Pod); ok {
			pod.Status.Phase = phase
			if phase == corev1.PodPending {
				pod.Status.ContainerStatuses = []corev1.ContainerStatus{{State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ErrImagePull", Message: "no such image"}}}}
			}
		}
	})
	return fake
}

func forbid(fake *kubefake.Clientset, verb, resource string) *kubefake.Clientset {
	fake.PrependReactor(verb, resource, func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewForbidden(schema.GroupResource{Resource: resource}, "x", errors.New("not yours"))
	})
	return fake
}

func plan() probe.Plan {
	to := probe.Connection{To: "pod/pg-1", Address: netip.MustParseAddr("10.0.0.1"), Port: 5432, PostgreSQL: true, Expected: v1alpha1.VerdictDenied}
	return probe.Plan{Cluster: types.NamespacedName{Namespace: "db", Name: "pg"}, Clients: []probe.Client{
		{
			Name: "pod/web", Pod: types.NamespacedName{Namespace: "shop", Name: "web"}, Connections: []probe.Connection{to},
			Endpoint: inventory.Endpoint{IdentityID: 7, IdentityLabels: []string{"k8s:app=web"}},
		},
		{Name: "pod/pg-2", Pod: types.NamespacedName{Namespace: "db", Name: "pg-2"}, Container: "postgres", Control: true, Connections: []probe.Connection{to}},
	}}
}

// commands counts who has run one, and what twins see.
type commands struct {
	mu   sync.Mutex
	ran  []string
	twin string
	err  error
}

func (c *commands) exec(_ context.Context, pod types.NamespacedName, container string, _ []string) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ran = append(c.ran, pod.String()+" "+container)
	if container == probe.Container {
		return c.twin, c.err
	}
	return "0 0 connected S\n", nil
}

func runner(fake *kubefake.Clientset, e endpoints, c *commands) Runner {
	return Runner{
		Kubernetes: fake, Endpoints: e, Exec: c.exec, Image: "postgresql", Suffix: "x",
		Timers: rollout.Timers{Jobs: fake.BatchV1(), Timeout: 10 * time.Second},
	}
}

// left are the objects of a server that a run may have made.
func left(t *testing.T, fake *kubefake.Clientset) int {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	pods, err1 := fake.CoreV1().Pods("").List(ctx, metav1.ListOptions{})
	owners, err2 := fake.CoreV1().ConfigMaps("").List(ctx, metav1.ListOptions{})
	jobs, err3 := fake.BatchV1().Jobs("").List(ctx, metav1.ListOptions{})
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	return len(pods.Items) + len(owners.Items) + len(jobs.Items)
}

// What a twin sees counts when it is its client's twin, and nothing is left in any case.
func TestRun(t *testing.T) {
	ready := endpoints{status: identity(7, "ready")}
	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "any"}, Spec: corev1.ServiceSpec{PublishNotReadyAddresses: true, Selector: map[string]string{"app": "web"}}}
	for name, tc := range map[string]struct {
		fake      *kubefake.Clientset
		endpoints endpoints
		commands  *commands
		want      v1alpha1.ProbeResult
		detail    string
		tries     int
	}{
		"dropped, as the engine says":   {server(true, corev1.PodRunning), ready, &commands{twin: "0 124 \n"}, v1alpha1.ProbeDropped, "no answer", 2},
		"connected, against the engine": {server(true, corev1.PodRunning), ready, &commands{twin: "0 0 connected S\n"}, v1alpha1.ProbeConnected, "PostgreSQL answered", 6},
		"no command":                    {server(true, corev1.PodRunning), ready, &commands{err: errors.New("exec is forbidden: no")}, v1alpha1.ProbeInconclusive, `no command could be run in pod "cnpg-netpol-twin-x-0"`, 2},
		"another identity":              {server(true, corev1.PodRunning), endpoints{status: identity(8, "ready")}, &commands{}, v1alpha1.ProbeInconclusive, "Cilium has given it the identity 8, and its client has 7", 1},
		"not ready":                     {server(true, corev1.PodRunning), endpoints{status: identity(7, "regenerating")}, &commands{}, v1alpha1.ProbeInconclusive, "its endpoint is not ready (regenerating)", 1},
		"no image":                      {server(true, corev1.PodPending), ready, &commands{}, v1alpha1.ProbeInconclusive, "its container does not start: ErrImagePull: no such image (--probe-image names another image)", 1},
		"ended":                         {server(true, corev1.PodFailed), ready, &commands{}, v1alpha1.ProbeInconclusive, "the pod has ended", 1},
		"no controllers":                {server(false, corev1.PodRunning), ready, &commands{}, v1alpha1.ProbeInconclusive, "is a kube-controller-manager running?", 1},
		"a Service sends it traffic":    {server(true, corev1.PodRunning, service), ready, &commands{}, v1alpha1.ProbeInconclusive, `the Service "any" sends traffic to pods of its labels that are not ready`, 1},
		"Services can't be seen":        {forbid(server(true, corev1.PodRunning), "list", "services"), ready, &commands{}, v1alpha1.ProbeInconclusive, "whether a Service would send traffic to its twin is not known", 1},
		"no pod may be made":            {forbid(server(true, corev1.PodRunning), "create", "pods"), ready, &commands{}, v1alpha1.ProbeInconclusive, "it gets no twin", 1},
		"no owner may be made":          {forbid(server(true, corev1.PodRunning), "create", "configmaps"), ready, &commands{}, v1alpha1.ProbeInconclusive, "it gets no twin", 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				results, err := runner(tc.fake, tc.endpoints, tc.commands).Run(t.Context(), plan())
				if err != nil || results[0][0].Result != tc.want || !strings.Contains(results[0][0].Detail, tc.detail) || results[1][0].Result != v1alpha1.ProbeConnected {
					t.Errorf("%+v, %v", results, err)
				}
			})
			if len(tc.commands.ran) != tc.tries {
				t.Errorf("commands ran: %q, want %d", tc.commands.ran, tc.tries)
			}
			if n := left(t, tc.fake); n > 0 {
				t.Errorf("%d objects are left", n)
			}
		})
	}
}

// Whoever gives up leaves nothing behind, and is told nothing that was not seen.
func TestRunIsInterrupted(t *testing.T) {
	fake := server(true, corev1.PodRunning)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		stop := errors.New("interrupted")
		c := &commands{}
		r := runner(fake, endpoints{status: identity(7, "ready")}, c)
		r.Exec = func(context.Context, types.NamespacedName, string, []string) (string, error) {
			cancel(stop)
			return "", context.Canceled
		}
		if _, err := r.Run(ctx, plan()); !errors.Is(err, stop) {
			t.Errorf("%v", err)
		}
	})
	if n := left(t, fake); n > 0 {
		t.Errorf("%d objects are left", n)
	}
}

// What can't be removed is named, and when it ends.
func TestRunSaysWhatIsLeft(t *testing.T) {
	fake := forbid(server(true, corev1.PodRunning), "delete", "configmaps")
	synctest.Test(t, func(t *testing.T) {
		results, err := runner(fake, endpoints{status: identity(7, "ready")}, &commands{twin: "0 124 \n"}).Run(t.Context(), plan())
		if err == nil || !strings.Contains(err.Error(), "could not be removed, and ends by itself within 3m0s") || results[0][0].Result != v1alpha1.ProbeDropped {
			t.Errorf("%+v, %v", results, err)
		}
	})
}

// The timer is there before anything that has to end with it.
func TestTheTimerComesFirst(t *testing.T) {
	fake := server(true, corev1.PodRunning)
	synctest.Test(t, func(t *testing.T) {
		if _, err := runner(fake, endpoints{status: identity(7, "ready")}, &commands{twin: "0 124 \n"}).Run(t.Context(), plan()); err != nil {
			t.Error(err)
		}
	})
	var made []string
	for _, a := range fake.Actions() {
		if create, ok := a.(clienttesting.CreateActionImpl); ok && len(create.CreateOptions.DryRun) == 0 {
			made = append(made, a.GetResource().Resource)
			if owner, ok := create.GetObject().(*corev1.ConfigMap); ok && (len(owner.OwnerReferences) != 1 || owner.OwnerReferences[0].UID != "job") {
				t.Errorf("the owner does not end with the timer: %+v", owner.OwnerReferences)
			}
		}
	}
	if !slices.Equal(made, []string{"jobs", "configmaps", "pods"}) {
		t.Errorf("%q", made)
	}
}
