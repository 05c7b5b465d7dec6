package policy

import (
	"fmt"
	"slices"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// rangeRefs is the sources of the rules about ranges of policies.
var rangeRefs = []string{
	"k8s.io/api v0.37.2 networking/v1/types.go NetworkPolicyPeer", "cilium v1.20.2 pkg/policy/api/cidr.go",
	"https://github.com/kubermatic/kubermatic/issues/9546", "https://github.com/cilium/cilium/issues/22610",
}

var egressFamilies = &checks.Check{
	ID:       "DS801",
	Name:     "policy-egress-families",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "a policy that lets Pods of two families out to ranges has ranges of both",
		Why: `A Pod that a policy of egress selects may send nowhere else, and 0.0.0.0/0 has no IPv6
address in it. Packets of the family that is not named are dropped without an answer:
names with addresses of both families take seconds to connect to, and those with
addresses of that family alone are not reached.`,
		Fix:    "Add the same hosts' ranges of the other family: ::/0 beside 0.0.0.0/0, with exceptions of its own.",
		Limits: "Ranges of which the other family's are not known are an info: the hosts may have one family. Whether the network plugin enforces policies is not known.",
		Holds:  "Kubernetes 1.23 to 1.37; Cilium 1.15 to 1.20",
		Since:  "0.1",
		Refs:   rangeRefs,
		Covers: []string{"POL-01"},
	},
	Uses:  slices.Concat(policyKinds, podKinds),
	AnyOf: policyKinds,
	Run: func(in *checks.Input) []checks.Finding {
		return oneFamily(in, func(p snapshot.Policy) (bool, []snapshot.PolicyRule) { return p.Egress, p.EgressRules },
			"lets Pods out to %s, and to no %s address outside of the cluster")
	},
}

var ingressFamilies = &checks.Check{
	ID:       "DS802",
	Name:     "policy-ingress-families",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "a policy that lets ranges in to Pods of two families has ranges of both",
		Why: `Who reaches the Pods by a LoadBalancer, a node port or their own addresses is let in by
ranges. Clients that come over the family that no range is of get no answer, and wait
for it before they try the other one.`,
		Fix:    "Add the same clients' ranges of the other family.",
		Limits: "Ranges of which the other family's are not known are an info: the clients may have one family. Whether the network plugin enforces policies is not known.",
		Holds:  "Kubernetes 1.23 to 1.37; Cilium 1.15 to 1.20",
		Since:  "0.1",
		Refs:   rangeRefs,
		Covers: []string{"POL-01"},
	},
	Uses:  slices.Concat(policyKinds, podKinds),
	AnyOf: policyKinds,
	Run: func(in *checks.Input) []checks.Finding {
		return oneFamily(in, func(p snapshot.Policy) (bool, []snapshot.PolicyRule) { return p.Ingress, p.IngressRules },
			"lets in %s, and nobody from outside over %s")
	},
}

// direction is whether a policy isolates in one direction, and its rules for it.
type direction func(snapshot.Policy) (bool, []snapshot.PolicyRule)

// oneFamily is the policies whose ranges are of one family, unless another one for the same
// Pods lets the other family through. Those of which it is not known whether the other family
// is missed are one finding.
func oneFamily(in *checks.Input, of direction, says string) (fs []checks.Finding) {
	policies, both := in.Policies(), opensBoth(in)
	if !in.Families(plan.Pods).Dual() {
		return nil
	}
	reaches := make([]reach, len(policies)) // of those that do not isolate, the empty one
	for i, p := range policies {
		if isolates, rules := of(p); isolates {
			reaches[i] = reachOf(rules)
		}
	}
	var unsure []checks.Finding
	for i, p := range policies {
		f, one := reaches[i].single()
		if _, wide := reaches[i].wide(f); !one || p.Unjudged != "" || wide && both || elsewhere(policies, reaches, i, f.Other()) {
			continue
		}
		if finding := reaches[i].finding(in.Plan(), p.Ref, f, says); finding.Severity == severity.Info {
			unsure = append(unsure, finding)
		} else {
			fs = append(fs, finding)
		}
	}
	return append(fs, together(unsure)...)
}

// elsewhere reports whether another policy for the Pods of the i-th lets f through.
func elsewhere(policies []snapshot.Policy, reaches []reach, i int, f ipfam.Family) bool {
	for j, q := range policies {
		if j != i && samePods(policies[i], q) && (reaches[j].unsure || len(reaches[j].ranges.Of(f)) > 0) {
			return true
		}
	}
	return false
}

// together is the first of fs, with what else it holds of.
func together(fs []checks.Finding) []checks.Finding {
	if len(fs) < 2 {
		return fs
	}
	names := make([]string, len(fs))
	for i, f := range fs {
		names[i] = f.Object.String()
	}
	fs[0].Message += fmt.Sprintf("; %d are such: %s", len(fs), checks.Some(names))
	return fs[:1]
}

// finding is that object has ranges of f only.
func (r reach) finding(p *plan.Plan, object snapshot.Ref, f ipfam.Family, says string) checks.Finding {
	missing := f.Other()
	finding := checks.Finding{Severity: severity.Info, Object: object, Field: r.ranges.Of(f)[0].Field, Family: missing,
		Message: fmt.Sprintf(says, checks.Some(r.texts(f)), missing)}
	value := fmt.Sprintf("<%s range of the same hosts>", missing)
	for _, peer := range r.ranges.Of(f) {
		if other, ok := twin(p, peer.CIDR); ok {
			finding.Severity, finding.Field, value = severity.Warning, peer.Field, other.String()
			break
		}
	}
	finding.Fix = add(object, finding.Field, value)
	return finding
}

// worldPerFamily is the release from which 0.0.0.0/0 is IPv4 only in policies
// (cilium/cilium#22625).
var worldPerFamily = release.V(1, 15)

// opensBoth reports whether the range of all addresses of one family lets the other through
// as well, as it does for Cilium before 1.15 in a cluster of two families.
func opensBoth(in *checks.Input) bool {
	c := in.Cilium()
	v, known := in.CiliumVersion()
	return c.Present() && known && v.Before(worldPerFamily) && c.Config.Families().Dual()
}

var zeroRange = &checks.Check{
	ID:       "DS805",
	Name:     "zero-range-is-of-its-family",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "a policy that names all addresses of one family lets that family through only",
		Why: `Up to 1.14 Cilium knows one «world» for both families, and takes 0.0.0.0/0 for it. A policy
that was to let IPv4 through opens IPv6 as well, without a word of it, and the same
policy closes IPv6 when Cilium is upgraded.`,
		Fix:    "Upgrade Cilium to 1.15 or later, and name the ranges of both families that are meant.",
		Limits: "A range with exceptions is not taken for the world, and not looked at.",
		Holds:  "Cilium 1.10 to 1.14",
		Since:  "0.1",
		Refs:   []string{"https://github.com/cilium/cilium/issues/22610", "https://github.com/cilium/cilium/pull/22625"},
		Covers: []string{"POL-02"},
	},
	Needs: []snapshot.Kind{snapshot.CiliumConfig},
	Uses:  policyKinds,
	AnyOf: policyKinds,
	Run: func(in *checks.Input) (fs []checks.Finding) {
		policies := in.Policies()
		if !opensBoth(in) {
			return nil
		}
		v, _ := in.CiliumVersion()
		for _, p := range policies {
			has := reachOf(slices.Concat(p.EgressRules, p.IngressRules))
			f, one := has.single()
			peer, wide := has.wide(f)
			if !one || !wide || len(peer.Except) > 0 {
				continue
			}
			fs = append(fs, checks.Finding{
				Object: p.Ref, Field: peer.Field, Family: f.Other(),
				Message: fmt.Sprintf("names %s, by which Cilium %s lets %s through as well", peer.CIDR, v, f.Other()),
				Fix: fmt.Sprintf("upgrade Cilium to %s or later, where it is %s only; where %s is meant too: %s",
					worldPerFamily, f, f.Other(), add(p.Ref, peer.Field, everywhere.Of(f.Other()).String())),
			})
		}
		return fs
	},
}
