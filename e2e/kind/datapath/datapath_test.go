package datapath_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/e2e/kind/datapath"
)

const report = "1700000010.500000 xx drop (Policy denied) flow 0x0 to endpoint 2049, ifindex 12, file bpf_lxc.c:2056, , " +
	"identity 41973->21190: 10.244.0.7:40312 -> 10.244.0.9:5432 tcp SYN"

func TestParseDrop(t *testing.T) {
	for name, c := range map[string]struct {
		line, identity, from, to string
	}{
		"no rule allows it":  {report, "41973", "10.244.0.7:40312", "10.244.0.9:5432"},
		"a rule denies it":   {strings.Replace(report, "denied)", "denied by denylist)", 1), "41973", "10.244.0.7:40312", "10.244.0.9:5432"},
		"from the world":     {strings.Replace(report, "41973->", "world->", 1), "world", "10.244.0.7:40312", "10.244.0.9:5432"},
		"IPv6":               {strings.NewReplacer("10.244.0.7:", "[fd00::7]:", "10.244.0.9:", "[fd00::9]:").Replace(report), "41973", "[fd00::7]:40312", "[fd00::9]:5432"},
		"without identities": {strings.Replace(report, "identity 41973->21190", "", 1), "", "10.244.0.7:40312", "10.244.0.9:5432"},
	} {
		t.Run(name, func(t *testing.T) {
			d, ok := datapath.ParseDrop(c.line)
			if !ok {
				t.Fatal("it is not taken for a denied packet")
			}
			if d.Identity != c.identity || d.From.String() != c.from || d.To.String() != c.to || !d.At.Equal(time.UnixMicro(1700000010500000)) {
				t.Errorf("got %+v", d)
			}
		})
	}
	for _, line := range []string{
		"", "Press Ctrl-C to quit",
		strings.Replace(report, "Policy denied", "CT: Unknown L4 protocol", 1),
		strings.Replace(report, "10.244.0.7:40312", "somebody", 1),
		strings.Replace(report, "10.244.0.9:5432", "somebody", 1),
		strings.TrimPrefix(report, "1700000010.500000 "),
	} {
		if d, ok := datapath.ParseDrop(line); ok {
			t.Errorf("%q is taken for %+v", line, d)
		}
	}
}

func TestLost(t *testing.T) {
	if !datapath.Lost("1700000010.500000 CPU 01: Lost 12 events") {
		t.Error("lost reports are not noticed")
	}
	if datapath.Lost(report) {
		t.Error("a report is taken for a lost one")
	}
}

func TestParseAttempt(t *testing.T) {
	a, err := datapath.ParseAttempt("1700000010,000001 1700000012.000000 2 psql: error: timeout expired")
	if err != nil {
		t.Fatal(err)
	}
	want := datapath.Attempt{Begun: time.UnixMicro(1700000010000001), Ended: time.UnixMicro(1700000012000000), Text: "psql: error: timeout expired"}
	if a != want {
		t.Errorf("got %+v, want %+v", a, want)
	}
	if a, err = datapath.ParseAttempt("1700000010.000001 1700000012.000000 0"); err != nil || !a.Answered {
		t.Errorf("got %+v, %v", a, err)
	}
	for line, message := range map[string]string{
		"":                                        "want BEGIN END CODE",
		"bash: psql: command not found":           "is no time",
		"1700000010.000001 then 0":                "is no time",
		"1700000010.1 1700000012.000000 0":        "is no time",
		"x.000001 1700000012.000000 0":            "is no time",
		"1700000010.000001 1700000012.000000 bad": `"bad" is no exit code`,
	} {
		if _, err := datapath.ParseAttempt(line); err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("%q: got %v, want %q", line, err, message)
		}
	}
}

// TestJudge is the rule of the whole suite: an answer proves access, a dropped packet proves its denial,
// and silence proves nothing.
func TestJudge(t *testing.T) {
	drop, ok := datapath.ParseDrop(report)
	if !ok {
		t.Fatal("no drop")
	}
	way := datapath.Path{From: []netip.Addr{netip.MustParseAddr("10.244.0.7")}, To: []netip.Addr{netip.MustParseAddr("10.244.0.9")}, Port: 5432}
	silence := datapath.Attempt{Begun: drop.At.Add(-time.Second), Ended: drop.At.Add(time.Second), Text: "timeout expired"}
	for name, c := range map[string]struct {
		change func(*datapath.Attempt, *datapath.Path)
		drops  []datapath.Drop
		want   datapath.Verdict
	}{
		"an answer": {func(a *datapath.Attempt, _ *datapath.Path) { a.Answered = true }, nil, datapath.Allowed},
		"an answer after a packet was sent again": {func(a *datapath.Attempt, _ *datapath.Path) { a.Answered = true }, []datapath.Drop{drop}, datapath.Allowed},
		"silence, however long":                   {func(a *datapath.Attempt, _ *datapath.Path) { a.Ended = a.Begun.Add(time.Hour) }, nil, datapath.Undecided},
		"a denied packet":                         {nil, []datapath.Drop{drop}, datapath.Denied},
		"a denied packet of another client": {func(_ *datapath.Attempt, p *datapath.Path) { p.From = []netip.Addr{netip.MustParseAddr("10.244.0.8")} },
			[]datapath.Drop{drop}, datapath.Undecided},
		"a denied packet to another target": {func(_ *datapath.Attempt, p *datapath.Path) { p.To = []netip.Addr{netip.MustParseAddr("10.244.0.8")} },
			[]datapath.Drop{drop}, datapath.Undecided},
		"a denied packet to another port": {func(_ *datapath.Attempt, p *datapath.Path) { p.Port = 8000 }, []datapath.Drop{drop}, datapath.Undecided},
		"a packet that was denied before": {func(a *datapath.Attempt, _ *datapath.Path) { a.Begun = drop.At.Add(1) }, []datapath.Drop{drop}, datapath.Undecided},
		"a packet that was denied later":  {func(a *datapath.Attempt, _ *datapath.Path) { a.Ended = drop.At.Add(-1) }, []datapath.Drop{drop}, datapath.Undecided},
		"a denied packet by identity":     {func(_ *datapath.Attempt, p *datapath.Path) { p.From, p.Identity = nil, "419" }, []datapath.Drop{drop}, datapath.Denied},
		"a denied packet of another one":  {func(_ *datapath.Attempt, p *datapath.Path) { p.From, p.Identity = nil, "world" }, []datapath.Drop{drop}, datapath.Undecided},
		"a way from nowhere":              {func(_ *datapath.Attempt, p *datapath.Path) { p.From = nil }, []datapath.Drop{drop}, datapath.Undecided},
	} {
		t.Run(name, func(t *testing.T) {
			a, p := silence, way
			if c.change != nil {
				c.change(&a, &p)
			}
			if got := datapath.Judge(a, p, c.drops); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}
