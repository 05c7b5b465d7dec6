package ranges

import (
	"fmt"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
)

var inDelegated = &checks.Check{
	ID:       "DS114",
	Name:     "public-ranges-delegated",
	Severity: severity.Error,
	Doc: checks.Doc{
		Claim: "every public range lies in the prefix that is routed to the site",
		Why: `Answers to addresses of another prefix go to whoever has it. It is the usual end of a
prefix that the provider has changed: pools, Service and pod ranges are written into the
cluster, keep the old one, and one family is dead while the other goes on.`,
		Fix:    "Take a range of the delegated prefix. Pod and Service ranges are better unique local ones, when the prefix may change.",
		Limits: "A site with more than one delegated prefix of a family cannot be told to the plan.",
		Holds:  "all releases",
		Since:  "0.1",
		Refs:   []string{"https://github.com/metallb/metallb/issues/1409", "https://github.com/k3s-io/k3s/issues/12459"},
		Covers: []string{"PLAN-09", "RTR-05"},
	},
	Uses: kinds(podKinds, serviceKinds, poolKinds),
	Plan: true,
	Run: func(in *checks.Input) (fs []checks.Finding) {
		for _, s := range everything(in) {
			if bad, message, _ := in.Plan().Foreign(s.Range); bad != 0 {
				site := in.Plan().Delegated.Of(s.Family()).Masked()
				f := s.finding(message, s.remedy(fmt.Sprintf("<a range of %s>", site)))
				f.Severity = bad
				fs = append(fs, f)
			}
		}
		return fs
	},
}
