package controlplane

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
)

// metallbObjects is what MetalLB's controller wants to find beside its custom
// resources: it takes its own Pod as the owner of what it writes, and ends without
// one. No scheduler takes this one.
// Source: metallb v0.16.2, internal/k8s/k8s.go New.
const metallbObjects = `apiVersion: v1
kind: Namespace
metadata: {name: metallb-system}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: controller, namespace: metallb-system}
---
apiVersion: v1
kind: Pod
metadata: {name: controller, namespace: metallb-system, labels: {app: metallb, component: controller}}
spec:
  schedulerName: none
  serviceAccountName: controller
  containers: [{name: controller, image: "quay.io/metallb/controller:v0.16.2"}]
`

// installMetalLB installs the custom resources and the objects that MetalLB's
// controller needs, and waits until they are served.
func (s settings) installMetalLB(ctx context.Context) error {
	crds := filepath.Join(s.MetalLB, "config", "crd", "bases")
	for _, step := range []struct {
		args  []string
		input string
	}{
		{[]string{"apply", "--server-side", "-f", crds}, ""},
		{[]string{"wait", "--for=condition=established", "--timeout=60s", "-f", crds}, ""},
		{[]string{"apply", "--server-side", "-f", "-"}, metallbObjects},
	} {
		cmd := exec.CommandContext(ctx, filepath.Join(s.Bin, "kubectl"), append([]string{"--kubeconfig", s.file("admin.kubeconfig")}, step.args...)...)
		cmd.Stdin = bytes.NewBufferString(step.input)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("kubectl %s: %w: %s", step.args[0], err, bytes.TrimSpace(out))
		}
	}
	return nil
}

// metallbArgs has no webhooks, which need a Service that leads to the controller,
// and no metrics.
func (s settings) metallbArgs() []string {
	return []string{
		"--kubeconfig=" + s.file("admin.kubeconfig"),
		"--namespace=metallb-system", "--pod-name=controller",
		"--port=0", "--health-probe-port=" + strconv.Itoa(s.metallb),
		"--webhook-mode=disabled", "--disable-cert-rotation",
	}
}
