// Package docs holds the reference as Markdown: a file for each command, generated from the commands
// themselves, and pages about what they say, which the tests compare with the program. "make docs"
// writes the former, and the test says when they are out of date.
package docs
