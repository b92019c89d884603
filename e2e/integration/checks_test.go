package integration

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"k8s.io/client-go/util/jsonpath"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

// eventuallyTimeout and eventuallyPause bound the command eventually.
const (
	eventuallyTimeout = time.Minute
	eventuallyPause   = 100 * time.Millisecond
)

// cmdEventually repeats a program until it succeeds.
func cmdEventually(ts *testscript.TestScript, args []string) {
	if len(args) == 0 {
		ts.Fatalf("usage: eventually PROGRAM [ARGUMENT…]")
	}
	for deadline := time.Now().Add(eventuallyTimeout); ; time.Sleep(eventuallyPause) {
		err := ts.Exec(args[0], args[1:]...)
		var exit *exec.ExitError
		switch {
		case err == nil:
			return
		case !errors.As(err, &exit):
			ts.Fatalf("%s: %v", args[0], err)
		case time.Now().After(deadline):
			ts.Fatalf("%s has not succeeded within %s: %v", args[0], eventuallyTimeout, err)
		}
	}
}

// cmdJSONPath prints what a JSONPath template selects in a JSON document.
func cmdJSONPath(ts *testscript.TestScript, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: jsonpath FILE TEMPLATE")
	}
	var document any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &document))
	template := jsonpath.New(args[0])
	ts.Check(template.Parse(args[1]))
	w := ts.Stdout()
	ts.Check(template.Execute(w, document))
	_, err := fmt.Fprintln(w)
	ts.Check(err)
}

// cmdWho prints who can connect to PostgreSQL, from the machine output of status.
func cmdWho(ts *testscript.TestScript, args []string) {
	ts.Check(ts.Exec("kubectl", append([]string{"cnpg-netpol", "status", "-o", "json"}, args...)...))
	var list v1alpha1.IsolationReportList
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &list))
	ts.Check(printWho(ts.Stdout(), list))
}

func printWho(w io.Writer, list v1alpha1.IsolationReportList) error {
	for _, r := range list.Items {
		if _, err := fmt.Fprintf(w, "%s/%s %s\n", r.Metadata.Namespace, r.Metadata.Name, r.Posture); err != nil {
			return err
		}
		for _, e := range r.Exposure {
			line := fmt.Sprintf("  %s:", e.Target)
			for _, c := range e.Clients {
				line += " " + c.Namespace + "/" + c.Workload
			}
			for _, entity := range e.Entities {
				line += " " + string(entity)
			}
			if _, err := fmt.Fprintln(w, line); err != nil {
				return err
			}
		}
	}
	return nil
}
