package explain_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/explain"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/propose"
)

// outbound asks whether the shop's orders reach a target, with outbound.yaml's policies.
func outbound(t *testing.T, to, from string) *explain.Outbound {
	t.Helper()
	inv := fixture.Load(t, fixture.Shop("outbound.yaml")...)
	target, err := explain.ParseTarget(to, "")
	if err != nil {
		t.Fatal(err)
	}
	sender, err := explain.ParseSender(from)
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(inv.Clusters, func(c *cnpgv1.Cluster) bool { return c.Name == fixture.Orders().Name })
	destination, err := explain.Find(inv, inv.Clusters[at], target, sender)
	if err != nil {
		t.Fatal(err)
	}
	m, err := model.New(inv, model.Options{Namespace: "shop", Names: []string{"orders"}, Extra: destination.Extra()})
	if err != nil {
		t.Fatal(err)
	}
	o, err := explain.AskOutbound(m, fixture.Orders(), destination)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestOutbound(t *testing.T) {
	for _, test := range []struct {
		to, from string
		want     v1alpha1.Verdict
		// change is a part of what is proposed.
		change string
	}{
		{"api-server", "", v1alpha1.VerdictAllowed, ""},
		{"api-server", "job/join", v1alpha1.VerdictDenied, "kube-apiserver"},
		{"api-server", "pooler/orders-rw", v1alpha1.VerdictDenied, "cnpg.io/poolerName: orders-rw"},
		{"dns", "", v1alpha1.VerdictAllowed, ""},
		{"external objects.example.com:443", "", v1alpha1.VerdictAllowed, ""},
		// Its address may be one of 203.0.113.0/24.
		{"external other.example.com:443", "", v1alpha1.VerdictUnknown, ""},
		{"external other.example.com:8443", "", v1alpha1.VerdictDenied, "matchName: other.example.com"},
		{"203.0.113.7:443", "", v1alpha1.VerdictAllowed, ""},
		{"203.0.113.7:80", "", v1alpha1.VerdictDenied, "203.0.113.7/32"},
		{"backend/deployment/api:80", "", v1alpha1.VerdictDenied, "app: api"},
		{"shop/service/orders-rw", "", v1alpha1.VerdictDenied, "cnpg.io/"},
	} {
		t.Run(test.to+" "+test.from, func(t *testing.T) {
			o := outbound(t, test.to, test.from)
			e := o.Explain()
			if e.Verdict != test.want || !e.Outbound {
				t.Fatalf("got %s, want %s: %+v", e.Verdict, test.want, e.Answers)
			}
			if test.change == "" {
				return
			}
			change, err := propose.ForOutbound(o)
			if err != nil || !strings.Contains(change.Manifest, test.change) || strings.Contains(change.Manifest, "managed-by") {
				t.Errorf("got %v, %+v", err, change)
			}
		})
	}
}

// A Service's port is asked for only where there are several.
func TestPortOfService(t *testing.T) {
	for name, test := range map[string]struct {
		ports []int32
		want  string
	}{
		"PostgreSQL's": {[]int32{80, 5432}, ""},
		"the only one": {[]int32{80}, ""},
		"several":      {[]int32{80, 443}, "the port of web/service/store is missing: it has 80, 443, as in web/service/store:80"},
		"none":         {nil, `the Service "store" in namespace "web" has no port: name the pods behind it`},
	} {
		t.Run(name, func(t *testing.T) {
			s := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "web", Name: "store"}}
			for _, port := range test.ports {
				s.Spec.Ports = append(s.Spec.Ports, corev1.ServicePort{Port: port})
			}
			inv := fixture.Load(t, fixture.Shop("outbound.yaml")...)
			inv.Services = append(inv.Services, s)
			target, err := explain.ParseTarget("web/service/store", "")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := explain.Find(inv, inv.Clusters[0], target, explain.Sender{}); fmt.Sprint(err) != cmp.Or(test.want, "<nil>") {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

func TestTargetsThatAreNone(t *testing.T) {
	for text, want := range map[string]string{
		"":                         "the target is empty",
		"external":                 "write it in quotes",
		"external s3.example.com":  "the port is missing",
		"web":                      `target "web": use api-server`,
		"10.0.0.0/8":               "a connection goes to one address",
		"shop/service/Orders":      "can't be the name of a Service",
		"pod/web:":                 "the port is missing behind the colon",
		"s3.example.com:99999":     "out of range",
		"s3.example.com:https":     "is no number",
		"external bad_name.com:80": "neither an address nor a DNS name",
	} {
		if _, err := explain.ParseTarget(text, ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
	for _, text := range []string{"job/none", "pod/x", "pooler/"} {
		if _, err := explain.ParseSender(text); err == nil || !strings.Contains(err.Error(), "--from") {
			t.Errorf("%q: got %v", text, err)
		}
	}
}
