package controlplane

import (
	"fmt"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var serviceCIDRReady = &checks.Check{
	ID:       "DS212",
	Name:     "service-cidr-ready",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "every family of Services has a ServiceCIDR that is ready",
		Why: `No new Service can have an address of a family whose last ServiceCIDR is going, and one
that asks for both families is refused. A ServiceCIDR that is being deleted stays until no
Service has an address of it, and gives none meanwhile.`,
		Fix:    "Create a ServiceCIDR with another range of the family before the old one goes; then re-create the Services that still hold it.",
		Limits: "That a ServiceCIDR is ready does not say that its family is on: see DS211.",
		Holds:  "Kubernetes 1.31 to 1.37",
		Since:  "0.1",
		Refs:   []string{"kubernetes v1.37.2, pkg/controller/servicecidrs/servicecidrs_controller.go"},
		Covers: []string{"CTRL-06"},
	},
	Needs: []snapshot.Kind{snapshot.ServiceCIDRs},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		var ready ipfam.Set
		for _, c := range in.ServiceCIDRs() {
			for _, p := range c.CIDRs {
				if c.Unready == "" {
					ready = ready.With(ipfam.OfPrefix(p))
				}
			}
		}
		for _, c := range in.ServiceCIDRs() {
			if c.Unready == "" {
				continue
			}
			for _, f := range ipfam.SetOfPrefixes(c.CIDRs).List() {
				fs = append(fs, unready(c, f, ready.Has(f)))
			}
		}
		return fs
	},
}

func unready(c snapshot.ServiceCIDR, f ipfam.Family, another bool) checks.Finding {
	finding := checks.Finding{
		Object: c.Ref, Field: ".status.conditions", Family: f,
		Message: fmt.Sprintf("is not ready (%s): %s gives no address, and no other ServiceCIDR has %s", c.Unready, list(ipfam.Split(c.CIDRs).Of(f)), f),
		Fix:     createServiceCIDR("v1", c.Name+"-new", example(f, "range")),
	}
	if another {
		finding.Severity = severity.Info
		finding.Message = fmt.Sprintf("is not ready (%s): new Services get no address of %s", c.Unready, list(ipfam.Split(c.CIDRs).Of(f)))
		finding.Fix = fmt.Sprintf("kubectl get ipaddresses -l ipaddress.kubernetes.io/ip-family=%s, and re-create the Services that have an address of %s",
			f, list(ipfam.Split(c.CIDRs).Of(f)))
	}
	return finding
}

// createServiceCIDR makes another ServiceCIDR of one range.
func createServiceCIDR(version, name, cidr string) string {
	manifest := fmt.Sprintf(`{"apiVersion":"networking.k8s.io/%s","kind":"ServiceCIDR","metadata":{"name":%q},"spec":{"cidrs":[%q]}}`, version, name, cidr)
	return checks.Command("echo", manifest) + " | kubectl create -f -"
}
