//go:build engines

package engine_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cilium/cilium/pkg/identity"
	"github.com/cilium/cilium/pkg/u8proto"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// flowsPerVersion is how many connections one run asks each version about.
const flowsPerVersion = 12_000

// program is the engine of another version, which runs as a process of its own: see internal/tools/engines.
type program struct {
	version string
	in      *json.Encoder
	out     *bufio.Scanner
}

// programs builds those of all other versions.
func programs(t *testing.T) []program {
	t.Helper()
	modules, err := filepath.Glob("../tools/engines/*/go.mod")
	if err != nil || len(modules) == 0 {
		t.Fatalf("no engines: %v", err)
	}
	var out []program
	for _, module := range modules {
		folder := filepath.Dir(module)
		content, err := os.ReadFile(module)
		if err != nil {
			t.Fatal(err)
		}
		_, after, _ := strings.Cut(string(content), "github.com/cilium/cilium v")
		p := program{version: strings.Fields(after)[0]}
		name := filepath.Join(t.TempDir(), "engine")
		build := exec.CommandContext(t.Context(), "go", "-C", folder, "build", "-o", name, ".")
		if text, err := build.CombinedOutput(); err != nil {
			t.Fatalf("build the engine of %s: %v\n%s", p.version, err, text)
		}
		cmd := exec.CommandContext(t.Context(), name)
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		p.in, p.out = json.NewEncoder(in), bufio.NewScanner(stdout)
		p.out.Buffer(nil, 64<<20)
		out = append(out, p)
	}
	return out
}

// request and response are the protocol of the programs.
type request struct {
	ClusterName         string
	DefaultLocalCluster bool
	EnablePolicy        string
	AllowLocalhost      string
	CIDRMatchMode       []string
	IPv4, IPv6          bool
	Policies            []requestPolicy
	Identities          []requestIdentity
	Flows               []requestFlow
}

type requestPolicy struct {
	Kind, Namespace, Name string
	Object                any
}

type requestIdentity struct {
	Number     uint32
	Labels     []string
	NamedPorts map[string]uint16
}

type requestFlow struct {
	From, To int
	Protocol uint8
	Port     uint16
}

type response struct {
	Invalid         map[int]string
	Ignored         []int
	Ingress, Egress []bool
	Error           string
}

// ask sends a world to a program.
func (p program) ask(t *testing.T, r request) response {
	t.Helper()
	if err := p.in.Encode(r); err != nil {
		t.Fatal(err)
	}
	var out response
	if !p.out.Scan() {
		t.Fatalf("the engine of %s does not answer: %v", p.version, p.out.Err())
	}
	if err := json.Unmarshal(p.out.Bytes(), &out); err != nil {
		t.Fatal(err)
	}
	if out.Error != "" {
		t.Fatalf("the engine of %s: %s", p.version, out.Error)
	}
	return out
}

// TestVersions asks the engines of other versions about the same connections as the product's, which is told that the agents
// have that version: what it says must be what they say, or be unknown with the reason.
func TestVersions(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("DIFFERENTIAL_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatalf("DIFFERENTIAL_SEED: %v", err)
		}
	}
	t.Logf("seed %d (set DIFFERENTIAL_SEED to repeat)", seed)
	for _, p := range programs(t) {
		t.Run(p.version, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 0))
			counts := tally{unknown: map[string]int{}}
			for counts.flows < flowsPerVersion {
				compareVersions(t, p, newWorld(random), &counts)
				if counts.differs != "" {
					t.Fatal(counts.differs)
				}
			}
			t.Logf("%d flows of %d worlds, %d denied; %d policies that %s refuses or does not know", counts.flows, counts.worlds, counts.denied, counts.refused, p.version)
			for _, reason := range slices.Sorted(maps.Keys(counts.unknown)) {
				t.Logf("unknown, %d times: %s", counts.unknown[reason], reason)
			}
			if counts.denied < counts.flows/20 || counts.denied > counts.flows*19/20 {
				t.Errorf("the worlds are too plain to prove anything: %d of %d flows denied", counts.denied, counts.flows)
			}
		})
	}
}

type tally struct {
	worlds, flows, denied, refused int
	unknown                        map[string]int
	// differs is what the versions do not agree on, with as few policies as it takes.
	differs string
}

// compareVersions compares one world.
func compareVersions(t *testing.T, p program, w world, counts *tally) {
	t.Helper()
	seed := w.random.Uint64()
	again := func(w world) string {
		w.random = rand.New(rand.NewPCG(seed, 0))
		counts.differs = ""
		compareOnce(t, p, w, counts)
		return counts.differs
	}
	differs := again(w)
	for i := 0; differs != "" && i < len(w.policies); {
		fewer := w
		fewer.policies = slices.Delete(slices.Clone(w.policies), i, i+1)
		if less := again(fewer); less != "" {
			differs, w = less, fewer
		} else {
			i++
		}
	}
	counts.differs = differs
}

func compareOnce(t *testing.T, p program, w world, counts *tally) {
	t.Helper()
	// Services are resolved by the agents before their engine is asked, which the test of our own version covers.
	w.around = engine.Around{AllServices: true, AllCIDRGroups: true, CIDRGroups: w.around.CIDRGroups}
	w.settings.CIDRMatchMode = nil
	w.settings.Version = inventory.AgentVersionOf("cilium:v" + p.version)
	if w.settings.Version.Before(1, 20) {
		w.settings.ClusterNetworkPolicy = false
	}
	w.policies = slices.DeleteFunc(w.policies, func(p inventory.Policy) bool {
		text, err := json.Marshal(w.asWritten(t, p))
		return err != nil || strings.Contains(string(text), `"toServices"`)
	})
	ids, err := engine.NewIdentitiesAmong(w.settings, w.around)
	if err != nil {
		t.Fatal(err)
	}
	policies, err := engine.ReadAmong(w.settings, w.policies, w.around)
	if err != nil {
		t.Fatal(err)
	}
	// Older agents know the local host by the number of its identity, which two of these peers would have to share.
	peers := slices.DeleteFunc(w.peers(t, ids, policies), func(p peer) bool { return p.ours.Name() == "API server on the same node" })
	e, err := engine.New(ids, policies)
	if err != nil {
		t.Fatal(err)
	}
	r := w.request(t, peers)
	for range 400 {
		from, to := w.random.IntN(len(peers)), w.random.IntN(len(peers))
		if peers[from].pod < 0 && peers[to].pod < 0 {
			continue
		}
		f := requestFlow{From: from, To: to, Protocol: uint8(u8proto.TCP), Port: []uint16{5432, 8000, 9187, 9999}[w.random.IntN(4)]}
		if w.chance(4) {
			f.Protocol, f.Port = uint8(u8proto.UDP), 53
		}
		r.Flows = append(r.Flows, f)
	}
	answer := p.ask(t, r)
	counts.worlds++
	counts.refused += len(answer.Invalid) + len(answer.Ignored)
	withEndpoint := []string{"ingress", "health"}
	for i, f := range r.Flows {
		from, to := peers[f.From], peers[f.To]
		got := e.DecideOn(from.ours, to.ours, u8proto.U8proto(f.Protocol), f.Port)
		ingress := answer.Ingress[i] || to.pod < 0 && !slices.Contains(withEndpoint, to.ours.Name())
		egress := answer.Egress[i] || from.pod < 0 && !slices.Contains(withEndpoint, from.ours.Name())
		counts.flows++
		if !ingress || !egress {
			counts.denied++
		}
		for name, side := range map[string]struct {
			got  engine.Direction
			want bool
		}{"ingress": {got.Ingress, ingress}, "egress": {got.Egress, egress}} {
			switch {
			case side.got.Verdict == v1alpha1.VerdictUnknown:
				counts.unknown[side.got.Reason]++
			case (side.got.Verdict == v1alpha1.VerdictAllowed) != side.want:
				counts.differs = fmt.Sprintf("%s → %s:%d/%s, %s: ours %s, %s allows: %t\nrefused there: %v\npolicies:\n%s", from.name, to.name, f.Port, u8proto.U8proto(f.Protocol), name,
					side.got.Verdict, p.version, side.want, answer.Invalid, w.describe(t))
				return
			}
		}
	}
}

// asWritten is a policy as a user would write it: those of lockdown's sets are objects that nobody has parsed yet. L7 rules are left
// out: where the older LookupFlow finds a redirect to the proxy, it has no port of one, and denies, as its comment says.
func (w world) asWritten(t *testing.T, p inventory.Policy) any {
	t.Helper()
	written := p.Object
	if content, ok := w.written[p.Name]; ok {
		written = content
	}
	text, err := json.Marshal(written)
	if err != nil {
		t.Fatal(err)
	}
	var out any
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	withoutL7(out)
	return out
}

// withoutL7 takes L7 rules out of what was read from JSON.
func withoutL7(value any) {
	switch value := value.(type) {
	case list:
		for _, inner := range value {
			withoutL7(inner)
		}
	case object:
		if _, ports := value["ports"].(list); ports {
			delete(value, "rules")
		}
		for _, inner := range value {
			withoutL7(inner)
		}
	}
}

// request is the world as the programs read it.
func (w world) request(t *testing.T, peers []peer) request {
	t.Helper()
	r := request{
		ClusterName: w.settings.ClusterName, DefaultLocalCluster: w.settings.DefaultLocalCluster, EnablePolicy: w.settings.EnablePolicy,
		AllowLocalhost: w.settings.AllowLocalhost, IPv4: w.settings.IPv4, IPv6: w.settings.IPv6,
	}
	if r.AllowLocalhost == "auto" {
		r.AllowLocalhost = "always" // As the agents read it on Kubernetes.
	}
	for _, p := range w.policies {
		r.Policies = append(r.Policies, requestPolicy{string(p.Kind), p.Namespace, p.Name, w.asWritten(t, p)})
	}
	for i, one := range peers {
		id := requestIdentity{Number: uint32(1000 + i), Labels: one.ours.Labels(), NamedPorts: map[string]uint16{}}
		switch reserved := identity.GetReservedID(one.ours.Name()); {
		case one.ours.Name() != "" && reserved != identity.IdentityUnknown:
			id.Number, id.Labels = uint32(reserved), identity.LookupReservedIdentity(reserved).Labels.GetModel()
		case one.pod < 0:
			id.Number = uint32(identity.IdentityScopeLocal) + uint32(1000+i)
		}
		if one.pod >= 0 {
			for _, port := range w.pods[one.pod].NamedPorts {
				id.NamedPorts[port.Name] = port.Port
			}
		}
		r.Identities = append(r.Identities, id)
	}
	return r
}
