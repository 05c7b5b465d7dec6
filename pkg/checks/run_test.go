package checks_test

import (
	"testing"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// TestOutcome is what becomes of a check that finds nothing when some of what it
// looks at is missing: a pass only when it could look.
func TestOutcome(t *testing.T) {
	const nodes, plane, kubeadm = snapshot.Nodes, snapshot.ControlPlane, snapshot.KubeadmConfig
	for _, tt := range []struct {
		name  string
		check checks.Check
		gaps  map[snapshot.Kind]snapshot.Reason
		want  checks.Status
	}{
		{"all is there", checks.Check{Needs: []snapshot.Kind{nodes}, Uses: []snapshot.Kind{plane}}, nil, checks.Passed},
		{"a need is absent", checks.Check{Needs: []snapshot.Kind{nodes}}, map[snapshot.Kind]snapshot.Reason{nodes: snapshot.NotInFiles}, checks.Skipped},
		{"a need is forbidden", checks.Check{Needs: []snapshot.Kind{nodes}}, map[snapshot.Kind]snapshot.Reason{nodes: snapshot.Forbidden}, checks.Unknown},
		{
			"one of two is absent", checks.Check{Uses: []snapshot.Kind{plane, kubeadm}},
			map[snapshot.Kind]snapshot.Reason{plane: snapshot.NotFound}, checks.Passed,
		},
		{
			"one of two is forbidden", checks.Check{Uses: []snapshot.Kind{plane, kubeadm}},
			map[snapshot.Kind]snapshot.Reason{plane: snapshot.Forbidden}, checks.Unknown,
		},
		{
			"only what does not matter by itself is there", checks.Check{Uses: []snapshot.Kind{nodes, plane, kubeadm}, AnyOf: []snapshot.Kind{plane, kubeadm}},
			map[snapshot.Kind]snapshot.Reason{plane: snapshot.NotFound, kubeadm: snapshot.NotFound}, checks.Skipped,
		},
		{
			"needs, and none of what goes with them", checks.Check{
				Needs: []snapshot.Kind{nodes}, Uses: []snapshot.Kind{plane, kubeadm}, AnyOf: []snapshot.Kind{plane, kubeadm},
			},
			map[snapshot.Kind]snapshot.Reason{plane: snapshot.Forbidden, kubeadm: snapshot.NotFound}, checks.Unknown,
		},
		{
			"needs, and one of what goes with them", checks.Check{
				Needs: []snapshot.Kind{nodes}, Uses: []snapshot.Kind{plane, kubeadm}, AnyOf: []snapshot.Kind{plane, kubeadm},
			},
			map[snapshot.Kind]snapshot.Reason{plane: snapshot.NotFound}, checks.Passed,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			snap := &snapshot.Snapshot{Gaps: map[snapshot.Kind]snapshot.Gap{}}
			for k, reason := range tt.gaps {
				snap.Gaps[k] = snapshot.Gap{Kind: k, Reason: reason}
			}
			tt.check.Severity = severity.Warning
			tt.check.Run = func(*checks.Input) []checks.Finding { return nil }
			r := checks.Run([]*checks.Check{&tt.check}, nil, snap)[0]
			if r.Status != tt.want {
				t.Errorf("%s (%s), want %s", r.Status, r.Reason, tt.want)
			}
			if (r.Reason == "") != (r.Status == checks.Passed) {
				t.Errorf("%s with the reason %q", r.Status, r.Reason)
			}
		})
	}
}
