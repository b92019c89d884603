// Package pipelines has repositories in the shapes that people use, and the pipelines that check them: GitHub's action
// and GitLab's job. Its tests run them as they stand, on a change that breaks a database.
package pipelines
