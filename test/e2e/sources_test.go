//go:build e2e

package e2e

import (
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/google/go-cmp/cmp"
	"go4.org/netipx"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// builtIn and custom are the kinds that a dump of a cluster needs, as kubectl names
// them.
const (
	builtIn = "nodes,pods,services,endpointslices,servicecidrs,configmaps,daemonsets,deployments,networkpolicies,ingresses,events,customresourcedefinitions" +
		",mutatingwebhookconfigurations,validatingwebhookconfigurations,apiservices"
	custom = ",ciliumnetworkpolicies,ciliumclusterwidenetworkpolicies,ciliumegressgatewaypolicies,ciliumnodes,ciliumnodeconfigs,ciliumloadbalancerippools" +
		",ipaddresspools,l2advertisements,bgpadvertisements,bgppeers"
)

// sameFacts holds the facts of a cluster to those of its dump.
func sameFacts(c *cluster, kinds string) {
	c.t.Helper()
	dump := c.t.TempDir()
	for file, out := range map[string]string{
		"cluster.yaml": c.kubectl("get", kinds, "-A", "-o", "yaml", "--show-managed-fields"),
		"version.yaml": c.kubectl("version", "-o", "yaml"),
	} {
		if err := os.WriteFile(filepath.Join(dump, file), []byte(out), 0o600); err != nil {
			c.t.Fatal(err)
		}
	}
	files, err := snapshot.FromFiles([]string{dump}, snapshot.FileOptions{Now: time.Now()})
	if err != nil {
		c.t.Fatal(err)
	}
	live, err := snapshot.FromCluster(c.t.Context(), c.config, snapshot.ClusterOptions{Depth: snapshot.Deep, Now: time.Now()})
	if err != nil {
		c.t.Fatal(err)
	}
	if diff := cmp.Diff(files.Facts, live.Facts,
		cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
		cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
		cmp.Comparer(func(a, b netipx.IPRange) bool { return a == b })); diff != "" {
		c.t.Errorf("facts (-files +cluster):\n%s", diff)
	}
	if len(live.Problems) > 0 || len(live.Nodes) != 3 || len(live.Services) != 3 || len(live.EndpointSlices) != 4 {
		c.t.Errorf("problems %v; %d Nodes, %d Services, %d EndpointSlices", live.Problems, len(live.Nodes), len(live.Services), len(live.EndpointSlices))
	}
}
