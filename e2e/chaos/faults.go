package chaos

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// isReview tells whether a path is asked who asks, which writes nothing.
func isReview(path string) bool { return strings.Contains(path, "selfsubject") }

// KindOfFault is a fault by name.
type KindOfFault struct {
	Name string
	// Kills is true when the plugin is killed by it.
	Kills bool
	// Args are those of the plugin that it takes.
	Args []string
	// Make is the fault; kill ends the plugin at once.
	Make func(kill func()) Fault
}

// Faults are all that a request can meet with. An answer that was lost is one of a request that was carried out.
func Faults() []KindOfFault {
	status := func(err *apierrors.StatusError) func(func()) Fault {
		return func(func()) Fault {
			return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { answer(w, err.ErrStatus) }
		}
	}
	thing := schema.GroupResource{Resource: "things"}
	return []KindOfFault{
		{Name: "409", Make: status(apierrors.NewConflict(thing, "it", nil))},
		{Name: "403", Make: status(apierrors.NewForbidden(thing, "it", nil))},
		{Name: "422", Make: status(apierrors.NewInvalid(schema.GroupKind{Kind: "Thing"}, "it", nil))},
		{Name: "429", Make: status(apierrors.NewTooManyRequests("slow down", 1))},
		{Name: "500", Make: status(apierrors.NewInternalError(http.ErrHandlerTimeout))},
		{Name: "lost request", Make: func(func()) Fault {
			return func(http.ResponseWriter, *http.Request, http.Handler) { hangUp() }
		}},
		{Name: "lost answer", Make: func(func()) Fault {
			return func(_ http.ResponseWriter, r *http.Request, forward http.Handler) {
				_ = answered(r, forward).Body.Close()
				hangUp()
			}
		}},
		{Name: "half an answer", Make: func(func()) Fault {
			return func(w http.ResponseWriter, r *http.Request, forward http.Handler) {
				response := answered(r, forward)
				defer func() { _ = response.Body.Close() }()
				half(w, response)
			}
		}},
		{Name: "silence", Args: []string{"--request-timeout=2s"}, Make: func(func()) Fault {
			return func(_ http.ResponseWriter, r *http.Request, _ http.Handler) {
				// Only when all is read does the server notice that the plugin has given up.
				_, _ = io.Copy(io.Discard, r.Body)
				<-r.Context().Done()
				hangUp()
			}
		}},
		{Name: "killed before", Kills: true, Make: func(kill func()) Fault {
			return func(http.ResponseWriter, *http.Request, http.Handler) {
				kill()
				hangUp()
			}
		}},
		{Name: "killed after", Kills: true, Make: func(kill func()) Fault {
			return func(_ http.ResponseWriter, r *http.Request, forward http.Handler) {
				_ = answered(r, forward).Body.Close()
				kill()
				hangUp()
			}
		}},
	}
}

// answer is a server's refusal.
func answer(w http.ResponseWriter, status metav1.Status) {
	status.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}
	if status.Details != nil && status.Details.RetryAfterSeconds > 0 {
		w.Header().Set("Retry-After", "1")
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(int(status.Code))
	_ = json.NewEncoder(w).Encode(status)
}
