//go:build e2e

package e2e

import (
	"cmp"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// byHand is the keys that were written into cilium-config after the chart was
// installed.
var byHand = []string{"enable-ipv6-ndp", "ipv6-mcast-device", "ipv6-service-range"}

// putHomelab puts the cluster of examples/homelab into a control plane in the way
// that it came about: kubeadm wrote its ConfigMap, the chart wrote cilium-config and
// somebody then added three keys, MetalLB's chart made a ConfigMap of its values.
func putHomelab(c *cluster) {
	dir := repository("examples", "homelab")
	objects := c.read(dir)
	hand := map[string]any{}
	objects = slices.DeleteFunc(objects, func(u *unstructured.Unstructured) bool {
		return u.GetAPIVersion() == "dualstack/v1alpha1"
	})
	for _, u := range objects {
		if u.GetName() == "cilium-config" {
			for _, key := range byHand {
				value, _, _ := unstructured.NestedString(u.Object, "data", key)
				hand[key] = value
				unstructured.RemoveNestedField(u.Object, "data", key)
			}
		}
	}
	kubeadm, err := os.ReadFile(filepath.Join(dir, "kubeadm-v1beta3.yaml"))
	if err != nil {
		c.t.Fatal(err)
	}
	objects = append(objects,
		object("v1", "ConfigMap", "kube-system", "kubeadm-config", map[string]any{"data": map[string]any{"ClusterConfiguration": string(kubeadm)}}),
		object("v1", "ConfigMap", "metallb-system", "metallb", map[string]any{"data": map[string]any{"config": configInline(c, dir)}}))
	c.putAll(objects, func(u *unstructured.Unstructured) string {
		if u.GetKind() == "ConfigMap" {
			return "helm"
		}
		return "e2e"
	})
	patch, err := json.Marshal(map[string]any{"data": hand})
	if err != nil {
		c.t.Fatal(err)
	}
	configMaps := schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
	if _, err := c.client.Resource(configMaps).Namespace("kube-system").Patch(c.t.Context(), "cilium-config",
		types.MergePatchType, patch, metav1.PatchOptions{FieldManager: "kubectl-edit"}); err != nil {
		c.t.Fatal(err)
	}
	c.endpoints("nginx-test", "nginx-test-lb")
}

// configInline is MetalLB's configuration as its chart wrote it into a ConfigMap.
func configInline(c *cluster, dir string) string {
	data, err := os.ReadFile(filepath.Join(dir, "metallb-values.yaml"))
	if err != nil {
		c.t.Fatal(err)
	}
	var values struct {
		ConfigInline any `json:"configInline"`
	}
	if err := yaml.Unmarshal(data, &values); err != nil {
		c.t.Fatal(err)
	}
	out, err := yaml.Marshal(values.ConfigInline)
	if err != nil {
		c.t.Fatal(err)
	}
	return string(out)
}

// endpoints waits until the controller has made slices of both families for the
// Services.
func (c *cluster) endpoints(services ...string) {
	c.t.Helper()
	slices := schema.GroupVersionResource{Group: "discovery.k8s.io", Version: "v1", Resource: "endpointslices"}
	c.eventually("EndpointSlices of both families", func() bool {
		ready := map[string]bool{}
		for _, slice := range c.list(slices) {
			family, _, _ := unstructured.NestedString(slice.Object, "addressType")
			endpoints, _, _ := unstructured.NestedSlice(slice.Object, "endpoints")
			for _, e := range endpoints {
				fields, _ := e.(map[string]any)
				if is, _, _ := unstructured.NestedBool(fields, "conditions", "ready"); is {
					ready[slice.GetLabels()["kubernetes.io/service-name"]+family] = true
				}
			}
		}
		for _, service := range services {
			if !ready[service+"IPv4"] || !ready[service+"IPv6"] {
				return false
			}
		}
		return true
	})
}

// TestHomelab: doctor says the same of the cluster and of its files.
func TestHomelab(t *testing.T) {
	c := startCluster(t)
	putHomelab(c)
	plan := repository("examples", "homelab", "plan.yaml")

	t.Run("the addresses are the document's", func(t *testing.T) {
		out := c.in(t).kubectl("get", "service", "-n", "lab", "-o", `jsonpath={range .items[*]}{.metadata.name} {.spec.clusterIPs} {.status.loadBalancer.ingress[*].ip}{"\n"}{end}`)
		want := `nginx-test ["10.96.56.97","2001:db8:7653:299:cafe:1:0:b09d"] ` + `
nginx-test-lb ["10.96.146.219","2001:db8:7653:299:cafe:1:0:4e7c"] 192.168.16.104 2001:db8:7653:216:ffff:fac:ade:0
`
		if diff := gocmp.Diff(want, out); diff != "" {
			t.Errorf("Services (-want +got):\n%s", diff)
		}
	})

	t.Run("the keys written by hand are known", func(t *testing.T) {
		snap, err := snapshot.FromCluster(t.Context(), c.config, snapshot.ClusterOptions{Now: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff(byHand, snap.Cilium.ByHand); diff != "" {
			t.Errorf("keys (-want +got):\n%s", diff)
		}
	})

	t.Run("the same findings", func(t *testing.T) {
		c := c.in(t)
		live := c.doctor(1, "--plan", plan)
		// Files cannot tell which version serves them; what kubectl says of it can.
		version := filepath.Join(t.TempDir(), "version.yaml")
		if err := os.WriteFile(version, []byte(c.kubectl("version", "-o", "yaml")), 0o600); err != nil {
			t.Fatal(err)
		}
		files := c.doctor(1, "-f", repository("examples", "homelab"), "-f", version, "--plan", plan)
		if diff := gocmp.Diff(comparable(files), comparable(live)); diff != "" {
			t.Errorf("findings (-files +cluster):\n%s", diff)
		}
		if len(live.findings()) == 0 {
			t.Error("no findings: that they are the same says nothing")
		}
	})

	t.Run("the same facts", func(t *testing.T) { sameFacts(c.in(t), builtIn) })
}

// comparable is the findings in an order that does not hang on where an object came
// from, with MetalLB's configuration under one name: in the files it is in the
// chart's values, in the cluster in the ConfigMap that the chart makes of them.
// DS506 says of it what refuses it, which is the chart in the one case and the
// controller in the other. DS810 is about the lack of policies, which only a cluster
// can tell.
func comparable(r doctorReport) []finding {
	all := slices.DeleteFunc(r.findings(), func(f finding) bool { return f.ID == "DS810" })
	for i := range all {
		f := &all[i]
		if strings.EqualFold(f.Object.Kind, "HelmValues") && f.Object.Name == "metallb" {
			f.Object.Kind, f.Object.Namespace = "ConfigMap", "metallb-system"
			f.Field = strings.Replace(f.Field, ".configInline.address-pools", ".data.config", 1)
		}
		if f.ID == "DS506" {
			f.Message = ""
		}
	}
	slices.SortFunc(all, func(a, b finding) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Object.Kind, b.Object.Kind), cmp.Compare(a.Object.Namespace, b.Object.Namespace),
			cmp.Compare(a.Object.Name, b.Object.Name), cmp.Compare(a.Field, b.Field), cmp.Compare(a.Message, b.Message))
	})
	return all
}

// TestToday is the cluster as one would build it now, with custom resources.
func TestToday(t *testing.T) {
	c := startCluster(t)
	c.installCRDs("go.universe.tf/metallb", "github.com/cilium/cilium")
	putToday(c)

	t.Run("nothing is wrong", func(t *testing.T) {
		report := c.in(t).doctor(0, "--plan", repository("examples", "homelab-today", "plan.yaml"), "--fail-on", "warning")
		for _, f := range report.findings() {
			if f.Severity != "info" {
				t.Errorf("%+v", f)
			}
		}
		if report.Summary["ok"] == 0 || report.Summary["unknown"] != 0 {
			t.Errorf("summary %v", report.Summary)
		}
	})
	t.Run("the same facts", func(t *testing.T) { sameFacts(c.in(t), builtIn+custom) })
	t.Run("rights", func(t *testing.T) { testRights(t, c.in(t)) })
	t.Run("requests", func(t *testing.T) { testAudit(t, c.in(t)) })
	t.Run("fixtures are real", func(t *testing.T) { testFixtures(c.in(t)) })
}

// putToday puts the cluster of examples/homelab-today into a control plane that has
// its custom resources.
func putToday(c *cluster) {
	dir := repository("examples", "homelab-today")
	objects := slices.DeleteFunc(c.read(dir), func(u *unstructured.Unstructured) bool {
		return u.GetAPIVersion() == "dualstack/v1alpha1"
	})
	objects = append(objects,
		object("v1", "ConfigMap", "kube-system", "kubeadm-config", map[string]any{"data": map[string]any{"ClusterConfiguration": clusterConfiguration(c, filepath.Join(dir, "kubeadm-init.yaml"))}}),
		object("v1", "ConfigMap", "kube-system", "cilium-config", map[string]any{"data": ciliumConfig(c, dir)}))
	c.putAll(objects, func(*unstructured.Unstructured) string { return "helm" })
	c.endpoints("nginx-test", "nginx-test-lb")
}

// clusterConfiguration is the ClusterConfiguration among the documents of a kubeadm
// configuration, which is the one that kubeadm keeps in the cluster.
func clusterConfiguration(c *cluster, file string) string {
	data, err := os.ReadFile(file)
	if err != nil {
		c.t.Fatal(err)
	}
	for document := range strings.SplitSeq(string(data), "\n---\n") {
		if strings.Contains(document, "kind: ClusterConfiguration") {
			return document
		}
	}
	c.t.Fatalf("%s has no ClusterConfiguration", file)
	return ""
}

// ciliumConfig is what the chart renders of the example's values.
func ciliumConfig(c *cluster, dir string) map[string]any {
	snap, err := snapshot.FromFiles([]string{filepath.Join(dir, "cilium-values.yaml")}, snapshot.FileOptions{})
	if err != nil {
		c.t.Fatal(err)
	}
	data := map[string]any{}
	for key, value := range snap.Cilium.Config {
		data[key] = value
	}
	return data
}
