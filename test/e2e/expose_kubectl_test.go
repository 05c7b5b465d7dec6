//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// exposed is what there is to be exposed, of every kind that kubectl takes and of some
// that it does not.
const exposed = `apiVersion: v1
kind: Pod
metadata: {name: pod, labels: {app: pod, tier: web}}
spec: {containers: [{name: c, image: none, ports: [{name: http, containerPort: 80}]}], schedulerName: none}
---
apiVersion: v1
kind: Pod
metadata: {name: unlabelled}
spec: {containers: [{name: c, image: none}], schedulerName: none}
---
apiVersion: v1
kind: Pod
metadata: {name: a-name-that-is-longer-than-a-service-may-have-which-is-sixty-three-characters, labels: {app: long}}
spec: {containers: [{name: c, image: none, ports: [{containerPort: 80}]}], schedulerName: none}
---
apiVersion: v1
kind: ReplicationController
metadata: {name: rc, labels: {app: rc}}
spec: {replicas: 0, selector: {app: rc}, template: {metadata: {labels: {app: rc}}, spec: {containers: [{name: c, image: none, ports: [{containerPort: 80}]}]}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: one, labels: {app: one}}
spec: {replicas: 0, selector: {matchLabels: {app: one}}, template: {metadata: {labels: {app: one}}, spec: {containers: [{name: c, image: none, ports: [{name: http, containerPort: 8080}]}]}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: many, labels: {app: many}}
spec: {replicas: 0, selector: {matchLabels: {app: many}}, template: {metadata: {labels: {app: many}}, spec: {initContainers: [{name: i, image: none, ports: [{containerPort: 7}]}], containers: [{name: a, image: none, ports: [{containerPort: 80}, {containerPort: 53}, {containerPort: 53, protocol: UDP}]}, {name: b, image: none, ports: [{containerPort: 9000, protocol: SCTP}]}]}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: none, labels: {app: none}}
spec: {replicas: 0, selector: {matchLabels: {app: none}}, template: {metadata: {labels: {app: none}}, spec: {containers: [{name: c, image: none}]}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: expressions}
spec: {replicas: 0, selector: {matchLabels: {app: e}, matchExpressions: [{key: tier, operator: In, values: [web]}]}, template: {metadata: {labels: {app: e, tier: web}}, spec: {containers: [{name: c, image: none, ports: [{containerPort: 80}]}]}}}
---
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: rs, labels: {app: rs}}
spec: {replicas: 0, selector: {matchLabels: {app: rs}}, template: {metadata: {labels: {app: rs}}, spec: {containers: [{name: c, image: none, ports: [{containerPort: 80}]}]}}}
---
apiVersion: v1
kind: Service
metadata: {name: service, labels: {app: service}}
spec: {selector: {app: pod}, ports: [{name: web, port: 80, targetPort: http}, {name: dns, port: 53, protocol: UDP}]}
---
apiVersion: v1
kind: Service
metadata: {name: no-selector}
spec: {ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: sts, labels: {app: sts}}
spec: {replicas: 0, serviceName: sts, selector: {matchLabels: {app: sts}}, template: {metadata: {labels: {app: sts}}, spec: {containers: [{name: c, image: none, ports: [{name: sql, containerPort: 5432}, {containerPort: 9187}]}]}}}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: ds, labels: {app: ds}}
spec: {selector: {matchLabels: {app: ds}}, template: {metadata: {labels: {app: ds}}, spec: {nodeSelector: {no: node}, containers: [{name: c, image: none, ports: [{containerPort: 80}]}]}}}
`

// likeKubectl is command lines of «kubectl expose», one a line. FILE is a manifest of the
// Deployment one, and FOLDER one with a kustomization.
const likeKubectl = `
pod pod
pod/pod
po pod --name n
pod pod --port 444
pod pod --port 444 --target-port 80
pod pod --port 444 --target-port http
pod pod --port 80,443
pod pod --port none
pod pod --port 0
pod pod --port 70000
pod pod unlabelled --port 80
pod unlabelled --port 80
pod unlabelled --port 80 --selector app=x
pod a-name-that-is-longer-than-a-service-may-have-which-is-sixty-three-characters
rc rc
rc/rc --protocol UDP
deploy one
deployment.apps/one --name n
deploy many
deploy many --protocol TCP
deploy many --target-port 1234
deploy many --port 53
deploy none
deploy none --port 80
deploy none --cluster-ip None
deploy expressions
rs rs
svc service
svc service --name n
svc service --name n --port 443 --target-port 8443
svc no-selector --name n
node k8s-node-0
sa default
nothing/none
pod missing
pod

deploy/one rs/rs --name n
deploy/one rc/rc
deploy/one pod/missing rs/rs
-f FILE
-f FILE --port 8443
-f FILE deploy/one
-k FOLDER
-f missing.yaml
deploy one -l a=b,c=d
deploy one --labels=a
deploy one --selector a=b
deploy one --selector a
deploy one --external-ip 192.0.2.7
deploy one --external-ip none
deploy one --type NodePort
deploy one --type LoadBalancer
deploy one --type LoadBalancer --load-balancer-ip 192.0.2.9
deploy one --load-balancer-ip 192.0.2.9
deploy one --type Wrong
deploy one --session-affinity ClientIP
deploy one --session-affinity None
deploy one --session-affinity Wrong
deploy one --cluster-ip None
deploy one --cluster-ip 10.96.77.77
deploy one --cluster-ip wrong
deploy one --protocol ICMP
deploy one --overrides {"metadata":{"annotations":{"a":"b"}}}
deploy one --overrides {"apiVersion":"v1","metadata":{"annotations":{"a":"b"}},"spec":{"publishNotReadyAddresses":true}}
deploy one --overrides {"apiVersion":"v1","spec":{"ports":[{"port":1}]}} --override-type strategic
deploy one --overrides [{"op":"add","path":"/metadata/name","value":"patched"}] --override-type json
deploy one --overrides {"apiVersion":"v1"} --override-type wrong
deploy one --overrides {
deploy one --save-config
deploy one --save-config --field-manager me
deploy one --record
deploy one -n elsewhere
-f FILE -n elsewhere
deploy one -o wrong
`

// outputs is ways to print, for one command line each.
const outputs = `
-o json --show-managed-fields
-o json --dry-run=server
-o json --dry-run=server --type LoadBalancer
-o json --dry-run=server --cluster-ip None
-o json --dry-run=server --name Wrong
-o yaml
-o name
-o jsonpath={.metadata.name}{.spec.ports[0].port}
-o go-template={{.metadata.name}}
--dry-run
--dry-run=wrong
`

// TestExposeLikeKubectl runs kubectl's expose and ours on the same inputs: what they
// make differs by the families alone, and what they refuse they refuse in the same words.
func TestExposeLikeKubectl(t *testing.T) {
	c := startCluster(t)
	for _, name := range []string{"exposed", "elsewhere"} {
		c.namespace(name)
	}
	objects, err := decode([]byte(exposed))
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range objects {
		o.SetNamespace("exposed")
		c.put(o, "e2e")
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"one.yaml": manifest(exposed, "one"), "kustomization.yaml": "resources: [one.yaml]\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	names := strings.NewReplacer("FILE", filepath.Join(dir, "one.yaml"), "FOLDER", dir)
	for line := range strings.Lines(strings.TrimPrefix(likeKubectl, "\n")) {
		line = strings.TrimSuffix(line, "\n")
		args := strings.Fields(names.Replace(line))
		if !slices.Contains(args, "-n") {
			args = append(args, "-n", "exposed")
		}
		t.Run("expose "+line, func(t *testing.T) {
			c := c.in(t)
			for _, how := range []string{"--dry-run=client", "--dry-run=none"} {
				c.sameAsKubectl(slices.Concat(args, []string{how, "-o", "json"}), nil)
			}
		})
	}
	for line := range strings.Lines(strings.TrimPrefix(outputs, "\n")) {
		t.Run("expose "+line, func(t *testing.T) {
			for _, what := range []string{"deploy/one", "deploy/many"} {
				c.in(t).sameAsKubectl(append([]string{what, "-n", "exposed"}, strings.Fields(line)...), nil)
			}
		})
	}
	t.Run("standard input", func(t *testing.T) {
		c.in(t).sameAsKubectl([]string{"-f", "-", "-n", "exposed", "-o", "json"}, []byte(manifest(exposed, "one")))
	})
	t.Run("no -o", func(t *testing.T) {
		for _, how := range []string{"client", "server", "none"} {
			c.in(t).sameAsKubectl([]string{"deploy/one", "-n", "exposed", "--dry-run", how}, nil)
			c.in(t).sameAsKubectl([]string{"deploy/one", "-n", "exposed", "--dry-run=" + how}, nil)
		}
	})
}

// manifest is the Deployment of that name.
func manifest(all, name string) string {
	for text := range strings.SplitSeq(all, "---\n") {
		if strings.Contains(text, "kind: Deployment") && strings.Contains(text, "name: "+name+",") {
			return text
		}
	}
	return ""
}

// sameAsKubectl runs kubectl and the plugin. What each makes goes again.
func (c *cluster) sameAsKubectl(args []string, stdin []byte) {
	c.t.Helper()
	expose := append([]string{"expose"}, args...)
	want, got := c.exposing(kubectl(), stdin, expose...), c.exposing(programs.plugin, stdin, expose...)
	if diff := gocmp.Diff(want, got, gocmp.AllowUnexported(output{})); diff != "" {
		c.t.Errorf("%s (-kubectl +dualstack):\n%s", strings.Join(args, " "), diff)
	}
}

// exposing is what the program prints, where what hangs on the time and on families is
// left out.
func (c *cluster) exposing(program string, stdin []byte, args ...string) output {
	c.t.Helper()
	before := c.serviceNames()
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+c.kubeconfig)
	cmd.Stdin = bytes.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		c.t.Fatal(err)
	}
	for _, name := range c.serviceNames() {
		if namespace, name, _ := strings.Cut(name, "/"); !slices.Contains(before, namespace+"/"+name) {
			c.remove(object("v1", "Service", namespace, name, nil))
		}
	}
	return output{familyless(stdout.Bytes()), timeless(stderr.String()), cmd.ProcessState.ExitCode()}
}

func (c *cluster) serviceNames() (all []string) {
	for _, s := range c.list(services) {
		all = append(all, s.GetNamespace()+"/"+s.GetName())
	}
	return all
}

var (
	logged       = regexp.MustCompile(`(?m)^([IWE])[0-9]{4} [0-9:.]+ +[0-9]+ `)
	varying      = regexp.MustCompile(`(?m)^ *(uid|resourceVersion|creationTimestamp|clusterIP|nodePort|ipFamilyPolicy|time): .*\n|^ *(clusterIPs|ipFamilies):\n( *- .*\n)*`)
	commandNames = strings.NewReplacer("kubectl dualstack expose", "kubectl expose", "kubectl-dualstack expose", "kubectl expose", "kubectl-dualstack get", "kubectl get")
)

// foretold is lines of a forecast, which kubectl has not got.
var foretold = regexp.MustCompile(`(?m)^(▲|✖|\?|  ).*\n`)

func timeless(s string) string {
	return commandNames.Replace(foretold.ReplaceAllString(logged.ReplaceAllString(s, "$1 "), ""))
}

// familyless is what was printed without what differs: families, what hangs on them, and
// what each object has of its own.
func familyless(printed []byte) string {
	decoder := json.NewDecoder(bytes.NewReader(printed))
	var all []map[string]any
	for decoder.More() {
		var o map[string]any
		if err := decoder.Decode(&o); err != nil {
			return commandNames.Replace(varying.ReplaceAllString(string(printed), ""))
		}
		all = append(all, o)
	}
	for _, o := range all {
		for _, field := range []string{"uid", "resourceVersion", "creationTimestamp"} {
			unstructured.RemoveNestedField(o, "metadata", field)
		}
		for _, field := range []string{"ipFamilyPolicy", "ipFamilies", "clusterIPs", "nodePort"} {
			unstructured.RemoveNestedField(o, "spec", field)
		}
		if ip, _, _ := unstructured.NestedString(o, "spec", "clusterIP"); ip != "None" {
			unstructured.RemoveNestedField(o, "spec", "clusterIP")
		}
		ports, _, _ := unstructured.NestedSlice(o, "spec", "ports")
		for _, p := range ports {
			if port, ok := p.(map[string]any); ok {
				delete(port, "nodePort")
			}
		}
		if ports != nil {
			_ = unstructured.SetNestedSlice(o, ports, "spec", "ports") // it was one
		}
		managed(o)
	}
	text, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		return err.Error()
	}
	return commandNames.Replace(string(text))
}

// managed leaves of managedFields who manages what, without times and families.
func managed(o map[string]any) {
	entries, _, _ := unstructured.NestedSlice(o, "metadata", "managedFields")
	for _, e := range entries {
		entry, ok := e.(map[string]any)
		if !ok {
			continue
		}
		delete(entry, "time")
		unstructured.RemoveNestedField(entry, "fieldsV1", "f:spec", "f:ipFamilyPolicy")
	}
	if entries != nil {
		_ = unstructured.SetNestedSlice(o, entries, "metadata", "managedFields") // it was one
	}
	annotation, ok, _ := unstructured.NestedString(o, "metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration")
	if !ok {
		return
	}
	var applied map[string]any
	if json.Unmarshal([]byte(annotation), &applied) == nil {
		unstructured.RemoveNestedField(applied, "spec", "ipFamilyPolicy")
		_ = unstructured.SetNestedField(o, applied, "metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration") // annotations are a map
	}
}
