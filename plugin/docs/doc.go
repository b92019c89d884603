// Package docs holds the reference of all commands as Markdown, a file for each, generated from the
// commands themselves. "make docs" writes it, and the test says when it is out of date.
package docs
