// Package sarif writes the findings of reports as SARIF 2.1.0, from which GitHub annotates pull requests and other tools keep
// lists of what is open. It takes values of v1alpha1 and writes to a stream, and decides nothing.
//
// The format is that of https://docs.oasis-open.org/sarif/sarif/v2.1.0/; what GitHub makes of it is in its documentation of
// "SARIF support for code scanning". Only the parts of the format that the reports fill have types here.
package sarif
