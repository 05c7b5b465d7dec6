// Package trace is the path that a packet of a Pod takes, once over IPv4 and once over
// IPv6: what the API says of it, what probes saw, and where the two part. It is pure.
package trace

import (
	"net/netip"
	"time"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// Trace is the answer to a query: a path for each family, and what probes saw of it.
type Trace struct {
	Query    Query
	Pod      snapshot.Ref
	Node     string
	Chosen   string // how the Pod was chosen, where a workload was asked for
	Paths    ipfam.Pair[Path]
	Seen     []Observation // of the probes, in the order in which they ran
	Partings []Parting     // where what was seen is not what was predicted, the first one of each family first
	Programs []Program     // which family programs try first, where there is a choice
	Summary  string        // the verdict in one sentence, with what an application does
}

// Asked is the families that the target is asked in; of the other one there is no path.
func (t Trace) Asked() (families []ipfam.Family) {
	for _, f := range ipfam.All {
		if len(t.Paths.Of(f).Hops) > 0 {
			families = append(families, f)
		}
	}
	return families
}

// Query is what is asked of a Pod.
type Query struct {
	Target  Target
	Require Requirement
}

// Target is where the packets go.
type Target struct {
	Kind TargetKind
	Text string       // as it was given, or what it was taken for
	Name string       // to be resolved by the Pod; empty for literal addresses
	Ref  snapshot.Ref // of a Service or a Pod
	// Addresses is the address of each family. The zero one is none, but for a target
	// that is the internet, or a name: there it is not known.
	Addresses ipfam.Pair[netip.Addr]
	Port      uint16 // 0 is not known: policies are then asked whether any port passes
}

// TargetKind is what a target is.
type TargetKind string

// The kinds of target.
const (
	ToInternet TargetKind = "internet" // some host outside of everything that the plan knows
	ToName     TargetKind = "name"     // a DNS name outside of the cluster
	ToAddress  TargetKind = "address"
	ToService  TargetKind = "service"
	ToPod      TargetKind = "pod"
)

// Requirement is the families that have to reach the target.
type Requirement string

// The requirements.
const (
	RequireBoth Requirement = "both"
	RequireAny  Requirement = "any"
	RequireV4   Requirement = "4"
	RequireV6   Requirement = "6"
)

// Path is the hops of one family.
type Path struct {
	Family ipfam.Family
	Hops   []Hop
	// Source is the address with which the packet arrives at its target, as far as the
	// cluster decides it; the zero Addr is not known.
	Source netip.Addr
	// Beyond is whether a router outside of the cluster will put an address of its own in
	// the place of Source, which nobody can route back to.
	Beyond    bool
	Mechanism Mechanism
	// Configured is the mechanism that the configuration asks for, where what runs may be
	// older than it and Mechanism is not known.
	Configured Mechanism
	Verdict    Verdict
	Why        string // of a verdict that is not Reaches: the hop's words
	// Branches is the paths to each kind of endpoint, where a Service has several and they
	// differ. The Path's own hops are those of the first.
	Branches []Branch
}

// Branch is the path to some endpoints of a Service.
type Branch struct {
	Endpoints []netip.AddrPort
	Path      Path
}

// Verdict is what comes of a path.
type Verdict string

// The verdicts. Unsure is an honest «do not know».
const (
	Reaches Verdict = "reaches"
	Fails   Verdict = "fails"
	Unsure  Verdict = "unknown"
	// NotAsked is of the family that a target, an address of the other, is not in.
	NotAsked Verdict = ""
)

// Mechanism is what puts another source address into a packet.
type Mechanism string

// The mechanisms.
const (
	KeepsSource   Mechanism = "none"
	ByBPF         Mechanism = "BPF"
	ByIPTables    Mechanism = "iptables"
	ByGateway     Mechanism = "egress gateway"
	ByKubeProxy   Mechanism = "kube-proxy"
	ByPlugin      Mechanism = "network plugin" // flannel, Calico
	ByHost        Mechanism = "host"           // of a Pod in the host's network: the kernel chooses
	MechanismOpen Mechanism = "unknown"
)

// Hop is one step of a path.
type Hop struct {
	Step    Step
	State   State
	Known   Known
	Text    string // "leaves as 192.168.16.22": short enough for half of a terminal
	Because string // what decides it, `enable-ipv6-masquerade="false" in cilium-config`, or why it is not known
	Check   string // the check of doctor that is about it: "DS407"; may be empty
	Fix     string
}

// Step is the kind of a hop. The hops of both families line up by it.
type Step string

// The steps, in the order of a packet.
const (
	StepPod        Step = "pod"
	StepName       Step = "name"
	StepService    Step = "service"
	StepPolicy     Step = "policy"
	StepDatapath   Step = "datapath"
	StepNode       Step = "node"
	StepGateway    Step = "gateway" // Cilium's egress gateway
	StepMasquerade Step = "masquerade"
	StepLAN        Step = "lan"
	StepRouter     Step = "router" // and everything beyond it
	StepTarget     Step = "target"
	StepSize       Step = "size" // whether large packets fit
	StepReturn     Step = "return"
)

// Steps is all steps in their order.
var Steps = [...]Step{
	StepPod, StepName, StepService, StepPolicy, StepDatapath, StepNode, StepGateway, StepMasquerade,
	StepLAN, StepRouter, StepTarget, StepSize, StepReturn,
}

// State is what becomes of the packet at a hop.
type State string

// The states. A packet may pass a hop at which something is wrong.
const (
	Passes     State = "passes"
	Doubtful   State = "doubtful"
	Stops      State = "stops"
	NotReached State = "not reached" // something before it stops the packet
	Open       State = "unknown"
)

// Known is how something is known.
type Known string

// The ways to know.
const (
	Read     Known = "read"     // from the API
	Inferred Known = "inferred" // from what was read, by a rule with its source
	Probed   Known = "probed"
	Unknown  Known = "unknown"
)

// Parting is a hop at which what was seen is not what was predicted.
type Parting struct {
	Family    ipfam.Family
	Step      Step
	Predicted string
	Observed  string
	Because   string // what explains it
	Check     string
	Fix       string
}

// Program is which family a program tries first, and then.
type Program struct {
	Names []string       // "glibc", "musl", "Go"
	Order []ipfam.Family // the families that it has a source address for, the first tried first
	Rule  string         // of RFC 6724 that decides: "rule 5: labels match"
}

// Observation is what one probe saw of one family.
type Observation struct {
	Family ipfam.Family
	Tier   Tier
	From   string // "exec in pod lab/nginx-test, container nginx"
	Error  string // why the probe could not be made at all; the rest is then empty

	Own     netip.Addr     // the address of the family that the probe had, with which it connected
	Answers []netip.Addr   // that the name has, of this family
	Asked   bool           // whether the name was resolved
	Dialed  netip.AddrPort // where it connected to
	Connect Outcome
	Took    time.Duration // of the connection
	Status  int           // of HTTP; 0 is no answer
	Far     netip.Addr    // the caller's address in the answer of an echo server
	Large   Outcome       // of a request and an answer that take more than one packet
	PathMTU int           // 0 is not known
	Rungs   []Rung        // hosts on the way, and whether they answer
	Hops    []netip.Addr  // the first routers; the zero Addr is one that is silent
	Routes  *Routes       // what the network namespace of the probe has; nil is not read
	Agent   *Agent        // what the network plugin's agent says; nil is not asked
}

// Outcome is what came of a connection.
type Outcome string

// The outcomes. Refused is an answer too: the packet got there and back.
const (
	NotTried    Outcome = ""
	Connected   Outcome = "connected"
	Refused     Outcome = "refused"
	TimedOut    Outcome = "timed out"
	Unreachable Outcome = "unreachable" // an ICMP error, or no route
	Failed      Outcome = "failed"
)

// Answered reports whether a packet came back.
func (o Outcome) Answered() bool { return o == Connected || o == Refused }

// Rung is a host on the way to the target.
type Rung struct {
	Name    string // "own node", "another node", "router"
	To      netip.AddrPort
	Outcome Outcome
}

// The rungs, from near to far.
const (
	RungNode   = "own node"
	RungPeer   = "another node"
	RungRouter = "router"
)

// Routes is what a network namespace has of one family.
type Routes struct {
	Addresses []netip.Addr // global ones
	Default   []netip.Addr // next hops of default routes
	HasRoute  bool         // whether there is any default route
}

// Agent is what Cilium's agent says of one family.
type Agent struct {
	Version     string
	Mechanism   Mechanism // of masquerading
	Exclusion   netip.Prefix
	Tunnel      string // "vxlan"; empty is native routing
	Translated  netip.Addr
	PolicyDrops bool
}

// Tier is a way to probe, from the least to the most intrusive.
type Tier string

// The tiers.
const (
	TierAgent     Tier = "agent"     // exec in the network plugin's own Pod
	TierExec      Tier = "exec"      // exec in the Pod, with what its image has
	TierEphemeral Tier = "ephemeral" // an unprivileged ephemeral container of the Pod
	TierSibling   Tier = "sibling"   // a Pod beside it, restricted
	TierHost      Tier = "host"      // a Pod in the node's network
)

// Tiers is all of them in their order.
var Tiers = [...]Tier{TierAgent, TierExec, TierEphemeral, TierSibling, TierHost}
