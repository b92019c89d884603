package plugin

import (
	"flag"
	"io"
	"os"

	"github.com/spf13/pflag"
	"k8s.io/klog/v2"
)

// silenceLibraries keeps client-go's log off stderr: what matters of it reaches users as an error,
// once and in our words. The flag --v brings it back. klog's configuration is global, which is why
// Main calls this and NewCommand does not.
func silenceLibraries() {
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)
	// Errors go to stderr all the same, unless the threshold is above them.
	var klogFlags flag.FlagSet
	klog.InitFlags(&klogFlags)
	_ = klogFlags.Set("stderrthreshold", "FATAL") // The flag is klog's own, and takes this.
}

// logLevel is the value of --v.
type logLevel struct{ flag.Value }

// Set sets klog's level and sends its log to stderr.
func (l logLevel) Set(level string) error {
	if err := l.Value.Set(level); err != nil {
		return err
	}
	klog.LogToStderr(true)
	klog.SetOutput(os.Stderr)
	return nil
}

// Type is what the help shows for the value.
func (logLevel) Type() string { return "level" }

// addLogFlag adds -v/--v as kubectl has it.
func addLogFlag(flags *pflag.FlagSet) {
	var klogFlags flag.FlagSet
	klog.InitFlags(&klogFlags)
	const name = "v"
	flags.VarP(logLevel{klogFlags.Lookup(name).Value}, name, name,
		"Log level of the Kubernetes client on stderr; 6 shows requests, 8 their contents")
}
