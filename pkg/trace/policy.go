package trace

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// Ruling is what the policies make of a TCP connection: Passes, Stops or Open.
type Ruling struct {
	State State
	Known Known
	Text  string // "networkpolicy/lab/out lets it out"
	// Because is the field that decides, and where the other family fares better, why.
	Because string
	Fix     string
}

// Destination is the far end of a connection as policies see it, after Services have been
// translated. The zero Addr is some address of the internet.
type Destination struct {
	Addr      netip.Addr
	Family    ipfam.Family
	Port      uint16             // 0 is not known: then any port will do
	Peer      *snapshot.Workload // the Pod that has Addr, if known
	Node      bool               // Addr is a node's
	OwnNode   bool               // Addr is that of the node that the judged Pod runs on
	InCluster bool               // Addr is of the pod ranges, but the Pod is not known
}

// direction is that of a connection, seen from the Pod whose policies are asked.
type direction string

const (
	egress  direction = "egress"
	ingress direction = "ingress"
)

// judgeEgress is whether policies let from open a connection to to.
func judgeEgress(s *snapshot.Scene, from snapshot.Workload, to Destination) Ruling {
	return newJudge(s, from, to, egress).ruling()
}

// judgeIngress is whether policies let at be connected to on port by from, the address
// that packets arrive with. fromPod is the Pod that has it, nil for none or not known.
func judgeIngress(s *snapshot.Scene, at snapshot.Workload, from netip.Addr, fromPod *snapshot.Workload, port uint16) Ruling {
	other := Destination{Addr: from, Port: port, Peer: fromPod}
	if fromPod == nil {
		node := nodeOf(s, from)
		other.Node = node != ""
		other.OwnNode = other.Node && node == at.Node
		other.InCluster = !other.Node && ofPods(s, from)
	}
	return newJudge(s, at, other, ingress).ruling()
}

// nodeOf is the node that has a, also as the address of Cilium's router on it.
func nodeOf(s *snapshot.Scene, a netip.Addr) string {
	for _, n := range s.Nodes {
		if slices.Contains(n.InternalIPs, a) || slices.Contains(n.ExternalIPs, a) {
			return n.Name
		}
	}
	for _, n := range s.CiliumNodes {
		if slices.Contains(n.Internal, a) {
			return n.Name
		}
	}
	return ""
}

// ofPods reports whether a is in a range that some node has for its Pods.
func ofPods(s *snapshot.Scene, a netip.Addr) bool {
	has := func(p netip.Prefix) bool { return p.Contains(a) }
	if slices.ContainsFunc(s.CiliumNodes, func(n snapshot.CiliumNode) bool {
		return slices.ContainsFunc(n.PodCIDRs, has) || slices.ContainsFunc(n.PoolCIDRs, has)
	}) {
		return true
	}
	return slices.ContainsFunc(s.Nodes, func(n snapshot.Node) bool { return slices.ContainsFunc(n.PodCIDRs, has) })
}

// enforcer is what makes policies more than objects.
type enforcer string

const (
	byCilium enforcer = "Cilium"
	byCalico enforcer = "Calico"
	byNobody enforcer = "" // that is known
)

func enforcerOf(s *snapshot.Scene) enforcer {
	switch {
	case s.Cilium.Present():
		return byCilium
	case s.Plugin.Name == "calico":
		return byCalico
	}
	return byNobody
}

// judge is one question to the policies.
type judge struct {
	scene *snapshot.Scene
	pod   snapshot.Workload // whose policies are asked
	other Destination
	way   direction
	by    enforcer
}

func newJudge(s *snapshot.Scene, pod snapshot.Workload, other Destination, way direction) judge {
	if other.Addr.IsValid() {
		other.Addr = other.Addr.Unmap().WithZone("")
		other.Family = ipfam.Of(other.Addr)
	}
	if p := other.Peer; p != nil && p.HostNetwork {
		other.Node, other.OwnNode = true, p.Node != "" && p.Node == pod.Node
	}
	return judge{s, pod, other, way, enforcerOf(s)}
}

// config is that of Cilium, empty where another one enforces.
func (j judge) config() cilium.Config {
	if j.by == byCilium {
		return j.scene.Cilium.Config
	}
	return nil
}

// version is that of the agents, or the latest one known here.
func (j judge) version() release.Version { return j.scene.Cilium.Version.Or(cilium.Latest) }

// outcome is a Ruling and what it hangs on.
type outcome struct {
	Ruling
	// final is whether no other policy could make a difference.
	final bool
	// allowed is whether only a denial by another policy could.
	allowed bool
}

func passes(text, because string) Ruling {
	return Ruling{State: Passes, Known: Inferred, Text: text, Because: because}
}

func open(text, because string) Ruling {
	return Ruling{State: Open, Known: Unknown, Text: text, Because: because}
}

// ruling is the answer: first what no policy is asked about, then what policies say, then
// whether anything may be trusted to enforce it.
func (j judge) ruling() Ruling {
	if r, ok := j.exempt(); ok {
		return r
	}
	o := j.sure()
	if gap, ok := j.unread(o); ok {
		return open("not all policies could be read", gap.String())
	}
	if o.State != Passes && j.by == byNobody {
		return open("policies may not be enforced", strings.TrimSuffix(j.noEnforcer()+"; where one is: "+o.Text+", "+o.Because, ", "))
	}
	return o.Ruling
}

func (j judge) noEnforcer() string {
	if j.scene.Plugin.Name == "flannel" {
		return "flannel enforces no policies, and no other component that does is known"
	}
	return "no component that enforces NetworkPolicies is known"
}

// exempt is the ruling where policies have no say: in the host's network, from the
// Pod to itself, and from its own node into it. Cilium's agents can be set to ask them
// all the same.
// Sources: k8s.io/api v0.37.2, networking/v1/types.go NetworkPolicySpec; cilium v1.20.2,
// pkg/policy/repository.go computePolicyEnforcementAndRules, daemon/cmd/daemon.go.
func (j judge) exempt() (Ruling, bool) {
	config := j.config()
	switch {
	case j.pod.HostNetwork && config.Bool("enable-host-firewall", false):
		return open("the host firewall may stop it", `enable-host-firewall="true" in cilium-config, and policies for nodes are not judged`), true
	case j.pod.HostNetwork:
		return passes("no policy is for it", "the Pod is in its node's network"), true
	case j.other.Peer != nil && j.other.Peer.Ref == j.pod.Ref:
		return passes("no policy is between a Pod and itself", ""), true
	case j.way == ingress && j.other.OwnNode && config["allow-localhost"] != "policy":
		return passes("the Pod's own node is always let in", ""), true
	case config["enable-policy"] == "never":
		return passes("policies are switched off", `enable-policy="never" in cilium-config`), true
	}
	return Ruling{}, false
}

// sure is the outcome if it does not hang on the policies of which it is not known
// whether they are for the Pod.
func (j judge) sure() outcome {
	certain, possible := j.selected()
	o := j.decide(certain)
	if len(possible) == 0 || o.final {
		return o
	}
	if with := j.decide(append(slices.Clone(certain), possible...)); with.State != o.State {
		p := possible[0]
		return outcome{Ruling: open(fmt.Sprintf("%s may be for the Pod", p.Ref), doubtOfSubject(p))}
	}
	return o
}

func doubtOfSubject(p snapshot.Policy) string {
	if p.Unjudged != "" {
		return p.Unjudged
	}
	return "the labels of the namespace are not known"
}

// selected is the policies that are for the Pod, and those that may be.
func (j judge) selected() (certain, possible []snapshot.Policy) {
	for _, p := range j.scene.Policies {
		if !j.enforced(p) {
			continue
		}
		switch j.subject(p) {
		case fits:
			certain = append(certain, p)
		case mayFit:
			possible = append(possible, p)
		}
	}
	return certain, possible
}

// enforced reports whether what enforces policies knows p's kind.
// Source: cilium v1.20.2, pkg/option/config.go EnableK8sNetworkPolicy.
func (j judge) enforced(p snapshot.Policy) bool {
	if p.OfCilium() {
		return j.by != byCalico
	}
	return j.config().Bool("enable-k8s-networkpolicy", true)
}

// rules is what p lets through and what it denies.
func (j judge) rules(p snapshot.Policy) (allow, deny []snapshot.PolicyRule) {
	if j.way == egress {
		return p.EgressRules, p.EgressDenies
	}
	return p.IngressRules, p.IngressDenies
}

// defaultDenyFrom is the release from which a policy of Cilium may leave what it does not
// name alone.
var defaultDenyFrom = release.V(1, 16)

// isolates reports whether with p only that passes which some policy lets through. To
// Cilium rules count for that, whatever policyTypes of a NetworkPolicy says.
// Sources: cilium v1.20.2, pkg/k8s/network_policy.go ParseNetworkPolicy,
// pkg/policy/api/rule_validation.go Sanitize; cilium v1.16.0, pkg/policy/api/rule.go.
func (j judge) isolates(p snapshot.Policy) bool {
	allow, deny := j.rules(p)
	isolates := p.Egress
	if j.way == ingress {
		isolates = p.Ingress
	}
	always := j.version().Before(defaultDenyFrom) || !j.config().Bool("enable-non-default-deny-policies", true)
	if j.by == byCilium && (!p.OfCilium() || always) {
		isolates = isolates || len(allow)+len(deny) > 0
	}
	return isolates
}

// decide is the outcome if policies are all that there are. A denial counts more than
// what lets through, and that more than what is denied by default. Where the port is not
// known, a denial of some ports leaves others.
// Source: cilium v1.20.2, pkg/policy/repository.go computePolicyEnforcementAndRules.
func (j judge) decide(policies []snapshot.Policy) outcome {
	isolated := j.config()["enable-policy"] == "always"
	var allows, denials matches
	for _, p := range policies {
		isolated = isolated || j.isolates(p)
		allow, deny := j.rules(p)
		allows = append(allows, j.matches(p, allow)...)
		denials = append(denials, j.matches(p, deny)...)
	}
	denied, maybeDenied := denials.wholly(fits), denials.wholly(mayFit)
	allowed, maybeAllowed := allows.best(fits), allows.best(mayFit)
	switch {
	case denied != nil:
		return outcome{Ruling: j.denied(*denied), final: true}
	case isolated && allowed == nil && maybeAllowed == nil:
		return outcome{Ruling: j.refused(policies)}
	case maybeDenied != nil:
		return outcome{Ruling: open(fmt.Sprintf("%s may deny it", maybeDenied.policy.Ref), maybeDenied.unknown())}
	case !isolated:
		return outcome{Ruling: j.unisolated(policies)}
	case allowed != nil:
		return outcome{Ruling: j.allowed(*allowed), allowed: true}
	}
	return outcome{Ruling: j.perhaps(allows)}
}

func (j judge) unisolated(policies []snapshot.Policy) Ruling {
	if len(policies) == 0 {
		return passes("no policy is for it", "")
	}
	return passes(fmt.Sprintf("no policy restricts its %s", j.way), "")
}

// unread is a gap in the policies that could change o. One in the NetworkPolicies, which
// only let through, does not matter to what is let through already.
func (j judge) unread(o outcome) (snapshot.Gap, bool) {
	if o.final {
		return snapshot.Gap{}, false
	}
	for _, g := range j.scene.Gaps {
		if g.Absent() {
			continue
		}
		switch g.Kind {
		case snapshot.NetworkPolicies:
			if !o.allowed && j.config().Bool("enable-k8s-networkpolicy", true) {
				return g, true
			}
		case snapshot.CiliumPolicies, snapshot.CiliumClusterwidePolicies:
			if j.by != byCalico {
				return g, true
			}
		}
	}
	return snapshot.Gap{}, false
}
