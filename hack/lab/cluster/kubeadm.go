package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/build"
	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/network"
)

// controlPlane runs kubeadm init with the file of the example on the first node, and
// writes the kubeconfig for use outside.
func (cl *Cluster) controlPlane(ctx context.Context) error {
	config, err := cl.initConfiguration()
	if err != nil {
		return err
	}
	h := cl.hosts[network.Controller.Name]
	if err := h.Write(ctx, "/root/kubeadm-init.yaml", config); err != nil {
		return err
	}
	if _, err := h.Run(ctx, "", "kubeadm", "init", "--config", "/root/kubeadm-init.yaml", "--skip-phases", "preflight", "--skip-token-print"); err != nil {
		return fmt.Errorf("%w; the kubelet's log is in %s", err, filepath.Join(cl.config.Dir, "log"))
	}
	return cl.outside(ctx)
}

// outside makes the API server reachable at the machine's loopback, and writes the one
// kubeconfig that the machine gets to see. kubeadm's own, which have the address on the
// LAN, stay in the node's memory: outside of the lab that address may be somebody's.
func (cl *Cluster) outside(ctx context.Context) error {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close() // the forwarder has it then
	tcp, ok := l.(*net.TCPListener)
	if !ok {
		return fmt.Errorf("listen: %T is no TCP listener", l)
	}
	socket, err := tcp.File()
	if err != nil {
		return err
	}
	defer socket.Close()
	h := cl.hosts[network.Controller.Name]
	if err := cl.serve(h, "forward", []*os.File{socket}, "lab", "forward", cl.apiServer()); err != nil {
		return err
	}
	admin, err := h.Run(ctx, "", "cat", "/etc/kubernetes/admin.conf")
	if err != nil {
		return err
	}
	kubeconfig, err := onLoopback(admin, "https://"+cl.apiServer(), "https://"+l.Addr().String())
	if err != nil {
		return err
	}
	if err := os.WriteFile(cl.Kubeconfig, []byte(kubeconfig), 0o600); err != nil {
		return err
	}
	return eventually(ctx, func() error { _, err := cl.kubectl(ctx, "", "get", "--raw", "/readyz"); return err })
}

// onLoopback is a kubeconfig with the server's address in the place of its only one.
// The certificate is not for the loopback; it is for this name, among others.
func onLoopback(kubeconfig, from, to string) (string, error) {
	line := "server: " + from + "\n"
	if n := strings.Count(kubeconfig, from); n != 1 || strings.Count(kubeconfig, line) != 1 {
		return "", fmt.Errorf("kubeconfig of kubeadm: %s stands there %d times, want once, as the server", from, n)
	}
	return strings.Replace(kubeconfig, line, "server: "+to+"\n    tls-server-name: kubernetes\n", 1), nil
}

// apiServer is its address on the LAN, of the cluster's first family.
func (cl *Cluster) apiServer() string {
	a := network.Controller.Addresses
	return net.JoinHostPort(cl.config.Options.Families.pick(a.V4.String(), a.V6.String())[0], "6443")
}

// join runs kubeadm join on a node with the file of the example.
func (cl *Cluster) join(ctx context.Context, n network.Node, token, hash string) error {
	config, err := cl.joinConfiguration(n, token, hash)
	if err != nil {
		return err
	}
	h := cl.hosts[n.Name]
	if err := h.Write(ctx, "/root/kubeadm-join.yaml", config); err != nil {
		return err
	}
	_, err = h.Run(ctx, "", "kubeadm", "join", "--config", "/root/kubeadm-join.yaml", "--skip-phases", "preflight")
	return err
}

// credentials is what a node needs to join.
func (cl *Cluster) credentials(ctx context.Context) (token, hash string, err error) {
	printed, err := cl.hosts[network.Controller.Name].Run(ctx, "", "kubeadm", "token", "create", "--print-join-command")
	if err != nil {
		return "", "", err
	}
	words := strings.Fields(printed)
	for i := range len(words) - 1 {
		switch words[i] {
		case "--token":
			token = words[i+1]
		case "--discovery-token-ca-cert-hash":
			hash = words[i+1]
		}
	}
	if token == "" || hash == "" {
		return "", "", errors.New("kubeadm token create prints no join command: " + printed)
	}
	return token, hash, nil
}

// patched is a kubeadm configuration that names the folder of the patches.
func patched(config, kind string) (string, error) {
	line := "kind: " + kind + "\n"
	return replaceOnce(config, line, line+"patches: {directory: "+patchFolder+"}\n")
}

// initConfiguration is the example's kubeadm-init.yaml, word for word where the options
// are the example's but for the folder of the patches. So are files that were rendered,
// but for the release: a plan may have none, and the lab has one.
func (cl *Cluster) initConfiguration() (string, error) {
	if cl.config.Options.Files != "" {
		config, err := cl.rendered("kubeadm-init.yaml")
		if err != nil {
			return "", err
		}
		return patched(ofRelease(config, "v"+build.KubernetesVersion), "InitConfiguration")
	}
	config, err := cl.example("kubeadm-init.yaml")
	if err != nil {
		return "", err
	}
	if config, err = patched(config, "InitConfiguration"); err != nil {
		return "", err
	}
	config, err = cl.config.Options.kubeadm(config)
	if err != nil || cl.config.Profile != Plain {
		return config, err
	}
	config, err = replaceOnce(config, "proxy:\n  disabled: true # Cilium takes its place\n", "")
	return config + kubeProxy, err
}

// kubeProxy is the configuration of kube-proxy on hosts that do not own the machine's
// connection tracking.
// Source: kubernetes v1.37.2, cmd/kube-proxy/app/server_linux.go setupConntrack.
const kubeProxy = `---
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: nftables
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
nodePortAddresses: [primary]
`

// ofRelease is a kubeadm configuration for a release of Kubernetes, whatever it says.
// Source: kubernetes v1.37.2, cmd/kubeadm/app/util/version.go: without one kubeadm asks
// the internet for the latest.
func ofRelease(config, version string) string {
	var kept []string
	for line := range strings.Lines(config) {
		if !strings.HasPrefix(line, "kubernetesVersion:") {
			kept = append(kept, line)
		}
		if line == "kind: ClusterConfiguration\n" {
			kept = append(kept, "kubernetesVersion: "+version+"\n")
		}
	}
	return strings.Join(kept, "")
}

// joinConfiguration is the example's kubeadm-join.yaml, which is that of the first
// worker, for a node, or the node's own file that was rendered.
func (cl *Cluster) joinConfiguration(n network.Node, token, hash string) (string, error) {
	secrets := strings.NewReplacer("${KUBEADM_TOKEN}", token, "${KUBEADM_CA_CERT_HASH}", hash)
	if cl.config.Options.Files != "" {
		config, err := cl.rendered("kubeadm-join-" + n.Name + ".yaml")
		if err != nil {
			return "", err
		}
		return patched(secrets.Replace(config), "JoinConfiguration")
	}
	config, err := cl.example("kubeadm-join.yaml")
	if err != nil {
		return "", err
	}
	first := network.Workers[0].Addresses
	config, err = replaceOnce(config, first.V4.String()+","+first.V6.String(), n.Addresses.V4.String()+","+n.Addresses.V6.String())
	if err != nil {
		return "", err
	}
	if config, err = patched(config, "JoinConfiguration"); err != nil {
		return "", err
	}
	config, err = cl.config.Options.kubeadm(config)
	return secrets.Replace(config), err
}

// rendered reads a file that plan render wrote.
func (cl *Cluster) rendered(name string) (string, error) {
	data, err := os.ReadFile(filepath.Join(cl.config.Options.Files, name))
	return string(data), err
}

// example reads a file of examples/homelab-today.
func (cl *Cluster) example(name string) (string, error) {
	data, err := os.ReadFile(filepath.Join(cl.config.Root, "examples", "homelab-today", name))
	return string(data), err
}

// replaceOnce replaces what has to stand there exactly once: an example that was changed
// is not to be applied by halves.
func replaceOnce(text, from, to string) (string, error) {
	if n := strings.Count(text, from); n != 1 {
		return "", fmt.Errorf("%q stands in the example %d times, want once", from, n)
	}
	return strings.Replace(text, from, to, 1), nil
}
