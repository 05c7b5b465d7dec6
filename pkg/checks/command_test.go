package checks_test

import (
	"testing"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

func TestCommand(t *testing.T) {
	for _, tc := range []struct {
		words []string
		want  string
	}{
		{[]string{"kubectl", "get", "pods", "-l", "app=web,tier=front"}, "kubectl get pods -l app=web,tier=front"},
		{[]string{"kubectl", "delete", "pod", "x; rm -rf ~"}, "kubectl delete pod 'x; rm -rf ~'"},
		{[]string{"echo", "it's", ""}, `echo 'it'\''s' ''`},
	} {
		if got := checks.Command(tc.words...); got != tc.want {
			t.Errorf("%q: %s, want %s", tc.words, got, tc.want)
		}
	}
}

func TestPatch(t *testing.T) {
	for _, tc := range []struct {
		object snapshot.Ref
		want   string
	}{
		{snapshot.Ref{Kind: "Service", Namespace: "shop", Name: "web"}, `kubectl patch service web -n shop --type merge -p '{"spec":{}}'`},
		{snapshot.Ref{Kind: "Node", Name: "worker-1"}, `kubectl patch node worker-1 --type merge -p '{"spec":{}}'`},
	} {
		if got := checks.Patch(tc.object, `{"spec":{}}`); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.object, got, tc.want)
		}
	}
}

func TestSome(t *testing.T) {
	names := []string{"a", "b", "c", "d", "e"}
	if got := checks.Some(names); got != "a, b, c and 2 more" {
		t.Errorf("five: %s", got)
	}
	if got := checks.Some(names[:3]); got != "a, b, c" {
		t.Errorf("three: %s", got)
	}
}
