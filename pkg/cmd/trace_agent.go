package cmd

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/probe"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/trace"
)

// mostOfNAT is how much of the NAT map is read: some forty thousand translations.
const mostOfNAT = 16 << 20

// askAgent asks the network plugin's own Pod on the Node, and reads the Node's routes there.
func (p *prober) askAgent(ctx context.Context) (from string, seen ipfam.Pair[trace.Observation], err error) {
	if p.agent.Name == "" {
		return "the network plugin's agent", seen, fmt.Errorf("no Pod of the network plugin's agent is known on node %s", p.pod.Spec.NodeName)
	}
	from = fmt.Sprintf("exec in pod %s/%s", p.agent.Namespace, p.agent.Name)
	ctx, cancel := context.WithTimeout(ctx, p.within()+margin)
	defer cancel()
	pod, err := p.client.CoreV1().Pods(p.agent.Namespace).Get(ctx, p.agent.Name, metav1.GetOptions{})
	if err != nil {
		return from, seen, refusal(err, "get", "pods", p.agent.Namespace)
	}
	container, err := containerOf(pod, "")
	if err != nil {
		return from, seen, err
	}
	from += ", container " + container
	p.say("%s: %s status, endpoint list, bpf nat, egress and ipmasq list; cat /proc/net", from, probe.AgentPrograms[0])
	said, noAgent := p.agentSaid(ctx, container)
	routes := probe.ReadAgentRoutes(said)
	agents, unread := probe.ReadAgent(said, p.flows())
	if noAgent == nil {
		noAgent = unread
	}
	if noAgent != nil && routes.V4 == nil && routes.V6 == nil {
		return from, seen, noAgent
	}
	for _, f := range ipfam.All {
		*seen.At(f) = trace.Observation{Family: f, Tier: trace.TierAgent, From: from, Routes: routes.Of(f), Agent: agents.Of(f)}
	}
	if noAgent != nil { // of another plugin the routes are all that is understood
		p.say("%s: %v", from, noAgent)
	}
	return from, seen, nil
}

// routersOfNode is the next hops of the node's default routes, as the network plugin's own
// Pod sees them; none where it cannot be asked.
func (p *prober) routersOfNode(ctx context.Context) (routers ipfam.Pair[netip.Addr]) {
	pod, err := p.client.CoreV1().Pods(p.agent.Namespace).Get(ctx, p.agent.Name, metav1.GetOptions{})
	if err != nil {
		return routers
	}
	container, err := containerOf(pod, "")
	if err != nil {
		return routers
	}
	p.say("exec in pod %s/%s, container %s: cat /proc/net", p.agent.Namespace, p.agent.Name, container)
	// Why it cannot be asked, the agent's own tier says.
	said, _, _ := p.exec(ctx, execution{namespace: p.agent.Namespace, pod: p.agent.Name, container: container, command: append([]string{"cat"}, probe.ProcFiles...)})
	for _, f := range ipfam.All {
		if r := probe.ReadAgentRoutes(probe.AgentSaid{Proc: said}).Of(f); r != nil && len(r.Default) > 0 {
			*routers.At(f) = r.Default[0]
		}
	}
	return routers
}

// agentSaid is what it says to each question. Only without a status there is an error:
// the tables of what the agent does not use are not there.
func (p *prober) agentSaid(ctx context.Context, container string) (said probe.AgentSaid, err error) {
	run := func(most int, command ...string) (string, error) {
		out, stderr, err := p.exec(ctx, execution{namespace: p.agent.Namespace, pod: p.agent.Name, container: container, command: command, most: most})
		if line, _, _ := strings.Cut(strings.TrimSpace(stderr), "\n"); err != nil && line != "" {
			err = fmt.Errorf("%w: %s", err, line)
		}
		return out, err
	}
	said.Proc, err = run(0, append([]string{"cat"}, probe.ProcFiles...)...) // where one is missing cat goes on, and fails
	if said.Proc == "" && err != nil && !errors.Is(err, errNoProgram) {
		return said, err
	}
	var program string
	for _, program = range probe.AgentPrograms {
		said.Status, err = run(0, append([]string{program}, probe.AgentStatus...)...)
		if !errors.Is(err, errNoProgram) {
			break
		}
	}
	if err != nil {
		return said, err
	}
	for _, q := range []struct {
		to   *string
		args []string
		most int
	}{
		{&said.Endpoints, probe.AgentEndpoints, 0},
		{&said.NAT, probe.AgentNAT, mostOfNAT},
		{&said.Egress, probe.AgentEgress, 0},
		{&said.IPMasq, probe.AgentIPMasq, 0},
	} {
		*q.to, _ = run(q.most, append([]string{program}, q.args...)...)
	}
	return said, nil
}

// flows is what the agent is asked about: from the Pod to where its probes connected, or
// would.
func (p *prober) flows() (flows ipfam.Pair[probe.Flow]) {
	for _, ip := range p.pod.Status.PodIPs {
		if a, err := netip.ParseAddr(ip.IP); err == nil {
			flows.At(ipfam.Of(a)).Pod = a.Unmap()
		}
	}
	for _, f := range ipfam.All {
		flows.At(f).To = p.reached.Of(f)
	}
	for _, q := range p.questions {
		if a := q.Target.Addr(); a.IsValid() && ipfam.Of(a) == q.Family {
			flows.At(q.Family).To = a.Unmap()
		}
	}
	return flows
}
