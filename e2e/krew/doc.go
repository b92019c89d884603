// Package krew tests the installation through krew with the real krew, built from its module. It has
// tests only.
//
//	make test                                                    archives of this platform, packed by the test
//	make krew                                                    the archives of "make snapshot", of all platforms
//	go test ./e2e/krew -run Krew/scripts/upgrade                  one script of testdata
//
// No network is used: krew's index is a Git repository in the script's folder, and the URLs of a
// manifest lead to a server of the test. KUBEBUILDER_ASSETS names the folder with kubectl, as for the
// integration tests.
package krew
