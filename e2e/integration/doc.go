// Package integration runs the plugin's binary against a real Kubernetes API server, as a user
// does. It has tests only.
//
//	make test                                          everything; builds the server's programs first
//	go test ./e2e/integration -run Scripts/lockdown    the scripts whose name contains lockdown
//	go test ./e2e/integration -update                  rewrite expected output with what was seen
//	go test ./e2e/integration -v                       every step with its output
//
// KUBEBUILDER_ASSETS names the folder with kube-apiserver, etcd, kubectl and controllers. When it is not set,
// e2e/controlplane/build builds them: minutes the first time, a moment later on.
//
// # Writing a script
//
// Each file testdata/script/NAME.txtar is one test, and runs beside the others in a folder of its
// own. It consists of commands, one to a line, and of files below them. The language is testscript's
// (github.com/rogpeppe/go-internal/testscript), with cmp, stdout, stderr, stdin, ttyin, exec, env
// and so on, and conditions such as [unix]. A line that starts with "!" must fail. For example:
//
//	# Nobody but operator and peers gets in when no flag says so.
//	controlplane start
//	shop
//	agent on
//	kubectl cnpg-netpol lockdown orders -n shop --yes
//	exits 1 kubectl cnpg-netpol explain deployment/frontend orders -n shop
//	cmp stdout expected
//	-- expected --
//	denied …
//
// The commands that this package adds:
//
//	controlplane start [-without-cilium] [-without-cnpg] [-with-clusternetworkpolicy] [-cilium VERSION] [-cnpg VERSION]
//
// Gives the script an empty server of its own, and $KUBECONFIG an administrator's access to it.
// Without this command there is no kubeconfig. A plain server comes from a pool and takes a moment;
// one with flags is started for the script, which takes some seconds. The versions are those whose custom resources are
// installed, as of their Go modules: v1.18.6. Where a script asks for none, INTEGRATION_CILIUM and INTEGRATION_CNPG
// say them, and else the plugin's own go.mod: "make crds" runs all scripts with those of other versions.
//
//	controlplane stop
//
// Ends the server, so that the kubeconfig leads nowhere.
//
//	[!] kubectl ARGUMENT…
//
// Runs kubectl, which finds the plugin: "kubectl cnpg-netpol status". To run it in the background,
// write "exec kubectl … &". To try somebody else's rights, apply RBAC objects and add --as=NAME.
//
//	exits CODE PROGRAM [ARGUMENT…]
//
// Runs a program that must end with exactly this exit code.
//
//	shop
//
// Fills the server with testdata/shop.yaml, lets its pods run, and writes Cilium's usual settings.
//
//	load FILE…
//
// Creates objects together with their status, which kubectl apply would drop. What kubectl get -o
// json says on a live cluster can be loaded as it is.
//
//	run-pods [-without-endpoints]
//
// Lets the pods that are there run and become ready, as the kubelet would, and writes their
// CiliumEndpoint and CiliumIdentity objects, as Cilium's agent would. Run it again after pods
// have come or labels have changed. A pod has the service account that its manifest names: no
// admission fills in "default" here.
//
//	agent on | agent off
//
// From now on (or no longer) each Cilium policy gets its condition Valid, as from Cilium's
// operator, by Cilium's own code. It is off at first. "kubectl wait --for=condition=Valid cnp/NAME" waits.
//
//	agent rejects NAME [MESSAGE]
//	agent ignores NAME
//
// Policies of this name become Valid=False whatever they say, or never get a condition.
//
//	controllers on | controllers off
//
// From now on (or no longer) Kubernetes' own controllers run that timers need: Jobs become complete, finished ones
// are deleted when their time is over, and so is what they own. They are off at first.
//
//	cilium-config [KEY=VALUE | KEY-]…
//
// Writes the ConfigMap kube-system/cilium-config: the usual settings, with changes, or without a key.
//
//	snapshot [-content] FILE
//
// Writes all objects of the server into a file, ordered, one below the other. Two equal snapshots
// mean that nobody has written anything in between ("cmp after before"). With -content, what the
// server assigns is left out (UID, versions, times), so that an object made anew counts as equal.
//
//	eventually PROGRAM [ARGUMENT…]
//
// Repeats a program until it succeeds, for a minute at most: "eventually grep LOCKED watched".
//
//	who [ARGUMENT…]
//
// Prints who can connect to PostgreSQL, as "kubectl cnpg-netpol status ARGUMENT… -o json" says it: the
// posture of each cluster, and a line for its instances and one for each pooler.
//
//	jsonpath FILE TEMPLATE
//
// Prints what a JSONPath template, as of kubectl get -o jsonpath, selects in a JSON document; FILE
// can be stdout.
//
// No other controller runs: a deleted namespace stays in phase Terminating, a Deployment has no pods but
// those of a manifest. A script that needs a clean namespace makes one.
package integration
