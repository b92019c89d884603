package assess

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// Rehearsed are the options of the lockdown that is rehearsed for a cluster; false when none is. RehearsedSince says
// since when.
func Rehearsed(m *model.Model, c *model.Cluster) (policyset.Options, bool) {
	if c == nil {
		return policyset.Options{}, false
	}
	options, err := policyset.FromLive(c.Key(), Managed(m, c))
	if err != nil || options.RehearsedSince.IsZero() {
		return policyset.Options{}, false
	}
	return Surrounded(m, options, c.Key()), true
}

// RehearsalOf is the lockdown that is rehearsed; nil when none is.
func RehearsalOf(m *model.Model, c *model.Cluster) *v1alpha1.Rehearsal {
	options, is := Rehearsed(m, c)
	if !is {
		return nil
	}
	return &v1alpha1.Rehearsal{Since: metav1.NewTime(options.RehearsedSince), Lockdown: lockdownCommand(m, c)}
}
