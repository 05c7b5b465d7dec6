//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"

	gocmp "github.com/google/go-cmp/cmp"
)

// draft is a plan of what the founding document gives: its prefix, its networks, its
// interface, and the prefix that its router sends to the nodes.
func (c *cluster) draft() string {
	c.t.Helper()
	file := filepath.Join(c.t.TempDir(), "plan.yaml")
	out := c.run(programs.plugin, "plan", "init", "--out", file, "--name", "homelab",
		"--delegated", "2001:db8:7653:200::/56", "--routed", "2001:db8:7653:299::/64",
		"--lan", "192.168.16.0/24", "--lan", "2001:db8:7653:216::/64", "--interface", "eno1",
		"--reserved", "192.168.16.1-192.168.16.99",
		"--kubernetes", "1.37.2", "--cilium", "1.20.2", "--metallb", "0.16.2")
	if out.code != 0 {
		c.t.Fatalf("plan init: exit status %d\n%s", out.code, out.stderr)
	}
	return file
}

// testPlanOfNodes holds a cluster that was made of a draft's files to its plan, and the
// plan that is imported from it to the draft.
func testPlanOfNodes(c *cluster) {
	c.t.Helper()
	file := c.draft()
	if out := c.run(programs.plugin, "plan", "diff", file); out.code != 0 || !strings.Contains(out.stdout, "\n0 settings differ") {
		c.t.Errorf("plan diff: exit status %d\n%s%s", out.code, out.stdout, out.stderr)
	}
	for _, f := range c.doctor(0, "--plan", file, "--fail-on", "warning").findings() {
		if f.Severity != "info" {
			c.t.Errorf("%+v", f)
		}
	}
	imported := c.run(programs.plugin, "plan", "import")
	if imported.code != 0 {
		c.t.Fatalf("plan import: exit status %d\n%s", imported.code, imported.stderr)
	}
	back := filepath.Join(c.t.TempDir(), "imported.yaml")
	if err := os.WriteFile(back, []byte(imported.stdout), 0o600); err != nil {
		c.t.Fatal(err)
	}
	// What no component of the cluster knows.
	want := []string{"metadata.name", "spec.delegated.ipv6", "spec.expect.loadBalancers", "spec.expect.nodes", "spec.expect.podsPerNode",
		"spec.expect.services", "spec.lan.ipv4", "spec.lan.ipv6", "spec.lan.reserved", "spec.routed"}
	if diff := gocmp.Diff(want, c.differing(back, file)); diff != "" {
		c.t.Errorf("the imported plan differs from the draft in (-want +got):\n%s", diff)
	}
	dir := c.render(file, "metallb", "lb-ipam")
	c.kubectl("apply", "--dry-run=server", "-f", filepath.Join(dir, "metallb.yaml")) // MetalLB's webhook is asked
	c.kubectl("apply", "--dry-run=server", "-f", filepath.Join(dir, "lb-ipam.yaml"))
}

// differing is the fields in which two plans differ.
func (c *cluster) differing(now, plan string) []string {
	c.t.Helper()
	out := c.run(programs.plugin, "plan", "diff", now, plan, "-o", "json")
	if out.code != 1 {
		c.t.Fatalf("plan diff: exit status %d, want 1\n%s%s", out.code, out.stdout, out.stderr)
	}
	var report struct {
		Differences []struct{ Field string }
	}
	if err := json.Unmarshal([]byte(out.stdout), &report); err != nil {
		c.t.Fatal(err)
	}
	var fields []string
	for _, d := range report.Differences {
		fields = append(fields, d.Field)
	}
	slices.Sort(fields)
	return slices.Compact(fields)
}
