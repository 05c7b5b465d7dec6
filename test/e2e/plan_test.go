//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
)

// TestPlans is a plan that is kept in a cluster, imported from it and compared with it:
// examples/homelab-today on a real API server.
func TestPlans(t *testing.T) {
	c := startCluster(t)
	c.installCRDs("go.universe.tf/metallb", "github.com/cilium/cilium")
	putToday(c)
	file := repository("examples", "homelab-today", "plan.yaml")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)

	t.Run("import", func(t *testing.T) { testImport(c.in(t), text) })
	t.Run("diff", func(t *testing.T) {
		c := c.in(t)
		c.plan(0, "0 settings differ", "diff", file)
		other := c.write("other.yaml", strings.ReplaceAll(text, "10.244.0.0/16", "10.240.0.0/16"))
		c.plan(1, `"effort": "re-create"`, "diff", other, "-o", "json")
	})
	t.Run("put and get", func(t *testing.T) { testPutGet(c.in(t), file, text) })
	t.Run("rights", func(t *testing.T) { testPlanRights(c.in(t), file, text) })
	t.Run("size", func(t *testing.T) { testPlanSize(c.in(t), text) })
}

// plan runs a verb of plan, which must end with code and print words.
func (c *cluster) plan(code int, words string, args ...string) output {
	c.t.Helper()
	out := c.run(programs.plugin, append([]string{"plan"}, args...)...)
	if out.code != code || !strings.Contains(out.stdout+out.stderr, words) {
		c.t.Errorf("plan %s: exit status %d, want %d and %q\n%s%s", strings.Join(args, " "), out.code, code, words, out.stderr, out.stdout)
	}
	return out
}

func (c *cluster) write(name, text string) string {
	c.t.Helper()
	path := filepath.Join(c.t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
	return path
}

// testImport: what the cluster tells is the example's plan, but for what no component
// knows.
func testImport(c *cluster, text string) {
	out := c.plan(0, "kind: AddressPlan", "import")
	imported, problems := plan.Parse("imported", []byte(out.stdout))
	if imported == nil {
		c.t.Fatal(problems)
	}
	want, problems := plan.Parse("plan.yaml", []byte(text))
	if want == nil {
		c.t.Fatal(problems)
	}
	if diff := cmp.Diff(allotted(want), allotted(imported)); diff != "" {
		c.t.Errorf("ranges (-want +got):\n%s", diff)
	}
	if imported.Egress != want.Egress || imported.Pods.NodeMask != want.Pods.NodeMask || !imported.Versions.Kubernetes.Known() {
		c.t.Errorf("imported\n%s", out.stdout)
	}
}

// allotted is the ranges that components of a cluster know.
func allotted(p *plan.Plan) (list []string) {
	for _, r := range p.Ranges() {
		if r.Use == plan.Pods || r.Use == plan.Services || r.Use == plan.LoadBalancers {
			list = append(list, string(r.Use)+" "+r.Name+" "+r.String())
		}
	}
	return list
}

// inCluster is where plan put keeps a plan.
const inCluster = "configmap/kube-system/dualstack-plan"

// testPutGet: a plan comes back byte for byte, and what else the ConfigMap has stays.
func testPutGet(c *cluster, file, text string) {
	c.plan(2, "not found in cluster", "get")
	c.plan(0, "configmap/dualstack-plan created (server dry run)", "put", file, "--dry-run=server")
	c.plan(2, "not found in cluster", "get")
	c.plan(0, "configmap/dualstack-plan created\n", "put", file)
	c.plan(0, "configmap/dualstack-plan unchanged\n", "put", file)
	if out := c.plan(0, "", "get"); out.stdout != text {
		c.t.Errorf("plan get (-put +got):\n%s", cmp.Diff(text, out.stdout))
	}
	if label := c.kubectl("get", "configmap", "dualstack-plan", "-n", "kube-system", "-o", `jsonpath={.metadata.labels.app\.kubernetes\.io/managed-by}`); label != "kubectl-dualstack" {
		c.t.Errorf("managed by %q", label)
	}
	c.kubectl("patch", "configmap", "dualstack-plan", "-n", "kube-system", "--type=merge", "-p", `{"data":{"README":"ask the network team"}}`)
	changed := text + "# changed\n"
	c.plan(0, "configmap/dualstack-plan configured (dry run)\n", "put", c.write("plan.yaml", changed), "--dry-run=client")
	c.plan(0, "configmap/dualstack-plan configured\n", "put", c.write("plan.yaml", changed))
	if readme := c.kubectl("get", "configmap", "dualstack-plan", "-n", "kube-system", "-o", "jsonpath={.data.README}"); readme != "ask the network team" {
		c.t.Errorf("README is %q", readme)
	}
	if out := c.plan(0, "", "get", inCluster); out.stdout != changed {
		c.t.Errorf("plan get (-put +got):\n%s", cmp.Diff(changed, out.stdout))
	}
	manifest := c.plan(0, "kind: ConfigMap", "put", file, "configmap/default/copy", "--dry-run=client", "-o", "yaml")
	c.kubectl("apply", "-f", c.write("manifest.yaml", manifest.stdout))
	if out := c.plan(0, "", "get", "cm/default/copy"); out.stdout != text {
		c.t.Errorf("plan get of the manifest (-file +got):\n%s", cmp.Diff(text, out.stdout))
	}
	c.plan(0, inCluster+": 0 errors", "validate", inCluster)
	c.plan(0, "0 settings differ", "diff", inCluster)
	if report := c.doctor(0, "--plan", inCluster); report.Summary["unknown"] != 0 {
		c.t.Errorf("summary %v", report.Summary)
	}
}

// testPlanRights: the roles of docs/rbac.yaml are enough, and what is missing is named.
func testPlanRights(c *cluster, file, text string) {
	c.namespace("kube-flannel") // there is a role for each namespace that something may be in
	c.kubectl("apply", "-f", repository("docs", "rbac.yaml"))
	for user, role := range map[string]string{"reader": "dualstack-plan", "editor": "dualstack-plan-editor"} {
		c.kubectl("create", "rolebinding", user, "-n", "kube-system", "--role="+role, "--user="+user)
	}
	c.eventually("the rights of reader and editor to hold", func() bool {
		return c.run(programs.plugin, "plan", "get", "--as=reader").code == 0 && c.run(programs.plugin, "plan", "get", "--as=editor").code == 0
	})
	changed := c.write("plan.yaml", text+"# by the editor\n")
	c.plan(2, "get configmaps -n kube-system: forbidden", "get", "--as=nobody")
	c.plan(2, "update configmaps -n kube-system: forbidden", "put", changed, "--as=reader")
	c.plan(0, "configured", "put", changed, "--as=editor")
	c.kubectl("delete", "configmap", "dualstack-plan", "-n", "kube-system")
	c.plan(2, "create configmaps -n kube-system: forbidden", "put", file, "--as=reader")
	c.plan(0, "created", "put", file, "--as=editor")
	c.plan(2, "get configmaps -n default: forbidden", "get", "cm/default/copy", "--as=reader")
}

// testPlanSize: what plan put refuses for its size the API server would refuse too, and
// nothing less.
func testPlanSize(c *cluster, text string) {
	const most = 1 << 20
	fits := text + strings.Repeat("#", most-len(text)-1) + "\n"
	c.plan(0, "configmap/large created", "put", c.write("plan.yaml", fits), "cm/default/large")
	if out := c.plan(0, "", "get", "cm/default/large"); out.stdout != fits {
		c.t.Errorf("plan get gives %d bytes, want %d", len(out.stdout), len(fits))
	}
	larger := c.write("plan.yaml", fits+"#")
	c.plan(2, "has 1048577 bytes: a ConfigMap holds at most 1048576", "put", larger, "cm/default/larger")
	if out := c.run(kubectl(), "create", "configmap", "larger", "--from-file=plan.yaml="+larger); out.code == 0 || !strings.Contains(out.stderr, "1048576") {
		c.t.Errorf("kubectl: exit status %d: %.200s", out.code, out.stderr)
	}
}
