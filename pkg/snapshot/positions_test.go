package snapshot

import (
	"fmt"
	"strings"
	"testing"
)

// TestPositions: the field of an object is found where it stands, whatever the
// object is in. The marks in the text say where: «#3» is the line that test 3 wants.
func TestPositions(t *testing.T) {
	const text = `apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Service #0
  metadata:
    name: web
    namespace: shop
  spec: #1
    clusterIPs: #2
    - 10.96.0.7
    - fd00::7 #3
    ports: [{name: http, port: 80}]
- apiVersion: v1
  kind: Pod
  metadata:
    name: kube-apiserver-a
    namespace: kube-system
    labels: {component: kube-apiserver}
  spec:
    containers:
    - name: kube-apiserver
      command:
      - kube-apiserver
      - --service-cluster-ip-range=10.96.0.0/16,fd00::/112 #4
    volumes: #5
    - name: certs
--- # a second document
apiVersion: v1
kind: ConfigMap
metadata: {name: kubeadm-config, namespace: kube-system}
data:
  ClusterConfiguration: |+

    apiVersion: kubeadm.k8s.io/v1beta4
    kind: ClusterConfiguration
    networking:
      serviceSubnet: 10.96.0.0/16 #6
  ClusterStatus: ""
---
apiVersion: v1
kind: ConfigMap
metadata: {name: config, namespace: metallb-system}
data:
  config: |
    address-pools:
    - name: default #7
      addresses:
      - 192.0.2.0/28 #8
---
cilium:
  ipv6: {enabled: true}
  ipam: {operator: {}}
  enableIPv6Masquerade: false #9
---
apiVersion: cilium.io/v2
kind: CiliumNode
metadata:
  name: worker
spec: {ipam: {podCIDRs: [10.0.0.0/24,
  fd00::/96]}} #10
`
	s := factsOf(t, "dump.yaml", []byte(text))
	if len(s.Problems) > 0 {
		t.Fatal(s.Problems)
	}
	for i, test := range []struct {
		ref   Ref
		field string
	}{
		{Ref{"Service", "shop", "web"}, ".status.loadBalancer"},
		{Ref{"Service", "shop", "web"}, ".spec.ipFamilies[1]"},
		{Ref{"Service", "shop", "web"}, ".spec.clusterIPs"},
		{Ref{"Service", "shop", "web"}, ".spec.clusterIPs[1]"},
		{Ref{"Pod", "kube-system", "kube-apiserver-a"}, "--service-cluster-ip-range"},
		{Ref{"Pod", "kube-system", "kube-apiserver-a"}, ".spec.volumes[0].name"},
		{kubeadmRef, ".networking.serviceSubnet"},
		{Ref{configMapPool, "metallb-system", "default"}, ".name"},
		{Ref{configMapPool, "metallb-system", "default"}, ".addresses[0]"},
		{Ref{Kind: "HelmValues", Name: "cilium"}, s.Cilium.Values.Fields["enable-ipv6-masquerade"]},
		{Ref{Kind: "CiliumNode", Name: "worker"}, ".spec.ipam.podCIDRs[1]"},
	} {
		want := 0
		for n, line := range strings.Split(text, "\n") {
			if strings.HasSuffix(line, fmt.Sprintf(" #%d", i)) {
				want = n + 1
			}
		}
		if i == 0 {
			want = 4 // the object begins with the line of its first key
		}
		if got := s.Position(test.ref, test.field); got != (Position{"dump.yaml", want}) {
			t.Errorf("%s %s: %s, want line %d", test.ref, test.field, got, want)
		}
	}
	if got := s.Position(Ref{Kind: "Node", Name: "nobody"}, ".spec"); got != (Position{}) {
		t.Errorf("an object that was not read is at %s", got)
	}
}

// TestLineTable holds the hashes to the paths of a large document: no two of them
// are taken for one another.
func TestLineTable(t *testing.T) {
	var b strings.Builder
	b.WriteString("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cilium-config, namespace: kube-system}\ndata:\n")
	const fields = 5000
	for i := range fields {
		fmt.Fprintf(&b, "  option-%d: \"%d\"\n", i, i)
	}
	s := factsOf(t, "large.yaml", []byte(b.String()))
	ref := Ref{"ConfigMap", "kube-system", "cilium-config"}
	for i := range fields {
		if got := s.Position(ref, fmt.Sprintf(".data.option-%d", i)); got.Line != 5+i {
			t.Fatalf("option %d: %s, want line %d", i, got, 5+i)
		}
	}
	if got := s.Position(ref, ".data.option-x"); got.Line != 4 {
		t.Errorf("a field that is not there: %s, want that of .data", got)
	}
}
