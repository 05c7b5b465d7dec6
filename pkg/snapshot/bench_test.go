//go:build unix

package snapshot

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"sigs.k8s.io/yaml"
)

// dump writes n manifests into dir, one in a file, in the mixture and with the
// fields of what kubectl get -o yaml gives of a cluster.
func dump(b *testing.B, dir string, n int) (bytes int64) {
	b.Helper()
	kinds := []func(i int) string{benchPod, benchPod, benchPod, benchPod, benchService, benchService, benchSlice, benchSlice, benchDeployment, benchNode}
	for i := range n {
		text := kinds[i%len(kinds)](i)
		bytes += int64(len(text))
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%05d.yaml", i)), []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	return bytes
}

func benchPod(i int) string {
	return fmt.Sprintf(`apiVersion: v1
kind: Pod
metadata:
  annotations:
    checksum/config: 8f14e45fceea167a5a36dedd4bea2543c9f0f895fb98ab9159f51fd0297e236d
    prometheus.io/scrape: "true"
  creationTimestamp: "2026-10-01T08:12:44Z"
  generateName: web-%[1]d-6b7f675f4d-
  labels:
    app.kubernetes.io/instance: web-%[1]d
    app.kubernetes.io/name: web
    pod-template-hash: 6b7f675f4d
  name: web-%[1]d-6b7f675f4d-x2x9q
  namespace: team-%[2]d
  ownerReferences:
  - apiVersion: apps/v1
    blockOwnerDeletion: true
    controller: true
    kind: ReplicaSet
    name: web-%[1]d-6b7f675f4d
    uid: 0f6b6a3c-6a8e-4d7c-9a53-0c7d3a7e%04[1]x
  resourceVersion: "%[1]d00"
  uid: 9c1c1a5e-9f0b-4b44-a8c6-2f4c8c0d%04[1]x
spec:
  affinity:
    podAntiAffinity:
      preferredDuringSchedulingIgnoredDuringExecution:
      - podAffinityTerm:
          labelSelector:
            matchLabels:
              app.kubernetes.io/name: web
          topologyKey: kubernetes.io/hostname
        weight: 100
  containers:
  - args:
    - --listen=:8080
    - --log-level=info
    env:
    - name: POD_IPS
      valueFrom:
        fieldRef:
          apiVersion: v1
          fieldPath: status.podIPs
    - name: GOMEMLIMIT
      value: 400MiB
    image: registry.example.org/team/web:v1.18.%[2]d
    imagePullPolicy: IfNotPresent
    livenessProbe:
      failureThreshold: 3
      httpGet:
        path: /healthz
        port: http
        scheme: HTTP
      periodSeconds: 10
      successThreshold: 1
      timeoutSeconds: 1
    name: web
    ports:
    - containerPort: 8080
      name: http
      protocol: TCP
    readinessProbe:
      failureThreshold: 3
      httpGet:
        path: /readyz
        port: http
        scheme: HTTP
      periodSeconds: 5
      successThreshold: 1
      timeoutSeconds: 1
    resources:
      limits:
        memory: 512Mi
      requests:
        cpu: 100m
        memory: 256Mi
    securityContext:
      allowPrivilegeEscalation: false
      capabilities:
        drop:
        - ALL
      readOnlyRootFilesystem: true
    terminationMessagePath: /dev/termination-log
    terminationMessagePolicy: File
    volumeMounts:
    - mountPath: /etc/web
      name: config
    - mountPath: /var/run/secrets/kubernetes.io/serviceaccount
      name: kube-api-access-7xk2d
      readOnly: true
  dnsPolicy: ClusterFirst
  enableServiceLinks: true
  nodeName: node-%[2]d
  preemptionPolicy: PreemptLowerPriority
  priority: 0
  restartPolicy: Always
  schedulerName: default-scheduler
  securityContext:
    runAsNonRoot: true
  serviceAccount: web
  serviceAccountName: web
  terminationGracePeriodSeconds: 30
  tolerations:
  - effect: NoExecute
    key: node.kubernetes.io/not-ready
    operator: Exists
    tolerationSeconds: 300
  - effect: NoExecute
    key: node.kubernetes.io/unreachable
    operator: Exists
    tolerationSeconds: 300
  volumes:
  - configMap:
      defaultMode: 420
      name: web-%[1]d
    name: config
  - name: kube-api-access-7xk2d
    projected:
      defaultMode: 420
      sources:
      - serviceAccountToken:
          expirationSeconds: 3607
          path: token
      - configMap:
          items:
          - key: ca.crt
            path: ca.crt
          name: kube-root-ca.crt
      - downwardAPI:
          items:
          - fieldRef:
              apiVersion: v1
              fieldPath: metadata.namespace
            path: namespace
status:
  conditions:
  - lastProbeTime: null
    lastTransitionTime: "2026-10-01T08:12:46Z"
    status: "True"
    type: PodReadyToStartContainers
  - lastProbeTime: null
    lastTransitionTime: "2026-10-01T08:12:44Z"
    status: "True"
    type: Initialized
  - lastProbeTime: null
    lastTransitionTime: "2026-10-01T08:12:49Z"
    status: "True"
    type: Ready
  - lastProbeTime: null
    lastTransitionTime: "2026-10-01T08:12:49Z"
    status: "True"
    type: ContainersReady
  - lastProbeTime: null
    lastTransitionTime: "2026-10-01T08:12:44Z"
    status: "True"
    type: PodScheduled
  containerStatuses:
  - containerID: containerd://4f6b3a5c0f5a6a2a7d2b3b1b8d3f5c6e7a8b9c0d1e2f3a4b5c6d7e8f9a0b1c2d
    image: registry.example.org/team/web:v1.18.%[2]d
    imageID: registry.example.org/team/web@sha256:0b1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b1c
    lastState: {}
    name: web
    ready: true
    restartCount: 0
    started: true
    state:
      running:
        startedAt: "2026-10-01T08:12:46Z"
  hostIP: 192.0.2.%[2]d
  hostIPs:
  - ip: 192.0.2.%[2]d
  - ip: 2001:db8::%[2]x
  phase: Running
  podIP: 10.244.%[2]d.%[3]d
  podIPs:
  - ip: 10.244.%[2]d.%[3]d
  - ip: fd00:10:244:%[2]x::%[3]x
  qosClass: Burstable
  startTime: "2026-10-01T08:12:44Z"
`, i, i%200, i%250)
}

func benchService(i int) string {
	return fmt.Sprintf(`apiVersion: v1
kind: Service
metadata:
  annotations:
    meta.helm.sh/release-name: web-%[1]d
    meta.helm.sh/release-namespace: team-%[2]d
  creationTimestamp: "2026-10-01T08:12:44Z"
  labels:
    app.kubernetes.io/instance: web-%[1]d
    app.kubernetes.io/managed-by: Helm
    app.kubernetes.io/name: web
  name: web-%[1]d
  namespace: team-%[2]d
  resourceVersion: "%[1]d00"
  uid: 1c1c1a5e-9f0b-4b44-a8c6-2f4c8c0d%04[1]x
spec:
  clusterIP: 10.96.%[2]d.%[3]d
  clusterIPs:
  - 10.96.%[2]d.%[3]d
  - fd00:10:96::%[2]x:%[3]x
  internalTrafficPolicy: Cluster
  ipFamilies:
  - IPv4
  - IPv6
  ipFamilyPolicy: PreferDualStack
  ports:
  - name: http
    port: 80
    protocol: TCP
    targetPort: http
  selector:
    app.kubernetes.io/instance: web-%[1]d
    app.kubernetes.io/name: web
  sessionAffinity: None
  type: ClusterIP
status:
  loadBalancer: {}
`, i, i%200, i%250)
}

func benchSlice(i int) string {
	return fmt.Sprintf(`addressType: IPv6
apiVersion: discovery.k8s.io/v1
endpoints:
- addresses:
  - fd00:10:244:%[2]x::%[3]x
  conditions:
    ready: true
    serving: true
    terminating: false
  nodeName: node-%[2]d
  targetRef:
    kind: Pod
    name: web-%[1]d-6b7f675f4d-x2x9q
    namespace: team-%[2]d
    uid: 9c1c1a5e-9f0b-4b44-a8c6-2f4c8c0d%04[1]x
  zone: zone-a
- addresses:
  - fd00:10:244:%[2]x::1%[3]x
  conditions:
    ready: true
    serving: true
    terminating: false
  nodeName: node-%[2]d
  targetRef:
    kind: Pod
    name: web-%[1]d-6b7f675f4d-7kq4z
    namespace: team-%[2]d
    uid: 8c1c1a5e-9f0b-4b44-a8c6-2f4c8c0d%04[1]x
  zone: zone-a
kind: EndpointSlice
metadata:
  creationTimestamp: "2026-10-01T08:12:44Z"
  generateName: web-%[1]d-
  generation: 2
  labels:
    endpointslice.kubernetes.io/managed-by: endpointslice-controller.k8s.io
    kubernetes.io/service-name: web-%[1]d
  name: web-%[1]d-r6x5v
  namespace: team-%[2]d
  ownerReferences:
  - apiVersion: v1
    blockOwnerDeletion: true
    controller: true
    kind: Service
    name: web-%[1]d
    uid: 1c1c1a5e-9f0b-4b44-a8c6-2f4c8c0d%04[1]x
ports:
- name: http
  port: 8080
  protocol: TCP
`, i, i%200, i%250)
}

func benchDeployment(i int) string {
	pod := benchPod(i)
	spec := pod[strings.Index(pod, "spec:\n"):strings.Index(pod, "status:\n")]
	return fmt.Sprintf(`apiVersion: apps/v1
kind: Deployment
metadata:
  labels:
    app.kubernetes.io/name: web
  name: web-%[1]d
  namespace: team-%[2]d
spec:
  replicas: 2
  selector:
    matchLabels:
      app.kubernetes.io/name: web
  template:
    metadata:
      labels:
        app.kubernetes.io/name: web
    %[3]s
status:
  availableReplicas: 2
  readyReplicas: 2
  replicas: 2
`, i, i%200, strings.TrimSpace(strings.ReplaceAll(spec, "\n", "\n    ")))
}

func benchNode(i int) string {
	var images strings.Builder
	for k := range 25 {
		fmt.Fprintf(&images, "  - names:\n    - registry.example.org/team/app-%d@sha256:0b1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b1c\n    - registry.example.org/team/app-%d:v1.%d\n    sizeBytes: %d\n", k, k, k, 10_000_000+k)
	}
	return fmt.Sprintf(`apiVersion: v1
kind: Node
metadata:
  labels:
    kubernetes.io/arch: amd64
    kubernetes.io/hostname: node-%[1]d
    kubernetes.io/os: linux
  name: node-%[1]d
spec:
  podCIDR: 10.%[2]d.%[3]d.0/24
  podCIDRs:
  - 10.%[2]d.%[3]d.0/24
  - fd00:10:%[2]x:%[3]x::/64
  providerID: example://node-%[1]d
status:
  addresses:
  - address: 192.0.2.%[3]d
    type: InternalIP
  - address: 2001:db8::%[1]x
    type: InternalIP
  - address: node-%[1]d
    type: Hostname
  allocatable:
    cpu: "8"
    memory: 32778548Ki
    pods: "110"
  capacity:
    cpu: "8"
    memory: 32880948Ki
    pods: "110"
  conditions:
  - lastHeartbeatTime: "2026-10-01T08:12:44Z"
    lastTransitionTime: "2026-09-01T08:12:44Z"
    message: kubelet is posting ready status
    reason: KubeletReady
    status: "True"
    type: Ready
  images:
%[4]s  nodeInfo:
    architecture: amd64
    kubeletVersion: v1.37.2
    operatingSystem: linux
    osImage: Debian GNU/Linux 13 (trixie)
`, i, i%200, i%250, images.String())
}

// cpuTime is the time that the process has spent on its processors.
func cpuTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// measure reports what read costs in time on the processors, and what its result
// keeps of the heap.
func measure(b *testing.B, read func() any) {
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	cpu := cpuTime(b)
	var kept any
	b.ResetTimer()
	for range b.N {
		kept = read()
	}
	b.StopTimer()
	b.ReportMetric(float64(cpuTime(b)-cpu)/float64(b.N), "cpu-ns/op")
	b.ReportMetric(float64(int64(heap())-int64(before)), "kept-B")
	runtime.KeepAlive(kept)
}

const manifestCount = 10_000

// BenchmarkFromFiles10000 is reading the manifests of a large cluster into facts;
// BenchmarkSigsYAML is its yardstick in the same run: to decode the same files by
// themselves, into maps that nobody keeps.
func BenchmarkFromFiles10000(b *testing.B) {
	dir := b.TempDir()
	b.SetBytes(dump(b, dir, manifestCount))
	measure(b, func() any {
		s, err := FromFiles([]string{dir}, FileOptions{})
		if err != nil || len(s.Problems) > 0 || len(s.Pods) != manifestCount*4/10 {
			b.Fatal(err, s)
		}
		return s
	})
}

func BenchmarkSigsYAML(b *testing.B) {
	dir := b.TempDir()
	b.SetBytes(dump(b, dir, manifestCount))
	files, _ := list([]string{dir})
	measure(b, func() any {
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				b.Fatal(err)
			}
			var object map[string]any
			if err := yaml.Unmarshal(data, &object); err != nil {
				b.Fatal(err)
			}
		}
		return nil
	})
}
