package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
)

// TestReportKind is the kind of what test prints.
const TestReportKind = "TestReport"

// TestReport is what came of expectations.
type TestReport struct {
	metav1.TypeMeta `json:",inline"`
	// Met, NotMet and Unknown are how many expectations ended so.
	Met     int `json:"met"`
	NotMet  int `json:"notMet"`
	Unknown int `json:"unknown"`
	// Results are one for each expectation, in the order of files, documents and expectations.
	Results []TestResult `json:"results"`
}

// TestOutcome is how an expectation ended.
type TestOutcome string

const (
	// OutcomeMet: what is expected holds, for every pod of both ends.
	OutcomeMet TestOutcome = "met"
	// OutcomeNotMet: it does not hold, for one of them at least.
	OutcomeNotMet TestOutcome = "not-met"
	// OutcomeUnknown: there is no answer. It is never to be read as met.
	OutcomeUnknown TestOutcome = "unknown"
)

// TestResult is what came of one expectation.
type TestResult struct {
	// File is as it was named; "stdin" for the standard input.
	File string `json:"file"`
	// Document counts from one, and Path is the expectation in it: "expect[2]".
	Document int    `json:"document"`
	Path     string `json:"path"`
	// Metadata names the cluster. Its namespace is empty when no cluster was found.
	Metadata Metadata `json:"metadata"`
	// From is who connects, as Explanation has it; missing for a posture.
	From *ExplainedSource `json:"from,omitempty"`
	// Target and Port are what it connects to, and Outbound is true when the cluster is who connects, as Explanation has
	// them. They are empty for a posture.
	Target   *Target `json:"target,omitempty"`
	Port     string  `json:"port,omitempty"`
	Outbound bool    `json:"outbound,omitempty"`
	// Expected is a verdict or a posture, and Actual is what holds: "differs" when it is not the same for all pods, and
	// empty when nothing could be asked.
	Expected string `json:"expected"`
	Actual   string `json:"actual,omitempty"`
	// Outcome sums it up.
	Outcome TestOutcome `json:"outcome"`
	// Message says what decided, for which pods when they differ, or why there is no answer.
	Message string `json:"message"`
	// Policies decided; none when no policy has to do with it.
	Policies []PolicyReference `json:"policies"`
	// Because is the reason that was given for the expectation.
	Because string `json:"because,omitempty"`
	// Notes are sentences about what the answer rests on.
	Notes []string `json:"notes,omitempty"`
	// Probes are connections that were tried; set with --probe. Where one contradicts the engine, the outcome is unknown.
	Probes []Probe `json:"probes,omitempty"`
	// Remedy shows where to look; missing when the expectation is met.
	Remedy command.Text `json:"remedy,omitzero"`
}
