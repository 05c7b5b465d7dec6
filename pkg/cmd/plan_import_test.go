package cmd

import (
	"net/http"
	"strings"
	"testing"
)

// TestImportCluster: the plan of a cluster, named after its context, and what may not be
// read. Nothing but what tells of addresses is asked for.
func TestImportCluster(t *testing.T) {
	s := newAPIServer(t)
	s.documents["/apis/networking.k8s.io/v1/servicecidrs"] = `{"kind":"ServiceCIDRList","apiVersion":"networking.k8s.io/v1","items":[
		{"metadata":{"name":"kubernetes"},"spec":{"cidrs":["fd00:42:0:ff00::/112","10.96.0.0/16"]}}]}`
	o := run(t, "plan", "import", "--server", s.URL)
	o.want(t, exitOK, "  families: [IPv6, IPv4]\n", "")
	for _, line := range []string{
		"# The address plan of " + s.URL + ", as its components tell it.\n",
		"    # ServiceCIDR .spec.cidrs (servicecidr/kubernetes)\n    ipv4: 10.96.0.0/16\n",
		"      # nodes .spec.podCIDRs (node/new) and 1 more\n      ipv4: 24\n",
		"    # kube-apiserver /version\n    kubernetes: \"1.36.4\"\n",
	} {
		if !strings.Contains(o.stdout, line) {
			t.Errorf("stdout lacks %q:\n%s", line, o.stdout)
		}
	}
	for _, request := range s.requests() {
		if !strings.HasPrefix(request, "GET ") || strings.HasSuffix(request, "/api/v1/pods") || strings.Contains(request, "services") {
			t.Errorf("asked %s", request)
		}
	}
	s.answer = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/api/v1/nodes" {
			return false
		}
		status(w, http.StatusForbidden, "Forbidden", `nodes is forbidden: User "dev" cannot list resource "nodes"`)
		return true
	}
	run(t, "plan", "import", "--server", s.URL, "--name", "homelab").
		want(t, exitFindings, "# Not all could be looked at, and it may say otherwise:\n#   nodes: forbidden: list nodes\n", "not read: nodes: forbidden: list nodes\n")
	s.answer = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/version" {
			return false
		}
		status(w, http.StatusForbidden, "Forbidden", "no")
		return true
	}
	run(t, "plan", "import", "--server", s.URL).want(t, exitTrouble, "", ": nothing that tells of addresses could be read\n")
}
