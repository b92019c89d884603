package change

import (
	"context"
	"fmt"
	"time"

	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/live"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

// allowed says when the Cluster or its Namespace allows less time than was asked for.
func (o *grantOptions) allowed(ctx context.Context, clients live.Clients, cluster *cnpgv1.Cluster) error {
	limits := []struct{ text, where string }{{cluster.Annotations[annotationMaxGrant], fmt.Sprintf("cluster %q", cluster.Name)}}
	namespace, err := clients.Kubernetes.CoreV1().Namespaces().Get(ctx, cluster.Namespace, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("whether the namespace limits grants is not known: %w", err)
	}
	limits = append(limits, struct{ text, where string }{namespace.Annotations[annotationMaxGrant], fmt.Sprintf("namespace %q", cluster.Namespace)})
	for _, limit := range limits {
		if limit.text == "" {
			continue
		}
		most, err := time.ParseDuration(limit.text)
		switch {
		case err != nil:
			return kit.AnswerNo(fmt.Errorf("the annotation %s of %s is no time such as 8h, so that nothing is granted: %w", annotationMaxGrant, limit.where, err))
		case o.time > most:
			return kit.AnswerNo(fmt.Errorf("--for %s is longer than %s, which %s allows at most (annotation %s)", o.time, most, limit.where, annotationMaxGrant))
		}
	}
	return nil
}

// asker is who asks, as the server knows them; empty when it does not say.
func (o *changeOptions) asker(ctx context.Context, clients live.Clients) string {
	review, err := clients.Kubernetes.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil {
		fmt.Fprintf(o.ErrOut, "Who asks is not recorded: %s\n", terminal.Escape(err.Error()))
		return ""
	}
	return review.Status.UserInfo.Username
}

// record writes an Event of the Cluster. That it can't be written is said, and changes nothing.
func (o *changeOptions) record(ctx context.Context, clients live.Clients, cluster *cnpgv1.Cluster, reason, message string) {
	at := metav1.Time{Time: o.now}
	_, err := clients.Kubernetes.CoreV1().Events(cluster.Namespace).Create(ctx, &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{Namespace: cluster.Namespace, GenerateName: cluster.Name + ".", Labels: map[string]string{policyset.LabelManagedBy: policyset.FieldManager}},
		InvolvedObject: corev1.ObjectReference{
			APIVersion: cnpgv1.SchemeGroupVersion.String(), Kind: "Cluster", Namespace: cluster.Namespace, Name: cluster.Name, UID: cluster.UID,
		},
		Reason: reason, Message: message, Type: corev1.EventTypeNormal, Source: corev1.EventSource{Component: policyset.FieldManager},
		FirstTimestamp: at, LastTimestamp: at, Count: 1,
	}, metav1.CreateOptions{})
	if err != nil {
		fmt.Fprintf(o.ErrOut, "No Event was written: %s\n", terminal.Escape(err.Error()))
	}
}
