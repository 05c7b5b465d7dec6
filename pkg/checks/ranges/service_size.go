package ranges

import (
	"net/netip"
	"slices"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var serviceSize = &checks.Check{
	ID:       "DS105",
	Name:     "service-range-size",
	Severity: severity.Error,
	Doc: checks.Doc{
		Claim: "kube-apiserver takes the Service ranges and gives addresses out of them",
		Why: `Up to 1.33 an API server with a Service range of more than 20 host bits does not
start. From 1.33 on it gives no address out of an IPv6 range that is shorter than /64, and
says so in its log only: every Service that asks for IPv6 fails. The first range needs
eight addresses.`,
		Fix:   "Take an IPv4 range of /12 or longer and an IPv6 range of /108 or longer: those every release takes, and kubeadm too.",
		Holds: "Kubernetes 1.23 to 1.37",
		Since: "0.1",
		Refs: []string{
			"kubernetes v1.37.2, cmd/kube-apiserver/app/options/validation.go validateMaxCIDRRange",
			"kubernetes v1.37.2, pkg/registry/core/service/ipallocator/ipallocator.go NewIPAllocator",
			"kubernetes v1.37.2, pkg/controlplane/apiserver/options/options.go ServiceIPRange",
		},
		Covers: []string{"PLAN-01"},
	},
	Uses: kinds(serviceKinds, []snapshot.Kind{snapshot.Versions}),
	Run: func(in *checks.Input) (fs []checks.Finding) {
		cluster := services(in)
		first := map[snapshot.Ref]bool{} // of a source, its first range has been seen
		for _, s := range slices.Concat(cluster, unsaid(cluster, ofUse(planned(in), plan.Services))) {
			v, known := kubernetesOf(in, s.release)
			primary := !first[s.ref]
			first[s.ref] = true
			if p := in.Plan(); s.planAt != "" {
				primary = len(p.Families) > 0 && s.Family() == p.Families[0]
			}
			if limit, bad := serviceLimit(s, v, known, primary); limit != "" {
				f := s.finding(limit, s.each(func(p netip.Prefix) netip.Prefix { return plan.ServiceLength(p, v) }))
				f.Severity = bad
				fs = append(fs, f)
			}
		}
		return fs
	},
}

// serviceLimit is why kube-apiserver does not take the range, and how bad that
// is: what only some releases refuse is an error when the release is known.
func serviceLimit(s stated, v release.Version, known, primary bool) (string, severity.Severity) {
	prefix, ok := s.Prefix()
	if !ok {
		return "", 0
	}
	if limit := plan.ServiceRangeLimit(prefix, v); limit != "" {
		if known {
			return limit, severity.Error
		}
		return limit, severity.Warning
	}
	if primary {
		return plan.PrimaryServiceLimit(prefix), severity.Error
	}
	return "", 0
}

// kubernetesOf is the release that a program of release v is to be judged by:
// its own, or the cluster's.
func kubernetesOf(in *checks.Input, v release.Version) (release.Version, bool) {
	cluster, known := in.KubernetesVersion()
	if v.Known() {
		return v, true
	}
	return cluster, known
}
