package migrate

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

var (
	// stable is the first release in which two families need no feature gate.
	// Source: https://kubernetes.io/docs/concepts/services-networking/dual-stack/.
	stable = release.V(1, 23)
	// growing is the first release in which the ServiceCIDR kubernetes comes to have a
	// second range by itself, of kube-apiserver's flag.
	// Source: https://github.com/kubernetes/kubernetes/pull/131263.
	growing = release.V(1, 33)
)

func (m *migration) planned() Step {
	s := Step{ID: "plan", Title: "Choose the ranges: an address plan of both families", Status: ToDo, Seen: "there is no plan",
		Do: []string{
			"kubectl dualstack plan import > plan.yaml",
			fmt.Sprintf("write the %s ranges of pods, services and load balancers into plan.yaml; kubectl dualstack plan init proposes some", m.adds),
			"kubectl dualstack plan check plan.yaml",
			"kubectl dualstack doctor --migrate-to dual --plan plan.yaml",
		}}
	if m.plan == nil {
		return s
	}
	var lacks []string
	for _, r := range []struct {
		field  string
		ranges ipfam.Pair[netip.Prefix]
	}{{"pods", m.plan.Pods.Prefixes}, {"services", m.plan.Services}} {
		for _, f := range ipfam.All {
			if !r.ranges.Of(f).IsValid() {
				lacks = append(lacks, fmt.Sprintf("spec.%s.%s", r.field, strings.ToLower(f.String())))
			}
		}
	}
	if len(lacks) == 0 {
		s.Status, s.Seen = Done, fmt.Sprintf("%s has ranges of both families", m.plan.Source())
		return s
	}
	s.Seen = fmt.Sprintf("%s lacks %s", m.plan.Source(), strings.Join(lacks, ", "))
	return s
}

// flagged is a step about a flag with ranges of a program.
func (m *migration) flagged(s Step, program, flag, value string) Step {
	programs := m.Programs(program)
	if reason, ok := m.known(snapshot.ControlPlane); len(programs) == 0 {
		if ok {
			reason = "no " + program + " and no configuration of one was read"
		}
		s.Status, s.Seen = Unseen, reason
		return s
	}
	s.Status = Done
	var has []string
	for _, p := range programs {
		ranges, _ := p.Flags.Prefixes(flag)
		if ipfam.SetOfPrefixes(ranges).Dual() {
			continue
		}
		s.Status = ToDo
		s.Left = append(s.Left, p.Ref)
		has = append(has, fmt.Sprintf("%s has --%s=%s", p.Ref, flag, p.Flags[flag]))
		if p.Planned {
			s.Do = append(s.Do, p.Line(flag, value))
		}
	}
	if s.Seen = strings.Join(has, ", "); s.Status == Done {
		s.Seen = fmt.Sprintf("--%s has both families, of %d of %d", flag, len(programs), len(programs))
	}
	if len(s.Do) == 0 && s.Status == ToDo {
		s.Do = append(s.Do, fmt.Sprintf("on each control-plane node, in /etc/kubernetes/manifests/%s.yaml: --%s=%s", program, flag, value))
	}
	return s
}

// serviceRanges is the ranges of Services that are there.
func (m *migration) serviceRanges() (ranges []netip.Prefix) {
	for _, p := range m.Programs(snapshot.APIServer) {
		given, _ := p.Flags.Prefixes("service-cluster-ip-range")
		ranges = append(ranges, given...)
	}
	for _, c := range m.ServiceCIDRs {
		ranges = append(ranges, c.CIDRs...)
	}
	return ranges
}

func (m *migration) servicePair() string {
	return m.pair(m.serviceRanges(), m.plannedServices(), "SERVICE-RANGE")
}

func (m *migration) apiServer() Step {
	s := m.costs(Step{ID: "api-server", Title: "Give kube-apiserver a Service range of each family"}, snapshot.APIServer, "--service-cluster-ip-range")
	s.Restart += ", one after the other"
	s.Effect += fmt.Sprintf("; the range of %s stays the first, and --advertise-address with it", m.keeps)
	s.Sources = append(s.Sources, "kubernetes v1.37.2, cmd/kube-apiserver/app/options/validation.go")
	return m.flagged(s, snapshot.APIServer, "service-cluster-ip-range", m.servicePair())
}

// serviceCIDR is the object kubernetes, which follows kube-apiserver's flag.
func (m *migration) serviceCIDR() Step {
	s := Step{ID: "service-cidr", Title: "Have the ServiceCIDR kubernetes take the second range", Status: Unseen,
		Sources: []string{"kubernetes v1.37.2, pkg/controlplane/controller/defaultservicecidr/default_servicecidr_controller.go", "https://github.com/kubernetes/kubernetes/pull/131263"}}
	reason, ok := m.known(snapshot.ServiceCIDRs)
	if g, gap := m.Gap(snapshot.ServiceCIDRs); gap && g.Reason == snapshot.NotInstalled {
		s.Status, s.Seen = NotNeeded, "this release has no ServiceCIDRs: addresses come out of kube-apiserver's flag"
		return s
	}
	if s.Seen = reason; !ok {
		return s
	}
	for _, c := range m.ServiceCIDRs {
		if c.Name != "kubernetes" {
			continue
		}
		if ipfam.SetOfPrefixes(c.CIDRs).Dual() {
			s.Status, s.Seen = Done, fmt.Sprintf("it has %v", c.CIDRs)
			return s
		}
		s.Status, s.Seen, s.Left = ToDo, fmt.Sprintf("it has %v", c.CIDRs), []snapshot.Ref{c.Ref}
		s.Undo = ""
		if m.versions.Kubernetes.Before(growing) {
			s.Do = []string{fmt.Sprintf("Kubernetes before %s refuses to let it grow: upgrade first, or leave the feature gate MultiCIDRServiceAllocator off", growing)}
			return s
		}
		s.Do = []string{"kubectl get servicecidr kubernetes -o jsonpath='{.spec.cidrs}' # has both once every kube-apiserver has the flag"}
		s.Effect = "it grows by itself, and never shrinks again"
		return s
	}
	s.Seen = "there is no ServiceCIDR kubernetes"
	return s
}

func (m *migration) controllerManager() Step {
	s := m.costs(Step{ID: "controller-manager", Title: "Give kube-controller-manager a pod range of each family"}, snapshot.ControllerManager, "--cluster-cidr")
	s.Restart = "each kube-controller-manager"
	programs := m.Programs(snapshot.ControllerManager)
	var ranges []netip.Prefix
	for _, p := range programs {
		given, _ := p.Flags.Prefixes("cluster-cidr")
		ranges = append(ranges, given...)
	}
	if len(programs) > 0 && !slices.ContainsFunc(programs, snapshot.Program.AllocatesNodeRanges) {
		s.Status, s.Seen = NotNeeded, "it gives Nodes no ranges (--allocate-node-cidrs)"
		return s
	}
	s = m.flagged(s, snapshot.ControllerManager, "cluster-cidr", m.pair(ranges, m.plannedPods().Prefixes, "POD-RANGE"))
	if s.Status == ToDo {
		s.Do = append(s.Do, m.besideClusterCIDR(programs[0])...)
		s.Sources = append(s.Sources, "kubernetes v1.37.2, cmd/kube-controller-manager/app/core.go setNodeCIDRMaskSizes")
	}
	return s
}

// besideClusterCIDR is the flags that go with two pod ranges. A mask of a single
// family is refused then.
func (m *migration) besideClusterCIDR(p snapshot.Program) (do []string) {
	line := func(flag, value string) string {
		if p.Planned {
			return p.Line(flag, value)
		}
		return fmt.Sprintf("beside it --%s=%s", flag, value)
	}
	if mask := p.Flags["node-cidr-mask-size"]; mask != "" {
		do = append(do, line(cilium.Key("node-cidr-mask-size-%s", m.keeps), mask)+", in place of node-cidr-mask-size, which is refused with two families")
	}
	if size := m.plannedPods().NodeMask.Of(m.adds); size != 0 {
		do = append(do, line(cilium.Key("node-cidr-mask-size-%s", m.adds), fmt.Sprint(size)))
	}
	if !p.Planned { // of a configuration it follows
		do = append(do, line("service-cluster-ip-range", m.servicePair()))
	}
	return do
}

// kubeadmConfig is what kubeadm writes the flags of at its next upgrade.
func (m *migration) kubeadmConfig() Step {
	s := m.costs(Step{ID: "kubeadm-config", Title: "Write both ranges where kubeadm keeps them, or its next upgrade takes the flags back"}, snapshot.FromKubeadm, ".networking.podSubnet")
	reason, ok := m.known(snapshot.KubeadmConfig)
	for _, k := range m.Kubeadm {
		if !k.ByKubeadm() {
			continue
		}
		var lacks []string
		if len(k.PodSubnet) > 0 && !ipfam.SetOfPrefixes(k.PodSubnet).Dual() {
			lacks = append(lacks, "networking.podSubnet: "+m.pair(k.PodSubnet, m.plannedPods().Prefixes, "POD-RANGE"))
		}
		if !ipfam.SetOfPrefixes(k.ServiceSubnet).Dual() {
			lacks = append(lacks, "networking.serviceSubnet: "+m.servicePair())
		}
		if s.Status, s.Seen = Done, "its ranges are of both families"; len(lacks) > 0 {
			s.Status, s.Seen, s.Left = ToDo, fmt.Sprintf("podSubnet is %v, serviceSubnet %v", k.PodSubnet, k.ServiceSubnet), []snapshot.Ref{k.Ref}
			s.Do = append([]string{"kubectl -n kube-system edit configmap kubeadm-config"}, lacks...)
		}
		return s
	}
	if s.Status, s.Seen = Unseen, reason; ok {
		s.Status, s.Seen = NotNeeded, "the cluster was not made by kubeadm"
	} else if g, _ := m.Gap(snapshot.KubeadmConfig); g.Reason == snapshot.NotFound {
		s.Status = NotNeeded
	}
	return s
}

func (m *migration) kubeProxy() Step {
	s := m.costs(Step{ID: "kube-proxy", Title: "Have kube-proxy take the pod ranges of both families for the cluster's own"}, "kube-proxy", ".data.config.conf")
	proxy := m.KubeProxy
	reason, ok := m.known(snapshot.KubeProxySetup)
	switch {
	case !ok:
		s.Status, s.Seen = Unseen, reason
	case proxy.Idle || m.Cilium.Config.ReplacesKubeProxy() || proxy.DaemonSet == (snapshot.Ref{}) && proxy.ConfigMap == (snapshot.Ref{}):
		s.Status, s.Seen = NotNeeded, "no kube-proxy runs"
	case proxy.ConfigMap == (snapshot.Ref{}):
		s.Status, s.Seen = Unseen, "its ConfigMap was not read"
	case len(proxy.ClusterCIDR) == 0 || proxy.DetectLocal != "" && proxy.DetectLocal != "ClusterCIDR":
		s.Status, s.Seen = NotNeeded, "it knows the cluster's own traffic by something else than clusterCIDR"
	case ipfam.SetOfPrefixes(proxy.ClusterCIDR).Dual():
		s.Status, s.Seen = Done, fmt.Sprintf("clusterCIDR is %v", proxy.ClusterCIDR)
	default:
		s.Status, s.Seen, s.Left = ToDo, fmt.Sprintf("clusterCIDR is %v", proxy.ClusterCIDR), []snapshot.Ref{proxy.ConfigMap}
		s.Do = []string{
			"kubectl -n kube-system edit configmap kube-proxy",
			"in config.conf: clusterCIDR: " + m.pair(proxy.ClusterCIDR, m.plannedPods().Prefixes, "POD-RANGE"),
			"kubectl -n kube-system rollout restart daemonset/kube-proxy",
		}
	}
	return s
}
