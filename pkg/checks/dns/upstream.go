package dns

import (
	"fmt"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var upstreamReachable = &checks.Check{
	ID:       "DS704",
	Name:     "upstream-not-link-local",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "the name server asks upstream servers that a Pod can reach",
		Why: `A router tells its hosts of name servers by link-local addresses (fe80::1%eth0). In a Pod the
address leads to the Pod's own link, where there is no such server, and the interface does
not exist. Upstreams are taken by chance, so that a part of all questions fails or is slow.`,
		Fix:    "Name the server's global or unique local address, or its IPv4 address.",
		Limits: "What stands in /etc/resolv.conf of the nodes, which the usual Corefile forwards to, is not known.",
		Holds:  "CoreDNS 1.8 to 1.13",
		Since:  "0.1",
		Refs:   []string{"RFC 4007 section 6", "https://github.com/kubernetes/kubernetes/issues/140844", "https://github.com/coredns/coredns/issues/3528"},
		Covers: []string{"DNS-03"},
	},
	Needs: []snapshot.Kind{snapshot.CoreDNSConfig},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		c := in.CoreDNS()
		for _, server := range c.Servers {
			for _, u := range forwards(server) {
				if !u.addr.Is6() || !u.addr.IsLinkLocalUnicast() {
					continue
				}
				fs = append(fs, checks.Finding{
					Object: c.ConfigMap, Field: c.Field(), Family: ipfam.V6,
					Message: fmt.Sprintf("forwards to %s, which is of a node's link: Pods do not reach it", u.text),
					Fix:     edit(c, fmt.Sprintf("in %q write another address of that server in the place of %s", u.plugin, u.text)),
				})
			}
		}
		return fs
	},
}

var upstreamFamilies = &checks.Check{
	ID:       "DS705",
	Name:     "upstream-of-a-family-of-the-pods",
	Severity: severity.Error,
	Doc: checks.Doc{
		Claim: "each server block has an upstream of a family that Pods have",
		Why: `CoreDNS asks from a Pod. Where all upstreams are of a family that Pods have no address of,
no name of outside the cluster is resolved; where some are, those questions that are sent
to them fail first.`,
		Fix:    "Name upstreams of a family that the Pods have.",
		Limits: "A CoreDNS on the network of its nodes has their families, and is not told apart. One of several upstreams is a warning.",
		Holds:  "CoreDNS 1.8 to 1.13",
		Since:  "0.1",
		Refs:   []string{"coredns plugin/forward/README.md", "https://github.com/coredns/coredns/issues/2514"},
	},
	Needs: []snapshot.Kind{snapshot.CoreDNSConfig},
	Uses:  podKinds,
	Run: func(in *checks.Input) (fs []checks.Finding) {
		c := in.CoreDNS()
		f, one := in.Families(plan.Pods).Single()
		if !one {
			return nil
		}
		for _, server := range c.Servers {
			upstreams := forwards(server)
			var lost []string
			for _, u := range upstreams {
				if ipfam.Of(u.addr) == f.Other() && !u.addr.IsLinkLocalUnicast() {
					lost = append(lost, u.text)
				}
			}
			if len(lost) == 0 {
				continue
			}
			finding := checks.Finding{Object: c.ConfigMap, Field: c.Field(), Family: f.Other(),
				Message: fmt.Sprintf("forwards to %s, and Pods have %s only", checks.Some(lost), f),
				Fix:     edit(c, fmt.Sprintf("in %q write addresses of %s", upstreams[0].plugin, f))}
			if len(lost) < len(upstreams) {
				finding.Severity = severity.Warning
			}
			fs = append(fs, finding)
		}
		return fs
	},
}

var translation = &checks.Check{
	ID:       "DS708",
	Name:     "no-dns64-for-two-families",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "names that have IPv4 addresses only are not given IPv6 ones where Pods have both families",
		Why: `DNS64 makes AAAA records of A records for hosts without IPv4, and needs a NAT64 that takes
what is sent there. Pods with both families do not need it, and many of their clients prefer
the address that was made up: without a NAT64 those connections time out, and with one they
take a detour.`,
		Fix:    "Take dns64 out of the Corefile, or without allow_ipv4 leave it to those who ask over IPv6.",
		Limits: "Whether there is a NAT64 is not known. Without allow_ipv4 it is for questions over IPv6 alone, and an info where the cluster's name server is asked over that.",
		Holds:  "CoreDNS 1.8 to 1.13",
		Since:  "0.1",
		Refs:   []string{"coredns plugin/dns64/README.md", "RFC 6147 section 5", "https://github.com/kubernetes-sigs/nat64/issues/43"},
		Covers: []string{"EGR-08"},
	},
	Needs: []snapshot.Kind{snapshot.CoreDNSConfig},
	Uses:  append([]snapshot.Kind{snapshot.Services}, podKinds...),
	Run: func(in *checks.Input) (fs []checks.Finding) {
		c := in.CoreDNS()
		service, _ := serverAddresses(in.Services())
		if !in.Families(plan.Pods).Dual() {
			return nil
		}
		for _, server := range c.Servers {
			for _, p := range server.Plugins {
				_, always := p.Option("allow_ipv4")
				if p.Name != "dns64" || !always && !service.Has().Has(ipfam.V6) {
					continue
				}
				finding := checks.Finding{Object: c.ConfigMap, Field: c.Field(), Family: ipfam.V6,
					Message: "has dns64, and the Pods have IPv4: names without IPv6 get addresses that only a NAT64 takes",
					Fix:     edit(c, "take out dns64")}
				if !always {
					finding.Severity = severity.Info
				}
				fs = append(fs, finding)
			}
		}
		return fs
	},
}
