package ranges

import (
	"fmt"
	"slices"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
)

var canonical = &checks.Check{
	ID:       "DS101",
	Name:     "ranges-canonical",
	Severity: severity.Info,
	Doc: checks.Doc{
		Claim: "every range is written without host bits",
		Why: `Programs take 10.244.1.0/16 for 10.244.0.0/16 without a word. Whoever reads it
may take the range to begin where the address says, and put something else into the
part before. A ServiceCIDR of such a range is refused.`,
		Fix:    "Write the prefix that the message names, in every place that has the range.",
		Limits: "Pools of MetalLB have a check of their own, since there the host bits change what is given out.",
		Holds:  "Kubernetes 1.23 to 1.37, Cilium 1.15 to 1.20",
		Since:  "0.1",
		Refs: []string{
			"kubernetes v1.37.2, pkg/apis/networking/validation/validation.go",
			"kubernetes v1.37.2, pkg/features/kube_features.go StrictIPCIDRValidation",
		},
	},
	Uses: kinds(podKinds, serviceKinds),
	Run: func(in *checks.Input) (fs []checks.Finding) {
		for _, s := range slices.Concat(pods(in), services(in), planned(in)) {
			if !s.written.IsValid() || s.written == s.written.Masked() {
				continue
			}
			f := s.finding(fmt.Sprintf("%s has host bits; the range is %s", s.written, s), s.remedy(s.String()))
			if s.Use == plan.LoadBalancers || s.Use == plan.Reserved {
				f.Severity = plan.HostBitsSeverity(s.Use)
			}
			fs = append(fs, f)
		}
		return fs
	},
}
