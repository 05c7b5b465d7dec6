package snapshot

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// TestSceneAsConfigured reads the ip-masq-agent's file and egress gateways where some
// configuration has them, also if it is only that of other nodes.
func TestSceneAsConfigured(t *testing.T) {
	s := sceneServer(t, strings.ReplaceAll(ciliumInstalled, `defaults: {mtu: "9000"}`, `defaults: {enable-ip-masq-agent: "true", enable-ipv4-egress-gateway: "true", enable-egress-gateway: "true"}`)+`---
{apiVersion: v1, kind: ConfigMap, metadata: {name: ip-masq-agent, namespace: kube-system}, data: {config: "nonMasqueradeCIDRs: [10.0.0.0/8]"}}
---
apiVersion: cilium.io/v2
kind: CiliumEgressGatewayPolicy
metadata: {name: out}
spec:
  selectors: [{podSelector: {matchLabels: {app: web}}}]
  destinationCIDRs: [0.0.0.0/0]
  egressGateway: {nodeSelector: {matchLabels: {zone: two}}, egressIP: 192.0.2.99}
`)
	scene := readScene(t, s, SceneQuery{})
	s.asks(t, append(slices.Clone(aroundCilium), "namespaces/kube-system/configmaps/ip-masq-agent", "cilium.io/v2/ciliumegressgatewaypolicies", "nodes?zone=two")...)
	if len(scene.Gateways) != 1 || len(scene.Gateways[0].Gateways) != 1 || !slices.Equal(scene.Gateways[0].Gateways[0].Candidates, []string{"node-b"}) {
		t.Errorf("gateways %+v", scene.Gateways)
	}
	if node, _ := scene.NodeOf("node-b"); node == nil || !slices.Contains(scene.IPMasq.NonMasquerade, netip.MustParsePrefix("10.0.0.0/8")) {
		t.Errorf("%v, %+v", node, scene.IPMasq)
	}
}

// TestNotUnderstood is an object that the API server took and this program cannot read,
// which makes a gap, and one that Cilium refuses, which does not.
func TestNotUnderstood(t *testing.T) {
	policy := func(spec any) *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": map[string]any{"namespace": "shop", "name": "p"}, "spec": spec,
		}}
	}
	for _, tc := range []struct {
		name string
		spec any
		gaps int
	}{
		{"a newer form", map[string]any{"endpointSelector": map[string]any{}, "egress": "all"}, 1},
		{"refused", map[string]any{"endpointSelector": map[string]any{}, "egress": []any{map[string]any{"toCIDR": []any{"300.0.0.0/8"}}}}, 0},
		{"in force", map[string]any{"endpointSelector": map[string]any{}, "egress": []any{map[string]any{"toCIDR": []any{"::/0"}}}}, 0},
	} {
		r := &sceneReader{scene: &Scene{}}
		_, err := PoliciesOf(policy(tc.spec))
		r.unread(CiliumPolicies, err)
		if len(r.scene.Gaps) != tc.gaps {
			t.Errorf("%s: %v, gaps %v, want %d", tc.name, err, r.scene.Gaps, tc.gaps)
		}
	}
}
