// Package html looks at the page of "status -o html" as its readers do: in a browser. Its tests need
// Chromium and are therefore behind the build tag "browser"; "make test-html" runs them.
package html
