package policyset_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/cilium/pkg/u8proto"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// Under --egress, instances, jobs and poolers reach what they need and what flags name, and nothing else: by Cilium's
// own engine.
func TestWhereTo(t *testing.T) {
	const always = "shop/pg-2:5432 shop/pg-2:8000 kube-apiserver:443 kube-apiserver:5432 kube-apiserver:8000 kube-apiserver:9000 kube-system/dns:53"
	resolver := policyset.Outlet{Purpose: policyset.DNS, What: "DNS", Places: []policyset.Place{
		{Namespace: "kube-system", Labels: map[string]string{"k8s-app": "kube-dns"}, Ports: []string{"53/UDP", "53/TCP"}},
	}}
	store := policyset.Outlet{Purpose: policyset.Store, What: "it", Places: []policyset.Place{{Name: "s3.example.com", Ports: []string{"443/TCP"}}}}
	for _, tc := range []struct {
		name    string
		outlets []policyset.Outlet
		allow   []string
		// want is what instances and jobs reach besides what is always reached, and poolers nothing of it.
		want string
	}{
		{"nothing", nil, nil, ""},
		{"a name", []policyset.Outlet{store}, nil, "s3.example.com:443"},
		{"a flag's name", nil, []string{"--allow-egress-fqdn=*.example.com:443"}, "s3.example.com:443"},
		{"addresses", nil, []string{"--allow-egress-cidr=192.0.2.0/24:443"}, "192.0.2.7:443"},
		{"addresses with all ports", nil, []string{"--allow-egress-cidr=192.0.2.7"}, "192.0.2.7:443 192.0.2.7:53 192.0.2.7:5432 192.0.2.7:8000 192.0.2.7:9000"},
		{"a namespace's pods", nil, []string{"--allow-egress-pods=storage:9000"}, "storage/minio:9000 storage/other:9000"},
		{"some pods", nil, []string{"--allow-egress-pods=storage:app=minio:9000"}, "storage/minio:9000"},
		{"pods of the own namespace", nil, []string{"--allow-egress-pods=shop:app=web:8000"}, "shop/web:8000"},
		{"all pods of the own namespace", nil, []string{"--allow-egress-pods=shop:9000"}, "shop/pg-2:9000 shop/web:9000"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			options, err := policyset.Parse(policyset.FlagValues{Egress: true, Allow: tc.allow})
			if err != nil {
				t.Fatal(err)
			}
			options = options.For(database, []policyset.Operator{{Namespace: "cnpg-system"}}).Reaching(append(tc.outlets, resolver))
			for role, labels := range map[string]map[string]string{
				"instance": {cnpg.ClusterLabel: "pg", cnpg.PodRoleLabel: cnpg.InstancePodRole},
				"job":      {cnpg.ClusterLabel: "pg", cnpg.JobRoleLabel: string(cnpg.Join)},
				"pooler":   poolerLabels(),
			} {
				want := strings.Fields(always)
				if role != "pooler" {
					want = append(want, strings.Fields(tc.want)...)
				}
				slices.Sort(want)
				if got := whereTo(t, options, labels); !slices.Equal(got, want) {
					t.Errorf("%s:\ngot  %q\nwant %q", role, got, want)
				}
			}
		})
	}
}

// whereTo are the peers and ports that a pod with these labels reaches: TCP, and UDP for DNS.
func whereTo(t *testing.T, options policyset.Options, from map[string]string) []string {
	t.Helper()
	set, err := policyset.Build(options)
	if err != nil {
		t.Fatal(err)
	}
	var policies []inventory.Policy
	for _, p := range set {
		policies = append(policies, inventory.Policy{PolicyReference: p.Reference(), Object: p.Object})
	}
	settings := inventory.DefaultSettings()
	ids, err := engine.NewIdentities(settings)
	if err != nil {
		t.Fatal(err)
	}
	pods := []inventory.Pod{
		{Namespace: "shop", Name: "pg-1", ServiceAccount: "pg", Labels: from},
		{Namespace: "shop", Name: "pg-2", ServiceAccount: "pg", Labels: map[string]string{cnpg.ClusterLabel: "pg", cnpg.InstanceNameLabel: "pg-2"}},
		{Namespace: "shop", Name: "web", Labels: map[string]string{"app": "web"}},
		{Namespace: "storage", Name: "minio", Labels: map[string]string{"app": "minio"}},
		{Namespace: "storage", Name: "other", Labels: map[string]string{"app": "other"}},
		{Namespace: "kube-system", Name: "dns", Labels: map[string]string{"k8s-app": "kube-dns"}},
	}
	identities, err := ids.Pods(pods, nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range pods {
		names = append(names, p.Namespace+"/"+p.Name)
	}
	for _, entity := range []string{"kube-apiserver", "remote-node", "world"} {
		identities, names = append(identities, ids.Reserved(entity)), append(names, entity)
	}
	for _, address := range []string{"192.0.2.7", "198.51.100.7"} {
		id, err := ids.CIDR(netip.MustParsePrefix(address + "/32"))
		if err != nil {
			t.Fatal(err)
		}
		identities, names = append(identities, id), append(names, address)
	}
	read, err := engine.Read(settings, policies)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"s3.example.com", "s3.example.org"} {
		// At an address that no rule names: what names have at others is the differential test's.
		at, err := ids.Name(name, engine.WorldOf(read))
		if err != nil {
			t.Fatal(err)
		}
		identities, names = append(identities, at[0]), append(names, name)
	}
	e, err := engine.New(ids, read)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for i, id := range identities[1:] {
		for port, protocol := range map[uint16]u8proto.U8proto{443: u8proto.TCP, 5432: u8proto.TCP, 8000: u8proto.TCP, 9000: u8proto.TCP, 53: u8proto.UDP} {
			entity := names[i+1]
			if entity == "kube-apiserver" && port == 53 {
				continue
			}
			if d := e.DecideOn(identities[0], id, protocol, port); d.Egress.Verdict == v1alpha1.VerdictAllowed {
				out = append(out, fmt.Sprintf("%s:%d", entity, port))
			}
		}
	}
	slices.Sort(out)
	return out
}
