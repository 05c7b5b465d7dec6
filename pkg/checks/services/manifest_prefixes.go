package services

import (
	"fmt"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// strictPrefixes is the release from which the API server refuses new objects with
// prefixes that have bits behind their mask: the gate StrictIPCIDRValidation is on
// from then on. Source: kubernetes v1.37.2, pkg/features/kube_features.go.
var strictPrefixes = release.V(1, 36)

var manifestPrefixes = &checks.Check{
	ID:       "DS614",
	Name:     "manifest-source-ranges-canonical",
	Severity: severity.Error,
	Doc: checks.Doc{
		Claim: "source ranges in manifests of Services have no bits set behind their prefix",
		Why: `From 1.36 on the API server refuses a new Service with a range such as 192.0.2.7/24 or
2001:db8::7/64. Those that exist keep theirs, so that a manifest that worked for years is refused where the
Service is made anew: in another cluster, or after it was deleted.`,
		Fix:    "Write the prefix without host bits, or the address with /32 or /128 if one client was meant.",
		Limits: "Of Services of files only, and of none that came with a status: the API server takes what it has. The annotation of the same name is not looked at.",
		Holds:  "Kubernetes 1.36 and 1.37",
		Since:  "0.1",
		Refs:   []string{"kubernetes v1.37.2, pkg/apis/core/validation/validation.go ValidateService", "kubernetes v1.37.2, pkg/features/kube_features.go StrictIPCIDRValidation"},
		Covers: []string{"LB-12"},
	},
	Needs: []snapshot.Kind{snapshot.Services},
	Uses:  []snapshot.Kind{snapshot.Versions},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		version, known := in.KubernetesVersion()
		for _, s := range in.Services() {
			if s.Live || version.Before(strictPrefixes) {
				continue
			}
			for i, p := range s.SourceRanges {
				if p == p.Masked() {
					continue
				}
				f := checks.Finding{
					Object: s.Ref, Field: fmt.Sprintf(".spec.loadBalancerSourceRanges[%d]", i), Family: ipfam.OfPrefix(p),
					Message: fmt.Sprintf("is %s, with bits set behind the prefix: Kubernetes %s and later refuse it in a new Service", p, strictPrefixes),
					Fix:     fmt.Sprintf("loadBalancerSourceRanges: %s", canonicalRanges(s)),
				}
				if !known {
					f.Severity = severity.Warning
				}
				fs = append(fs, f)
			}
		}
		return fs
	},
}

// canonicalRanges is the source ranges without host bits.
func canonicalRanges(s snapshot.Service) string {
	texts := make([]string, len(s.SourceRanges))
	for i, p := range s.SourceRanges {
		texts[i] = fmt.Sprintf("%q", p.Masked())
	}
	return "[" + strings.Join(texts, ", ") + "]"
}
