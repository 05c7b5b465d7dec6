package cmd

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// usedPlan has the blocks of someNodes, and that of one family more.
const usedPlan = `apiVersion: dualstack/v1alpha1
kind: AddressPlan
spec:
  pods: {ipv4: 10.244.0.0/22, ipv6: "2001:db8:42::/62", nodeMask: {ipv4: 24, ipv6: 64}}
  services: {ipv4: 10.96.0.0/16, ipv6: "fd00:42:0:ff00::/112"}
`

// TestLiveUsage: a cluster is asked with --live, for nothing but what is counted.
func TestLiveUsage(t *testing.T) {
	s := newAPIServer(t)
	file := planFile(t, usedPlan)
	for _, verb := range []string{"show", "check"} {
		o := run(t, "plan", verb, file, "--live", "--server", s.URL)
		o.want(t, exitOK, "2 ", "")
		for _, request := range s.requests() {
			if !strings.HasPrefix(request, "GET ") || strings.Contains(request, "secrets") || strings.Contains(request, "endpointslices") {
				t.Errorf("%s: asked %s", verb, request)
			}
		}
	}
	run(t, "plan", "show", file, "--live", "--server", s.URL).want(t, exitOK, "├ 10.244.1.0/24       new       254 pods\n", "")
	run(t, "plan", "check", file, "--live", "--server", s.URL).want(t, exitOK, "IPv4 runs out first: nodes, 4 for 2 in use; IPv6 has 4.\n", "")
	asked := len(s.requests())
	run(t, "plan", "show", file, "--server", s.URL).want(t, exitOK, "pods ", "")
	run(t, "plan", "check", file, "--server", s.URL).want(t, exitOK, "HORIZON", "")
	if n := len(s.requests()); n != asked {
		t.Errorf("without --live the cluster was asked: %v", s.requests()[asked:])
	}
}

// TestForbiddenUsage: what may not be read is said to be unknown, and is no error;
// a cluster of which nothing can be counted is one.
func TestForbiddenUsage(t *testing.T) {
	s := newAPIServer(t)
	forbidden := []string{"/api/v1/services"}
	s.answer = func(w http.ResponseWriter, r *http.Request) bool {
		if !slices.Contains(forbidden, r.URL.Path) {
			return false
		}
		status(w, http.StatusForbidden, "Forbidden", "no")
		return true
	}
	file := planFile(t, usedPlan)
	run(t, "plan", "check", file, "--live", "--server", s.URL).
		want(t, exitOK, "? which addresses Services have: not known: services: forbidden: list services\n", "")
	forbidden = append(forbidden, "/api/v1/nodes", "/api/v1/pods")
	run(t, "plan", "show", file, "--live", "--server", s.URL).
		want(t, exitTrouble, "", "nothing to count: nodes: forbidden: list nodes, services: forbidden: list services\n")
}
