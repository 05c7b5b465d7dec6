package cluster

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// memberlist is what the controller makes for the speakers when it runs. Until then
// kubelets cannot mount it, and after some tries they wait for two minutes.
const memberlist = `---
apiVersion: v1
kind: Secret
metadata: {name: memberlist, namespace: metallb-system}
stringData: {secretkey: the-lab-has-no-secrets}
`

// installMetalLB installs MetalLB from its module's own manifest.
func (cl *Cluster) installMetalLB(ctx context.Context) error {
	manifest, err := os.ReadFile(filepath.Join(cl.config.Modules.MetalLB, "config", "manifests", "metallb-native.yaml"))
	if err != nil {
		return err
	}
	return cl.apply(ctx, string(manifest)+memberlist)
}

// addPools adds the example's pool. MetalLB's webhook has to agree, so this waits for
// its controller.
func (cl *Cluster) addPools(ctx context.Context) error {
	pools, err := cl.pools()
	if err != nil {
		return err
	}
	if _, err := cl.kubectl(ctx, "", "-n", "metallb-system", "rollout", "status", "--timeout=290s", "deployment/controller"); err != nil {
		return err
	}
	return cl.apply(ctx, pools)
}

// pools is the custom resources of the example's metallb.yaml, or of the one that was
// rendered. What the example shows of the controller is in the manifest.
func (cl *Cluster) pools() (string, error) {
	if cl.config.Options.Files != "" {
		return cl.rendered("metallb.yaml")
	}
	text, err := cl.example("metallb.yaml")
	if err != nil {
		return "", err
	}
	var kept []string
	for document := range strings.SplitSeq(text, "\n---\n") {
		if strings.Contains(document, "\napiVersion: metallb.io/") || strings.HasPrefix(document, "apiVersion: metallb.io/") {
			kept = append(kept, document)
		}
	}
	if len(kept) != 2 {
		return "", fmt.Errorf("metallb.yaml has %d custom resources of MetalLB, want a pool and its advertisement", len(kept))
	}
	return cl.config.Options.metallb(strings.Join(kept, "\n---\n"))
}
