package nodes

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var primaryFamily = &checks.Check{
	ID:       "DS306",
	Name:     "node-primary-family",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "all Nodes with two addresses have them in the same order",
		Why: `The same Pod is probed over IPv4 on one node and over IPv6 on the other, so that an
application that listens on one family is healthy here and not there. The first address of
--node-ip is the node's own choice: Pods there have .status.podIP of that family, kubelet probes
them by it, and kube-proxy takes it for its primary family.`,
		Fix:    "Give every kubelet the addresses of --node-ip in the same order, restart it, and re-create the Pods of the node.",
		Limits: "With a cloud provider the order is that of the annotation alpha.kubernetes.io/provided-node-ip, if there is one. Nodes with one address are the subject of DS301.",
		Holds:  "Kubernetes 1.23 to 1.37",
		Since:  "0.1",
		Refs: []string{
			"kubernetes v1.37.2, pkg/kubelet/kubelet_pods.go sortPodIPs",
			"kubernetes v1.37.2, cmd/kube-proxy/app/server.go detectNodeIPs",
		},
		Covers: []string{"PLAN-06", "CNI-17"},
	},
	Needs: []snapshot.Kind{snapshot.Nodes},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		count := map[ipfam.Family]int{}
		for _, n := range in.Nodes() {
			count[primary(n)]++
		}
		odd := ipfam.V6
		if count[ipfam.V4] < count[ipfam.V6] {
			odd = ipfam.V4
		}
		for _, n := range in.Nodes() {
			if primary(n) != odd || count[odd.Other()] == 0 {
				continue
			}
			fs = append(fs, checks.Finding{
				Object: n.Ref, Field: ".status.addresses",
				Message: fmt.Sprintf("has its %s address first, %v; %d of %d Nodes with two addresses have %s first",
					odd, ordered(n), count[odd.Other()], count[odd]+count[odd.Other()], odd.Other()),
				Fix: fmt.Sprintf("on %s: kubelet --node-ip=%s, then restart kubelet and re-create its Pods", n.Name, turned(ordered(n))),
			})
		}
		return fs
	},
}

// ordered is the addresses of the node as kubelet was told them, or as they
// stand in its status.
func ordered(n snapshot.Node) []netip.Addr {
	if ipfam.SetOfAddrs(n.ProvidedIPs).Dual() {
		return n.ProvidedIPs
	}
	return n.HostIPs()
}

// primary is the family of the first address of a node that has both.
func primary(n snapshot.Node) ipfam.Family {
	ips := ordered(n)
	if !ipfam.SetOfAddrs(n.HostIPs()).Dual() {
		return 0
	}
	return ipfam.Of(ips[0])
}

// turned is the two addresses for --node-ip, the last one first.
func turned(ips []netip.Addr) string {
	var texts []string
	for _, a := range slices.Backward(ips) {
		texts = append(texts, a.String())
	}
	return strings.Join(texts, ",")
}
