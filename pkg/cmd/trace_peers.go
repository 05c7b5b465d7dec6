package cmd

import (
	"context"
	"net/netip"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// peers is the addresses of another node than the Pod's, to see whether the nodes reach
// each other: the target's own node, or any. A node of which some are asked for costs no
// more than a short list.
func (o *traceOptions) peers(ctx context.Context, client kubernetes.Interface, e *evidence) (peers ipfam.Pair[netip.Addr]) {
	own := e.Scene.Source.Node
	nodes := slices.Clone(e.Scene.Nodes)
	if !slices.ContainsFunc(nodes, func(n snapshot.Node) bool { return n.Name != own }) {
		list, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{Limit: 3})
		if err != nil {
			return peers // a right that is missing: there is one rung less
		}
		for i := range list.Items {
			nodes = append(nodes, snapshot.NodeOf(&list.Items[i]))
		}
	}
	for _, n := range nodes {
		if n.Name == own || peers.V4.IsValid() || peers.V6.IsValid() {
			continue
		}
		for _, f := range ipfam.All {
			*peers.At(f) = snapshot.Of(n.InternalIPs, f)
		}
	}
	return peers
}
