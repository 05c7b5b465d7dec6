// Package workloads is the checks of what runs in the cluster, of how its packets leave, and
// of what the upstream router has to know.
package workloads

import (
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// Checks is the checks of this area, in the order of their IDs.
var Checks = []*checks.Check{
	listeners,
	javaIPv4Only,
	bracketsInURLs,
	bracketsBeforePorts,
	meshFamilies,
	calicoNAT,
	k3sMasquerade,
	routesBack,
	masqueradeExceptions,
}

// podKinds is who tells of the ranges of the pods.
var podKinds = snapshot.ClaimKinds[plan.Pods]

// dualService is a Service of both families that has the workload's Pods behind it.
func dualService(services []snapshot.Service, t snapshot.Template) (snapshot.Ref, bool) {
	for _, s := range services {
		if s.Namespace == t.Namespace && s.Dual() && selects(s.Selector, t.Labels) {
			return s.Ref, true
		}
	}
	return snapshot.Ref{}, false
}

// selects reports whether selector, which is not empty, is met by labels.
func selects(selector, labels map[string]string) bool {
	for key, value := range selector {
		if labels[key] != value {
			return false
		}
	}
	return len(selector) > 0
}

// edit is the command that opens the workload, with what to do in it.
func edit(t snapshot.Template, what string) string {
	return checks.Command("kubectl", "edit", strings.ToLower(t.Kind), t.Name, "-n", t.Namespace) + " # " + what
}

// called is how a setting is called in a sentence: by its variable, if it is one.
func called(s snapshot.Setting) string {
	if s.Name != "" {
		return s.Name + "=" + s.Text
	}
	return s.Text
}
