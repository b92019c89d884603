package integration

import (
	"context"
	"flag"
	"io"
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/e2e/integration/standin"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/e2e/integration/testserver"
)

type command = func(ts *testscript.TestScript, neg bool, args []string)

// commands are the commands of a script beyond testscript's own.
func commands() map[string]command {
	return map[string]command{
		"controlplane":  positive(cmdControlplane),
		"controllers":   positive(cmdControllers),
		"kubectl":       cmdKubectl,
		"exits":         positive(cmdExits),
		"eventually":    positive(cmdEventually),
		"jsonpath":      positive(cmdJSONPath),
		"who":           positive(cmdWho),
		"agent":         positive(cmdAgent),
		"cilium-config": positive(cmdCiliumConfig),
		"load":          positive(cmdLoad),
		"run-pods":      positive(cmdRunPods),
		"shop":          positive(cmdShop),
		"snapshot":      positive(cmdSnapshot),
	}
}

// positive is for commands that have no negation.
func positive(run func(ts *testscript.TestScript, args []string)) command {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg {
			ts.Fatalf("unsupported: ! before this command")
		}
		run(ts, args)
	}
}

// parse reads the flags of a command and returns its arguments.
func parse(ts *testscript.TestScript, usage string, args []string, define func(*flag.FlagSet)) []string {
	flags := flag.NewFlagSet("", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	define(flags)
	if err := flags.Parse(args); err != nil {
		ts.Fatalf("%v; usage: %s", err, usage)
	}
	return flags.Args()
}

// step returns the context of one command.
func step(ts *testscript.TestScript) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), stepTimeout)
	ts.Defer(cancel)
	return ctx
}

func cmdControlplane(ts *testscript.TestScript, args []string) {
	const usage = "controlplane start [-without-cilium] [-without-cnpg] [-with-clusternetworkpolicy] [-cilium VERSION] [-cnpg VERSION] | controlplane stop"
	switch {
	case len(args) > 0 && args[0] == "start":
		var o testserver.Options
		rest := parse(ts, usage, args[1:], func(f *flag.FlagSet) {
			f.BoolVar(&o.WithoutCilium, "without-cilium", false, "")
			f.BoolVar(&o.WithoutCNPG, "without-cnpg", false, "")
			f.BoolVar(&o.WithClusterNetworkPolicy, "with-clusternetworkpolicy", false, "")
			f.StringVar(&o.Cilium, "cilium", "", "")
			f.StringVar(&o.CNPG, "cnpg", "", "")
		})
		if len(rest) > 0 {
			ts.Fatalf("usage: %s", usage)
		}
		ts.Check(worldOf(ts).start(o))
	case len(args) == 1 && args[0] == "stop":
		ts.Check(running(ts).stop())
	default:
		ts.Fatalf("usage: %s", usage)
	}
}

func cmdControllers(ts *testscript.TestScript, args []string) {
	const usage = "controllers on | controllers off"
	w := running(ts)
	switch {
	case len(args) == 1 && args[0] == "on":
		ts.Check(w.startControllers())
	case len(args) == 1 && args[0] == "off":
		w.stopControllers()
	default:
		ts.Fatalf("usage: %s", usage)
	}
}

func cmdAgent(ts *testscript.TestScript, args []string) {
	const usage = "agent on | agent off | agent rejects NAME [MESSAGE] | agent ignores NAME"
	agent := running(ts).agent
	switch {
	case len(args) == 1 && args[0] == "on":
		ts.Check(agent.Start(step(ts)))
	case len(args) == 1 && args[0] == "off":
		agent.Stop()
	case len(args) == 2 && args[0] == "rejects":
		agent.Reject(step(ts), args[1], "rejected by the test")
	case len(args) == 3 && args[0] == "rejects":
		agent.Reject(step(ts), args[1], args[2])
	case len(args) == 2 && args[0] == "ignores":
		agent.Ignore(args[1])
	default:
		ts.Fatalf("usage: %s", usage)
	}
}

func cmdCiliumConfig(ts *testscript.TestScript, args []string) {
	const usage = "cilium-config [KEY=VALUE | KEY-]…"
	changes := map[string]*string{}
	for _, arg := range args {
		key, value, found := strings.Cut(arg, "=")
		switch {
		case found:
			changes[key] = &value
		case strings.HasSuffix(arg, "-"):
			changes[strings.TrimSuffix(arg, "-")] = nil
		default:
			ts.Fatalf("%q is neither KEY=VALUE nor KEY-; usage: %s", arg, usage)
		}
	}
	ts.Check(standin.WriteSettings(step(ts), running(ts).server.Config(), changes))
}

func cmdLoad(ts *testscript.TestScript, args []string) {
	if len(args) == 0 {
		ts.Fatalf("usage: load FILE…")
	}
	for _, file := range args {
		ts.Check(standin.Load(step(ts), running(ts).server.Config(), []byte(ts.ReadFile(file))))
	}
}

func cmdRunPods(ts *testscript.TestScript, args []string) {
	const usage = "run-pods [-without-endpoints]"
	var o standin.PodOptions
	rest := parse(ts, usage, args, func(f *flag.FlagSet) { f.BoolVar(&o.WithoutEndpoints, "without-endpoints", false, "") })
	if len(rest) > 0 {
		ts.Fatalf("usage: %s", usage)
	}
	ts.Check(standin.RunPods(step(ts), running(ts).server.Config(), o))
}

func cmdShop(ts *testscript.TestScript, args []string) {
	if len(args) > 0 {
		ts.Fatalf("usage: shop")
	}
	config := running(ts).server.Config()
	ts.Check(standin.WriteSettings(step(ts), config, nil))
	ts.Check(standin.Load(step(ts), config, []byte(ts.ReadFile(ts.Getenv("SHOP")))))
	ts.Check(standin.RunPods(step(ts), config, standin.PodOptions{}))
}

func cmdSnapshot(ts *testscript.TestScript, args []string) {
	const usage = "snapshot [-content] FILE"
	content := false
	rest := parse(ts, usage, args, func(f *flag.FlagSet) { f.BoolVar(&content, "content", false, "") })
	if len(rest) != 1 {
		ts.Fatalf("usage: %s", usage)
	}
	take := running(ts).server.Snapshot
	if content {
		take = running(ts).server.SnapshotContent
	}
	snapshot, err := take(step(ts))
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(rest[0]), snapshot, 0o600))
}
