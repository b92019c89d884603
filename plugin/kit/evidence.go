package kit

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

// Evidence gathers who uses databases, for the verbs that say so.
type Evidence struct {
	source *Source
	// flows are files of recorded flows, and since is what to look back to, as it was written.
	flows []string
	since string
	// from is the time that since means, zero for all, and now is the time.
	from, now time.Time
	// kinds are those that were asked for.
	kinds  []string
	hubble hubbleFlags
	// initial is --evidence where nobody says anything, and given tells that somebody has.
	initial string
	given   func() bool
	// optional is true where evidence is not what the verb is for, and quiet where it is only glanced at.
	optional, quiet bool
	// watched is true while somebody watches, so that each look is one of many.
	watched bool
	// manifests are the specs of workloads that were read from files.
	manifests []manifest
}

// manifest is an object that was read.
type manifest struct {
	kind, namespace string
	raw             []byte
}

// NewEvidence gathers evidence from what the source reads.
func NewEvidence(source *Source) *Evidence {
	return &Evidence{source: source, initial: evidenceAuto}
}

// NewOptionalEvidence gathers evidence where a flag asks for it.
func NewOptionalEvidence(source *Source) *Evidence {
	return &Evidence{source: source, optional: true, initial: evidenceNone}
}

// NewGlance gathers evidence where a flag asks for it, and glances at what a server has where none does: for two
// seconds at most, and without a word on what can't be had.
func NewGlance(source *Source) *Evidence {
	return &Evidence{source: source, optional: true, initial: evidenceAuto}
}

// Wanted is true when something is to be looked at.
func (e *Evidence) Wanted() bool { return !slices.Equal(e.kinds, []string{evidenceNone}) }

// Quiet is true when nobody has asked for evidence, so that it is only glanced at.
func (e *Evidence) Quiet() bool { return e.quiet }

// Insist takes the time that it takes, unless a flag says what to look at.
func (e *Evidence) Insist() { e.quiet = false }

// AddFlags adds the flags that say where evidence comes from.
func (e *Evidence) AddFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&e.flows, "flows", nil,
		"Recorded flows: a file with what 'hubble observe -o jsonpb' or Cilium's exporter has written, gzipped or not, or - for stdin (repeatable)")
	_ = cmd.MarkFlagFilename("flows", "json", "jsonl", "gz", "log")
	flags.StringVar(&e.since, "since", "", "Leave out flows before this: a duration (2h), or a time (2026-01-02T15:04:05Z)")
	flags.StringSliceVar(&e.kinds, "evidence", []string{e.initial},
		"What to look at: auto is all that can be had; none; or some of sessions, flows, references")
	_ = cmd.RegisterFlagCompletionFunc("evidence", cobra.FixedCompletions(evidenceKinds(), cobra.ShellCompDirectiveNoFileComp))
	e.given = func() bool { return flags.Changed("evidence") }
	e.hubble.addFlags(cmd)
}

// evidenceAuto and evidenceNone are the values of --evidence that are no kinds.
const (
	evidenceAuto = "auto"
	evidenceNone = "none"
)

func evidenceKinds() []string {
	return []string{
		evidenceAuto, evidenceNone,
		string(v1alpha1.EvidenceSessions), string(v1alpha1.EvidenceFlows), string(v1alpha1.EvidenceReferences),
	}
}

// wants is true for a kind that was asked for.
func (e *Evidence) wants(kind v1alpha1.EvidenceKind) bool {
	return slices.Contains(e.kinds, evidenceAuto) || slices.Contains(e.kinds, string(kind))
}

// Given is true when a flag says where evidence comes from.
func (e *Evidence) Given() bool {
	return len(e.flows) > 0 || e.hubble.server != "" || e.optional && e.hubble.watch > 0
}

// OneLook names a flag that is about one look; empty when none was given.
func (e *Evidence) OneLook() string {
	switch {
	case len(e.flows) > 0:
		return "--flows"
	case e.hubble.watch > 0:
		return "--for"
	}
	return ""
}

// Complete reads the flags; now is the time. All that is wrong is reported.
func (e *Evidence) Complete(now time.Time) error {
	e.now = now
	if e.optional && !e.given() {
		switch {
		case e.Given():
			e.kinds = []string{string(v1alpha1.EvidenceFlows), string(v1alpha1.EvidenceReferences)}
		case e.source.Offline():
			e.kinds = []string{evidenceNone}
		default:
			e.quiet = e.Wanted()
		}
	}
	errs := []error{e.hubble.validate(e.source.Offline())}
	for _, kind := range e.kinds {
		if !slices.Contains(evidenceKinds(), kind) {
			errs = append(errs, UsageErrorf("--evidence %q: must be one of %s", kind, strings.Join(evidenceKinds(), ", ")))
		}
	}
	if len(e.kinds) > 1 && (slices.Contains(e.kinds, evidenceAuto) || slices.Contains(e.kinds, evidenceNone)) {
		errs = append(errs, UsageErrorf("--evidence %s: auto and none stand alone", strings.Join(e.kinds, ",")))
	}
	if slices.Contains(e.flows, "") {
		errs = append(errs, UsageErrorf("--flows must be a file, or - for stdin, and not an empty name"))
	}
	stdin := 0
	for _, name := range slices.Concat(e.flows, e.source.Files.Filenames) {
		if name == "-" {
			stdin++
		}
	}
	if stdin > 1 && slices.Contains(e.flows, "-") {
		errs = append(errs, UsageErrorf("stdin can be read once, and more than one of --flows and --filename is -"))
	}
	var err error
	if e.from, err = sinceOf(e.since, now); err != nil {
		errs = append(errs, UsageError{Err: err})
	}
	if e.source.Offline() {
		e.source.Spec = func(kind string, raw []byte, namespace string) {
			e.manifests = append(e.manifests, manifest{kind, namespace, raw})
		}
	}
	return errors.Join(errs...)
}

// sinceOf is the time that --since means.
func sinceOf(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if duration, err := time.ParseDuration(text); err == nil {
		if duration <= 0 {
			return time.Time{}, fmt.Errorf("--since %s: must be longer than nothing", text)
		}
		return now.Add(-duration), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("--since %q is neither a duration as in 2h, nor a time as in 2026-01-02T15:04:05Z", text)
	}
	return at, nil
}
