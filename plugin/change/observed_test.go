package change

import (
	"bytes"
	"strings"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

// Who has open sessions is asked about by name, each by itself; who was only seen is in the preview, which was
// asked about already.
func TestConfirmCutOff(t *testing.T) {
	client := func(workload string, sessions int) v1alpha1.ObservedClient {
		return v1alpha1.ObservedClient{Client: v1alpha1.Client{Namespace: "shop", Workload: workload}, Targets: []v1alpha1.ObservedTarget{{Sessions: sessions, Opened: 1}}}
	}
	proposal := change.Proposal{Previews: []change.Preview{
		change.PreviewOf(v1alpha1.ChangePreview{Metadata: v1alpha1.Metadata{Name: "other"}}),
		change.PreviewOf(v1alpha1.ChangePreview{Metadata: v1alpha1.Metadata{Name: "db\x1b[2J"}, Observed: &v1alpha1.ObservedChange{CutOff: []v1alpha1.ObservedClient{client("deployment/a", 2), client("deployment/b", 0), client("deployment/c", 1)}}}),
	}}
	const first, second = `shop/deployment/a is connected to db\x1b[2J (sessions: 2) and will be cut off. Go on? [y/N] `,
		`shop/deployment/c is connected to db\x1b[2J (sessions: 1) and will be cut off. Go on? [y/N] `
	for answers, want := range map[string]string{"y\nyes\n": first + second, "y\nn\n": first + second, "\n": first, "": first} {
		var asked bytes.Buffer
		o := newLockdownOptions(kit.NewGlobals(genericiooptions.IOStreams{In: strings.NewReader(answers), ErrOut: &asked}, "test"))
		err := o.confirmCutOff(proposal)
		if declined := answers != "y\nyes\n"; asked.String() != want || (err != nil) != declined || declined && kit.ExitCode(err) != kit.ExitNo {
			t.Errorf("%q: %v\ngot  %s\nwant %s", answers, err, asked.String(), want)
		}
		asked.Reset()
		o.yes = true
		if err := o.confirmCutOff(proposal); err != nil || asked.Len() > 0 {
			t.Errorf("with --yes: %v, %s", err, asked.String())
		}
	}
}
