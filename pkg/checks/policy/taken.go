package policy

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

var policiesTaken = &checks.Check{
	ID:       "DS804",
	Name:     "policies-are-taken",
	Severity: severity.Error,
	Doc: checks.Doc{
		Claim: "every policy is one that whoever enforces it takes",
		Why: `An exception has to lie in the range that it is an exception of, and so be of its family.
The API server refuses a NetworkPolicy with another one; Cilium's agents take nothing of a
policy of theirs. The Pods are then guarded in neither family, and the object may be there
all the same.`,
		Fix:    "Write one range for each family, each with its own exceptions.",
		Limits: "What else Cilium refuses is a warning, and judged by 1.20.",
		Holds:  "Kubernetes 1.23 to 1.37; Cilium 1.12 to 1.20",
		Since:  "0.1",
		Refs:   []string{"kubernetes v1.37.2 pkg/apis/networking/validation/validation.go ValidateIPBlock", "cilium v1.20.2 pkg/policy/api/rule_validation.go CIDRRule sanitize", "https://github.com/rancher/k3k/issues/1143"},
		Covers: []string{"POL-04"},
	},
	Uses: slices.Concat(policyKinds, []snapshot.Kind{snapshot.EgressGateways}),
	Run: func(in *checks.Input) (fs []checks.Finding) {
		for _, p := range in.Policies() {
			switch peer, except, bad := strayException(p); {
			case p.Refused != "":
				fs = append(fs, refused(p.Ref, p.Refused))
			case bad:
				fs = append(fs, checks.Finding{
					Object: p.Ref, Field: peer.Field,
					Message: fmt.Sprintf("excepts %s from %s, which does not contain it: %s", except, peer.CIDR, refuser(p)),
					Fix:     fmt.Sprintf("put the exception below a range of its family: cidr: %q, except: [%q]", everywhere.Of(ipfam.OfPrefix(except)), except),
				})
			}
		}
		for _, g := range in.EgressGateways() {
			if g.Refused != "" {
				fs = append(fs, refused(g.Ref, g.Refused))
			}
		}
		return fs
	},
}

// refused is that Cilium does not take the object. What it says begins with the field.
func refused(object snapshot.Ref, says string) checks.Finding {
	field := ""
	if end := strings.IndexAny(says, ": "); end > 0 && strings.HasPrefix(says, ".") {
		field = says[:end]
	}
	return checks.Finding{Severity: severity.Warning, Object: object, Field: field,
		Message: "is taken by no agent of Cilium, nothing of it: " + says,
		Fix:     "correct the field; what the agents say of it: " + kubectl(object, "describe")}
}

// strayException is the first exception of p that lies outside of its range.
func strayException(p snapshot.Policy) (peer snapshot.PolicyPeer, except netip.Prefix, bad bool) {
	for _, rule := range slices.Concat(p.EgressRules, p.IngressRules, p.EgressDenies, p.IngressDenies) {
		for _, peer := range rule.Peers {
			for _, e := range peer.Except {
				if !holds(peer.CIDR, e) {
					return peer, e, true
				}
			}
		}
	}
	return peer, except, false
}

func refuser(p snapshot.Policy) string {
	if p.OfCilium() {
		return "no agent of Cilium takes the policy"
	}
	return "the API server refuses the policy"
}
