//go:build e2e

package e2e

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go4.org/netipx"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// builtIn and custom are the kinds that a dump of a cluster needs, as kubectl names
// them.
const (
	builtIn = "nodes,pods,services,endpointslices,servicecidrs,configmaps,daemonsets,deployments,events,customresourcedefinitions"
	custom  = ",ciliumnodes,ciliumnodeconfigs,ciliumloadbalancerippools,ipaddresspools,l2advertisements,bgpadvertisements"
)

// TestSourcesAgree: the facts of a cluster are those of its dump.
func TestSourcesAgree(t *testing.T) {
	for name, story := range map[string]struct {
		put   func(*cluster)
		kinds string
	}{
		"homelab": {putHomelab, builtIn},
		"today": {func(c *cluster) {
			c.installCRDs("go.universe.tf/metallb", "github.com/cilium/cilium")
			putToday(c)
		}, builtIn + custom},
	} {
		t.Run(name, func(t *testing.T) {
			c := startCluster(t)
			story.put(c)
			dump := t.TempDir()
			for file, out := range map[string]string{
				"cluster.yaml": c.kubectl("get", story.kinds, "-A", "-o", "yaml", "--show-managed-fields"),
				"version.yaml": c.kubectl("version", "-o", "yaml"),
			} {
				if err := os.WriteFile(filepath.Join(dump, file), []byte(out), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			files, err := snapshot.FromFiles([]string{dump}, snapshot.FileOptions{Now: time.Now()})
			if err != nil {
				t.Fatal(err)
			}
			live, err := snapshot.FromCluster(t.Context(), c.config, snapshot.ClusterOptions{Depth: snapshot.Deep, Now: time.Now()})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(files.Facts, live.Facts,
				cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
				cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
				cmp.Comparer(func(a, b netipx.IPRange) bool { return a == b })); diff != "" {
				t.Errorf("facts (-files +cluster):\n%s", diff)
			}
			if len(live.Problems) > 0 || len(live.Nodes) != 3 || len(live.Services) != 3 || len(live.EndpointSlices) != 4 {
				t.Errorf("problems %v; %d Nodes, %d Services, %d EndpointSlices", live.Problems, len(live.Nodes), len(live.Services), len(live.EndpointSlices))
			}
		})
	}
}
