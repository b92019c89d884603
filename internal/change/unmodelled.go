package change

import (
	"errors"
	"fmt"
	"strings"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// CheckModelled refuses a plan that changes policies with fields of another version of Cilium or with more rules than are read, of
// which the plan knows nothing: it could not put them back.
func (plan Plan) CheckModelled(policies []inventory.Policy) error {
	why := map[types.UID]string{}
	for _, p := range policies {
		switch {
		case p.Kind != v1alpha1.CiliumNetworkPolicy:
		case p.TooMany != "":
			why[p.UID] = "rules that were not read (" + p.TooMany + ")"
		case len(p.Unmodelled) > 0:
			why[p.UID] = fmt.Sprintf("fields that the types of Cilium %s don't have (%s)", engine.Version, strings.Join(p.Unmodelled, ", "))
		}
	}
	var errs []error
	for _, s := range plan.Changing() {
		if s.Before == nil || s.Before.UID == "" || why[s.Before.UID] == "" {
			continue
		}
		errs = append(errs, fmt.Errorf("%s %q in namespace %q has %s, so that it could not be put back as it was: remove them, or the policy, with kubectl",
			ciliumv2.CNPKindDefinition, s.Policy.Name, s.Policy.Namespace, why[s.Before.UID]))
	}
	return errors.Join(errs...)
}
