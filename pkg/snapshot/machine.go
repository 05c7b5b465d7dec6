package snapshot

import (
	"cmp"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
)

// Machine is what a file says of one node, or of several, before it is one: the
// addresses that kubelet is told and what its kernel is. No API has it.
type Machine struct {
	Ref
	// NodeField is where kubelet is told its addresses, NodeIPs the addresses of
	// --node-ip, and NodeSubnets the prefixes that Talos picks them out of.
	NodeField   string
	NodeIPs     []netip.Addr
	NodeSubnets []netip.Prefix
	Sysctls     Flags    // of Talos
	KernelArgs  []string // of Talos
}

// Families is the families of the addresses that kubelet is told.
func (m Machine) Families() ipfam.Set {
	return ipfam.SetOfAddrs(m.NodeIPs) | ipfam.SetOfPrefixes(m.NodeSubnets)
}

// nodeRegistration is the part of an InitConfiguration or a JoinConfiguration that
// is about the node (kubernetes v1.37.2, cmd/kubeadm/app/apis/kubeadm/v1beta4/types.go).
type nodeRegistration struct {
	Name             string    `json:"name"`
	KubeletExtraArgs extraArgs `json:"kubeletExtraArgs"`
}

// joinConfiguration is kubeadm.k8s.io JoinConfiguration.
type joinConfiguration struct {
	NodeRegistration nodeRegistration `json:"nodeRegistration"`
}

// registration keeps what kubelet is told by a document of kubeadm.
func (b *builder) registration(kind string, r nodeRegistration) {
	text := r.KubeletExtraArgs["node-ip"]
	b.machine(Machine{Ref: Ref{Kind: kind, Name: r.Name}, NodeField: ".nodeRegistration.kubeletExtraArgs"}, strings.Split(text, ","))
}

// talosMachine is what is read of the part of a Talos configuration that is about
// one machine.
type talosMachine struct {
	Network struct {
		Hostname string `json:"hostname"`
	} `json:"network"`
	Kubelet struct {
		NodeIP struct {
			ValidSubnets []string `json:"validSubnets"`
		} `json:"nodeIP"`
		ExtraArgs talosArgs `json:"extraArgs"`
	} `json:"kubelet"`
	Sysctls talosArgs `json:"sysctls"`
	Install struct {
		ExtraKernelArgs []string `json:"extraKernelArgs"`
	} `json:"install"`
}

func (b *builder) talosMachine(cluster string, t talosMachine) {
	ref := Ref{Kind: talosKind, Name: cmp.Or(t.Network.Hostname, cluster)}
	m := Machine{Ref: ref, Sysctls: Flags(t.Sysctls), KernelArgs: t.Install.ExtraKernelArgs, NodeField: ".machine.kubelet.extraArgs.node-ip"}
	if len(t.Kubelet.NodeIP.ValidSubnets) > 0 {
		m.NodeField = ".machine.kubelet.nodeIP.validSubnets"
		for i, text := range t.Kubelet.NodeIP.ValidSubnets {
			if strings.HasPrefix(text, "!") { // what is not to be picked
				continue
			}
			if p, ok := b.prefix(MachineSetup, ref, fmt.Sprintf("%s[%d]", m.NodeField, i), text); ok {
				m.NodeSubnets = append(m.NodeSubnets, p)
			}
		}
	}
	b.machine(m, strings.Split(t.Kubelet.ExtraArgs["node-ip"], ","))
}

// machine keeps m with the addresses of texts, if there is anything to keep. As in
// kubelet, an entry that is no address is passed over, and spaces do not count
// (kubernetes v1.37.2, staging/src/k8s.io/component-helpers/node/util/ips.go).
func (b *builder) machine(m Machine, texts []string) {
	for _, text := range texts {
		text = strings.TrimSpace(text)
		if text == "" || b.awaits(MachineSetup, m.Ref, m.NodeField, text) {
			continue
		}
		if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
			m.NodeIPs = append(m.NodeIPs, a.Unmap())
		}
	}
	if m.Families().Empty() && len(m.Sysctls)+len(m.KernelArgs) == 0 {
		return
	}
	if m.Name == "" && len(m.NodeIPs) > 0 { // what has no name is known by its first address
		m.Name = m.NodeIPs[0].String()
	}
	b.saw(MachineSetup)
	if slices.ContainsFunc(b.snap.Machines, func(o Machine) bool { return reflect.DeepEqual(o, m) }) {
		return
	}
	if _, ok := b.snap.origins[m.Ref]; !ok && b.current != nil {
		b.snap.origins[m.Ref] = b.current
	}
	b.snap.Machines = append(b.snap.Machines, m)
}
