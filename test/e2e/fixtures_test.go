//go:build e2e

package e2e

import (
	"net/netip"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/txtar"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// refused is the objects of fixtures that this API server refuses, by a part of its
// words, and why the fixture has them all the same.
var refused = []struct{ fixture, words, reason string }{
	{"DS201", "must be in canonical form", "servers before 1.36 took it, and the object stays"},
	{"DS614", "must not have bits set beyond the prefix length", "a manifest that is to be applied: that it is refused is the finding"},
	{"DS611", "when multiple IP families are specified", "a manifest that is to be applied: that it is refused is the finding"},
	{"DS611", "Duplicate value", "as above"},
	{"DS611", "may not be set for ExternalName services", "as above"},
	{"DS804", "must be a strict subset", "a manifest that is to be applied: that it is refused is the finding"},
}

// testFixtures: what the checks are tried on are objects that an API server takes.
// Their status is not judged: a dry run does not write it.
func testFixtures(c *cluster) {
	t := c.t
	paths, err := filepath.Glob(repository("pkg", "checks", "testdata", "*.txtar"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	c.installCRDs("go.universe.tf/metallb@v0.13.12")
	used := map[int]bool{}
	taken := 0
	for _, path := range paths {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(path), ".txtar")
		for _, file := range archive.Files {
			if filepath.Ext(file.Name) != ".yaml" {
				continue
			}
			objects, err := decode(file.Data)
			if err != nil {
				t.Errorf("%s: %s: %v", name, file.Name, err)
			}
			for _, u := range objects {
				if !served(u) {
					continue
				}
				taken++
				if err := c.try(u); err != nil && !expected(name, err, used) {
					t.Errorf("%s: %s: %s/%s: %v", name, file.Name, u.GetKind(), u.GetName(), err)
				}
			}
		}
	}
	for i, r := range refused {
		if !used[i] {
			t.Errorf("%s: nothing is refused because of %q any more (%s)", r.fixture, r.words, r.reason)
		}
	}
	t.Logf("%d objects of %d fixtures", taken, len(paths))
}

// unserved is the groups of documents for a program, such as a kubeadm configuration,
// and of installers whose definitions no Go module has.
var unserved = []string{"dualstack", "kubeadm.k8s.io", "helm.cattle.io", "helm.toolkit.fluxcd.io", "argoproj.io",
	"gateway.networking.k8s.io", "crd.projectcalico.org"}

// served reports whether the API server has definitions for the object.
func served(u *unstructured.Unstructured) bool {
	return !slices.Contains(unserved, u.GroupVersionKind().Group)
}

// try has the API server judge the object without keeping it.
func (c *cluster) try(u *unstructured.Unstructured) error {
	c.namespace(u.GetNamespace())
	complete(u)
	_, err := c.resource(u).Create(c.t.Context(), u, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// complete fills in what the API requires of every object of the kind and fixtures
// leave out, because it says nothing about addresses.
func complete(u *unstructured.Unstructured) {
	switch u.GetKind() {
	case "Pod":
		completeContainers(u, "spec", "containers")
	case "DaemonSet", "Deployment":
		labels := map[string]any{"app": "main"}
		if given, ok, _ := unstructured.NestedMap(u.Object, "spec", "selector", "matchLabels"); ok {
			labels = given
		}
		fill(u, labels, "spec", "selector", "matchLabels")
		fill(u, labels, "spec", "template", "metadata", "labels")
		completeContainers(u, "spec", "template", "spec", "containers")
	case "Service":
		fill(u, []any{map[string]any{"port": int64(80)}}, "spec", "ports")
		if ips, _, _ := unstructured.NestedSlice(u.Object, "spec", "clusterIPs"); len(ips) > 1 {
			fill(u, "PreferDualStack", "spec", "ipFamilyPolicy")
		}
		moveClusterIPs(u)
	}
}

func completeContainers(u *unstructured.Unstructured, path ...string) {
	fill(u, []any{map[string]any{}}, path...)
	containers, _, _ := unstructured.NestedSlice(u.Object, path...)
	for i := range containers {
		if container, ok := containers[i].(map[string]any); ok {
			for key, value := range map[string]any{"name": "main", "image": "example.org/main:v1"} {
				if container[key] == nil {
					container[key] = value
				}
			}
		}
	}
	_ = unstructured.SetNestedSlice(u.Object, containers, path...)
}

// serviceRanges is the ranges of the lab. In a dry run the server looks for an
// address that is asked for in one range only, so that a ServiceCIDR more for the
// fixtures' ranges would not do.
var serviceRanges = []netip.Prefix{netip.MustParsePrefix("10.96.0.0/16"), netip.MustParsePrefix("2001:db8:7653:299:cafe:1::/112")}

// moveClusterIPs gives a Service of a cluster with other ranges addresses of this one.
func moveClusterIPs(u *unstructured.Unstructured) {
	ips, found, _ := unstructured.NestedStringSlice(u.Object, "spec", "clusterIPs")
	if !found {
		return
	}
	for i, text := range ips {
		for _, r := range serviceRanges {
			if ip, err := netip.ParseAddr(text); err == nil && ip.Is4() == r.Addr().Is4() && !r.Contains(ip) {
				from, to := ip.AsSlice(), r.Addr().AsSlice()
				copy(to[len(to)-2:], from[len(from)-2:])
				moved, _ := netip.AddrFromSlice(to)
				ips[i] = moved.String()
			}
		}
	}
	_ = unstructured.SetNestedStringSlice(u.Object, ips, "spec", "clusterIPs")
	if _, found, _ := unstructured.NestedString(u.Object, "spec", "clusterIP"); found && len(ips) > 0 {
		_ = unstructured.SetNestedField(u.Object, ips[0], "spec", "clusterIP")
	}
}

func fill(u *unstructured.Unstructured, value any, path ...string) {
	if _, found, _ := unstructured.NestedFieldNoCopy(u.Object, path...); !found {
		_ = unstructured.SetNestedField(u.Object, value, path...) // what is in the way, the server will name
	}
}

func expected(fixture string, err error, used map[int]bool) bool {
	for i, r := range refused {
		if (r.fixture == fixture || r.fixture == "") && strings.Contains(err.Error(), r.words) {
			used[i] = true
			return true
		}
	}
	return false
}
