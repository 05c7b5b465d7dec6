//go:build e2e

package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// everyRight is the rights that reading all kinds takes, each once.
func everyRight() []snapshot.Right {
	var all []snapshot.Right
	for _, k := range snapshot.AllKinds {
		for _, r := range k.Rights() {
			if !slices.ContainsFunc(all, func(other snapshot.Right) bool { return sameRight(r, other) }) {
				all = append(all, r)
			}
		}
	}
	return all
}

func sameRight(a, b snapshot.Right) bool {
	return a.Group == b.Group && a.Resource == b.Resource && a.Verb == b.Verb && a.Namespace == b.Namespace && slices.Equal(a.Names, b.Names)
}

// grant gives user the rights.
func (c *cluster) grant(user string, rights []snapshot.Right) {
	c.t.Helper()
	rules := map[string][]any{} // by namespace
	for _, r := range rights {
		rule := map[string]any{"apiGroups": []any{r.Group}, "resources": []any{r.Resource}, "verbs": []any{r.Verb}}
		if len(r.Names) > 0 {
			rule["resourceNames"] = names(r.Names)
		}
		rules[r.Namespace] = append(rules[r.Namespace], rule)
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
	every := everyRight()
	c.grant("auditor", every)
	without := func(i int) []snapshot.Right { return slices.Delete(slices.Clone(every), i, i+1) }
	users := make([]string, len(every))
	for i := range every {
		users[i] = fmt.Sprintf("without-%d", i)
		c.grant(users[i], without(i))
	}
	full := c.doctor(0, plan)

	t.Run("enough", func(t *testing.T) {
		c := c.in(t)
		var diff string
		c.eventually("the rights of auditor to hold", func() bool {
			diff = cmp.Diff(full, c.doctor(0, plan, "--as=auditor"))
			return diff == ""
		})
	})

	for i, missing := range every {
		name := strings.ReplaceAll(strings.TrimSpace(fmt.Sprintf("%s %s %s %s", missing.Verb, missing.Resource, strings.Join(missing.Names, " "), missing.Namespace)), " ", "-")
		t.Run("without "+name, func(t *testing.T) { testWithout(c.in(t), users[i], missing, full, plan) })
	}

	t.Run("without any", func(t *testing.T) {
		out := c.in(t).run(programs.plugin, "doctor", plan, "--as=nobody")
		if out.code != 2 || !strings.Contains(out.stderr+out.stdout, "forbidden") {
			t.Errorf("exit status %d, want 2\n%s%s", out.code, out.stderr, out.stdout)
		}
	})
}

// testWithout: without a right what it is for is unknown and names it, and nothing else is
// another than with all rights.
func testWithout(c *cluster, user string, missing snapshot.Right, full doctorReport, plan string) {
	var report doctorReport
	c.eventually("the rights of "+user+" to hold", func() bool {
		report = c.doctor(0, plan, "--as="+user)
		return report.Summary["ok"] > 0
	})
	words := missing.Verb + " " + missing.Resource
	for i, r := range report.Results {
		switch {
		case r.Status == full.Results[i].Status && r.Reason == full.Results[i].Reason:
		case r.Status == "unknown" && strings.Contains(r.Reason, "forbidden") && strings.Contains(r.Reason, words):
		default:
			c.t.Errorf("%s: %s (%s); with all rights %s (%s)", r.ID, r.Status, r.Reason, full.Results[i].Status, full.Results[i].Reason)
		}
	}
	if report.Summary["unknown"] > 0 {
		c.doctor(1, plan, "--as="+user, "--strict")
	}
}
