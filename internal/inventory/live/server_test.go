package live

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/rest"
)

// server speaks just enough of the API: lists with pages, single objects, and refusals.
type server struct {
	mu sync.Mutex
	// objects are the items of each collection, by path; what is not there is 404.
	objects map[string][]string
	// refused are the answers to paths that do not succeed.
	refused map[string]int
	// expireOnce makes the next request with a continue token fail with 410 for that path.
	expireOnce map[string]bool
	// maxPage limits the pages, whatever the client asks for.
	maxPage int
	// requests are the paths and queries that were asked for.
	requests []string
	// hang, when set, lets every request wait until it is closed.
	hang chan struct{}
	// streams are closed to end the open watches.
	streams chan struct{}
}

const (
	pathPods       = "/api/v1/pods"
	pathNamespaces = "/api/v1/namespaces"
	pathClusters   = "/apis/postgresql.cnpg.io/v1/clusters"
	pathPoolers    = "/apis/postgresql.cnpg.io/v1/poolers"
	pathCNP        = "/apis/cilium.io/v2/ciliumnetworkpolicies"
	pathCCNP       = "/apis/cilium.io/v2/ciliumclusterwidenetworkpolicies"
	pathCEP        = "/apis/cilium.io/v2/ciliumendpoints"
	pathNP         = "/apis/networking.k8s.io/v1/networkpolicies"
	pathCluNP      = "/apis/policy.networking.k8s.io/v1alpha2/clusternetworkpolicies"
	pathDeploy     = "/apis/apps/v1/deployments"
	pathDaemonSets = "/apis/apps/v1/daemonsets"
	pathConfigs    = "/api/v1/configmaps"
	pathConfig     = "/api/v1/namespaces/kube-system/configmaps/cilium-config"
	pathWebhooks   = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
)

// newServer serves a small cluster where everything is as it should be.
func newServer() *server {
	return &server{
		maxPage: 2, streams: make(chan struct{}),
		refused: map[string]int{}, expireOnce: map[string]bool{},
		objects: map[string][]string{
			pathNamespaces: {`{"metadata":{"name":"shop","labels":{"team":"a"}}}`, `{"metadata":{"name":"web"}}`},
			pathPods: {
				`{"metadata":{"name":"pg-1","namespace":"shop","labels":{"cnpg.io/cluster":"pg","cnpg.io/podRole":"instance"},"ownerReferences":[{"apiVersion":"postgresql.cnpg.io/v1","kind":"Cluster","name":"pg","uid":"u","controller":true}]},"spec":{"serviceAccountName":"pg","containers":[{"name":"postgres","ports":[{"name":"postgresql","containerPort":5432,"protocol":"TCP"}]}]},"status":{"phase":"Running"}}`,
				`{"metadata":{"name":"done","namespace":"shop"},"status":{"phase":"Succeeded"}}`,
				`{"metadata":{"name":"a","namespace":"web"},"status":{"phase":"Running"}}`,
				`{"metadata":{"name":"b","namespace":"web"},"status":{"phase":"Pending"}}`,
				`{"metadata":{"name":"c","namespace":"web"},"spec":{"hostNetwork":true},"status":{"phase":"Running"}}`,
			},
			pathClusters: {
				`{"apiVersion":"postgresql.cnpg.io/v1","kind":"Cluster","metadata":{"name":"pg","namespace":"shop"},"spec":{"instances":1}}`,
				`{"apiVersion":"postgresql.cnpg.io/v1","kind":"Cluster","metadata":{"name":"sleeping","namespace":"web"},"spec":{"instances":2}}`,
			},
			pathPoolers: {`{"apiVersion":"postgresql.cnpg.io/v1","kind":"Pooler","metadata":{"name":"rw","namespace":"shop"},"spec":{"cluster":{"name":"pg"}}}`},
			pathCNP: {
				`{"metadata":{"name":"good","namespace":"shop"},"spec":{"endpointSelector":{},"ingress":[{}]},"status":{"conditions":[{"type":"Valid","status":"True"}]}}`,
				`{"metadata":{"name":"broken","namespace":"shop"},"spec":[]}`,
				`{"metadata":{"name":"late","namespace":"web"},"spec":{"endpointSelector":{},"ingress":[{}]}}`,
			},
			pathCCNP:       {`{"metadata":{"name":"all"},"spec":{"endpointSelector":{},"egress":[{}]}}`},
			pathCEP:        {`{"metadata":{"name":"a","namespace":"web"},"status":{"identity":{"id":7,"labels":["k8s:app=a"]}}}`},
			pathNP:         {`{"metadata":{"name":"np","namespace":"web"},"spec":{"podSelector":{}}}`},
			pathDeploy:     {`{"metadata":{"name":"op","namespace":"cnpg-system","labels":{"app.kubernetes.io/name":"cloudnative-pg"}},"spec":{"template":{"metadata":{"labels":{"app.kubernetes.io/name":"cloudnative-pg"}},"spec":{"serviceAccountName":"cnpg-manager"}}}}`},
			pathDaemonSets: {},
			pathWebhooks:   {},
			pathConfig:     {`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"cilium-config","namespace":"kube-system"},"data":{"cluster-name":"mesh"}}`},
		},
	}
}

// kinds of the lists: decoders want to know.
var listKinds = map[string][2]string{
	pathPods: {"v1", "PodList"}, pathNamespaces: {"v1", "NamespaceList"},
	pathNP: {"networking.k8s.io/v1", "NetworkPolicyList"}, pathDeploy: {"apps/v1", "DeploymentList"},
	pathDaemonSets: {"apps/v1", "DaemonSetList"},
	pathWebhooks:   {"admissionregistration.k8s.io/v1", "MutatingWebhookConfigurationList"},
	pathClusters:   {"postgresql.cnpg.io/v1", "ClusterList"}, pathPoolers: {"postgresql.cnpg.io/v1", "PoolerList"},
	pathCNP: {"cilium.io/v2", "CiliumNetworkPolicyList"}, pathCCNP: {"cilium.io/v2", "CiliumClusterwideNetworkPolicyList"},
	pathCEP: {"cilium.io/v2", "CiliumEndpointList"}, pathConfigs: {"v1", "ConfigMapList"},
}

// freeze lets every request from now on wait, and ends the open watches; thaw is its end.
func (s *server) freeze() (thaw func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	hang := make(chan struct{})
	s.hang = hang
	close(s.streams)
	s.streams = make(chan struct{})
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.hang = nil
		close(hang)
	}
}

// endStreams ends the open watches, as servers do every few minutes.
func (s *server) endStreams() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.streams)
	s.streams = make(chan struct{})
}

// change changes what the server says.
func (s *server) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	hang := s.hang
	s.mu.Unlock()
	if hang != nil {
		select {
		case <-hang:
		case <-r.Context().Done():
		}
		return
	}
	s.mu.Lock()
	s.requests = append(s.requests, r.URL.String())
	w.Header().Set("Content-Type", "application/json")
	code := s.refused[r.URL.Path]
	if r.URL.Query().Get("watch") == "true" && code == 0 {
		streams := s.streams
		s.mu.Unlock()
		stream(w, r, streams)
		return
	}
	defer s.mu.Unlock()
	if code != 0 {
		fail(w, code)
		return
	}
	// A namespaced collection holds the objects of the whole one that are in the namespace.
	path, namespace := r.URL.Path, ""
	items, ok := s.objects[path]
	single := strings.Contains(path, "/configmaps/") || strings.Contains(path, "/services/")
	if path == "/api/v1/namespaces/kube-system/configmaps" {
		path, items, ok = pathConfigs, s.objects[pathConfig], true
	} else if before, after, found := strings.Cut(path, "/namespaces/"); found && !ok && !single {
		var plural string
		if namespace, plural, found = strings.Cut(after, "/"); !found {
			items, ok, single = s.namespace(after)
		} else {
			path = before + "/" + plural
			items, ok = s.objects[path]
		}
	}
	switch {
	case !ok:
		fail(w, http.StatusNotFound)
	case single:
		_, _ = w.Write([]byte(items[0]))
	default:
		s.list(w, r, path, namespace, items)
	}
}

// stream is a watch in which nothing happens. Like older servers, this one begins none with everything.
func stream(w http.ResponseWriter, r *http.Request, end <-chan struct{}) {
	if r.URL.Query().Get("sendInitialEvents") == "true" {
		fail(w, http.StatusUnprocessableEntity)
		return
	}
	w.WriteHeader(http.StatusOK)
	_ = http.NewResponseController(w).Flush()
	select {
	case <-end:
	case <-r.Context().Done():
	}
}

// namespace is the one namespace of that name, as the answer to a single object's path.
//
//nolint:unparam // It is one of several functions with this result.
func (s *server) namespace(name string) (items []string, ok, single bool) {
	for _, n := range s.objects[pathNamespaces] {
		if strings.Contains(n, `"name":"`+name+`"`) {
			return []string{n}, true, true
		}
	}
	return nil, false, true
}

func (s *server) list(w http.ResponseWriter, r *http.Request, path, namespace string, all []string) {
	items := []json.RawMessage{}
	outlines := strings.Contains(r.Header.Get("Accept"), "as=PartialObjectMetadataList")
	for _, item := range all {
		if (namespace == "" || strings.Contains(item, `"namespace":"`+namespace+`"`)) && selected(r, item) {
			items = append(items, asAsked(item, outlines))
		}
	}
	start, token := 0, r.URL.Query().Get("continue")
	if token != "" {
		if s.expireOnce[path] {
			s.expireOnce[path] = false
			fail(w, http.StatusGone)
			return
		}
		start, _ = strconv.Atoi(token)
	}
	end, next := len(items), ""
	if r.URL.Query().Get("limit") != "" && end > start+s.maxPage {
		end = start + s.maxPage
		next = strconv.Itoa(end)
	}
	answer := map[string]any{"metadata": map[string]any{"continue": next}, "items": items[start:end]}
	if outlines {
		answer["apiVersion"], answer["kind"] = "meta.k8s.io/v1", "PartialObjectMetadataList"
	} else if k, ok := listKinds[path]; ok {
		answer["apiVersion"], answer["kind"] = k[0], k[1]
	}
	_ = json.NewEncoder(w).Encode(answer)
}

// selected tells whether the request's selectors leave an item in.
func selected(r *http.Request, item string) bool {
	var object struct {
		Metadata struct {
			Name   string
			Labels labels.Set
		}
		Status struct{ Phase string }
	}
	if err := json.Unmarshal([]byte(item), &object); err != nil {
		return true // One of those that can't be decoded.
	}
	byLabel, labelErr := labels.Parse(r.URL.Query().Get("labelSelector"))
	byField, fieldErr := fields.ParseSelector(r.URL.Query().Get("fieldSelector"))
	return labelErr == nil && byLabel.Matches(object.Metadata.Labels) &&
		fieldErr == nil && byField.Matches(fields.Set{"status.phase": object.Status.Phase, "metadata.name": object.Metadata.Name})
}

// asAsked is the item, or what metadata clients get of it.
func asAsked(item string, outlines bool) json.RawMessage {
	if !outlines {
		return json.RawMessage(item)
	}
	var outline struct {
		Metadata json.RawMessage `json:"metadata"`
	}
	if err := json.Unmarshal([]byte(item), &outline); err != nil {
		return json.RawMessage(item)
	}
	text, err := json.Marshal(outline)
	if err != nil {
		return json.RawMessage(item)
	}
	return text
}

var reasons = map[int]metav1.StatusReason{
	http.StatusForbidden: metav1.StatusReasonForbidden, http.StatusNotFound: metav1.StatusReasonNotFound,
	http.StatusGone: metav1.StatusReasonExpired, http.StatusUnauthorized: metav1.StatusReasonUnauthorized,
	http.StatusInternalServerError: metav1.StatusReasonInternalError,
}

func fail(w http.ResponseWriter, code int) {
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(metav1.Status{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"},
		Status:   metav1.StatusFailure, Reason: reasons[code], Code: int32(code), Message: fmt.Sprintf("answer %d", code),
	})
}

// log is what was asked for so far.
func (s *server) log() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// asked counts the requests for a path.
func (s *server) asked(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, r := range s.requests {
		if p, _, _ := strings.Cut(r, "?"); p == path {
			n++
		}
	}
	return n
}

// start runs the server and returns clients for it.
func (s *server) start(t *testing.T) Clients {
	t.Helper()
	return clientsOf(t, s, 0)
}

// clientsOf are clients of a server in memory, without a network between them: in a bubble of testing/synctest
// no time passes while either is at work, however slow the machine is.
func clientsOf(t *testing.T, handler http.Handler, timeout time.Duration) Clients {
	t.Helper()
	listener := &memory{connections: make(chan net.Conn), closed: make(chan struct{})}
	serving := &http.Server{Handler: handler}
	go func() { _ = serving.Serve(listener) }()
	transport := &http.Transport{DialContext: listener.dial}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		_ = serving.Close()
	})
	clients, err := NewClients(&rest.Config{Host: "http://server.test", Transport: transport, Timeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	return clients
}

// memory is a listener whose connections are pipes.
type memory struct {
	connections chan net.Conn
	closed      chan struct{}
	once        sync.Once
}

func (m *memory) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case m.connections <- server:
		return client, nil
	case <-m.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept implements net.Listener.
func (m *memory) Accept() (net.Conn, error) {
	select {
	case c := <-m.connections:
		return c, nil
	case <-m.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (m *memory) Close() error {
	m.once.Do(func() { close(m.closed) })
	return nil
}

// Addr implements net.Listener.
func (m *memory) Addr() net.Addr { return &net.UnixAddr{Name: "server.test", Net: "memory"} }
