//go:build e2e

package e2e

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// grant gives user the rights that reading kinds takes, as Rights tells them.
func (c *cluster) grant(user string, kinds []snapshot.Kind) {
	c.t.Helper()
	rules := map[string][]any{} // by namespace
	for _, k := range kinds {
		for _, r := range k.Rights() {
			rule := map[string]any{"apiGroups": []any{r.Group}, "resources": []any{r.Resource}, "verbs": []any{r.Verb}}
			if len(r.Names) > 0 {
				rule["resourceNames"] = names(r.Names)
			}
			rules[r.Namespace] = append(rules[r.Namespace], rule)
		}
	}
	subjects := []any{map[string]any{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": user}}
	for namespace, rules := range rules {
		kind := "Role"
		if namespace == "" {
			kind = "ClusterRole"
		}
		c.namespace(namespace)
		c.put(object("rbac.authorization.k8s.io/v1", kind, namespace, user, map[string]any{"rules": rules}), "e2e")
		c.put(object("rbac.authorization.k8s.io/v1", kind+"Binding", namespace, user, map[string]any{"subjects": subjects,
			"roleRef": map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": user}}), "e2e")
	}
}

func names(list []string) []any {
	var out []any
	for _, name := range list {
		out = append(out, name)
	}
	return out
}

// testRights: the rights that a kind tells of are enough to read it, and one that is
// missing is named.
func testRights(t *testing.T, c *cluster) {
	plan := "--plan=" + repository("examples", "homelab-today", "plan.yaml")
	c.grant("auditor", snapshot.AllKinds)
	c.grant("no-nodes", slices.DeleteFunc(slices.Clone(snapshot.AllKinds), func(k snapshot.Kind) bool { return k == snapshot.Nodes }))
	full := c.doctor(0, plan)

	t.Run("enough", func(t *testing.T) {
		c := c.in(t)
		var diff string
		c.eventually("the rights of auditor to hold", func() bool {
			diff = cmp.Diff(full, c.doctor(0, plan, "--as=auditor"))
			return diff == ""
		})
	})

	t.Run("without nodes", func(t *testing.T) {
		c := c.in(t)
		var report doctorReport
		c.eventually("the rights of no-nodes to hold", func() bool {
			report = c.doctor(0, plan, "--as=no-nodes")
			return report.Summary["unknown"] < len(report.Results)/2
		})
		if report.Summary["unknown"] == 0 {
			t.Errorf("summary %v", report.Summary)
		}
		for i, r := range report.Results {
			switch {
			case r.Status == "unknown" && r.Reason != "nodes: forbidden: list nodes":
				t.Errorf("%s is unknown: %s", r.ID, r.Reason)
			case r.Status != "unknown" && r.Status != full.Results[i].Status:
				t.Errorf("%s: %s (%s); with all rights %s", r.ID, r.Status, r.Reason, full.Results[i].Status)
			case r.ID == "DS301" && r.Status != "unknown":
				t.Errorf("DS301 looks at Nodes and is %s", r.Status)
			}
		}
		c.doctor(1, plan, "--as=no-nodes", "--strict")
	})

	t.Run("without any", func(t *testing.T) {
		out := c.in(t).run(programs.plugin, "doctor", plan, "--as=nobody")
		if out.code != 2 || !strings.Contains(out.stderr+out.stdout, "forbidden") {
			t.Errorf("exit status %d, want 2\n%s%s", out.code, out.stderr, out.stdout)
		}
	})
}
