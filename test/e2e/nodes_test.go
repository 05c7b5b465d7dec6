//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPlain is the lab with the bridge plugin and kube-proxy.
func TestPlain(t *testing.T) {
	t.Parallel() // with TestNative and TestVariants, when the others are done
	testNodes(t, "plain")
}

// TestCilium is the lab with Cilium from its chart, nobody else between the Pods and the
// LAN. It is made of what plan render writes of a plan that plan init drafts of the
// founding document, which has to come to the addresses of examples/homelab-today.
func TestCilium(t *testing.T) { testNodes(t, "cilium") }

// TestNative is Cilium without a tunnel, IPv6 first: what trace predicts of it.
func TestNative(t *testing.T) {
	t.Parallel()
	lab := startLab(t, "--profile", "cilium", "--routing", "native", "--families", "IPv6,IPv4")
	cells := testTruth(lab.in(t), "native routing")
	reportTruth(t, append(cells, testTruthOfAgents(t, lab.in(t), agentOptions[4:])...), 150)
}

// testNodes holds a cluster with real nodes to the document that it is from, doctor to
// being silent about it, and doctor's findings to what is wrong.
func testNodes(t *testing.T, profile string) {
	lab := labOf(t, profile)
	t.Run("doctor has nothing against it", func(t *testing.T) {
		report := lab.in(t).doctor(0, "--plan", repository("examples", "homelab-today", "plan.yaml"), "--fail-on", "warning")
		for _, f := range report.findings() {
			if f.Severity != "info" {
				t.Errorf("%+v", f)
			}
		}
		for _, r := range report.Results {
			if r.Status == "unknown" {
				t.Errorf("%s is unknown: %s", r.ID, r.Reason)
			}
		}
	})
	if profile == "cilium" {
		t.Run("plan", func(t *testing.T) { testPlanOfNodes(lab.in(t)) })
	}
	t.Run("seed", func(t *testing.T) { testSeed(t, lab.in(t)) })
	t.Run("as if it were yours", func(t *testing.T) { testYours(t, lab.in(t)) })
	t.Run("expose", func(t *testing.T) { testExposeNodes(t, lab.in(t)) })
	t.Run("trace", func(t *testing.T) { testTrace(t, lab.in(t)) })
	if profile == "plain" {
		t.Run("kube-proxy starts again", func(t *testing.T) { lab.in(t).restartKubeProxy() })
	}
	t.Run("faults", func(t *testing.T) { testFaults(t, lab.in(t)) })
	t.Run("truth", func(t *testing.T) {
		cells := testTruth(lab.in(t), profile)
		if profile == "cilium" {
			cells = append(cells, testTruthOfAgents(t, lab.in(t), agentOptions[:4])...)
			cells = append(cells, testTruthOfGateway(t, lab.in(t))...)
		}
		reportTruth(t, cells, map[string]int{"plain": 60, "cilium": 250}[profile])
	})
}

// labOf is the lab of the profile that runs in LAB_DIR, or where «lab up» puts it, or
// else one that ends with the test.
func labOf(t *testing.T, profile string) *cluster {
	t.Helper()
	c := &cluster{t: t, dir: os.Getenv("LAB_DIR")}
	if c.dir == "" {
		c.dir = filepath.Join(os.TempDir(), "dualstack-lab")
	}
	if out := c.run(programs.lab, c.args("kubeconfig")...); out.code == 0 && c.describe() == profile {
		t.Logf("the lab in %s", c.dir)
		return connect(t, c.dir, strings.TrimSpace(out.stdout))
	}
	if profile == "plain" {
		return startLab(t, "--profile", profile)
	}
	return startLab(t, "--profile", profile, "--files", c.render(c.draft(), "kubeadm", "cilium", "metallb"))
}

// restartKubeProxy has kube-proxy of a node start with the rules there that it wrote
// before, and wants it to have kept them.
func (c *cluster) restartKubeProxy() {
	c.t.Helper()
	rules := func() string {
		return c.on("k8s-node-1", "nft", "list", "map", "ip6", "kube-proxy", "service-ips").stdout
	}
	if !strings.Contains(rules(), "lab/nginx-test/tcp") {
		c.t.Fatalf("kube-proxy has no rule for nginx-test: %s", rules())
	}
	const ofNode = "{.items[*].metadata.uid} {.items[*].status.conditions[?(@.type==\"Ready\")].status}"
	pods := []string{"pods", "-n", "kube-system", "-l", "k8s-app=kube-proxy", "--field-selector", "spec.nodeName=k8s-node-1"}
	before := c.kubectl(append([]string{"get", "-o", "jsonpath=" + ofNode}, pods...)...)
	c.kubectl(append([]string{"delete"}, pods...)...)
	c.eventually("kube-proxy to start again", func() bool {
		now := c.kubectl(append([]string{"get", "-o", "jsonpath=" + ofNode}, pods...)...)
		return now != before && strings.HasSuffix(now, " True")
	})
	c.eventually("kube-proxy to write its rules again", func() bool { return strings.Contains(rules(), "lab/nginx-test/tcp") })
	for _, family := range []string{"-4", "-6"} {
		c.isNginx(family, c.exec("nginx-test", "curl", family, "-sSI", "-m", "5", "http://nginx-test.lab.svc.cluster.local"))
	}
}
