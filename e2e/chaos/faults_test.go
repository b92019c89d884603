package chaos

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// verb is a command, and what there is before it.
type verb struct {
	name string
	// before are the commands that lead to where it begins.
	before [][]string
	args   []string
}

func verbs() []verb {
	words := strings.Fields
	lockdown := words("lockdown orders -n shop --yes --allow-pods role=backend")
	trial := words("lockdown orders -n shop --yes --allow-pods role=backend --confirm-within 1h")
	rehearsal := words("lockdown orders -n shop --yes --allow-pods role=backend --rehearse --confirm-within 1h")
	return []verb{
		{"lockdown", nil, lockdown},
		{"lockdown again", [][]string{lockdown}, words("lockdown orders -n shop --yes --allow-pods role=frontend --allow-metrics monitoring --allow-kubectl-cnpg")},
		{"lockdown of two", [][]string{lockdown}, words("lockdown orders stock -n shop --yes --scope namespace")},
		{"lockdown on trial", nil, trial},
		{"keep a trial", [][]string{trial}, lockdown},
		{"confirm", [][]string{trial}, words("confirm orders -n shop")},
		{"rehearsal on trial", nil, rehearsal},
		{"confirm a rehearsal", [][]string{rehearsal}, words("confirm orders -n shop")},
		{"end a rehearsal", [][]string{rehearsal}, lockdown},
		{"grant", [][]string{lockdown}, words("grant orders -n shop --yes --allow-pods role=frontend --for 1h --reason incident")},
		{"revoke", [][]string{lockdown, words("grant orders -n shop --yes --allow-pods role=frontend --for 1h")}, words("revoke orders -n shop --yes")},
		{"unlock", [][]string{lockdown}, words("unlock orders -n shop --yes")},
		{"undo", [][]string{lockdown, words("unlock orders -n shop --yes")}, words("lockdown orders -n shop --undo --yes")},
	}
}

// TestChaos is all that can go wrong. Each part has a server for itself as long as it runs; when everything is tried, as
// many parts run at once as -parallel says, for most of the time of each is spent waiting.
func TestChaos(t *testing.T) {
	labs := newLabs(t)
	idle := make(chan *lab, len(labs))
	for _, l := range labs {
		idle <- l
	}
	t.Run("parts", func(t *testing.T) {
		part := func(name string, run func(*lab, *testing.T)) {
			t.Run(name, func(t *testing.T) {
				if len(labs) > 1 {
					t.Parallel()
				}
				l := <-idle
				defer func() { idle <- l }()
				run(l, t)
			})
		}
		part("permissions", (*lab).testPermissions)
		for i, v := range verbs() {
			part("faults "+v.name, func(l *lab, t *testing.T) { l.testFaults(t, i, v) })
		}
		part("two at once", (*lab).testTwoAtOnce)
		part("reverted", (*lab).testReverted)
		part("edited", (*lab).testEdited)
		part("cluster gone", (*lab).testClusterGone)
	})
	// What belongs to others is gone with it.
	t.Run("definition gone", labs[0].testCRDGone)
	var all figures
	for _, l := range labs {
		all.add(l.figures)
	}
	t.Logf("%s", all)
	if thorough() && all.faults < 300 {
		t.Errorf("%d faults prove little", all.faults)
	}
}

// thorough is true when everything is tried, and not a sample.
func thorough() bool { return os.Getenv("CHAOS") == "all" }

// sample is one of how many faults is tried when not all are.
const sample = 97

// testFaults lets each request of the verb, which is the at-th, meet with each fault. Where everything is read, which all verbs
// do before they write and once more afterwards, each verb has other faults: all of them together have all.
func (l *lab) testFaults(t *testing.T, at int, v verb) {
	s := l.rehearse(t, v)
	looks := s.looks()
	// Of a sample, each verb has other requests and other faults.
	place, faults := at*sample/len(verbs()), l.figures.faults
	for n, request := range s.requests {
		for i, fault := range Faults() {
			place++
			if !thorough() && place%sample != 0 || thorough() && looks[request] && (n+i+at)%len(verbs()) != 0 {
				continue
			}
			t.Run(fmt.Sprintf("%d %s %s", n+1, request.Method, fault.Name), func(t *testing.T) { l.strike(t, s, n+1, fault) })
		}
	}
	t.Logf("%s: %d requests have met with %d faults", v.name, len(s.requests), l.figures.faults-faults)
}

// script is a verb without a fault: what there is before and afterwards, and what it asks for.
type script struct {
	verb
	before, end state
	// begun is everything that there is before, and ended what there is afterwards, as whole has it.
	begun    string
	ended    string
	requests []Request
	// completed are the states, as whole has them, from which the verb was seen to lead to its end.
	completed map[string]bool
}

// looks are the requests that only read what there is.
func (s *script) looks() map[Request]bool {
	out := map[Request]bool{}
	for _, r := range s.requests {
		if r.Writes() {
			break
		}
		if r.Method == http.MethodGet {
			out[r] = true
		}
	}
	return out
}

// begin leads to where a verb begins.
func (l *lab) begin(t *testing.T, v verb) {
	t.Helper()
	l.clear(t)
	l.proxy.Strike(nil)
	for _, args := range v.before {
		if o := l.run(t, args...); o.code != 0 {
			t.Fatalf("%q: %s", args, o.said())
		}
	}
}

// rehearse runs a verb without a fault.
func (l *lab) rehearse(t *testing.T, v verb) *script {
	t.Helper()
	l.begin(t, v)
	s := &script{verb: v, before: l.now(t), begun: l.whole(t), completed: map[string]bool{}}
	l.proxy.Strike(nil)
	if o := l.run(t, v.args...); o.code != 0 {
		t.Fatal(o.said())
	}
	s.requests, s.end = l.proxy.Seen(), l.now(t)
	s.ended = l.whole(t)
	if s.before.equal(s.end) {
		t.Fatal("the verb changes nothing")
	}
	l.expectSound(t, "without a fault")
	s.completed[s.begun] = true
	return s
}

// strike lets the n-th request of a verb meet with a fault, and looks what comes of it.
func (l *lab) strike(t *testing.T, s *script, n int, fault KindOfFault) {
	if l.whole(t) != s.begun {
		l.begin(t, s.verb)
	}
	command, out := l.command(t, slices.Concat(s.args, fault.Args)...)
	met := false
	kill := func() { _ = command.Process.Kill() }
	l.proxy.Strike(func(at int, _ *http.Request) Fault {
		if at != n {
			return nil
		}
		met = true
		return fault.Make(kill)
	})
	o := l.finish(t, command, out)
	l.proxy.Strike(nil)
	if !met {
		return // It needed fewer requests this time, for it had to wait less.
	}
	l.figures.faults++
	now, whole := l.now(t), l.whole(t)
	l.expectSound(t, "after the fault")
	if !o.killed {
		if why := untrue(o, now.equal(s.before), now.equal(s.end)); why != "" {
			l.figures.untrue++
			t.Errorf("%s: before %v, now %v, in the end %v", why, s.before, now, s.end)
		}
	}
	if s.name == "undo" && (o.code == 0 || whole == s.ended) {
		return // Once more would take back the undo.
	}
	if s.completed[whole] {
		return // From here, it was seen to go on.
	}
	again := l.run(t, s.args...)
	if now := l.now(t); again.code != 0 || !now.equal(s.end) {
		l.figures.unfinished++
		t.Errorf("once more: %v, in the end %v, %s", now, s.end, again.said())
	}
	l.expectSound(t, "once more")
	if t.Failed() {
		t.Log(o.said())
	}
	s.completed[whole] = !t.Failed()
}

// finish starts a command and waits for it.
func (l *lab) finish(t *testing.T, command *exec.Cmd, out *streams) outcome {
	t.Helper()
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	return out.wait(t, command)
}

// untrue says what is wrong with what a run has told; empty when it is true. same is whether everything is as before, and
// done whether it is as it shall be.
func untrue(o outcome, same, done bool) string {
	says := func(texts ...string) bool {
		for _, text := range texts {
			if strings.Contains(o.stderr, text) {
				return true
			}
		}
		return false
	}
	switch {
	case o.code == 0 && !done:
		return "a failure is reported as success"
	case o.code == 0:
		return ""
	case !says("error: "):
		return "it fails and does not say why"
	case says("between two states", "is not known", "was deleted meanwhile"):
		return ""
	case done && says("are applied and stay", "stays"):
		return ""
	case !same:
		return "it fails, and does not say that something has changed"
	}
	return ""
}
