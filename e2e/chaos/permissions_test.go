package chaos

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// lack is a permission that a user has not.
type lack struct {
	rule            int
	group, resource string
	verb            string
}

// testPermissions takes each verb of the documented roles away in turn: a command works without it, or names it in one line
// and does nothing.
func (l *lab) testPermissions(t *testing.T) {
	roles := l.roles(t)
	view, lockdown := roles[0], roles[1]
	lockers, viewers := lacks(lockdown), lacks(view)
	for i, missing := range lockers {
		l.grant(t, fmt.Sprint("locker-", i), view, without(lockdown, missing))
	}
	for i, missing := range viewers {
		if thorough() || i%8 == 0 {
			l.grant(t, fmt.Sprint("viewer-", i), without(view, missing), lockdown)
		}
	}
	for j, v := range verbs() {
		s := l.rehearse(t, v)
		try := func(user string, missing lack) {
			t.Run(fmt.Sprintf("%s without %s %s", v.name, missing.verb, missing.resource), func(t *testing.T) { l.without(t, s, user, missing) })
		}
		for i, missing := range lockers {
			if thorough() || (i+j)%5 == 0 {
				try(fmt.Sprint("locker-", i), missing)
			}
		}
		// What all verbs read, one of them shows.
		for i, missing := range viewers {
			if j == 0 && (thorough() || i%8 == 0) {
				try(fmt.Sprint("viewer-", i), missing)
			}
		}
	}
}

// roles are those that the plugin prints.
func (l *lab) roles(t *testing.T) []rbacv1.ClusterRole {
	t.Helper()
	var out []rbacv1.ClusterRole
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader([]byte(l.run(t, "rbac").stdout)), 4096)
	for {
		var role rbacv1.ClusterRole
		err := decoder.Decode(&role)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, role)
	}
	if len(out) != 2 {
		t.Fatalf("%d roles", len(out))
	}
	return out
}

// lacks are all permissions of a role, one by one.
func lacks(role rbacv1.ClusterRole) []lack {
	var out []lack
	for i, rule := range role.Rules {
		for _, resource := range rule.Resources {
			for _, verb := range rule.Verbs {
				out = append(out, lack{i, rule.APIGroups[0], resource, verb})
			}
		}
	}
	return out
}

// without is a role without one permission.
func without(role rbacv1.ClusterRole, missing lack) rbacv1.ClusterRole {
	out := role.DeepCopy()
	rule := role.Rules[missing.rule]
	out.Rules = slices.Delete(out.Rules, missing.rule, missing.rule+1)
	for _, resource := range rule.Resources {
		one := *rule.DeepCopy()
		one.Resources = []string{resource}
		if resource == missing.resource {
			one.Verbs = slices.DeleteFunc(one.Verbs, func(v string) bool { return v == missing.verb })
		}
		if len(one.Verbs) > 0 {
			out.Rules = append(out.Rules, one)
		}
	}
	return *out
}

// grant gives a user the first role everywhere and the second in the namespace of the databases, and waits until the server
// knows it.
func (l *lab) grant(t *testing.T, user string, everywhere, here rbacv1.ClusterRole) {
	t.Helper()
	ctx, kube := t.Context(), l.clients.Kubernetes
	everywhere.ObjectMeta, here.ObjectMeta = metav1.ObjectMeta{Name: user + "-everywhere"}, metav1.ObjectMeta{Name: user + "-here"}
	subjects := []rbacv1.Subject{{Kind: "User", Name: user, APIGroup: rbacv1.GroupName}}
	ref := func(role string) rbacv1.RoleRef {
		return rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role}
	}
	for _, role := range []rbacv1.ClusterRole{everywhere, here} {
		if _, err := kube.RbacV1().ClusterRoles().Create(ctx, &role, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
			t.Fatal(err)
		}
	}
	if _, err := kube.RbacV1().ClusterRoleBindings().Create(ctx, &rbacv1.ClusterRoleBinding{ObjectMeta: everywhere.ObjectMeta, Subjects: subjects, RoleRef: ref(everywhere.Name)}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := kube.RbacV1().RoleBindings(namespace).Create(ctx, &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Name: here.Name}, Subjects: subjects, RoleRef: ref(here.Name)}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, role := range []rbacv1.ClusterRole{everywhere, here} {
		rule := role.Rules[len(role.Rules)-1]
		review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{User: user, ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: namespace, Group: rule.APIGroups[0], Resource: rule.Resources[0], Verb: rule.Verbs[0],
		}}}
		if len(rule.ResourceNames) > 0 {
			review.Spec.ResourceAttributes.Name = rule.ResourceNames[0]
		}
		known := false
		for range 300 {
			answer, err := kube.AuthorizationV1().SubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
			if known = err == nil && answer.Status.Allowed; known {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
		if !known {
			t.Fatalf("the server does not know the role of %s", user)
		}
	}
}

// without runs a verb as somebody who lacks a permission.
func (l *lab) without(t *testing.T, s *script, user string, missing lack) {
	if l.whole(t) != s.begun {
		l.begin(t, s.verb)
	}
	l.figures.faults++
	o := l.run(t, append(slices.Clone(s.args), "--as", user)...)
	l.expectSound(t, "afterwards")
	now := l.now(t)
	switch {
	case o.code == 0 && !now.equal(s.end):
		l.figures.untrue++
		t.Errorf("a failure is reported as success: %v, want %v", now, s.end)
	case o.code != 0 && !now.equal(s.before):
		l.figures.unfinished++
		t.Errorf("it is half done: %v, before %v", now, s.before)
	case o.code != 0 && !slices.ContainsFunc(strings.Split(o.stderr, "\n"), func(line string) bool {
		return strings.Contains(line, missing.verb) && strings.Contains(line, missing.resource)
	}):
		l.figures.untrue++
		t.Error("no line names verb and resource")
	}
	if t.Failed() {
		t.Log(o.said())
	}
}
