package snapshot

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

var laidAt = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// layOver is the snapshot of base with files over it, and what they did.
func layOver(t *testing.T, base, files string) (*Snapshot, *Applied) {
	t.Helper()
	dir := t.TempDir()
	below, above := filepath.Join(dir, "base.yaml"), filepath.Join(dir, "files.yaml")
	for path, text := range map[string]string{below: base, above: files} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	overlay, err := ReadOverlay([]string{above}, "", FileOptions{Now: laidAt})
	if err != nil {
		t.Fatal(err)
	}
	alone, err := FromFiles([]string{below}, FileOptions{Now: laidAt})
	if err != nil {
		t.Fatal(err)
	}
	s, err := FromFiles([]string{below}, FileOptions{Now: laidAt, Overlay: overlay})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(alone.Facts, s.Facts, compareFacts); diff != "" {
		t.Errorf("what is laid over a snapshot changes it:\n%s", diff)
	}
	over, did := s.Applied()
	return over, did
}

const liveService = `
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: shop
  uid: u-1234
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: |
      {"apiVersion":"v1","kind":"Service","metadata":{"name":"web","namespace":"shop"},"spec":{"loadBalancerIP":"192.0.2.100","selector":{"app":"web"}}}
spec:
  type: LoadBalancer
  loadBalancerIP: 192.0.2.100
  ipFamilyPolicy: SingleStack
  ipFamilies: [IPv4]
  clusterIP: 10.96.0.7
  clusterIPs: [10.96.0.7]
  selector: {app: web}
  ports: [{port: 80, nodePort: 30080}, {port: 443, nodePort: 30443}]
status: {loadBalancer: {ingress: [{ip: 192.0.2.100}]}}
`

// TestOverlayKeepsWhatIsAllocated: a manifest that says nothing of what the API server
// gave out leaves it, merges ports by their numbers, and takes away what the last
// apply had and it has not.
func TestOverlayKeepsWhatIsAllocated(t *testing.T) {
	s, did := layOver(t, liveService, `
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop, labels: {tier: front}}
spec:
  selector: {app: web}
  externalTrafficPolicy: Local
  ports: [{port: 8443}]
status: {loadBalancer: {ingress: [{ip: 192.0.2.66}]}}
`)
	if len(s.Services) != 1 || len(did.Changed) != 1 || len(did.Added)+did.Unchanged != 0 {
		t.Fatalf("%+v %+v", s.Services, did)
	}
	v := s.Services[0]
	if !v.Live || len(v.ClusterIPs) != 1 || len(v.Ingress) != 1 || v.Ingress[0] != netip.MustParseAddr("192.0.2.100") {
		t.Errorf("what was allocated is lost, or a status was applied: %+v", v)
	}
	if !v.LocalTraffic || len(v.Ports) != 3 || v.Labels["tier"] != "front" {
		t.Errorf("not merged: %+v", v)
	}
	if v.RequestedIP != "" {
		t.Errorf("%s stays, though the last apply had it and this one has not", v.RequestedIP)
	}
}

// TestOverlayOfFamilies: a Service whose families change has asked for them, and was
// not answered yet.
func TestOverlayOfFamilies(t *testing.T) {
	s, _ := layOver(t, liveService, "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\nspec: {ipFamilyPolicy: RequireDualStack}\n")
	if v := s.Services[0]; v.Live || len(v.ClusterIPs)+len(v.Ingress) != 0 || !v.WantsDual() || v.Type != "LoadBalancer" {
		t.Errorf("%+v", v)
	}
}

// TestOverlayPositions: a field is where it is written last.
func TestOverlayPositions(t *testing.T) {
	s, _ := layOver(t, liveService, "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\nspec:\n  ipFamilyPolicy: PreferDualStack\n")
	ref := Ref{"Service", "shop", "web"}
	for field, want := range map[string]string{".spec.ipFamilyPolicy": "files.yaml:5", ".spec.ipFamilies[0]": "base.yaml:15", ".spec.nothing": "files.yaml:4"} {
		if got := filepath.Base(s.Position(ref, field).String()); got != want {
			t.Errorf("%s is at %s, want %s", field, got, want)
		}
	}
}

// TestOverlayOfLists: lists of custom resources are replaced, as kubectl apply does.
func TestOverlayOfLists(t *testing.T) {
	const pool = "apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata: {name: %, namespace: metallb-system}\nspec: {addresses: [%]}\n---\n"
	of := func(name, addresses string) string {
		return strings.Replace(strings.Replace(pool, "%", name, 1), "%", addresses, 1)
	}
	s, did := layOver(t, of("a", "192.0.2.0/28")+of("b", "192.0.2.16/28"), of("a", `"2001:db8::/120"`)+of("c", "192.0.2.32/28")+of("b", "192.0.2.16/28"))
	var got []string
	for _, p := range s.MetalLB.Pools {
		for _, a := range p.Addresses {
			got = append(got, p.Ref.Name+" "+a.Range.String())
		}
	}
	want := []string{"a 2001:db8::-2001:db8::ff", "b 192.0.2.16-192.0.2.31", "c 192.0.2.32-192.0.2.47"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(did.Changed) != 1 || did.Changed[0].Name != "a" || len(did.Added) != 1 || did.Added[0].Name != "c" || did.Unchanged != 1 {
		t.Errorf("%+v", did)
	}
}

const ciliumConfigMap = `
apiVersion: v1
kind: ConfigMap
metadata: {name: cilium-config, namespace: kube-system}
data: {ipam: kubernetes, enable-ipv4: "true", enable-ipv6: "false", routing-mode: tunnel, my-own: "yes"}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: cilium, namespace: kube-system, labels: {k8s-app: cilium}}
spec: {template: {spec: {containers: [{name: cilium-agent, image: "quay.io/cilium/cilium:v1.18.0"}]}}}
`

// TestOverlayOfConfigMaps: keys are merged, and the agents have read it before.
func TestOverlayOfConfigMaps(t *testing.T) {
	s, _ := layOver(t, ciliumConfigMap, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cilium-config, namespace: kube-system}\ndata: {enable-ipv6: \"true\"}\n")
	want := cilium.Config{"ipam": "kubernetes", "enable-ipv4": "true", "enable-ipv6": "true", "routing-mode": "tunnel", "my-own": "yes"}
	if diff := cmp.Diff(want, s.Cilium.Config); diff != "" || !s.Cilium.Changed.Equal(laidAt) {
		t.Errorf("changed %s\n%s", s.Cilium.Changed, diff)
	}
}

// TestOverlayOfValues: values of Cilium's chart write what the chart writes into the
// ConfigMap, and leave the rest; an object that installs a release brings it along.
func TestOverlayOfValues(t *testing.T) {
	values := "ipv6: {enabled: true}\nroutingMode: native\nipv4NativeRoutingCIDR: 10.244.0.0/16\n"
	s, did := layOver(t, ciliumConfigMap, values)
	c := s.Cilium
	if c.ConfigRef.Kind != "ConfigMap" || !c.Config.Enabled(ipfam.V6) || c.Config["routing-mode"] != "native" || c.Config["my-own"] != "yes" {
		t.Errorf("%s: %v", c.ConfigRef, c.Config)
	}
	if c.Version != release.V(1, 18) || len(did.Added) != 1 || did.Added[0].Kind != "HelmValues" {
		t.Errorf("%s %+v", c.Version, did)
	}
	s, _ = layOver(t, ciliumConfigMap, `
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: cilium, namespace: flux-system}
spec:
  chart: {spec: {chart: cilium, version: 1.20.2}}
  values: {ipv6: {enabled: true}}
`)
	if c := s.Cilium; c.Version != release.V(1, 20, 2) || !c.Config.Enabled(ipfam.V6) {
		t.Errorf("%s: %v", c.Version, c.Config)
	}
	s, _ = layOver(t, values+"---\n"+ciliumConfigMap, "ipv6: {enabled: false}\nroutingMode: tunnel\n")
	if c := s.Cilium; c.Config.Enabled(ipfam.V6) || c.Values.Rendered.Enabled(ipfam.V6) || len(s.Problems) > 0 {
		t.Errorf("values beside those that take their place: %v %v", c.Config, s.Problems)
	}
}

// TestOverlayOfDocuments: what is no API object takes the place of what was there, also
// of what a ConfigMap holds.
func TestOverlayOfDocuments(t *testing.T) {
	const was = `
apiVersion: v1
kind: ConfigMap
metadata: {name: kubeadm-config, namespace: kube-system}
data:
  ClusterConfiguration: |
    apiVersion: kubeadm.k8s.io/v1beta4
    kind: ClusterConfiguration
    networking: {podSubnet: 10.244.0.0/16, serviceSubnet: 10.96.0.0/16}
`
	s, did := layOver(t, was, "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nnetworking: {podSubnet: \"10.244.0.0/16,2001:db8::/56\"}\n")
	if len(s.Kubeadm) != 1 || len(s.Kubeadm[0].PodSubnet) != 2 || len(s.Kubeadm[0].ServiceSubnet) != 0 || len(s.Problems) > 0 {
		t.Errorf("%+v %v", s.Kubeadm, s.Problems)
	}
	if len(did.Changed) != 1 || did.Changed[0] != kubeadmRef {
		t.Errorf("%+v", did)
	}
}

// TestOverlayNamespaces: an object without a namespace is in the one that kubectl
// would put it in.
func TestOverlayNamespaces(t *testing.T) {
	file := filepath.Join(t.TempDir(), "files.yaml")
	if err := os.WriteFile(file, []byte("apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ipFamilyPolicy: PreferDualStack}\n---\n"+
		"apiVersion: v1\nkind: Node\nmetadata: {name: node-1}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	overlay, err := ReadOverlay([]string{file}, "shop", FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	base := filepath.Join(t.TempDir(), "base.yaml")
	if err := os.WriteFile(base, []byte(liveService), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := FromFiles([]string{base}, FileOptions{Overlay: overlay})
	if err != nil {
		t.Fatal(err)
	}
	over, did := s.Applied()
	if len(over.Services) != 1 || over.Services[0].Policy != "PreferDualStack" {
		t.Errorf("%+v", over.Services)
	}
	if want := []Ref{{Kind: "Node", Name: "node-1"}}; !cmp.Equal(want, did.Added) {
		t.Errorf("added %v, want %v", did.Added, want)
	}
}

// TestOverlayThatMakesNoSense: a document that is not understood is a problem of what
// it is laid over, and without any other there is no overlay.
func TestOverlayThatMakesNoSense(t *testing.T) {
	s, _ := layOver(t, liveService, "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\nspec: {ipFamilies: 4}\n---\na: {b\n---\n"+
		"apiVersion: v1\nkind: Node\nmetadata: {name: node-1}\n")
	if g, gap := s.Gap(Services); len(s.Problems) != 2 || !gap || !g.Partial || len(s.Nodes) != 1 {
		t.Errorf("%v %v", s.Problems, s.Gaps)
	}
	file := filepath.Join(t.TempDir(), "files.yaml")
	if err := os.WriteFile(file, []byte("a: {b\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadOverlay([]string{file, file + ".none"}, "", FileOptions{}); err == nil || !strings.Contains(err.Error(), "files.yaml:") || !strings.Contains(err.Error(), "none") {
		t.Errorf("error: %v", err)
	}
}

// TestAt: other releases run, and nothing else is another.
func TestAt(t *testing.T) {
	s, _ := layOver(t, liveService+"---\napiVersion: v1\nkind: Node\nmetadata: {name: node-1}\nstatus: {nodeInfo: {kubeletVersion: v1.30.1}}\n---\n"+ciliumConfigMap, liveService)
	at := s.At(plan.Versions{Kubernetes: release.V(1, 37), Cilium: release.V(1, 20), MetalLB: release.V(0, 16)})
	if at.Kubernetes != release.V(1, 37) || at.Nodes[0].Kubelet != release.V(1, 37) || at.Cilium.Version != release.V(1, 20) || at.MetalLB.Version.Known() {
		t.Errorf("%s, kubelet %s, Cilium %s, MetalLB %s", at.Kubernetes, at.Nodes[0].Kubelet, at.Cilium.Version, at.MetalLB.Version)
	}
	if s.Nodes[0].Kubelet != release.V(1, 30, 1) || s.Cilium.Version != release.V(1, 18) {
		t.Error("the snapshot itself is another")
	}
	if same := s.At(plan.Versions{}); !cmp.Equal(s.Facts, same.Facts, compareFacts) {
		t.Error("no release changes something")
	}
}
