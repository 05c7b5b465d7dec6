package cmd

import (
	"net/http"
	"strings"
	"testing"
)

// TestDiffCluster: the plan in the cluster with the cluster itself. What may not be read
// is unknown, and not the same.
func TestDiffCluster(t *testing.T) {
	s := newAPIServer(t)
	s.documents[sharedPath] = configMap("kube-system", "dualstack-plan", map[string]string{"plan.yaml": sharedPlan})
	s.documents["/apis/networking.k8s.io/v1/servicecidrs"] = `{"kind":"ServiceCIDRList","apiVersion":"networking.k8s.io/v1","items":[
		{"metadata":{"name":"kubernetes"},"spec":{"cidrs":["10.96.0.0/16","fd00:42:0:ff00::/112"]}}]}`
	o := run(t, "plan", "diff", "cm/kube-system/dualstack-plan", "--server", s.URL)
	o.want(t, exitFindings, "2 settings differ · 3 the same · 0 unknown\n", "")
	for _, text := range []string{
		"now      cluster " + s.URL + "\n", "plan     plan shared configmap/kube-system/dualstack-plan\n",
		"To make the cluster what the plan says, change:\n", "2001:db8:42:1::/64  /64 of fd00:42::/56",
	} {
		if !strings.Contains(o.stdout, text) {
			t.Errorf("stdout lacks %q:\n%s", text, o.stdout)
		}
	}
	s.answer = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/api/v1/nodes" {
			return false
		}
		status(w, http.StatusForbidden, "Forbidden", `nodes is forbidden: User "dev" cannot list resource "nodes"`)
		return true
	}
	o = run(t, "plan", "diff", "cm/kube-system/dualstack-plan", "--server", s.URL)
	o.want(t, exitFindings, "nodes: forbidden: list nodes\n", "not read: nodes: forbidden: list nodes\n")
	if !strings.Contains(o.stdout, "0 settings differ · 2 the same · 3 unknown\n") {
		t.Errorf("stdout:\n%s", o.stdout)
	}
	for _, request := range s.requests() {
		if !strings.HasPrefix(request, "GET ") {
			t.Errorf("asked %s", request)
		}
	}
}
