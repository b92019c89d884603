//go:build e2e

package kind_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"
)

// waitInForce waits until policies are in force at all pods of a cluster. Cilium's agent applies none to a pod
// whose labels CloudNativePG has just changed until it has the identity for them, which was seen to take 25 s;
// status calls the cluster UNKNOWN meanwhile.
func (w *world) waitInForce(t *testing.T, cluster string) {
	t.Helper()
	took := eventually(t, func(ctx context.Context) error { return w.inForce(ctx, cluster) })
	if took > time.Second {
		t.Logf("the endpoints of %s are ready after %s", cluster, took.Round(time.Second))
	}
}

// inForce is an error that names a pod whose endpoint is not ready, or has another identity than the pod's role.
func (w *world) inForce(ctx context.Context, cluster string) error {
	const role = "cnpg.io/instanceRole"
	var pods, endpoints struct {
		Items []struct {
			Metadata struct {
				Name   string            `json:"name"`
				Labels map[string]string `json:"labels"`
			} `json:"metadata"`
			Status struct {
				Phase    string `json:"phase"`
				State    string `json:"state"`
				Identity struct {
					Labels []string `json:"labels"`
				} `json:"identity"`
			} `json:"status"`
		} `json:"items"`
	}
	for kind, into := range map[string]any{"pods": &pods, "ciliumendpoints.cilium.io": &endpoints} {
		out, err := w.lab.Kubectl(ctx, nil, "get", kind, "-o", "json")
		if err != nil {
			return err
		}
		if err := json.Unmarshal(out, into); err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
	}
	for _, pod := range pods.Items {
		if pod.Metadata.Labels["cnpg.io/cluster"] != cluster || pod.Status.Phase != "Running" {
			continue
		}
		state := "missing"
		for _, endpoint := range endpoints.Items {
			if endpoint.Metadata.Name != pod.Metadata.Name {
				continue
			}
			state = endpoint.Status.State
			if want := pod.Metadata.Labels[role]; want != "" && !slices.Contains(endpoint.Status.Identity.Labels, "k8s:"+role+"="+want) {
				state = "that of another identity"
			}
		}
		if state != "ready" {
			return fmt.Errorf("the endpoint of %s is %s", pod.Metadata.Name, state)
		}
	}
	return nil
}
