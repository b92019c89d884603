package change

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

// NewLockdownCommand returns the command lockdown.
func NewLockdownCommand(globals *kit.Globals) *cobra.Command {
	return newLockdownOptions(globals).command()
}

func (o *lockdownOptions) command() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "lockdown [NAMESPACE/]CLUSTER... | -A | --operator",
		GroupID: kit.GroupChange,
		Annotations: map[string]string{
			kit.ExitNoAnnotation: "declined, or refused because a connection that is needed would be denied",
		},
		Short: "Let nobody connect to a CloudNativePG cluster but those who are named",
		Long: kit.Long(`
			Applies the policy set of CloudNativePG's documentation, corrected so that Cilium enforces what
			its sentences mean: default deny for the cluster's pods, access for the operator and the
			cluster's own pods, and one policy for each client that a flag names. Nobody else can connect.

			Before anything is changed, a preview shows who keeps, gains and loses access, computed by
			Cilium's policy engine over the pods that run now. What the cluster needs is let in first,
			and default deny comes last, after Cilium has accepted the rest. When a step fails, everything
			is put back; of several clusters, each is whole or as it was. Running it again with other flags
			converges to these flags.

			With --prove, pods with the identities of some of those who keep and of those who lose access
			connect after the change, or try to, as do the operator, the cluster's own pods and the poolers
			to what they need. With --egress, the cluster's pods also connect to the API server, DNS and what
			else they need, as far as its address or name is known, and try to reach a pod behind a Service
			that somebody else reaches and they must not. Where the data path contradicts the preview,
			everything is put back.

			With --egress, what the cluster's pods open is restricted as well: to the API server, DNS, the
			cluster's own pods, and what the specs say that instances and jobs need, such as the object
			store of a backup or an external cluster, each by a policy that says which field needs it.
			--allow-egress-… lets out to more. What the specs don't tell is asked for. Hosts outside the
			Kubernetes cluster are let out to by name, which takes Cilium's DNS proxy: the agent of the node
			resolves names then. When a spec changes, status says what the set lacks, and lockdown with the
			same flags adds it. On a cluster that is locked already, --rehearse and --confirm-within, and
			both of them together, are about egress alone.

			With --operator, it is the operator that is locked down, and its CNPG-I plugins, in their namespace:
			the API server asks its webhook, and the kubelet looks whether it lives; only the operator connects
			to plugins; --allow-metrics lets a namespace read its metrics. With --egress, it reaches the API
			server, DNS, the databases' port 8000 and its plugins, and nothing else. It is refused when the
			webhook, a database or a plugin would be cut off.

			With --through-poolers, clients can connect to the poolers of the cluster and not to its instances.

			With --confirm-within, the lockdown ends by itself unless somebody runs confirm in time, whether
			or not this command and its connection live until then: a Job, which runs no pod, is the timer,
			and Kubernetes deletes default deny with it. Until then, lockdown with the same flag begins the
			time anew, lockdown without it keeps what is there for good, and unlock ends it at once. With
			--rehearse, it is the rehearsal that ends by itself, with all of its policies.

			What the last lockdown or unlock of a cluster did is recorded beside the set, in the ConfigMap
			cnpg-netpol-journal of the namespace. With --undo, lockdown leads back to what was there before,
			from whichever machine, as any other change: with preview and question, in an order that cuts
			nothing off, and verified. What somebody has changed since stays as it is, and is named. What
			was to end by itself does not come back.

			With --rehearse, default deny is left out: nobody is cut off, and Cilium reports of every new
			connection whether the policies let it in. clients says who would be cut off; lockdown without
			the flag ends the rehearsal, and refuses while somebody was seen whom no flag lets in; unlock
			gives it up. Only Hubble sees it: without it, or when its memory is short, record flows. With
			--egress, the same holds for what the cluster's own pods were seen to connect to.

			Those who really use the cluster and would be cut off stand first in the preview, and the others
			who lose access are one line. lockdown takes two seconds at most to find out, from the sessions
			of the database and from Hubble as far as you may ask them, and leaves out what does not answer;
			--flows and --evidence ask for more, and --evidence none for nothing.
		`),
		Example: kit.Examples(`
			# See what it would change, then do it
			kubectl cnpg-netpol lockdown shop-db -n shop --allow-pods role=backend --dry-run=client
			kubectl cnpg-netpol lockdown shop-db -n shop --allow-pods role=backend

			# Who of those whom Hubble has seen would be cut off?
			kubectl cnpg-netpol lockdown shop-db -n shop --allow-pods role=backend --dry-run=client \
			  --flows flows.jsonl

			# Clients of another namespace, monitoring, and kubectl cnpg status
			kubectl cnpg-netpol lockdown shop-db -n shop --allow-namespace backend \
			  --allow-metrics monitoring:app=prometheus --allow-kubectl-cnpg

			# Clients connect to the poolers alone
			kubectl cnpg-netpol lockdown shop-db -n shop --allow-pods role=backend --through-poolers

			# And let it reach what it needs, and nothing else
			kubectl cnpg-netpol lockdown shop-db -n shop --allow-pods role=backend --egress
			kubectl cnpg-netpol lockdown shop-db -n shop --allow-pods role=backend --egress \
			  --allow-egress-fqdn backups.example.com:443 --allow-egress-pods ldap:app=openldap:636

			# The operator too, and who scrapes it
			kubectl cnpg-netpol lockdown --operator --egress --allow-metrics monitoring:app=prometheus

			# Try it: whoever is cut off, and has not been thought of, is back after ten minutes
			kubectl cnpg-netpol lockdown shop-db -n shop --allow-pods role=backend --confirm-within 10m
			kubectl cnpg-netpol confirm shop-db -n shop

			# That was not what was meant: back to what was there before
			kubectl cnpg-netpol lockdown shop-db -n shop --undo

			# Databases of several namespaces at once; each is locked down, or stays as it was
			kubectl cnpg-netpol lockdown shop/shop-db billing/ledger --allow-namespace backend

			# Who would be cut off? Nobody is, while it is rehearsed
			kubectl cnpg-netpol lockdown shop-db -n shop --allow-pods role=backend --rehearse
			kubectl cnpg-netpol clients shop-db -n shop --for 10m
			kubectl cnpg-netpol lockdown shop-db -n shop --allow-pods role=backend

			# The same for a day, after which nothing of it is left
			kubectl cnpg-netpol lockdown shop-db -n shop --allow-pods role=backend --rehearse \
			  --confirm-within 24h

			# Let the data path prove that the preview was right, or put everything back
			kubectl cnpg-netpol lockdown shop-db -n shop --allow-pods role=backend --prove

			# The policies as YAML for a Git repository, from the manifests in it
			kubectl cnpg-netpol lockdown shop-db -n shop -f deploy/ --allow-pods role=backend \
			  --dry-run=client -o yaml > deploy/shop-db-isolation.yaml
		`),
		Args:              o.needsClusters,
		ValidArgsFunction: o.source.CompleteSeveral,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := errors.Join(o.validate(), o.validateUndo(cmd), o.complete(args), o.validateForOperator()); err != nil {
				return err
			}
			if o.undo {
				return o.runUndo(cmd.Context())
			}
			if o.operator {
				return o.runOperator(cmd.Context())
			}
			return o.run(cmd.Context())
		},
	}
	o.flags.AddFlags(cmd, o.source.Globals, &o.source.OperatorNamespace)
	o.source.Files.AddFlags(cmd)
	o.evidence.AddFlags(cmd)
	o.probes.AddFlags(cmd.Flags(), "prove", "Afterwards, let pods with clients' identities connect; put everything back if that contradicts the preview")
	o.addFlags(cmd)
	cmd.Flags().BoolVar(&o.force, "force", false,
		"Go on although a required connection would be denied, and overwrite policies of others with the set's names")
	cmd.Flags().DurationVar(&o.confirmWithin, "confirm-within", 0,
		"Let the lockdown end by itself after this time, unless confirm is run before: 10m")
	kit.AllNamespacesVar(cmd, &o.source.AllNamespaces)
	operatorFlag(cmd, &o.operator, "Lock down the operator of all clusters instead, and its plugins, in their namespace")
	cmd.Flags().BoolVar(&o.undo, "undo", false, "Go back to what was there before the last lockdown or unlock of the cluster")
	cmd.Flags().BoolVar(&o.rehearse, "rehearse", false,
		"Leave out default deny: nobody is cut off, and clients says who would be")
	return cmd
}
