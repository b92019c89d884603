package plugin

import (
	"runtime"
	"runtime/debug"
)

// version and commit are set by the linker, see the Makefile. They are empty in what "go install"
// builds, where the build information has both.
//
//nolint:gochecknoglobals // the linker can set nothing else
var version, commit string

// unknown is printed for what a build does not know about itself.
const unknown = "unknown"

// buildVersion is this plugin's version.
func buildVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return unknown
}

// readVersions takes the versions from a binary's build information, nil when it has none.
func readVersions(info *debug.BuildInfo) versions {
	v := versions{
		Client: clientVersion{
			GitVersion: buildVersion(),
			GitCommit:  firstOf(commit, setting(info, "vcs.revision")),
			GoVersion:  runtime.Version(),
			Compiler:   runtime.Compiler,
			Platform:   runtime.GOOS + "/" + runtime.GOARCH,
		},
		CiliumEngine:  moduleVersion(info, "github.com/cilium/cilium"),
		CloudNativePG: moduleVersion(info, "github.com/cloudnative-pg/cloudnative-pg"),
	}
	return v
}

// setting is a build setting such as vcs.revision.
func setting(info *debug.BuildInfo, key string) string {
	if info != nil {
		for _, s := range info.Settings {
			if s.Key == key {
				return s.Value
			}
		}
	}
	return ""
}

// moduleVersion is the version of a module that was compiled in.
func moduleVersion(info *debug.BuildInfo, path string) string {
	if info == nil {
		return unknown
	}
	for _, module := range info.Deps {
		if module.Path != path {
			continue
		}
		if module.Replace != nil {
			module = module.Replace
		}
		return firstOf(module.Version)
	}
	return unknown
}

// firstOf is the first text that is not empty, or unknown.
func firstOf(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return unknown
}
