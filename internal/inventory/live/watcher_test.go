package live

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// watchServer begins to watch a server.
func watchServer(t *testing.T, s *server, o Options) *Watcher {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	clients := s.start(t)
	t.Cleanup(cancel)
	w, err := Watch(ctx, clients, o)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// eventually waits for an inventory, in a bubble: the informers take longer and longer between their tries.
func eventually(t *testing.T, w *Watcher, what string, is func(*inventory.Inventory) bool) *inventory.Inventory {
	t.Helper()
	var inv *inventory.Inventory
	for began := time.Now(); time.Since(began) < 10*time.Minute; time.Sleep(20 * time.Millisecond) {
		var err error
		if inv, err = w.Inventory(t.Context()); err != nil {
			t.Fatal(err)
		}
		if is(inv) {
			return inv
		}
	}
	t.Fatalf("not within 10 minutes: %s; missing %q", what, missing(inv))
	return nil
}

func nothingMissing(inv *inventory.Inventory) bool { return len(inv.Missing) == 0 }

// Nothing says that a server has stopped answering but the time that passes.
func TestWatchingWhileTheServerHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		w := watchServer(t, s, Options{Timeout: 100 * time.Millisecond, Words: func(error) string { return "nobody answers" }})
		eventually(t, w, "everything is read", nothingMissing)

		evidence := 0
		for _, k := range w.kinds {
			if !k.advisory {
				evidence++
			}
		}
		thaw := s.freeze()
		inv := eventually(t, w, "everything is out of date", func(inv *inventory.Inventory) bool { return len(inv.Missing) == evidence-1 })
		for _, m := range inv.Missing {
			if m.Message != "what is shown may have changed since: nobody answers" || m.Remedy.String() != inv.Missing[0].Remedy.String() {
				t.Errorf("not the same reason for all: %+v", m)
			}
		}
		if len(inv.Pods) == 0 || len(inv.Clusters) != 2 || !inv.Settings.Found {
			t.Error("what was known is forgotten")
		}

		thaw()
		eventually(t, w, "everything is read again", nothingMissing)
	})
}

// Without --request-timeout, there is a bound as well.
func TestPatienceByDefault(t *testing.T) {
	if got := (Options{}).patience(); got != defaultPatience {
		t.Errorf("%s", got)
	}
	k := (&Watcher{}).newWatched(resource{}, nil)
	if k.patience != defaultPatience || k.timeout != 0 {
		t.Errorf("patience %s, timeout of lists %s", k.patience, k.timeout)
	}
}

// Streams end all the time. That is nothing to worry about when they begin again.
func TestStreamsThatEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		w := watchServer(t, s, Options{Timeout: 5 * time.Second})
		eventually(t, w, "everything is read", nothingMissing)
		time.Sleep(1100 * time.Millisecond) // The informer takes a shorter stream for a failure.
		before := s.asked(pathPods)
		s.endStreams()
		eventually(t, w, "a new stream", func(inv *inventory.Inventory) bool {
			if len(inv.Missing) > 0 {
				t.Fatalf("missing %q", missing(inv))
			}
			return s.asked(pathPods) > before
		})
	})
}

// What Inventory asks for besides is bounded, too.
func TestAskingAServerThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		s.objects[pathDeploy] = nil
		delete(s.objects, pathConfig)
		w := watchServer(t, s, Options{Timeout: 100 * time.Millisecond})
		thaw := s.freeze()
		defer thaw()
		began := time.Now()
		if _, err := w.Inventory(t.Context()); err != nil || time.Since(began) > 5*time.Second {
			t.Errorf("error %v after %s", err, time.Since(began))
		}
	})
}

// One refusal must not limit a namespace's watch for good.
func TestARefusalThatPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		s.refused[pathPods] = http.StatusForbidden
		w := watchServer(t, s, Options{Namespace: "shop", Timeout: 5 * time.Second})
		seesOthers := func(inv *inventory.Inventory) bool {
			return slices.ContainsFunc(inv.Pods, func(p inventory.Pod) bool { return p.Namespace == "web" && p.Name == "a" })
		}
		ownOnly := func(inv *inventory.Inventory) bool {
			return slices.Equal(missing(inv), []string{"pods !shop Forbidden"}) && !seesOthers(inv)
		}
		eventually(t, w, "the own namespace", ownOnly)

		s.change(func() { delete(s.refused, pathPods) })
		s.endStreams()
		eventually(t, w, "all namespaces", func(inv *inventory.Inventory) bool { return nothingMissing(inv) && seesOthers(inv) })

		// Refused again: what is known of other namespaces is not kept as if it were up to date.
		s.change(func() { s.refused[pathPods] = http.StatusForbidden })
		s.endStreams()
		eventually(t, w, "the own namespace again", ownOnly)
	})
}

// A stream of one namespace does not last: all of them are tried again after a minute.
func TestStreamsOfOneNamespaceAreShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		s.refused[pathPods] = http.StatusForbidden
		watchServer(t, s, Options{Namespace: "shop", Timeout: 5 * time.Second})
		const want = "/api/v1/namespaces/shop/pods?"
		for began := time.Now(); time.Since(began) < 10*time.Minute; time.Sleep(20 * time.Millisecond) {
			for _, r := range s.log() {
				if strings.HasPrefix(r, want) && strings.Contains(r, "watch=true") {
					if !strings.Contains(r, "timeoutSeconds=60") {
						t.Errorf("%s", r)
					}
					return
				}
			}
		}
		t.Error("the namespace is not watched")
	})
}

// Clusters of other namespaces may need those of the one that is watched.
func TestWatchingSeesClustersElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watchServer(t, newServerWithNeeds(), Options{Namespace: "shop"})
		inv := eventually(t, w, "everything is read", nothingMissing)
		if len(inv.Clusters) != 1 || len(inv.Others) != 1 || inv.Others[0].Namespace != "web" {
			t.Errorf("clusters %v, others %v", inv.Clusters, inv.Others)
		}
	})
}
