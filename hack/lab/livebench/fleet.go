package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// fleet is the namespace of what trace is timed on.
const fleet = "fleet"

// object is an object of the API, to be sent as it is.
type object map[string]any

// created is an object, the collection that it goes to, and the status that it has then:
// the API server takes none of a Pod that is new.
type created struct {
	path   string
	value  object
	status object
}

// fillFleet makes Nodes, a CiliumNode and an agent for each, and the other Pods: on each
// node one of the DaemonSet "agent", the rest plain ones. The Pods are there before their
// DaemonSets, which adopt them.
func (o options) fillFleet(ctx context.Context) error {
	if exec.CommandContext(ctx, o.kubectl, "get", "daemonset", "-n", fleet, "agent").Run() == nil {
		return nil
	}
	if err := o.kubectlCreate(ctx, fleetManifests); err != nil {
		return err
	}
	api, stop, err := o.proxy(ctx)
	if err != nil {
		return err
	}
	defer stop()
	for _, account := range []string{fleet, "kube-system"} {
		if err := awaitAccount(ctx, api, account); err != nil {
			return err
		}
	}
	if err := createAll(ctx, api, o.fleetObjects()); err != nil {
		return err
	}
	return o.kubectlCreate(ctx, daemonSetManifest("kube-system", "cilium", "k8s-app", "quay.io/cilium/cilium:v1.20.2")+
		daemonSetManifest(fleet, "agent", "app", "registry.k8s.io/pause:3.10"))
}

func (o options) kubectlCreate(ctx context.Context, manifests string) error {
	cmd := exec.CommandContext(ctx, o.kubectl, "create", "-f", "-")
	cmd.Stdin = strings.NewReader(manifests)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("make the objects: %w\n%s", err, out[max(0, len(out)-2000):])
	}
	return nil
}

// fleetObjects is what there are thousands of.
func (o options) fleetObjects() (all []created) {
	for i := range o.nodes {
		all = append(all, node(i), ciliumNode(i), pod(i, "kube-system", fmt.Sprintf("cilium-%05d", i), object{"k8s-app": "cilium"}))
		all = append(all, pod(i, fleet, fmt.Sprintf("agent-%05d", i), object{"app": "agent"}))
	}
	for i := range o.pods - 2*o.nodes {
		all = append(all, pod(i%o.nodes, fleet, fmt.Sprintf("web-%05d", i), object{"app": "web"}))
	}
	return all
}

func nodeName(i int) string { return fmt.Sprintf("node-%05d", i) }

// nodeIPs is the addresses of a node. 172.16.0.0/12 and the nodes' prefix have room for
// more than a million.
func nodeIPs(i int) [2]string {
	return [2]string{fmt.Sprintf("172.16.%d.%d", i/250, i%250+1), fmt.Sprintf("2001:db8:7653:216::%x", i+1)}
}

// podRanges is the ranges of a node's Pods.
func podRanges(i int) [2]string {
	return [2]string{fmt.Sprintf("10.%d.%d.0/24", 100+i/250, i%250), fmt.Sprintf("2001:db8:7653:299:cafe:%x::/112", i+1)}
}

func node(i int) created {
	ips, ranges := nodeIPs(i), podRanges(i)
	return created{path: "/api/v1/nodes", value: object{
		"apiVersion": "v1", "kind": "Node",
		"metadata": object{"name": nodeName(i), "labels": object{"kubernetes.io/hostname": nodeName(i), "kubernetes.io/os": "linux", "topology.kubernetes.io/zone": fmt.Sprintf("zone-%d", i%3)}},
		"spec":     object{"podCIDR": ranges[0], "podCIDRs": ranges},
		"status": object{
			"addresses": []object{{"type": "InternalIP", "address": ips[0]}, {"type": "InternalIP", "address": ips[1]}, {"type": "Hostname", "address": nodeName(i)}},
			"capacity":  object{"cpu": "8", "memory": "32Gi", "pods": "110"}, "allocatable": object{"cpu": "8", "memory": "31Gi", "pods": "110"},
			"conditions": []object{{"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "kubelet is posting ready status"}},
			"nodeInfo": object{"kubeletVersion": "v1.37.2", "machineID": "", "systemUUID": "", "bootID": "", "kernelVersion": "6.12.0", "osImage": "Debian GNU/Linux 13",
				"containerRuntimeVersion": "containerd://2.1.4", "kubeProxyVersion": "", "operatingSystem": "linux", "architecture": "amd64"},
		},
	}}
}

func ciliumNode(i int) created {
	ips, ranges := nodeIPs(i), podRanges(i)
	router := [2]string{strings.Replace(ranges[0], ".0/24", ".254", 1), strings.Replace(ranges[1], "::/112", "::fffe", 1)}
	var addresses []object
	for j, address := range append(ips[:], router[:]...) {
		addresses = append(addresses, object{"type": []string{"InternalIP", "CiliumInternalIP"}[j/2], "ip": address})
	}
	return created{path: "/apis/cilium.io/v2/ciliumnodes", value: object{
		"apiVersion": "cilium.io/v2", "kind": "CiliumNode",
		"metadata": object{"name": nodeName(i), "labels": object{"kubernetes.io/hostname": nodeName(i), "kubernetes.io/os": "linux", "topology.kubernetes.io/zone": fmt.Sprintf("zone-%d", i%3)}},
		"spec": object{
			"addresses": addresses, "bootid": fmt.Sprintf("00000000-0000-0000-0000-%012d", i), "ipam": object{"podCIDRs": ranges},
			"encryption": object{}, "health": object{"ipv4": router[0], "ipv6": router[1]}, "ingress": object{},
		},
		"status": object{"ipam": object{"operator-status": object{}}},
	}}
}

func pod(i int, namespace, name string, labels object) created {
	ranges := podRanges(i)
	container := object{
		"name": "main", "image": "registry.k8s.io/pause:3.10", "ports": []object{{"name": "http", "containerPort": 8080}},
		"env":       []object{{"name": "POD_NAME", "valueFrom": object{"fieldRef": object{"fieldPath": "metadata.name"}}}, {"name": "MODE", "value": "bench"}},
		"resources": object{"requests": object{"cpu": "10m", "memory": "16Mi"}, "limits": object{"memory": "64Mi"}},
	}
	// Pods of many nodes have the same host part, as they have in a real cluster.
	ips := []object{{"ip": strings.Replace(ranges[0], ".0/24", ".7", 1)}, {"ip": strings.Replace(ranges[1], "::/112", "::7", 1)}}
	return created{
		path: "/api/v1/namespaces/" + namespace + "/pods",
		value: object{
			"apiVersion": "v1", "kind": "Pod", "metadata": object{"name": name, "namespace": namespace, "labels": labels},
			"spec": object{"nodeName": nodeName(i), "containers": []object{container}, "tolerations": []object{{"operator": "Exists"}}},
		},
		status: object{"status": object{
			"phase": "Running", "podIP": ips[0]["ip"], "podIPs": ips, "hostIP": nodeIPs(i)[0], "startTime": "2026-01-02T03:04:05Z",
			"conditions":        []object{{"type": "Ready", "status": "True"}, {"type": "Initialized", "status": "True"}, {"type": "PodScheduled", "status": "True"}},
			"containerStatuses": []object{{"name": "main", "image": container["image"], "imageID": "", "ready": true, "restartCount": 0, "state": object{"running": object{"startedAt": "2026-01-02T03:04:06Z"}}}},
		}},
	}
}

// proxy is the API server on a port of the loopback that asks for no credentials, as long
// as it is not stopped.
func (o options) proxy(ctx context.Context) (api string, stop func(), err error) {
	cmd := exec.CommandContext(ctx, o.kubectl, "proxy", "--port", "0")
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	stop = func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }
	var port int
	if _, err := fmt.Fscanf(out, "Starting to serve on 127.0.0.1:%d", &port); err != nil {
		stop()
		return "", nil, fmt.Errorf("kubectl proxy: %w", err)
	}
	return fmt.Sprintf("http://127.0.0.1:%d", port), stop, nil
}

// awaitAccount waits for the ServiceAccount without which no Pod is admitted, and which
// a controller makes.
func awaitAccount(ctx context.Context, api, namespace string) error {
	for range 100 {
		if request(ctx, http.MethodGet, api+"/api/v1/namespaces/"+namespace+"/serviceaccounts/default", "", nil) == nil {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return fmt.Errorf("namespace %s has no ServiceAccount", namespace)
}

// writers is how many requests are under way at once.
const writers = 32

func createAll(ctx context.Context, api string, all []created) error {
	work := make(chan created)
	failed := make(chan error, writers)
	var group sync.WaitGroup
	for range writers {
		group.Go(func() {
			for c := range work {
				if err := c.create(ctx, api); err != nil {
					failed <- err
					for range work { // lets the sender end
					}
				}
			}
		})
	}
	for _, c := range all {
		work <- c
	}
	close(work)
	group.Wait()
	close(failed)
	var errs []error
	for err := range failed {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (c created) create(ctx context.Context, api string) error {
	if err := request(ctx, http.MethodPost, api+c.path, "application/json", c.value); err != nil {
		return err
	}
	if c.status == nil {
		return nil
	}
	name := c.value["metadata"].(object)["name"].(string)
	return request(ctx, http.MethodPatch, api+c.path+"/"+name+"/status", "application/merge-patch+json", c.status)
}

// client keeps a connection for each writer.
var client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: writers}}

func request(ctx context.Context, method, url, kind string, body any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(data))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", kind)
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	said, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: %s: %s", method, url, answer.Status, said)
	}
	return err
}

func daemonSetManifest(namespace, name, label, image string) string {
	return fmt.Sprintf(`---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: %[2]s, namespace: %[1]s, labels: {%[3]s: %[2]s}}
spec:
  updateStrategy: {type: OnDelete}
  selector: {matchLabels: {%[3]s: %[2]s}}
  template:
    metadata: {labels: {%[3]s: %[2]s}}
    spec:
      tolerations: [{operator: Exists}]
      containers: [{name: main, image: "%[4]s"}]
`, namespace, name, label, image)
}

// fleetManifests is a namespace, Cilium's configuration, and its custom resources as far
// as trace reads them, with the columns that CiliumNodes have.
const fleetManifests = `{apiVersion: v1, kind: Namespace, metadata: {name: fleet}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: cilium-config, namespace: kube-system}
data:
  enable-ipv4: "true"
  enable-ipv6: "true"
  enable-ipv4-masquerade: "true"
  enable-ipv6-masquerade: "false"
  enable-bpf-masquerade: "true"
  routing-mode: tunnel
  tunnel-protocol: vxlan
  ipam: cluster-pool
  cluster-pool-ipv4-cidr: 10.96.0.0/11
  cluster-pool-ipv6-cidr: 2001:db8:7653:299:cafe::/80
  kube-proxy-replacement: "true"
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: ciliumnodes.cilium.io}
spec:
  group: cilium.io
  scope: Cluster
  names: {kind: CiliumNode, listKind: CiliumNodeList, plural: ciliumnodes, singular: ciliumnode}
  versions:
  - name: v2
    served: true
    storage: true
    subresources: {status: {}}
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
    additionalPrinterColumns:
    - {name: CiliumInternalIP, type: string, jsonPath: '.spec.addresses[?(@.type=="CiliumInternalIP")].ip'}
    - {name: InternalIP, type: string, jsonPath: '.spec.addresses[?(@.type=="InternalIP")].ip'}
    - {name: Age, type: date, jsonPath: .metadata.creationTimestamp}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: ciliumnodeconfigs.cilium.io}
spec:
  group: cilium.io
  scope: Namespaced
  names: {kind: CiliumNodeConfig, listKind: CiliumNodeConfigList, plural: ciliumnodeconfigs, singular: ciliumnodeconfig}
  versions:
  - {name: v2, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: ciliumnetworkpolicies.cilium.io}
spec:
  group: cilium.io
  scope: Namespaced
  names: {kind: CiliumNetworkPolicy, listKind: CiliumNetworkPolicyList, plural: ciliumnetworkpolicies, singular: ciliumnetworkpolicy}
  versions:
  - {name: v2, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: ciliumclusterwidenetworkpolicies.cilium.io}
spec:
  group: cilium.io
  scope: Cluster
  names: {kind: CiliumClusterwideNetworkPolicy, listKind: CiliumClusterwideNetworkPolicyList, plural: ciliumclusterwidenetworkpolicies, singular: ciliumclusterwidenetworkpolicy}
  versions:
  - {name: v2, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
`
