//go:build e2e

package e2e

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/util/retry"
)

// oftenEnough is for writing an object that a controller writes at the same time.
var oftenEnough = wait.Backoff{Steps: 50, Duration: 20 * time.Millisecond}

// clusterScoped is the kinds without a namespace among those that the tests put.
var clusterScoped = []string{"Namespace", "Node", "ServiceCIDR", "CustomResourceDefinition", "CiliumNode", "CiliumLoadBalancerIPPool", "ClusterRole", "ClusterRoleBinding",
	"MutatingWebhookConfiguration", "ValidatingWebhookConfiguration", "APIService"}

// decode is the API objects in a file of manifests. A document that is none, such as
// Helm values, is left out.
func decode(data []byte) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	for reader := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(data), 4096); ; {
		u := &unstructured.Unstructured{}
		if err := reader.Decode(&u.Object); errors.Is(err, io.EOF) {
			return objects, nil
		} else if err != nil {
			return nil, err
		}
		switch {
		case u.GetKind() == "" || u.GetName() == "":
		case u.IsList():
			list, err := u.ToList()
			if err != nil {
				return nil, err
			}
			for i := range list.Items {
				objects = append(objects, &list.Items[i])
			}
		default:
			objects = append(objects, u)
		}
	}
}

// read is the API objects of the files in a folder.
func (c *cluster) read(dir string) []*unstructured.Unstructured {
	c.t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil || len(files) == 0 {
		c.t.Fatalf("%s: no manifests: %v", dir, err)
	}
	var objects []*unstructured.Unstructured
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			c.t.Fatal(err)
		}
		found, err := decode(data)
		if err != nil {
			c.t.Fatalf("%s: %v", file, err)
		}
		objects = append(objects, found...)
	}
	return objects
}

func (c *cluster) resource(u *unstructured.Unstructured) dynamic.ResourceInterface {
	gvr, _ := meta.UnsafeGuessKindToResource(u.GroupVersionKind())
	if slices.Contains(clusterScoped, u.GetKind()) {
		return c.client.Resource(gvr)
	}
	return c.client.Resource(gvr).Namespace(u.GetNamespace())
}

// put makes the object as its owner would, then writes its status as its controller
// would, and waits for nothing.
func (c *cluster) put(u *unstructured.Unstructured, manager string) {
	c.t.Helper()
	ctx, name := c.t.Context(), strings.ToLower(u.GetKind())+"/"+u.GetName()
	status, hasStatus, _ := unstructured.NestedMap(u.Object, "status")
	_, err := c.resource(u).Create(ctx, u, metav1.CreateOptions{FieldManager: manager})
	if apierrors.IsAlreadyExists(err) { // namespaces, the default ServiceCIDR
		return
	}
	if err != nil {
		c.t.Fatalf("create %s: %v", name, err)
	}
	if !hasStatus {
		return
	}
	// A controller may have written to the new object before us.
	err = retry.RetryOnConflict(oftenEnough, func() error {
		made, err := c.resource(u).Get(ctx, u.GetName(), metav1.GetOptions{})
		if err != nil {
			return err
		}
		made.Object["status"] = status
		_, err = c.resource(made).UpdateStatus(ctx, made, metav1.UpdateOptions{FieldManager: manager})
		return err
	})
	if err != nil {
		c.t.Fatalf("write the status of %s: %v", name, err)
	}
}

// putAll puts objects in an order in which none refers to one that comes later.
// Pods that run are made ready, as a kubelet would: the examples leave out what
// says nothing about addresses. EndpointSlices are left to their controller.
func (c *cluster) putAll(objects []*unstructured.Unstructured, manager func(*unstructured.Unstructured) string) {
	c.t.Helper()
	rank := []string{"CustomResourceDefinition", "Namespace", "Node", "ConfigMap", "DaemonSet", "Deployment", "Service", "EndpointSlice", "Pod"}
	order := func(u *unstructured.Unstructured) int {
		if i := slices.Index(rank, u.GetKind()); i >= 0 {
			return i
		}
		return len(rank)
	}
	slices.SortStableFunc(objects, func(a, b *unstructured.Unstructured) int { return order(a) - order(b) })
	for _, u := range objects {
		if u.GetKind() == "EndpointSlice" && c.controllers {
			continue
		}
		c.namespace(u.GetNamespace())
		if phase, _, _ := unstructured.NestedString(u.Object, "status", "phase"); u.GetKind() == "Pod" && phase == "Running" {
			conditions := []any{map[string]any{"type": "Ready", "status": "True"}}
			if err := unstructured.SetNestedSlice(u.Object, conditions, "status", "conditions"); err != nil {
				c.t.Fatal(err)
			}
		}
		c.put(u, manager(u))
	}
}

// namespace makes a namespace with the account that Pods are refused without.
func (c *cluster) namespace(name string) {
	c.t.Helper()
	if name == "" {
		return
	}
	c.put(object("v1", "Namespace", "", name, nil), "e2e")
	c.put(object("v1", "ServiceAccount", name, "default", nil), "e2e")
}

func object(apiVersion, kind, namespace, name string, fields map[string]any) *unstructured.Unstructured {
	u := &unstructured.Unstructured{Object: map[string]any{"apiVersion": apiVersion, "kind": kind}}
	u.SetName(name)
	if namespace != "" {
		u.SetNamespace(namespace)
	}
	maps.Copy(u.Object, fields)
	return u
}

// list is the objects of a kind in all namespaces.
func (c *cluster) list(gvr schema.GroupVersionResource) []unstructured.Unstructured {
	c.t.Helper()
	list, err := c.client.Resource(gvr).List(c.t.Context(), metav1.ListOptions{})
	if err != nil {
		c.t.Fatalf("list %s: %v", gvr.Resource, err)
	}
	return list.Items
}
