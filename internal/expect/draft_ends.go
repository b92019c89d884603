package expect

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/egress"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// exposure proposes everybody who was asked about for a target, whether they can connect or not: what holds is asked later.
func (d *draft) exposure(e v1alpha1.Exposure) {
	to := v1alpha1.ExpectedTo{Text: d.key.Name}
	if e.Target.Pooler != "" {
		to = v1alpha1.ExpectedTo{ExpectedToFields: v1alpha1.ExpectedToFields{Cluster: d.key.Name, Pooler: e.Target.Pooler}}
	}
	for _, list := range [][]v1alpha1.ClientAccess{e.Clients, e.Denied} {
		for _, client := range list {
			d.add(v1alpha1.Expectation{From: &v1alpha1.ExpectedFrom{Text: d.sourceOf(client.Namespace, client.Workload)}, To: to})
		}
	}
	for _, list := range [][]v1alpha1.Entity{e.Entities, e.DeniedEntities} {
		for _, entity := range list {
			if group, ok := entity.CIDRGroup(); ok {
				d.omit("CiliumCIDRGroup %s to %s: its members are not known, and no expectation is about a group", group, toText(to))
				continue
			}
			d.add(v1alpha1.Expectation{From: &v1alpha1.ExpectedFrom{Text: entity.Short()}, To: to})
		}
	}
	if e.MoreClients > 0 {
		d.omit("%d more workloads can connect to %s", e.MoreClients, toText(to))
	}
	if e.MoreDenied > 0 {
		d.omit("%d more workloads near the database can't connect to %s", e.MoreDenied, toText(to))
	}
	for _, possible := range e.Possible {
		d.omit("rules of %s let in pods that were not read: to %s", listed(possible.Policies), toText(to))
	}
	if e.Unknown > 0 {
		d.omit("whether %d more can connect to %s is unknown", e.Unknown, toText(to))
	}
}

// toText and fromText call the ends in a comment.
func toText(to v1alpha1.ExpectedTo) string {
	switch {
	case to.Text != "":
		return to.Text
	case to.Pooler != "":
		return "pooler " + to.Pooler + " of " + to.Cluster
	}
	return to.Cluster + ", port " + string(to.Port)
}

func fromText(from *v1alpha1.ExpectedFrom) string {
	switch {
	case from.Text != "":
		return from.Text
	case from.Pooler != "":
		return "pooler " + from.Pooler + " of " + from.Cluster
	}
	return "job " + from.Job + " of " + from.Cluster
}

// ofCronJob is the name of a Job as the controller of CronJobs makes it: the CronJob's name, and the minute.
var ofCronJob = regexp.MustCompile(`^job/(.+)-\d{8,}$`)

// sourceOf is a workload as it is written for the cluster. The Jobs of a CronJob come and go.
func (d *draft) sourceOf(namespace, workload string) string {
	if match := ofCronJob.FindStringSubmatch(workload); match != nil {
		workload = "cronjob/" + match[1]
	}
	if namespace == d.key.Namespace {
		return workload
	}
	return namespace + "/" + workload
}

// operators proposes that the operators that were seen manage the instances.
func (d *draft) operators() {
	for _, operator := range d.model.Operators() {
		for i := range d.model.Inventory().Pods {
			pod := d.model.Pod(i)
			if operator.Assumed || pod.Namespace != operator.Namespace || !labels.SelectorFromSet(operator.PodLabels).Matches(labels.Set(pod.Labels)) {
				continue
			}
			d.add(v1alpha1.Expectation{
				From:    &v1alpha1.ExpectedFrom{Text: d.sourceOf(operator.Namespace, pod.Workload.String())},
				To:      v1alpha1.ExpectedTo{ExpectedToFields: v1alpha1.ExpectedToFields{Cluster: d.key.Name, Port: v1alpha1.Port(strconv.Itoa(int(cnpg.StatusPort)))}},
				Because: "the operator manages the instances",
			})
		}
	}
}

// needs proposes what the cluster needs to reach.
func (d *draft) needs() {
	for _, need := range d.model.Needs(d.cluster) {
		if need.Inbound {
			continue
		}
		from := d.sender(need.Who)
		if need.Flow == egress.APIServer {
			d.add(v1alpha1.Expectation{From: from, To: v1alpha1.ExpectedTo{Text: "api-server"}})
			continue
		}
		if need.Flow == egress.DNS {
			d.add(v1alpha1.Expectation{From: from, To: v1alpha1.ExpectedTo{Text: "dns"}})
			continue
		}
		for _, peer := range need.Peers {
			targets, why := d.targets(peer)
			if why != "" {
				d.omit("%s to %s: %s", fromText(from), need.What, why)
			}
			for _, target := range targets {
				d.add(v1alpha1.Expectation{From: from, To: v1alpha1.ExpectedTo{Text: target}})
			}
		}
	}
}

// sender is who of the cluster has a need.
func (d *draft) sender(who egress.Who) *v1alpha1.ExpectedFrom {
	switch who.Kind {
	case egress.Pooler:
		return &v1alpha1.ExpectedFrom{ExpectedFromFields: v1alpha1.ExpectedFromFields{Cluster: d.key.Name, Pooler: who.Pooler}}
	case egress.Job:
		return &v1alpha1.ExpectedFrom{ExpectedFromFields: v1alpha1.ExpectedFromFields{Cluster: d.key.Name, Job: string(who.Job)}}
	case egress.Instances, egress.Operator:
	}
	return &v1alpha1.ExpectedFrom{Text: d.key.Name}
}

// targets are a peer as it is written, for each of its ports. why says why there are none.
func (d *draft) targets(peer egress.Peer) (targets []string, why string) {
	if peer.Unknown != "" {
		return nil, peer.Unknown
	}
	for _, port := range peer.Ports {
		if port.Protocol == corev1.ProtocolUDP {
			return targets, "expectations are about TCP"
		}
		number := strconv.Itoa(int(port.Number))
		switch {
		case peer.Name != "":
			targets = append(targets, "external "+peer.Name+":"+number)
		case peer.Address.IsValid():
			targets = append(targets, netip.AddrPortFrom(peer.Address, port.Number).String())
		case len(peer.Pods) > 0:
			for _, i := range peer.Pods {
				targets = append(targets, fmt.Sprintf("%s:%s", d.podTarget(d.model.Pod(i)), number))
			}
		default:
			return targets, "it has no name that an expectation could have"
		}
	}
	return targets, ""
}

// podTarget is the workload of a pod as a target.
func (d *draft) podTarget(pod *inventory.Pod) string {
	return pod.Namespace + "/" + pod.Workload.String()
}
