package controlplane

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var serviceCIDRFamilies = &checks.Check{
	ID:       "DS211",
	Name:     "service-cidr-families",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "ServiceCIDRs and the API server's flag have the same families",
		Why: `Services get no address of a family that only one of the two has. The API server's
--service-cluster-ip-range turns the family on, and a ServiceCIDR has the range that addresses
are drawn from. A ServiceCIDR alone turns nothing on, however ready it says it is. The flag
alone leaves the family without an address to give; from 1.33 on the API server adds the second
range to the ServiceCIDR kubernetes by itself, if the first is the same.`,
		Fix: `Name a range of each family in --service-cluster-ip-range of every API server. A second
range can be added to the ServiceCIDR kubernetes from 1.33 on; what is there cannot be
changed or turned round.`,
		Limits: "Where no Pod of kube-apiserver is to be seen, its flag is not known.",
		Holds:  "Kubernetes 1.31 to 1.37",
		Since:  "0.1",
		Refs: []string{
			"kubernetes v1.37.2, pkg/registry/core/rest/storage_core.go newServiceIPAllocators",
			"kubernetes v1.37.2, pkg/apis/networking/validation/validation.go",
			"https://github.com/kubernetes/kubernetes/pull/131263",
		},
		Covers: []string{"CTRL-06"},
	},
	Needs: []snapshot.Kind{snapshot.ServiceCIDRs, snapshot.ControlPlane},
	Uses:  []snapshot.Kind{snapshot.Versions},
	Run: func(in *checks.Input) []checks.Finding {
		flag, ok := apiServersFlag(in.ControlPlane(snapshot.APIServer))
		if cidrs := in.ServiceCIDRs(); ok && len(cidrs) > 0 {
			return append(familiesNotOn(cidrs, flag), familiesWithoutCIDR(in, cidrs, flag)...)
		}
		return nil
	},
}

// apiServersFlag is the Service ranges of the first API server; that the others
// have the same is the claim of DS201.
func apiServersFlag(servers []snapshot.Component) (statement, bool) {
	if len(servers) == 0 {
		return statement{}, false
	}
	c := servers[0]
	return flagStatement(snapshot.Program{Ref: c.Ref, Name: c.Program, Node: c.Node, Version: c.Version, Flags: c.Flags}, serviceFlag)
}

// familiesNotOn is the ranges of ServiceCIDRs in a family that the API server
// does not have.
func familiesNotOn(cidrs []snapshot.ServiceCIDR, flag statement) (fs []checks.Finding) {
	for _, c := range cidrs {
		for _, f := range ipfam.SetOfPrefixes(c.CIDRs).Minus(flag.families()).List() {
			given := list(ipfam.Split(c.CIDRs).Of(f))
			fs = append(fs, checks.Finding{
				Object: c.Ref, Field: ".spec.cidrs", Family: f,
				Message: fmt.Sprintf("has the %s range %s; %s has %s in %s, so that no Service gets an %s address",
					f, given, flag.ref, list(flag.prefixes), flag.field, f),
				Fix: setFlag(*flag.program, serviceFlag, list(flag.prefixes)+","+given),
			})
		}
	}
	return fs
}

// serviceCIDRsDecide is the first release in which addresses of Services are
// drawn from ServiceCIDRs unless its feature gate is set otherwise; the second
// range can be added to the default one from then on.
// Source: kubernetes v1.37.2, pkg/features/kube_features.go MultiCIDRServiceAllocator.
var serviceCIDRsDecide = release.V(1, 33)

// familiesWithoutCIDR is the families of the API server that no ServiceCIDR has a
// range of.
func familiesWithoutCIDR(in *checks.Input, cidrs []snapshot.ServiceCIDR, flag statement) (fs []checks.Finding) {
	var all []netip.Prefix
	at := cidrs[0]
	for _, c := range cidrs {
		all = append(all, c.CIDRs...)
		if c.Name == defaultServiceCIDR {
			at = c
		}
	}
	sev := severity.Warning
	v, known := in.KubernetesVersion()
	if known && v.From(serviceCIDRsDecide) {
		sev = severity.Error
	}
	for _, f := range flag.families().Minus(ipfam.SetOfPrefixes(all)).List() {
		fix := createServiceCIDR("v1beta1", at.Name+"-second", list(flag.of(f)))
		if v.From(serviceCIDRsDecide) {
			fix = growServiceCIDR(at, flag.of(f))
		}
		fs = append(fs, checks.Finding{
			Severity: sev, Object: at.Ref, Field: ".spec.cidrs", Family: f,
			Message: fmt.Sprintf("has %s; %s has %s in %s, but no ServiceCIDR has an %s range to give Services addresses of",
				list(at.CIDRs), flag.ref, list(flag.prefixes), flag.field, f),
			Fix: fix,
		})
	}
	return fs
}

// growServiceCIDR adds the second range: from 1.33 on a ServiceCIDR of one range
// may grow to two, the first of which stays.
func growServiceCIDR(c snapshot.ServiceCIDR, added []netip.Prefix) string {
	var quoted []string
	for _, p := range slices.Concat(c.CIDRs, added) {
		quoted = append(quoted, fmt.Sprintf("%q", p))
	}
	return checks.Patch(c.Ref, fmt.Sprintf(`{"spec":{"cidrs":[%s]}}`, strings.Join(quoted, ",")))
}
