package cni

import (
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// proxyConfiguration is kube-proxy's configuration, when there is one and it is
// not a left-over. It looks at snapshot.KubeProxySetup and snapshot.CiliumConfig.
func proxyConfiguration(in *checks.Input) (snapshot.KubeProxy, bool) {
	proxy, c := in.KubeProxy(), in.Cilium()
	leftover := proxy.Idle || c.Config.ReplacesKubeProxy() || in.Live() && proxy.DaemonSet == (snapshot.Ref{})
	return proxy, proxy.ConfigMap != (snapshot.Ref{}) && !leftover
}

const proxyField = ".data.config.conf"

// proxyRestart makes kube-proxy read its configuration again.
func proxyRestart(proxy snapshot.KubeProxy) string {
	return checks.Command("kubectl", "rollout", "restart", "-n", proxy.ConfigMap.Namespace, "ds/kube-proxy")
}
