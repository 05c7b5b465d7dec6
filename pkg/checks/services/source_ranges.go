package services

import (
	"fmt"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var sourceRanges = &checks.Check{
	ID:       "DS609",
	Name:     "source-ranges",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "a dual-stack Service with loadBalancerSourceRanges has ranges of both families",
		Why: `The ranges are sorted by family. What an empty family means depends on who serves the
Service: kube-proxy then lets everybody in over that family, so that the list guards
one door of two; Cilium in its place lets nobody in.`,
		Fix:    "Name the clients' ranges of both families; ::/0 or 0.0.0.0/0 where all are meant.",
		Limits: "A cloud's load balancer may filter by itself, before kube-proxy.",
		Holds:  "Kubernetes 1.23 to 1.37; Cilium 1.20",
		Since:  "0.1",
		Refs:   []string{"kubernetes v1.37.2 pkg/proxy/iptables/proxier.go usesFWChain", "kubernetes v1.37.2 pkg/proxy/serviceport.go newBaseServiceInfo", "https://github.com/cilium/cilium/issues/22658"},
		Covers: []string{"LB-12"},
	},
	Needs: []snapshot.Kind{snapshot.Services},
	Uses:  []snapshot.Kind{snapshot.CiliumConfig, snapshot.KubeProxySetup},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		by := serverOf(in.Cilium(), in.KubeProxy())
		for _, s := range in.Services() {
			named, one := ipfam.SetOfPrefixes(s.SourceRanges).Single()
			if !one || !s.LoadBalancer() || !s.Dual() {
				continue
			}
			missing := named.Other()
			f := checks.Finding{
				Object: s.Ref, Field: ".spec.loadBalancerSourceRanges", Family: missing,
				Message: fmt.Sprintf("%v are of %s only: ", s.SourceRanges, named) + fmt.Sprintf(outcomes[by], missing),
				Fix: checks.Patch(s.Ref, fmt.Sprintf(`{"spec":{"loadBalancerSourceRanges":[%s]}}`,
					prefixList(s.SourceRanges, missing))),
			}
			if by == servedByCilium {
				f.Severity = severity.Error
			}
			fs = append(fs, f)
		}
		return fs
	},
}

// server is who serves the Services of a node.
type server uint8

const (
	servedByUnknown server = iota
	servedByKubeProxy
	servedByCilium
)

// outcomes is what becomes of the family that no range names.
var outcomes = map[server]string{
	servedByUnknown:   "kube-proxy lets everybody in over %[1]s, Cilium in its place nobody",
	servedByKubeProxy: "kube-proxy lets everybody in over %s",
	servedByCilium:    "Cilium drops all of %s",
}

func serverOf(c snapshot.Cilium, k snapshot.KubeProxy) server {
	proxy := k.DaemonSet != (snapshot.Ref{}) || k.ConfigMap != (snapshot.Ref{})
	replaced := c.Present() && c.Config.ReplacesKubeProxy()
	switch {
	case replaced && !proxy:
		return servedByCilium
	case proxy && !replaced:
		return servedByKubeProxy
	}
	return servedByUnknown
}
