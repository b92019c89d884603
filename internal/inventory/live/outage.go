package live

import (
	"time"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// defaultPatience is how long Watch waits for an answer when no timeout is given.
const defaultPatience = 15 * time.Second

// patience is how long a server may take to begin an answer.
func (o Options) patience() time.Duration {
	if o.Timeout == 0 {
		return defaultPatience
	}
	return o.Timeout
}

// words are the text of an error that the server has not answered with.
func (o Options) words(err error) string {
	if o.Words == nil {
		return oneLine(err)
	}
	return o.Words(err)
}

// outage is what is missing while the server does not answer. Each kind is missing for itself, and all
// for one reason, so that readers are told once.
type outage struct {
	words   func(error) string
	reason  error
	missing []inventory.Missing
}

// began is true when something is missing.
func (o *outage) began() bool { return o.reason != nil }

func (o *outage) add(resource, namespace string, err error) {
	if o.reason == nil {
		o.reason = err
	}
	o.missing = append(o.missing, inventory.Missing{Resource: resource, Scope: inventory.Only(namespace), Reason: inventory.Failed})
}

func (o *outage) record(c *collector) {
	for _, m := range o.missing {
		m.Message = "what is shown may have changed since: " + o.words(o.reason)
		m.Remedy = command.Words("The report follows when the server answers again.")
		c.missing(m)
	}
}
