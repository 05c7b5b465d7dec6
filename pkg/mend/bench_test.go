package mend_test

import (
	"fmt"
	"testing"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks/catalog"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/mend"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// BenchmarkPlan is a large cluster with a step for each of its Services, and one by hand
// for each of its nodes.
func BenchmarkPlan(b *testing.B) {
	services, _ := catalog.Find("DS601")
	nodes, _ := catalog.Find("DS301")
	var patches, words []checks.Finding
	for i := range 5000 {
		name := fmt.Sprintf("s-%d", i)
		patches = append(patches, finding(severity.Warning, service(name), checks.Patch(service(name), `{"spec":{"ipFamilies":["IPv4","IPv6"]}}`)))
		words = append(words, finding(severity.Warning, snapshot.Ref{Kind: "Node", Name: name}, "on "+name+": kubelet --node-ip=192.0.2.1,<IPv6 address>"))
	}
	list := []checks.Result{{Check: nodes, Findings: words}, {Check: services, Findings: patches}}
	for b.Loop() {
		mend.Plan(list, &snapshot.Snapshot{})
	}
}
