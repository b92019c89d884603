// Package junit writes results as JUnit XML, the form in which pipelines take them: Jenkins, GitLab, and
// the readers of GitHub and Azure. It knows suites, cases and how each ended, and never what was tested.
package junit

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"io"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
)

// Report is one file: suites in their order. There is no standard for the format; names and nesting are
// those that the readers have in common (https://github.com/testmoapp/junitxml).
type Report struct {
	// Name is what was run.
	Name   string
	Suites []Suite
}

// Suite is a group of cases: those of one file, or about one database.
type Suite struct {
	Name  string
	Cases []Case
}

// Case is one test. It has passed when it has neither Failure nor Error, and was not Skipped.
type Case struct {
	// Class is what readers group cases by, besides their suite: "namespace.cluster". Empty becomes the suite's name,
	// since most readers ask for one.
	Class string
	Name  string
	// File is a path in the repository; empty when the case has none. Line counts from 1; 0 for none.
	File string
	Line int
	// Failure says that the answer is no, Error that there is no answer. At most one of them is set.
	Failure, Error *Problem
	// Skipped says why the question was not asked; empty when it was.
	Skipped string
	// Output is what else a reader may want to see, of several lines; empty for nothing.
	Output string
}

// Problem is why a case has not passed.
type Problem struct {
	// Type is a stable word by which readers group problems: a code, or a verdict.
	Type string
	// Message is one sentence, which lists show.
	Message string
	// Text is all that there is to say, of several lines; Message when it is empty.
	Text string
}

// Write writes a report. Nothing in it, wherever it comes from, ends an element or moves a terminal: what is
// no visible character is written as an escape.
func Write(w io.Writer, report Report) error {
	out := encoded(report)
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	encoder := xml.NewEncoder(w)
	encoder.Indent("", "  ")
	if err := encoder.Encode(out); err != nil {
		return fmt.Errorf("encode as JUnit XML: %w", err)
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// counts are attributes that a suite and all of them together have.
type counts struct {
	Tests    int `xml:"tests,attr"`
	Failures int `xml:"failures,attr"`
	Errors   int `xml:"errors,attr"`
	Skipped  int `xml:"skipped,attr"`
}

func (c *counts) add(other counts) {
	c.Tests += other.Tests
	c.Failures += other.Failures
	c.Errors += other.Errors
	c.Skipped += other.Skipped
}

type testSuites struct {
	XMLName xml.Name `xml:"testsuites"`
	Name    string   `xml:"name,attr"`
	counts
	Suites []testSuite `xml:"testsuite"`
}

type testSuite struct {
	Name string `xml:"name,attr"`
	counts
	Cases []testCase `xml:"testcase"`
}

type testCase struct {
	Name    string   `xml:"name,attr"`
	Class   string   `xml:"classname,attr"`
	File    string   `xml:"file,attr,omitempty"`
	Line    int      `xml:"line,attr,omitempty"`
	Failure *problem `xml:"failure"`
	Error   *problem `xml:"error"`
	Skipped *skipped `xml:"skipped"`
	Output  *text    `xml:"system-out"`
}

// text keeps its line breaks readable: as CDATA, which nothing in it can end.
type text struct {
	Text string `xml:",cdata"`
}

type skipped struct {
	Message string `xml:"message,attr"`
}

type problem struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	text
}

func encoded(report Report) testSuites {
	out := testSuites{Name: terminal.Escape(report.Name)}
	for _, s := range report.Suites {
		suite := testSuite{Name: terminal.Escape(s.Name)}
		for _, c := range s.Cases {
			if c.Class == "" {
				c.Class = s.Name
			}
			suite.Cases = append(suite.Cases, encodedCase(c))
			suite.add(c.counts())
		}
		out.Suites = append(out.Suites, suite)
		out.add(suite.counts)
	}
	return out
}

func (c Case) counts() counts {
	n := counts{Tests: 1}
	switch {
	case c.Failure != nil:
		n.Failures = 1
	case c.Error != nil:
		n.Errors = 1
	case c.Skipped != "":
		n.Skipped = 1
	}
	return n
}

func encodedCase(c Case) testCase {
	out := testCase{
		Name: terminal.Escape(c.Name), Class: terminal.Escape(c.Class), File: terminal.Escape(c.File), Line: c.Line,
		Failure: encodedProblem(c.Failure), Error: encodedProblem(c.Error),
	}
	if c.Output != "" {
		out.Output = &text{terminal.EscapeLines(c.Output)}
	}
	if c.Skipped != "" {
		out.Skipped = &skipped{terminal.Escape(c.Skipped)}
	}
	return out
}

func encodedProblem(p *Problem) *problem {
	if p == nil {
		return nil
	}
	return &problem{terminal.Escape(p.Message), terminal.Escape(p.Type), text{terminal.EscapeLines(cmp.Or(p.Text, p.Message))}}
}
