package chaos

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/e2e/integration/standin"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/e2e/integration/testserver"
)

// atFirstWrite does something when a plugin is about to write, and passes on all that it asks for.
func atFirstWrite(do func()) func(int, *http.Request) Fault {
	var once sync.Once
	return func(_ int, r *http.Request) Fault {
		if (Request{Method: r.Method, Path: r.URL.Path}).Writes() {
			once.Do(do)
		}
		return nil
	}
}

// testClusterGone deletes the database while it is locked down, and while it is unlocked.
func (l *lab) testClusterGone(t *testing.T) {
	words := strings.Fields
	clusters := l.clients.Dynamic.Resource(cnpgv1.SchemeGroupVersion.WithResource("clusters")).Namespace(namespace)
	for _, v := range []verb{
		{"lockdown", nil, words("lockdown stock -n shop --yes --allow-pods role=backend")},
		{"unlock", [][]string{words("lockdown stock -n shop --yes")}, words("unlock stock -n shop --yes")},
	} {
		t.Run(v.name, func(t *testing.T) {
			l.begin(t, v)
			l.figures.faults++
			l.proxy.Strike(atFirstWrite(func() {
				if err := clusters.Delete(t.Context(), "stock", metav1.DeleteOptions{}); err != nil {
					t.Error(err)
				}
			}))
			o := l.run(t, v.args...)
			l.proxy.Strike(nil)
			l.expectSound(t, "without the cluster")
			if strings.Contains(o.stderr, "stock is LOCKED") {
				l.figures.untrue++
				t.Error("a cluster that is gone is called LOCKED")
			}
			// What is left of it can be removed.
			if o := l.run(t, words("unlock stock -n shop --yes")...); o.code != 0 && !strings.Contains(o.stderr, `no CloudNativePG cluster "stock"`) || len(l.now(t)) > 0 {
				l.figures.unfinished++
				t.Errorf("unlock leaves %v: %s", l.now(t), o.said())
			}
			shop, err := os.ReadFile(filepath.Join("..", "integration", "testdata", "shop.yaml"))
			if err == nil {
				err = standin.Load(t.Context(), l.config, shop)
			}
			if err != nil {
				t.Fatal(err)
			}
			l.expectSound(t, "with the cluster again")
			if t.Failed() {
				t.Log(o.said())
			}
		})
	}
}

// testCRDGone deletes Cilium's policies as a kind, with all there are, while a lockdown is about to write. It comes last: what
// belongs to others is gone with them.
func (l *lab) testCRDGone(t *testing.T) {
	lockdown := strings.Fields("lockdown orders -n shop --yes --allow-pods role=backend --timeout 5s")
	definitions := l.clients.Dynamic.Resource(schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"})
	const kind = "ciliumnetworkpolicies.cilium.io"
	l.begin(t, verb{})
	l.figures.faults++
	l.proxy.Strike(atFirstWrite(func() {
		if err := definitions.Delete(t.Context(), kind, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
		for range 300 {
			if _, err := definitions.Get(t.Context(), kind, metav1.GetOptions{}); apierrors.IsNotFound(err) {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
		t.Error("the definition does not go")
	}))
	o := l.run(t, lockdown...)
	l.proxy.Strike(nil)
	if o.code == 0 || !strings.Contains(o.stderr, "error: ") || strings.Contains(o.stderr, "LOCKED") {
		l.figures.untrue++
		t.Errorf("a failure is reported as success: %s", o.said())
	}
	cilium, err := testserver.ModuleDir(t.Context(), "github.com/cilium/cilium")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := envtest.InstallCRDs(l.config, envtest.CRDInstallOptions{
		Paths: []string{filepath.Join(cilium, "pkg", "k8s", "apis", "cilium.io", "client", "crds", "v2", "ciliumnetworkpolicies.yaml")}, ErrorIfPathMissing: true,
	}); err != nil {
		t.Fatal(err)
	}
	var again outcome
	for range 30 {
		// The stand-in of Cilium, like Cilium, takes a moment to see that they are back.
		if again = l.run(t, lockdown...); again.code == 0 {
			break
		}
		time.Sleep(time.Second)
	}
	if cut := l.cut(t); again.code != 0 || len(cut) > 0 {
		l.figures.unfinished++
		t.Errorf("once more: %s, cut off: %v", again.said(), cut)
	}
}
