//go:build e2e

package kind_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/version"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/e2e/kind/datapath"
)

// database is what CloudNativePG says about a cluster.
type database struct {
	Spec struct {
		Instances int `json:"instances"`
	} `json:"spec"`
	Status struct {
		Phase          string   `json:"phase"`
		PhaseReason    string   `json:"phaseReason"`
		CurrentPrimary string   `json:"currentPrimary"`
		TargetPrimary  string   `json:"targetPrimary"`
		ReadyInstances int      `json:"readyInstances"`
		InstanceNames  []string `json:"instanceNames"`
		// InstancesReportedState is what the operator got from the instances when it asked last.
		InstancesReportedState map[string]struct {
			TimeLineID int `json:"timeLineID"`
		} `json:"instancesReportedState"`
	} `json:"status"`
}

// healthyPhase is what a Cluster says when the operator has nothing to do.
const healthyPhase = "Cluster in healthy state"

func (w *world) database(ctx context.Context, name string) (database, error) {
	var d database
	out, err := w.lab.Kubectl(ctx, nil, "get", "clusters.postgresql.cnpg.io", name, "-o", "json")
	if err != nil {
		return d, err
	}
	err = json.Unmarshal(out, &d)
	return d, err
}

func (w *world) primary(t *testing.T, name string) string {
	t.Helper()
	d, err := w.database(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return d.Status.CurrentPrimary
}

// waitHealthy waits until the operator says that all instances work.
func (w *world) waitHealthy(t *testing.T, name string, instances int) {
	t.Helper()
	took := eventually(t, func(ctx context.Context) error {
		d, err := w.database(ctx, name)
		if err != nil {
			return err
		}
		if d.Status.Phase != healthyPhase || d.Status.ReadyInstances != instances || len(d.Status.InstanceNames) != instances {
			return fmt.Errorf("%s: %q (%s), %d of %d instances ready", name, d.Status.Phase, d.Status.PhaseReason, d.Status.ReadyInstances, instances)
		}
		return differs("primary of "+name, d.Status.TargetPrimary, d.Status.CurrentPrimary)
	})
	if took > time.Second {
		t.Logf("%s is healthy with %d instances after %s", name, instances, took.Round(time.Second))
	}
	w.waitInForce(t, name)
}

// sql runs a statement as the superuser in an instance, which no policy is in the way of.
func (w *world) sql(ctx context.Context, instance, statement string) (string, error) {
	r := w.exec(ctx, "default", instance, "psql", "-U", "postgres", "-d", "postgres", "-Atqc", statement)
	if r.err != nil {
		return "", fmt.Errorf("psql in %s: %w: %s", instance, r.err, r.errors)
	}
	return r.out, nil
}

// streaming are the replicas that PostgreSQL's primary sends its log to, and that have answered in
// the last seconds.
func (w *world) streaming(ctx context.Context, cluster string) ([]string, error) {
	d, err := w.database(ctx, cluster)
	if err != nil {
		return nil, err
	}
	// Something to send, so that a replica has something to answer.
	if _, err := w.sql(ctx, d.Status.CurrentPrimary, "select pg_logical_emit_message(true, 'e2e', 'ping')"); err != nil {
		return nil, err
	}
	out, err := w.sql(ctx, d.Status.CurrentPrimary,
		"select application_name from pg_stat_replication where state = 'streaming' and now() - reply_time < '5s' order by 1")
	return strings.Fields(out), err
}

// expectStreaming waits until a number of replicas of cluster-example stream.
func (w *world) expectStreaming(t *testing.T, replicas int) {
	t.Helper()
	var seen []string
	took := eventually(t, func(ctx context.Context) (err error) {
		if seen, err = w.streaming(ctx, "cluster-example"); err != nil {
			return err
		}
		return differs(fmt.Sprintf("replicas in pg_stat_replication %v", seen), replicas, len(seen))
	})
	t.Logf("pg_stat_replication: %d streaming %v after %s", len(seen), seen, took.Round(100*time.Millisecond))
}

// expectNoStreaming waits until a policy denies what instances send each other, and no replica of
// cluster-example streams any more.
func (w *world) expectNoStreaming(t *testing.T) {
	t.Helper()
	w.expectReplicationDenied(t)
	w.expectStreaming(t, 0)
}

// expectReplicationDenied waits until a policy denies what instances of cluster-example send each other.
func (w *world) expectReplicationDenied(t *testing.T) {
	t.Helper()
	instances := w.addresses(t, "default", instancesOf("cluster-example").selector)
	w.expectDenied(t, "replication", datapath.Path{From: instances, To: instances, Port: postgres}, time.Now())
}

// operatorSees makes the operator look at a cluster, and returns the instances whose status it could
// read at port 8000, and those that it could not.
func (w *world) operatorSees(ctx context.Context, cluster string) (seen, unseen []string, err error) {
	mark := strconv.FormatInt(time.Now().UnixMilli(), 10)
	_, err = w.lab.Kubectl(ctx, nil, "patch", "clusters.postgresql.cnpg.io", cluster, "--type=merge", "-p",
		`{"spec":{"inheritedMetadata":{"annotations":{"`+markAnnotation+`":"`+mark+`"}}}}`)
	if err != nil {
		return nil, nil, err
	}
	var d database
	_, err = repeat(ctx, func(ctx context.Context) (err error) {
		// A reconcile asks every instance, writes what it got, and hands annotations on, in this order.
		out, err := w.lab.Kubectl(ctx, nil, "get", "pods", "-l", instancesOf(cluster).selector,
			"-o", `jsonpath={.items[*].metadata.annotations.`+strings.ReplaceAll(markAnnotation, ".", `\.`)+`}`)
		if err != nil {
			return err
		}
		if d, err = w.database(ctx, cluster); err != nil {
			return err
		}
		return differs("instances that the operator has handled", len(d.Status.InstanceNames), strings.Count(string(out), mark))
	})
	for _, name := range d.Status.InstanceNames {
		// Without an answer there is an entry all the same, but no timeline.
		if d.Status.InstancesReportedState[name].TimeLineID > 0 {
			seen = append(seen, name)
		} else {
			unseen = append(unseen, name)
		}
	}
	return seen, unseen, err
}

// operatorVersion is CloudNativePG's version, by its operator's image.
func (w *world) operatorVersion(t *testing.T) *version.Version {
	t.Helper()
	return w.versionOf(t, "deployments", "app.kubernetes.io/name=cloudnative-pg")
}

// agentVersion is Cilium's version, by its agents' image.
func (w *world) agentVersion(t *testing.T) *version.Version {
	t.Helper()
	return w.versionOf(t, "daemonsets", "k8s-app=cilium")
}

func (w *world) versionOf(t *testing.T, workloads, selector string) *version.Version {
	t.Helper()
	image := w.kubectl(t, "get", workloads, "-A", "-l", selector, "-o", "jsonpath={.items[0].spec.template.spec.containers[0].image}")
	image, _, _ = strings.Cut(image, "@")
	v, err := version.ParseGeneric(image[strings.LastIndex(image, ":")+1:])
	if err != nil {
		t.Fatalf("the image %q: %v", image, err)
	}
	return v
}

const markAnnotation = "cnpg-netpol-e2e/mark"

// expectOperatorSees waits until the operator has got an answer from every instance.
func (w *world) expectOperatorSees(t *testing.T, cluster string) {
	t.Helper()
	var seen []string
	eventually(t, func(ctx context.Context) error {
		var unseen []string
		var err error
		if seen, unseen, err = w.operatorSees(ctx, cluster); err != nil {
			return err
		}
		return differs(fmt.Sprintf("instances that the operator does not see %v", unseen), 0, len(unseen))
	})
	t.Logf("the operator sees %v", seen)
}

// expectOperatorBlind waits until a policy denies what the operator sends to instances, and it has no
// answer from any of them.
func (w *world) expectOperatorBlind(t *testing.T, cluster string) {
	t.Helper()
	begun := time.Now()
	var unseen []string
	eventually(t, func(ctx context.Context) error {
		var seen []string
		var err error
		if seen, unseen, err = w.operatorSees(ctx, cluster); err != nil {
			return err
		}
		return differs(fmt.Sprintf("instances that the operator still sees %v", seen), 0, len(seen))
	})
	w.expectDenied(t, "status for the operator", datapath.Path{
		From: w.addresses(t, "", "app.kubernetes.io/name=cloudnative-pg"),
		To:   w.addresses(t, "default", instancesOf(cluster).selector),
		Port: 8000,
	}, begun)
	t.Logf("the operator does not see %v", unseen)
}
