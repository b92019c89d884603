package chaos

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Proxy stands between a plugin and an API server, and passes on what it is not told to spoil.
type Proxy struct {
	server  *httptest.Server
	forward http.Handler

	mu sync.Mutex
	// seen are the requests so far, and strike decides what becomes of each.
	seen   []Request
	strike func(n int, r *http.Request) Fault
}

// Request is what was asked for.
type Request struct {
	Method, Path string
	// DryRun is true for what changes nothing.
	DryRun bool
}

// Writes tells whether the request changes something.
func (r Request) Writes() bool {
	return !r.DryRun && r.Method != http.MethodGet && r.Method != http.MethodHead && !isReview(r.Path)
}

// String is the method and the path.
func (r Request) String() string { return r.Method + " " + r.Path }

// NewProxy starts a proxy in front of the server, as whom the config says.
func NewProxy(config *rest.Config) (*Proxy, error) {
	transport, err := rest.TransportFor(config)
	if err != nil {
		return nil, err
	}
	target, err := url.Parse(config.Host)
	if err != nil {
		return nil, err
	}
	p := &Proxy{}
	p.forward = &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport:     transport,
		FlushInterval: -1,
		ErrorHandler:  func(http.ResponseWriter, *http.Request, error) { hangUp() },
	}
	p.server = httptest.NewServer(http.HandlerFunc(p.serve))
	return p, nil
}

// Close ends the proxy.
func (p *Proxy) Close() {
	p.server.CloseClientConnections()
	p.server.Close()
}

// Kubeconfig leads to the proxy.
func (p *Proxy) Kubeconfig() ([]byte, error) {
	config := clientcmdapi.NewConfig()
	config.Clusters["chaos"] = &clientcmdapi.Cluster{Server: p.server.URL}
	config.AuthInfos["chaos"] = &clientcmdapi.AuthInfo{}
	config.Contexts["chaos"] = &clientcmdapi.Context{Cluster: "chaos", AuthInfo: "chaos"}
	config.CurrentContext = "chaos"
	return clientcmd.Write(*config)
}

// Strike begins to count anew. From now on, strike decides about the n-th request, which counts from 1; nil spoils none.
func (p *Proxy) Strike(strike func(n int, r *http.Request) Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen, p.strike = nil, strike
}

// Seen are the requests since Strike.
func (p *Proxy) Seen() []Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Request(nil), p.seen...)
}

func (p *Proxy) serve(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.seen = append(p.seen, Request{Method: r.Method, Path: r.URL.Path, DryRun: r.URL.Query().Get("dryRun") != ""})
	n, strike := len(p.seen), p.strike
	p.mu.Unlock()
	var fault Fault
	if strike != nil {
		fault = strike(n, r)
	}
	if fault == nil {
		p.forward.ServeHTTP(w, r)
		return
	}
	fault(w, r, p.forward)
}

// Fault does something to one request; forward passes it on.
type Fault func(w http.ResponseWriter, r *http.Request, forward http.Handler)

// answered is what the server has answered, which nobody has seen yet.
func answered(r *http.Request, forward http.Handler) *http.Response {
	recorder := httptest.NewRecorder()
	forward.ServeHTTP(recorder, r)
	return recorder.Result()
}

// hangUp ends the connection without an answer.
func hangUp() { panic(http.ErrAbortHandler) } //nolint:forbidigo // net/http has no other way to end a connection from within a handler.

// half sends the first half of an answer; the rest is lost.
func half(w http.ResponseWriter, response *http.Response) {
	defer hangUp()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return
	}
	for key, values := range response.Header {
		w.Header()[key] = values
	}
	w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	w.WriteHeader(response.StatusCode)
	_, _ = w.Write(body[:len(body)/2])
	if flusher, ok := w.(http.Flusher); ok {
		flusher.Flush()
	}
}
