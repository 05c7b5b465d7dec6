package cluster

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/network"
)

// toolbox is a container on every node to try things from.
const toolbox = `apiVersion: apps/v1
kind: DaemonSet
metadata: {name: toolbox, namespace: lab}
spec:
  selector: {matchLabels: {app: toolbox}}
  template:
    metadata: {labels: {app: toolbox}}
    spec:
      terminationGracePeriodSeconds: 1
      tolerations: [{operator: Exists}]
      containers: [{name: toolbox, image: "lab.local/toolbox:1"}]
`

// workloads puts in the example's Pod and Services, the toolbox, and what is unusual in
// a cluster and no fault.
func (cl *Cluster) workloads(ctx context.Context) error {
	tests, err := cl.nginxTest()
	if err != nil {
		return err
	}
	oddities, err := os.ReadFile(filepath.Join(cl.config.Root, "test", "e2e", "harmless", "oddities.yaml"))
	if err != nil {
		return err
	}
	for _, objects := range []string{tests, toolbox, "apiVersion: v1\nkind: Namespace\nmetadata: {name: oddities}\n", cl.config.Options.oddities(string(oddities))} {
		if err := cl.apply(ctx, objects); err != nil {
			return err
		}
	}
	return nil
}

// nginxTest is the objects of the example that people write: not those that a
// controller makes of them. Nothing is pulled, whatever the image's tag is.
func (cl *Cluster) nginxTest() (string, error) {
	text, err := cl.example("nginx-test.yaml")
	if err != nil {
		return "", err
	}
	var kept []string
	for document := range strings.SplitSeq(text, "\n---\n") {
		if !strings.Contains(document, "kind: EndpointSlice\n") {
			kept = append(kept, document)
		}
	}
	text, err = replaceOnce(strings.Join(kept, "\n---\n"), "  - image: nginx:latest\n", "  - image: nginx:latest\n    imagePullPolicy: IfNotPresent\n")
	if err != nil {
		return "", err
	}
	return cl.config.Options.services(text), nil
}

// answers waits until everything runs and nginx answers on the laptop, at each of its
// load balancer's addresses.
func (cl *Cluster) answers(ctx context.Context) error {
	for _, args := range [][]string{
		{"-n", "kube-system", "rollout", "status", "--timeout=290s", "deployment/coredns"},
		{"-n", "metallb-system", "rollout", "status", "--timeout=290s", "daemonset/speaker"},
		{"-n", "lab", "rollout", "status", "--timeout=290s", "daemonset/toolbox"},
		{"-n", "lab", "wait", "--for=condition=Ready", "--timeout=290s", "pod/nginx-test"},
	} {
		if _, err := cl.kubectl(ctx, "", args...); err != nil {
			return err
		}
	}
	if cl.config.Options.SeparatePools {
		return nil // a Service of both families then stays without addresses
	}
	return eventually(ctx, func() error { return cl.nginxAnswers(ctx) })
}

func (cl *Cluster) nginxAnswers(ctx context.Context) error {
	printed, err := cl.kubectl(ctx, "", "-n", "lab", "get", "service", "nginx-test-lb", "-o", "jsonpath={.status.loadBalancer.ingress[*].ip}")
	if err != nil {
		return err
	}
	addresses := strings.Fields(printed)
	if want := len(cl.config.Options.Families); len(addresses) != want {
		return fmt.Errorf("nginx-test-lb has the addresses %q, want %d", addresses, want)
	}
	for _, a := range addresses {
		address, err := netip.ParseAddr(a)
		if err != nil {
			return err
		}
		if _, err := cl.hosts[network.Laptop].Run(ctx, "", "curl", "-sS", "-m", "2", "-o", "/dev/null", "http://"+netip.AddrPortFrom(address, 80).String()); err != nil {
			return err
		}
	}
	return nil
}
