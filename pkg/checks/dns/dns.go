// Package dns is the checks of the cluster's name server and of who is told of it.
package dns

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// Checks is the checks of this area, in the order of their IDs.
var Checks = []*checks.Check{
	recordsAnswered,
	reverseZones,
	nodeNames,
	upstreamReachable,
	upstreamFamilies,
	podsReachServer,
	clusterDNS,
	translation,
	recordsPublished,
}

// podKinds is who tells of which families the Pods are.
var podKinds = snapshot.ClaimKinds[plan.Pods]

// recordType is the type of DNS records that have addresses of a family.
var recordType = ipfam.Pair[string]{V4: "A", V6: "AAAA"}

// reverseZone is the zone of the names of a family's addresses.
var reverseZone = ipfam.Pair[string]{V4: "in-addr.arpa", V6: "ip6.arpa"}

// edit is the command that opens the Corefile, with what to do in it. CoreDNS reads it again
// by itself where it has the plugin reload.
func edit(c snapshot.CoreDNS, what string) string {
	return checks.Command("kubectl", "edit", "configmap", c.ConfigMap.Name, "-n", c.ConfigMap.Namespace) + " # " + what
}

// root reports whether server answers for all names.
func root(server snapshot.DNSServer) bool { return slices.Contains(server.Zones, ".") }

// forwards is the upstreams of server that are addresses, without ports; a file such as
// /etc/resolv.conf is none.
func forwards(server snapshot.DNSServer) (upstreams []upstream) {
	for _, p := range server.Plugins {
		if p.Name != "forward" || len(p.Args) < 2 {
			continue
		}
		for _, text := range p.Args[1:] {
			if a, ok := address(text); ok {
				upstreams = append(upstreams, upstream{p, text, a})
			} else {
				upstreams = append(upstreams, upstream{plugin: p, text: text})
			}
		}
	}
	return upstreams
}

type upstream struct {
	plugin snapshot.DNSPlugin
	text   string
	addr   netip.Addr // invalid when text is none
}

// address is an upstream's address: with a scheme, with a port, in brackets or bare.
func address(text string) (netip.Addr, bool) {
	if _, rest, ok := strings.Cut(text, "://"); ok {
		text = rest
	}
	if ap, err := netip.ParseAddrPort(text); err == nil {
		return ap.Addr().Unmap(), true
	}
	a, err := netip.ParseAddr(strings.Trim(text, "[]"))
	return a.Unmap(), err == nil
}

// serverAddresses is the ClusterIPs of the Service that Pods ask: kube-dns, as kubeadm, k3s
// and most others call it, or that of RKE2.
func serverAddresses(services []snapshot.Service) (snapshot.Service, bool) {
	for _, s := range services {
		if s.Namespace == "kube-system" && (s.Name == "kube-dns" || s.Name == "coredns" || s.Name == "rke2-coredns-rke2-coredns") && len(s.ClusterIPs) > 0 {
			return s, true
		}
	}
	return snapshot.Service{}, false
}

func describe(as []netip.Addr) string {
	texts := make([]string, len(as))
	for i, a := range as {
		texts[i] = a.String()
	}
	return fmt.Sprint(checks.Some(texts))
}
