package controlplane

import (
	"net/netip"
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var podRangesAgree = &checks.Check{
	ID:       "DS202",
	Name:     "pod-ranges-agree",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "kubeadm, kube-controller-manager, Cilium's operator and kube-proxy name the same pod range of each family",
		Why: `Pods outside of the range that a component was told are strangers to it: kube-proxy
replaces their source address when they call a Service, and policies by source no longer hold.
Pods get their addresses from one place alone: from the Nodes' ranges, which
kube-controller-manager cuts out of --cluster-cidr, or from Cilium's own pools. The others go on
with what they were told. kube-controller-managers that differ hand out other ranges after a
change of the leader, or do not start. What kubeadm keeps is what its next upgrade writes into
the manifests. Where Cilium has pools of its own and nothing reads the Nodes' ranges, a
difference misleads only people; it is an info then.`,
		Fix: `Write the ranges that Pods have into all of them: networking.podSubnet of kubeadm,
--cluster-cidr, cluster-pool-ipv4-cidr and cluster-pool-ipv6-cidr of Cilium, clusterCIDR of
kube-proxy. The ranges that Pods have do not change under a running cluster.`,
		Limits: "Of CNIs, only Cilium's ranges are read; others may have their own (Calico, cloud providers). A family that kube-proxy lacks is not the subject of this check.",
		Holds:  "Kubernetes 1.23 to 1.37; Cilium 1.10 to 1.20",
		Since:  "0.1",
		Refs: []string{
			"kubernetes v1.37.2, cmd/kube-proxy/app/server_linux.go getLocalDetectors",
			"kubernetes v1.37.2, pkg/controller/nodeipam/ipam/range_allocator.go occupyCIDRs",
			"cilium documentation, network/concepts/ipam/cluster-pool",
			"https://github.com/cilium/cilium/issues/23872",
		},
		Covers: []string{"PLAN-05", "PLAN-11"},
	},
	Uses:  []snapshot.Kind{snapshot.ControlPlane, snapshot.KubeadmConfig, snapshot.CiliumConfig, snapshot.KubeProxySetup},
	AnyOf: []snapshot.Kind{snapshot.ControlPlane, snapshot.KubeadmConfig},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		said := podStatements(in)
		for i := 1; i < len(said); i++ {
			fs = append(fs, comparePodRanges(said[i], said[0], drift(podDrift, said[i], said[0]), severity.Warning)...)
		}
		pools, hasPools := ciliumStatement(in)
		if hasPools && len(said) > 0 {
			fs = append(fs, comparePodRanges(said[0], pools, "Cilium gives Pods addresses out of its own pools", poolDrift(in, said[0]))...)
		}
		switch {
		case hasPools:
			return append(fs, compareKubeProxy(in, pools)...)
		case len(said) > 0:
			return append(fs, compareKubeProxy(in, said[0])...)
		}
		return fs
	},
}

var podDrift = map[string]string{
	snapshot.ControllerManager: "which of the two leads decides what the next Node gets",
	kubeadm:                    "the next kubeadm upgrade writes it into the manifests",
}

// poolDrift is how much it matters that s differs from Cilium's pools.
func poolDrift(in *checks.Input, s statement) severity.Severity {
	if makesProxy(in, s) || in.BlockUse() != checks.BlocksIgnored {
		return severity.Warning
	}
	return severity.Info
}

// makesProxy reports whether kubeadm is going to make kube-proxy's clusterCIDR of
// what s says. Source: kubernetes v1.37.2, cmd/kubeadm/app/componentconfigs/kubeproxy.go.
func makesProxy(in *checks.Input, s statement) bool {
	leftOut := slices.ContainsFunc(in.Kubeadm(), func(k snapshot.Kubeadm) bool { return k.NoKubeProxy })
	return s.kind == kubeadm && !leftOut && !in.Known(snapshot.KubeProxySetup) && !in.Cilium().Config.ReplacesKubeProxy()
}

// ciliumStatement is what Cilium's operator gives Nodes out of, if it does.
func ciliumStatement(in *checks.Input) (statement, bool) {
	c := in.Cilium()
	if !c.Present() || c.Config.IPAM() != "cluster-pool" {
		return statement{}, false
	}
	s := statement{kind: ciliumPools, ref: c.ConfigRef}
	for _, f := range c.Config.Families().List() {
		pools, _ := c.Config.Pools(f)
		s.prefixes = append(s.prefixes, pools...)
	}
	return s, len(s.prefixes) > 0
}

// comparePodRanges is where s differs from authority, by what the ranges cover:
// Cilium may have one range in several pools.
func comparePodRanges(s, authority statement, consequence string, sev severity.Severity) (fs []checks.Finding) {
	for _, f := range ipfam.All {
		if authority.kind == ciliumPools && len(authority.of(f)) == 0 || covers(s.of(f), authority.of(f)) && covers(authority.of(f), s.of(f)) {
			continue
		}
		fs = append(fs, checks.Finding{
			Severity: sev, Object: s.ref, Field: s.field, Family: f,
			Message: s.difference(authority, f, "Pods") + "; " + consequence,
			Fix:     podRangeFix(s, authority, sev),
		})
	}
	return fs
}

// podRangeFix makes s say what authority says. A running kube-controller-manager
// does not start with a range that Nodes' ranges lie outside of; where nobody
// reads them it need not give Nodes any.
func podRangeFix(s, authority statement, sev severity.Severity) string {
	value := list(authority.prefixes)
	if authority.kind == ciliumPools {
		value = inOrderOf(s, authority)
	}
	switch {
	case s.kind == kubeadm:
		return configFix(s, value)
	case authority.kind == ciliumPools && sev == severity.Info:
		return setFlag(*s.program, "allocate-node-cidrs", "false")
	}
	return setFlag(*s.program, podFlag, value) + "; first delete and join again the Nodes whose range lies outside of it"
}

// inOrderOf is one range of each family of t, with the families in the order of s:
// kube-controller-manager does not start when it changes.
func inOrderOf(s, t statement) string {
	var texts []string
	for _, f := range []ipfam.Family{s.first(), s.first().Other()} {
		if ps := t.of(f); len(ps) > 0 {
			texts = append(texts, oneRange(ps))
		}
	}
	return strings.Join(texts, ",")
}

// oneRange is ps as one range, where they are one: Cilium may have it in several
// pools, and nobody else may.
func oneRange(ps []netip.Prefix) string {
	if set, err := union(ps); err == nil && len(set.Prefixes()) == 1 {
		return set.Prefixes()[0].String()
	}
	return example(ipfam.OfPrefix(ps[0]), "range around "+list(ps))
}

// covers reports whether every address of inner is in outer.
func covers(outer, inner []netip.Prefix) bool {
	set, err := union(outer)
	if err != nil {
		return false
	}
	for _, p := range inner {
		if !set.ContainsPrefix(p) {
			return false
		}
	}
	return true
}

func union(ps []netip.Prefix) (*netipx.IPSet, error) {
	var b netipx.IPSetBuilder
	for _, p := range ps {
		b.AddPrefix(p)
	}
	return b.IPSet()
}

// compareKubeProxy is the pod ranges that kube-proxy would not take for local,
// where it tells by clusterCIDR and has the family at all.
func compareKubeProxy(in *checks.Input, pods statement) (fs []checks.Finding) {
	proxy := in.KubeProxy()
	leftover := proxy.Idle || in.Cilium().Config.ReplacesKubeProxy() || in.Live() && proxy.DaemonSet == (snapshot.Ref{})
	if leftover || proxy.DetectLocal != "" && proxy.DetectLocal != "ClusterCIDR" {
		return nil
	}
	s := statement{kind: kubeProxy, ref: proxy.ConfigMap, field: ".data.config.conf", prefixes: proxy.ClusterCIDR}
	for _, f := range ipfam.All {
		if len(s.of(f)) == 0 || covers(s.of(f), pods.of(f)) {
			continue
		}
		fs = append(fs, checks.Finding{
			Object: s.ref, Field: s.field, Family: f,
			Message: s.difference(pods, f, "Pods") + "; Pods outside of it call Services with the address of their node",
			Fix: "kubectl edit configmap kube-proxy -n kube-system, and there: clusterCIDR: " + inOrderOf(s, pods) +
				"; then kubectl rollout restart daemonset kube-proxy -n kube-system",
		})
	}
	return fs
}
