package snapshot

import (
	"encoding/json"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
)

// ipMasqAgentName is the name of the ConfigMap of the ip-masq-agent, in the namespace of
// Cilium.
// Source: cilium v1.20.2, install/kubernetes/cilium/templates/cilium-agent/daemonset.yaml.
const ipMasqAgentName = "ip-masq-agent"

// builtInNonMasquerade is the destinations that Cilium's ip-masq-agent leaves alone when
// nothing is configured. All are IPv4: over IPv6 it then masquerades to everywhere but
// link-local destinations.
// Source: cilium v1.20.2, pkg/ipmasq/ipmasq.go defaultNonMasqCIDRs.
var builtInNonMasquerade = [...]string{
	"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24",
	"192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
}

// linkLocal is added to every list, unless the configuration has it masqueraded.
// Source: as builtInNonMasquerade; before 1.14 there was none of IPv6.
var linkLocal = ipfam.Pair[string]{V4: "169.254.0.0/16", V6: "fe80::/10"}

// ipMasqAgentFile is the file that the ConfigMap is mounted as.
type ipMasqAgentFile struct {
	NonMasquerade []string `json:"nonMasqueradeCIDRs"`
	LinkLocalV4   bool     `json:"masqLinkLocal"`
	LinkLocalV6   bool     `json:"masqLinkLocalIPv6"`
}

// IPMasqAgentOf is what the ConfigMap c configures, or what holds without one when c is
// nil. A file that is there replaces the built-in list even if it names no range; only
// an empty one counts as none. With an error the agents keep what they had before.
// Source: cilium v1.20.2, pkg/ipmasq/ipmasq.go update, readConfig.
func IPMasqAgentOf(c *corev1.ConfigMap) (IPMasqAgent, error) {
	var agent IPMasqAgent
	file := ipMasqAgentFile{NonMasquerade: builtInNonMasquerade[:]}
	if c != nil {
		agent.ConfigMap = Ref{Kind: "ConfigMap", Namespace: c.Namespace, Name: c.Name}
	}
	if c != nil && c.Data["config"] != "" {
		var err error
		if file, err = ipMasqAgentFileOf(c.Data["config"]); err != nil {
			return agent, fmt.Errorf("read %s: .data.config: %w", agent.ConfigMap, err)
		}
	}
	agent.LinkLocal = ipfam.Pair[bool]{V4: file.LinkLocalV4, V6: file.LinkLocalV6}
	texts := slices.Clone(file.NonMasquerade)
	for _, f := range ipfam.All {
		if !agent.LinkLocal.Of(f) {
			texts = append(texts, linkLocal.Of(f))
		}
	}
	for _, text := range texts {
		p, err := prefixOf(text)
		if err != nil {
			return IPMasqAgent{ConfigMap: agent.ConfigMap}, fmt.Errorf("read %s: .data.config: nonMasqueradeCIDRs: %w", agent.ConfigMap, err)
		}
		if !slices.Contains(agent.NonMasquerade, p) {
			agent.NonMasquerade = append(agent.NonMasquerade, p)
		}
	}
	return agent, nil
}

func ipMasqAgentFileOf(text string) (file ipMasqAgentFile, err error) {
	data, err := yaml.YAMLToJSON([]byte(text))
	if err == nil {
		err = json.Unmarshal(data, &file) // of any case, as for the agent
	}
	return file, err
}
