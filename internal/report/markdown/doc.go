// Package markdown writes Markdown as GitHub and GitLab render it: comments on pull requests, and summaries of
// pipelines. It takes values of v1alpha1 and writes to a stream, and decides nothing.
//
// Text in what it renders comes from a cluster or from a file that anybody may have proposed to a repository, and is
// never trusted: it becomes Inline by Text or Code, which leave nothing in it that would be a table's border, markup,
// HTML, a link, or the mention of somebody who would be told of it.
package markdown
