package probe

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/trace"
)

// AgentPrograms is what Cilium's program in the agent's Pod is called, from 1.15 on and before.
var AgentPrograms = []string{"cilium-dbg", "cilium"}

// What is asked of it, after its name.
var (
	AgentStatus    = []string{"status", "-o", "json"}
	AgentEndpoints = []string{"endpoint", "list", "-o", "json"}
	AgentNAT       = []string{"bpf", "nat", "list", "-o", "json"}
	AgentEgress    = []string{"bpf", "egress", "list", "-o", "json"}
	AgentIPMasq    = []string{"bpf", "ipmasq", "list", "-o", "json"}
)

// AgentSaid is what the agent said to each question; empty where it said nothing.
type AgentSaid struct {
	Status, Endpoints, NAT, Egress, IPMasq string
	Proc                                   string // of ProcFiles
}

// Flow is the packets that the agent is asked about.
type Flow struct {
	Pod netip.Addr
	To  netip.Addr // the zero one where it is not known
}

// ReadAgent is what the agent says of each family. Its status has to be there; the tables
// may be missing, as they are where the agent does not use them.
func ReadAgent(said AgentSaid, flows ipfam.Pair[Flow]) (agents ipfam.Pair[*trace.Agent], err error) {
	var status agentStatus
	if err := json.Unmarshal([]byte(said.Status), &status); err != nil {
		return agents, fmt.Errorf("status of the agent: %w%s", err, quoted(said.Status))
	}
	if status.Cilium == nil && status.Masquerading == nil && status.Routing == nil {
		return agents, errors.New("status of the agent: it has nothing that is known" + quoted(said.Status))
	}
	for _, f := range ipfam.All {
		flow := flows.Of(f)
		a := status.agent(f)
		if p, ok := notMasqueraded(said.IPMasq, flow); ok && a.Mechanism != trace.KeepsSource {
			a.Mechanism, a.Exclusion = trace.KeepsSource, p
		}
		if a.Exclusion.IsValid() && a.Exclusion.Contains(flow.To) {
			a.Mechanism = trace.KeepsSource
		}
		if throughGateway(said.Egress, flow) {
			a.Mechanism = trace.ByGateway
		}
		a.Translated = translated(said.NAT, flow)
		a.PolicyDrops = dropsAll(said.Endpoints, flow)
		*agents.At(f) = &a
	}
	return agents, nil
}

// ReadAgentRoutes is what the node's own network namespace has.
func ReadAgentRoutes(said AgentSaid) ipfam.Pair[*trace.Routes] { return readProc(said.Proc) }

// agentStatus is the part of the status that says how packets leave.
// Source: cilium v1.20.2 api/v1/models; host-routing is of 1.15 and before.
type agentStatus struct {
	Cilium       *struct{ Msg string }
	Masquerading *struct {
		Enabled          bool
		EnabledProtocols *struct{ IPv4, IPv6 bool }
		Mode             string
		Exclusion        string `json:"snat-exclusion-cidr"`
		ExclusionV4      string `json:"snat-exclusion-cidr-v4"`
		ExclusionV6      string `json:"snat-exclusion-cidr-v6"`
	}
	Routing *struct {
		Mode   string `json:"inter-host-routing-mode"`
		Tunnel string `json:"tunnel-protocol"`
	}
}

func (s agentStatus) agent(f ipfam.Family) (a trace.Agent) {
	if s.Cilium != nil {
		a.Version, _, _ = strings.Cut(s.Cilium.Msg, " ") // "1.20.2 (v1.20.2-abcdef)"
	}
	if s.Routing != nil && s.Routing.Mode == "Tunnel" {
		a.Tunnel = s.Routing.Tunnel
		if a.Tunnel == "" {
			a.Tunnel = "tunnel"
		}
	}
	a.Mechanism = s.mechanism(f)
	if m := s.Masquerading; m != nil && a.Mechanism != trace.KeepsSource {
		text := map[ipfam.Family]string{ipfam.V4: m.ExclusionV4, ipfam.V6: m.ExclusionV6}[f]
		if text == "" {
			text = m.Exclusion // before 1.10, of IPv4
		}
		if p, err := netip.ParsePrefix(text); err == nil && ipfam.OfPrefix(p) == f {
			a.Exclusion = p.Masked()
		}
	}
	return a
}

// mechanism is that of masquerading: the status names an exclusion for a family that is
// not masqueraded too, so that only what it says of the protocol counts.
func (s agentStatus) mechanism(f ipfam.Family) trace.Mechanism {
	m := s.Masquerading
	switch {
	case m == nil:
		return trace.MechanismOpen
	case !m.Enabled:
		return trace.KeepsSource
	case m.EnabledProtocols == nil:
		return trace.MechanismOpen
	case f == ipfam.V4 && !m.EnabledProtocols.IPv4, f == ipfam.V6 && !m.EnabledProtocols.IPv6:
		return trace.KeepsSource
	case strings.EqualFold(m.Mode, "BPF"):
		return trace.ByBPF
	case strings.EqualFold(m.Mode, "iptables"):
		return trace.ByIPTables
	}
	return trace.MechanismOpen
}
