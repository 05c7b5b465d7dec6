package cmd

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// sharedPlan is a plan with a comment, whose range of Services overlaps none.
const sharedPlan = `# kept by the team
apiVersion: dualstack/v1alpha1
kind: AddressPlan
metadata:
  name: shared
spec:
  pods:
    ipv4: 10.244.0.0/16
    ipv6: fd00:42::/56
    nodeMask: {ipv4: 24, ipv6: 64}
  services:
    ipv4: 10.96.0.0/16
    ipv6: fd00:42:0:ff00::/112
`

// configMap is one as the API server gives it.
func configMap(namespace, name string, data map[string]string) string {
	text, err := json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "data": data,
		"metadata": map[string]string{"namespace": namespace, "name": name, "resourceVersion": "7"},
	})
	if err != nil {
		panic(err) // of strings alone
	}
	return string(text)
}

const sharedPath = "/api/v1/namespaces/kube-system/configmaps/dualstack-plan"

// TestPlanInCluster: every verb that takes a plan reads it from a ConfigMap, under key
// plan.yaml or the only key, and names it and its lines.
func TestPlanInCluster(t *testing.T) {
	broken := strings.Replace(sharedPlan, "10.96.0.0/16", "10.96.0.0", 1)
	for name, data := range map[string]map[string]string{
		"its key":      {"plan.yaml": sharedPlan, "README": "no plan"},
		"the only key": {"homelab": sharedPlan},
	} {
		t.Run(name, func(t *testing.T) {
			s := newAPIServer(t)
			s.documents[sharedPath] = configMap("kube-system", "dualstack-plan", data)
			for _, in := range []string{"configmap/kube-system/dualstack-plan", "cm/kube-system/dualstack-plan"} {
				run(t, "plan", "validate", in, "--server", s.URL).
					want(t, exitOK, "configmap/kube-system/dualstack-plan: 0 errors, 0 warnings, 0 info\n", "")
				run(t, "doctor", "--server", s.URL, "--only", "DS301", "--plan", in).
					want(t, exitOK, "plan     shared configmap/kube-system/dualstack-plan\n", "")
			}
		})
	}
	s := newAPIServer(t)
	s.documents[sharedPath] = configMap("kube-system", "dualstack-plan", map[string]string{"plan.yaml": broken})
	run(t, "plan", "validate", "configmap/kube-system/dualstack-plan", "--server", s.URL).
		want(t, exitTrouble, "configmap/kube-system/dualstack-plan:12:11: ", "configmap/kube-system/dualstack-plan: not a plan that can be read")
	for _, args := range [][]string{{"doctor"}, {"expose", "deploy/web", "--port", "80"}, {"trace", "pod/web"}} {
		o := run(t, append(args, "--plan", "configmap/kube-system/dualstack-plan", "--server", s.URL)...)
		if o.code == exitOK || !strings.Contains(o.stderr, "error: configmap/kube-system/dualstack-plan:12:11: spec.services.ipv4: ") {
			t.Errorf("%v: exit code %d: %s", args, o.code, o.stderr)
		}
	}
}

// TestPlanBesideFiles: files are audited by the plan in a cluster, which is asked for
// nothing else.
func TestPlanBesideFiles(t *testing.T) {
	s := newAPIServer(t)
	s.documents[sharedPath] = configMap("kube-system", "dualstack-plan", map[string]string{"plan.yaml": sharedPlan})
	run(t, "doctor", "-f", "../../examples/homelab-today", "--only", "DS1", "--fail-on", "none", "--plan", "cm/kube-system/dualstack-plan", "--server", s.URL).
		want(t, exitOK, "plan     shared configmap/kube-system/dualstack-plan\n", "passed over")
	if asked := s.requests(); len(asked) != 1 || asked[0] != "GET "+sharedPath {
		t.Errorf("asked %v", asked)
	}
}

// TestNoPlanInCluster: why there is none, with the right that is missing.
func TestNoPlanInCluster(t *testing.T) {
	s := newAPIServer(t)
	s.documents["/api/v1/namespaces/a/configmaps/empty"] = configMap("a", "empty", nil)
	s.documents["/api/v1/namespaces/a/configmaps/several"] = configMap("a", "several", map[string]string{"b": sharedPlan, "a": sharedPlan})
	s.answer = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/api/v1/namespaces/a/configmaps/closed" {
			return false
		}
		status(w, http.StatusForbidden, "Forbidden", `configmaps "closed" is forbidden: User "dev" cannot get resource "configmaps" in API group "" in the namespace "a"`)
		return true
	}
	for in, want := range map[string]string{
		"configmap/a/none":    "configmap/a/none: not found in cluster " + s.URL + "\n",
		"cm/a/closed":         "configmap/a/closed: get configmaps -n a: forbidden\n",
		"configmap/a/empty":   "configmap/a/empty: has no data: want a plan under key plan.yaml\n",
		"configmap/a/several": "configmap/a/several: has no key plan.yaml, and more than one other: a, b\n",
		"configmap/A/b":       `configmap/A/b: namespace "A": a lowercase RFC 1123 label`,
		"configmap/a/":        `configmap/a/: name "": a lowercase RFC 1123 subdomain`,
		"configmap/a":         "open configmap/a: no such file or directory; a plan in the cluster is configmap/NAMESPACE/NAME\n",
		"configmap/a/b/c":     "open configmap/a/b/c: no such file or directory; a plan in the cluster is configmap/NAMESPACE/NAME\n",
	} {
		run(t, "doctor", "--plan", in, "--server", s.URL).want(t, exitTrouble, "", "error: --plan: "+want)
		o := run(t, "plan", "validate", in, "--server", s.URL)
		if o.code != exitTrouble || !strings.Contains(o.stderr, "error: "+want) {
			t.Errorf("plan validate %s: exit code %d: %s", in, o.code, o.stderr)
		}
	}
	run(t, "plan", "validate", "cm/a/b").want(t, exitTrouble, "", "error: no cluster: there is no context in kubeconfig ")
}

// TestSlowPlanInCluster: the time of a command is also that of its plan.
func TestSlowPlanInCluster(t *testing.T) {
	s := newAPIServer(t)
	s.answer = hang(sharedPath)
	run(t, "doctor", "--plan", "cm/kube-system/dualstack-plan", "--server", s.URL, "--timeout", "100ms").
		want(t, exitTrouble, "", "error: --plan: configmap/kube-system/dualstack-plan: no answer from cluster "+s.URL+" in time\n")
	run(t, "trace", "pod/web", "--plan", "cm/kube-system/dualstack-plan", "--server", s.URL, "--timeout", "100ms").
		want(t, exitTrouble, "", "not done within --timeout 100ms: ")
}
