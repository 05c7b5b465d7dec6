//go:build e2e

package e2e

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// TestExpose tries what expose refuses, and what becomes of what it makes, on a real API
// server with MetalLB's controller.
func TestExpose(t *testing.T) {
	c := startMetalLB(t)
	c.startMarker()
	c.namespace("exposed")
	objects, err := decode([]byte(exposed))
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range objects {
		o.SetNamespace("exposed")
		c.put(o, "e2e")
	}
	t.Run("kinds that kubectl refuses", func(t *testing.T) { testMoreKinds(c.in(t)) })
	t.Run("custom resources with a scale", func(t *testing.T) { testScaled(c.in(t)) })
	t.Run("Services that are there", func(t *testing.T) { testConverted(c.in(t)) })
	t.Run("interrupted", func(t *testing.T) { testInterrupted(c.in(t)) })
	t.Run("refused by the API server", func(t *testing.T) { testRefused(c.in(t)) })
	t.Run("refused by a webhook", func(t *testing.T) { testWebhook(c.in(t)) })
	t.Run("foretold", func(t *testing.T) { testForetold(c.in(t)) })
	t.Run("flags", func(t *testing.T) { testExposeFlags(c.in(t)) })
}

// expose runs the plugin's expose in the namespace exposed.
func (c *cluster) expose(args ...string) output {
	c.t.Helper()
	return c.run(programs.plugin, append([]string{"expose", "-n", "exposed"}, args...)...)
}

// exposes runs expose, whose exit status must be code, and which must say want on one of
// its streams.
func (c *cluster) exposes(code int, want string, args ...string) output {
	c.t.Helper()
	out := c.expose(args...)
	if out.code != code || !strings.Contains(out.stdout+out.stderr, want) {
		c.t.Errorf("expose %s: exit status %d, want %d and %q\n%s%s", strings.Join(args, " "), out.code, code, want, out.stdout, out.stderr)
	}
	return out
}

// absent wants no Service of that name.
func (c *cluster) absent(name string) {
	c.t.Helper()
	if slices.Contains(c.serviceNames(), "exposed/"+name) {
		c.t.Errorf("service/%s was made", name)
		c.gone(name)
	}
}

func (c *cluster) gone(names ...string) {
	c.t.Helper()
	for _, name := range names {
		c.remove(object("v1", "Service", "exposed", name, nil))
	}
}

// spec is a field of a Service.
func (c *cluster) field(name, path string) string {
	c.t.Helper()
	return strings.TrimSpace(c.kubectl("get", "service", name, "-n", "exposed", "-o", "jsonpath="+path))
}

func testMoreKinds(c *cluster) {
	c.exposes(0, "service/sts exposed", "statefulset/sts")
	if got := c.field("sts", "{range .spec.ports[*]}{.name} {.port} {.targetPort},{end}"); got != "sql 5432 sql,port-2 9187 9187," {
		c.t.Errorf("ports of the StatefulSet: %s", got)
	}
	c.exposes(0, "service/ds exposed", "ds", "ds", "--families", "IPv6,IPv4")
	if got := c.field("ds", "{.spec.ipFamilies} {.spec.ipFamilyPolicy}"); got != `["IPv6","IPv4"] RequireDualStack` {
		c.t.Errorf("families of the DaemonSet's Service: %s", got)
	}
	c.exposes(1, "cannot expose a ServiceAccount", "serviceaccount/default")
	c.exposes(0, "service/db exposed", "sts/sts", "--name", "db", "--headless")
	if got := c.field("db", "{.spec.clusterIP} {.spec.ipFamilies}"); got != `None ["IPv4","IPv6"]` {
		c.t.Errorf("headless: %s", got)
	}
	c.exposes(0, "service/kept exposed", "deploy/one", "--name", "kept", "--keep-ports")
	if got := c.field("kept", "{.spec.ports[0].name} {.spec.ports[0].targetPort}"); got != "http http" {
		c.t.Errorf("port that is kept: %s", got)
	}
	c.exposes(1, "the service has no pod selector set", "svc/no-selector", "--name", "n", "--headless")
	c.absent("n")
	c.gone("sts", "ds", "db", "kept")
}

// widgets is a kind of somebody's own that can be scaled, and gadgets is one that cannot.
const widgets = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: widgets, singular: widget, kind: Widget}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
    subresources: {status: {}, scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas, labelSelectorPath: .status.selector}}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gadgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: gadgets, singular: gadget, kind: Gadget}
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
`

func testScaled(c *cluster) {
	crds, err := decode([]byte(widgets))
	if err != nil {
		c.t.Fatal(err)
	}
	for _, crd := range crds {
		c.put(crd, "e2e")
	}
	c.eventually("the API server to serve widgets and gadgets", func() bool {
		return strings.Contains(c.run(kubectl(), "api-resources", "--api-group=example.com", "-o", "name").stdout, "gadgets.example.com\nwidgets.example.com")
	})
	widget := func(name, selector string) {
		w := object("example.com/v1", "Widget", "exposed", name, map[string]any{
			"spec": map[string]any{"replicas": int64(1), "template": map[string]any{"spec": map[string]any{"containers": []any{
				map[string]any{"name": "c", "image": "none", "ports": []any{map[string]any{"name": "http", "containerPort": int64(8080)}}},
			}}}},
			"status": map[string]any{"replicas": int64(1), "selector": selector},
		})
		w.SetLabels(map[string]string{"app": name})
		c.put(w, "e2e")
	}
	widget("round", "app=round,tier=web")
	widget("odd", "app in (a,b)")
	c.put(object("example.com/v1", "Gadget", "exposed", "small", map[string]any{}), "e2e")
	c.exposes(0, "service/round exposed", "widget/round")
	if got := c.field("round", "{.spec.selector} {.spec.ports[0].name} {.spec.ports[0].port} {.spec.ports[0].targetPort} {.spec.ipFamilyPolicy} {.metadata.labels}"); got != `{"app":"round","tier":"web"} http 8080 http RequireDualStack {"app":"round"}` {
		c.t.Errorf("the widget's Service: %s", got)
	}
	c.exposes(0, "service/other exposed", "widgets.example.com/round", "--port", "80", "--name", "other", "--headless")
	c.exposes(1, "the selector of its scale is app in (a,b), and a Service selects by equality", "widget/odd")
	c.exposes(1, "cannot expose a Gadget.example.com", "gadget/small")
	c.gone("round", "other")
}

// testInterrupted interrupts an expose that waits: what was made stays, and is named.
func testInterrupted(c *cluster) {
	cmd := exec.Command(programs.plugin, "expose", "deploy/one", "-n", "exposed", "--name", "waits", "--lb", "--force", "--wait=1m")
	cmd.Env = append(os.Environ(), "KUBECONFIG="+c.kubeconfig)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.eventually("the Service to be made", func() bool { return slices.Contains(c.serviceNames(), "exposed/waits") })
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		c.t.Fatal(err)
	}
	_ = cmd.Wait() // its status is looked at
	for _, want := range []string{"service/waits is not complete interrupted: missing: ", "kubectl delete service waits -n exposed"} {
		if code := cmd.ProcessState.ExitCode(); code != 3 || !strings.Contains(stderr.String(), want) {
			c.t.Errorf("exit status %d, want 3 and %q: %s", code, want, stderr.String())
		}
	}
	c.gone("waits")
}

// testConverted gives Services that are there a second family and takes it away again.
func testConverted(c *cluster) {
	c.setPools([]*unstructured.Unstructured{addressPool("lan", ranges(seedV4, seedV6))})
	all := object("metallb.io/v1beta1", "L2Advertisement", metallbNamespace, "all", map[string]any{"spec": map[string]any{}})
	c.put(all, "e2e")
	defer c.remove(all)
	for _, name := range []string{"goes", "moves"} {
		s := object("v1", "Service", "exposed", name, map[string]any{"spec": loadBalancer("SingleStack", "IPv4")})
		s.SetLabels(map[string]string{"converted": "yes"})
		c.put(s, "e2e")
	}
	c.given("goes", "192.168.16.100")
	c.given("moves", "192.168.16.101")
	c.gone("goes")

	c.exposes(1, "nobody can be asked: give --yes", "--upgrade", "svc/moves")
	c.exposes(0, "its address of IPv4 may change", "--upgrade", "svc/moves", "--dry-run=server")
	c.given("moves", "192.168.16.101") // nothing was changed yet
	c.exposes(0, "service/moves upgraded", "--upgrade", "svc/moves", "--yes", "--keep-addresses")
	c.given("moves", "192.168.16.101 2001:db8:7653:216:ffff:fac:ade:0")
	c.changedMeanwhile()
	c.exposes(0, "is RequireDualStack of IPv4 and IPv6 already", "--upgrade", "-l", "converted=yes", "--yes")
	c.exposes(2, "does not match the ipFamily", "--downgrade", "svc/moves", "--yes")
	c.exposes(0, "service/moves downgraded", "--downgrade", "svc/moves", "--yes", "--keep-addresses")
	c.given("moves", "192.168.16.101")
	if got := c.field("moves", "{.spec.ipFamilyPolicy} {.spec.ipFamilies} {.metadata.annotations.metallb\\.io/loadBalancerIPs}"); got != `SingleStack ["IPv4"] 192.168.16.101` {
		c.t.Errorf("downgraded: %s", got)
	}
	c.kubectl("annotate", "service", "moves", "-n", "exposed", "metallb.io/loadBalancerIPs-")
	c.exposes(0, "service/moves upgraded", "--upgrade", "svc/moves", "--yes")
	c.given("moves", "192.168.16.100 2001:db8:7653:216:ffff:fac:ade:0") // as it was foretold
	c.exposes(1, "make the Service anew with --families IPv6,IPv4", "--upgrade", "svc/no-selector", "--families", "IPv6,IPv4")
	c.exposes(2, "is the API server's own, which writes it back", "--upgrade", "-A", "--yes", "--dry-run=server")
	c.gone("moves")
}

// changedMeanwhile has somebody change a Service while a person is asked about it.
func (c *cluster) changedMeanwhile() {
	c.t.Helper()
	meanwhile := object("v1", "Service", "exposed", "meanwhile", map[string]any{"spec": map[string]any{"ports": portList("TCP/80")}})
	c.put(meanwhile, "e2e")
	defer c.remove(meanwhile)
	// script has a terminal for the plugin.
	cmd := exec.Command("script", "--quiet", "--return", "--command", programs.plugin+" expose --upgrade svc/meanwhile -n exposed", "/dev/null")
	cmd.Env = append(os.Environ(), "KUBECONFIG="+c.kubeconfig)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	terminal := bufio.NewReader(stdout)
	question, err := terminal.ReadString('?')
	if err != nil || !strings.Contains(question, "change this Service?") {
		c.t.Errorf("nobody is asked: %v: %s", err, question)
	}
	c.kubectl("patch", "service", "meanwhile", "-n", "exposed", "--type", "merge", "-p", `{"spec":{"ipFamilyPolicy":"PreferDualStack"}}`)
	if _, err := io.WriteString(stdin, "yes\n"); err != nil {
		c.t.Error(err)
	}
	said, err := io.ReadAll(terminal)
	_ = cmd.Wait() // its status is looked at
	if code := cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(string(said), "somebody else has changed it") {
		c.t.Errorf("exit status %d, want 1 and that somebody has changed it: %v: %s", code, err, said)
	}
}

// testRefused is what the API server refuses: in its words, with kubectl's exit status,
// and nothing is made.
func testRefused(c *cluster) {
	c.exposes(1, `services "service" already exists`, "deploy/one", "--name", "service")
	file := filepath.Join(c.t.TempDir(), "one.yaml")
	if err := os.WriteFile(file, []byte(manifest(exposed, "one")), 0o600); err != nil {
		c.t.Fatal(err)
	}
	c.exposes(1, `User "nobody" cannot create resource "services"`, "-f", file, "--name", "n", "--as", "nobody")
	c.exposes(1, `namespaces "missing" not found`, "-f", file, "-n", "missing")
	c.exposes(1, "is not in the valid range", "deploy/one", "--name", "n", "--cluster-ip", "10.97.0.1")
	c.exposes(1, "couldn't find port", "deploy/none", "--name", "n", "--lb")
	c.put(object("v1", "ResourceQuota", "exposed", "few", map[string]any{"spec": map[string]any{"hard": map[string]any{"services": "2"}}}), "e2e")
	c.eventually("the quota to count", func() bool {
		return c.kubectl("get", "resourcequota", "few", "-n", "exposed", "-o", "jsonpath={.status.used.services}") == "2"
	})
	c.exposes(1, "exceeded quota: few", "deploy/one", "--name", "n")
	c.absent("n")
	c.remove(object("v1", "ResourceQuota", "exposed", "few", nil))
}

// testWebhook has an admission webhook refuse the Service.
func testWebhook(c *cluster) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var review struct{ Request struct{ UID string } }
		if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		answer := map[string]any{"uid": review.Request.UID, "allowed": false, "status": map[string]any{"message": "no Service without a ticket"}}
		_ = json.NewEncoder(w).Encode(map[string]any{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": answer})
	}))
	defer server.Close()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	webhook := object("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "", "tickets", map[string]any{"webhooks": []any{map[string]any{
		"name": "tickets.example.com", "sideEffects": "None", "admissionReviewVersions": []any{"v1"}, "failurePolicy": "Fail",
		"clientConfig":      map[string]any{"url": server.URL, "caBundle": base64.StdEncoding.EncodeToString(ca)},
		"namespaceSelector": map[string]any{"matchLabels": map[string]any{"kubernetes.io/metadata.name": "exposed"}},
		"rules":             []any{map[string]any{"apiGroups": []any{""}, "apiVersions": []any{"v1"}, "operations": []any{"CREATE"}, "resources": []any{"services"}}},
	}}})
	c.put(webhook, "e2e")
	defer c.remove(webhook)
	c.eventually("the webhook to refuse", func() bool {
		return strings.Contains(c.expose("deploy/one", "--name", "n", "--dry-run=server").stderr, "without a ticket")
	})
	c.exposes(1, `admission webhook "tickets.example.com" denied the request: no Service without a ticket`, "deploy/one", "--name", "n")
	c.absent("n")
}

// testForetold is failures of MetalLB that are foretold: nothing is made, unless that is
// forced, and then it is so.
func testForetold(c *cluster) {
	c.setPools([]*unstructured.Unstructured{addressPool("ipv4", ranges(seedV4)), addressPool("ipv6", ranges(seedV6))})
	c.exposes(2, "MetalLB will say: no available IPs", "deploy/one", "--name", "lb", "--lb")
	c.exposes(2, "DS501", "deploy/one", "--name", "lb", "--lb", "--dry-run=server")
	c.absent("lb")
	out := c.exposes(3, "missing: a load-balancer address of IPv4, a ready endpoint of IPv4, a load-balancer address of IPv6", "deploy/one", "--name", "lb", "--lb", "--force", "--wait=3s")
	for _, want := range []string{"event: AllocationFailed", "no available IPs", "kubectl delete service lb -n exposed"} {
		if !strings.Contains(out.stderr, want) {
			c.t.Errorf("a failure that was forced does not say %q:\n%s", want, out.stderr)
		}
	}
	if out.stdout != "service/lb exposed\n" {
		c.t.Errorf("standard output: %q", out.stdout)
	}
	c.gone("lb")
	c.exposes(3, "it was removed again", "deploy/one", "--name", "lb", "--lb", "--force", "--wait=1s", "--rollback")
	c.absent("lb")
	c.mayOnlyExpose("maker")
	c.exposes(0, "service/lb exposed", "deploy/one", "--name", "lb", "--lb", "--as", "maker") // who may not read pools is told nothing
	c.gone("lb")
	c.exposes(0, "192.168.16.100 alone, out of pool ipv4", "deploy/one", "--name", "lb", "--lb", "--family-policy", "prefer")
	c.gone("lb")

	c.setPools([]*unstructured.Unstructured{addressPool("lan", ranges(seedV4, seedV6)), addressPool("manual", with(ranges("192.168.16.200/30", "2001:db8:7653:216::200/126"), "autoAssign", false))})
	c.exposes(2, "DS505", "deploy/one", "--name", "lb", "--lb", "--pool", "manual") // nobody announces it
	c.put(object("metallb.io/v1beta1", "L2Advertisement", metallbNamespace, "all", map[string]any{"spec": map[string]any{}}), "e2e")
	c.exposes(2, `unknown pool "lam"`, "deploy/one", "--name", "lb", "--lb", "--pool", "lam")
	c.exposes(0, "service/lb exposed", "deploy/one", "--name", "lb", "--lb", "--pool", "manual")
	c.given("lb", "192.168.16.200 2001:db8:7653:216::200")
	c.exposes(2, "can't change sharing key for", "deploy/one", "--name", "second", "--lb", "--addresses", "192.168.16.200,2001:db8:7653:216::201")
	c.exposes(0, "service/second exposed", "deploy/one", "--name", "second", "--lb", "--addresses", "2001:db8:7653:216:ffff:fac:ade:7,192.168.16.107")
	c.given("second", "192.168.16.107 2001:db8:7653:216:ffff:fac:ade:7")
	c.gone("lb", "second")
}

// mayOnlyExpose lets a user expose Deployments, and read nothing that a forecast looks at.
func (c *cluster) mayOnlyExpose(user string) {
	c.t.Helper()
	rule := func(group, resource, verb string) any {
		return map[string]any{"apiGroups": []any{group}, "resources": []any{resource}, "verbs": []any{verb}}
	}
	c.put(object("rbac.authorization.k8s.io/v1", "Role", "exposed", user, map[string]any{
		"rules": []any{rule("apps", "deployments", "get"), rule("", "services", "create")},
	}), "e2e")
	c.put(object("rbac.authorization.k8s.io/v1", "RoleBinding", "exposed", user, map[string]any{
		"roleRef":  map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": user},
		"subjects": []any{map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}},
	}), "e2e")
}

// given waits until the Service has these addresses.
func (c *cluster) given(name, addresses string) {
	c.t.Helper()
	c.eventually(name+" to get "+addresses, func() bool {
		return c.field(name, "{.status.loadBalancer.ingress[*].ip}") == addresses
	})
}

// testExposeFlags is flags that kubectl has not got, as they are on the Service.
func testExposeFlags(c *cluster) {
	c.exposes(0, "service/n exposed", "deploy/many", "--name", "n", "--port", "web=80:8080/TCP", "--port", "53", "--port", "9000/SCTP", "--type", "LoadBalancer",
		"--load-balancer-class", "example.com/own", "--external-traffic-policy", "Local", "--source-ranges", "192.168.16.0/24,2001:db8:7653:216::/64")
	for path, want := range map[string]string{
		"{range .spec.ports[*]}{.name} {.port}/{.protocol} {.targetPort},{end}": "web 80/TCP 8080,port-2-tcp 53/TCP 53,port-2-udp 53/UDP 53,port-3 9000/SCTP 9000,",
		"{.spec.loadBalancerClass} {.spec.externalTrafficPolicy}":               "example.com/own Local",
		"{.spec.loadBalancerSourceRanges}":                                      `["192.168.16.0/24","2001:db8:7653:216::/64"]`,
	} {
		if got := c.field("n", path); got != want {
			c.t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	c.gone("n")
	for want, args := range map[string][]string{
		"--source-ranges has IPv4 only":             {"--lb", "--source-ranges", "192.168.16.0/24"},
		"--addresses has IPv6, and the Service":     {"--lb", "--addresses", "2001:db8::1"},
		"--pool is for a LoadBalancer Service":      {"--pool", "lan"},
		"--lb is LoadBalancer, and NodePort":        {"--lb", "--type", "NodePort"},
		`--family-policy "dual": want require`:      {"--family-policy", "dual"},
		`--families: address family "v6"`:           {"--families", "v6"},
		`--port "80:http/ICMP": protocol "ICMP"`:    {"--port", "80:http/ICMP"},
		"--probe, --rollback and --print-router":    {"--probe"},
		`--print-router "junos": want nftables`:     {"--lb", "--wait", "--print-router", "junos"},
		`--wait "soon": want a duration`:            {"--wait=soon"},
		"unknown flag: --familys":                   {"--familys", "IPv4"},
		"--external-traffic-policy is for Services": {"--external-traffic-policy", "Local"},
	} {
		if out := c.exposes(1, want, append([]string{"deploy/one", "--name", "n"}, args...)...); out.stdout != "" {
			c.t.Errorf("%v: standard output has %q", args, out.stdout)
		}
	}
	c.absent("n")
}

// testExposeOneFamily is an API server with one Service range, in a lab that faults can be
// planted in.
func testExposeOneFamily(c *cluster) {
	expose := func(code int, want string, args ...string) {
		c.t.Helper()
		out := c.run(programs.plugin, append([]string{"expose", "pod/nginx-test", "-n", "lab", "--name", "n", "--port", "80", "--dry-run=server"}, args...)...)
		if out.code != code || !strings.Contains(out.stdout+out.stderr, want) {
			c.t.Errorf("expose %v: exit status %d, want %d and %q\n%s%s", args, out.code, code, want, out.stdout, out.stderr)
		}
	}
	if out := c.run(programs.lab, c.args("fault", "api-server-with-one-service-range")...); out.code != 0 {
		c.t.Fatal(out.stderr)
	}
	expose(1, "this cluster is not configured for dual-stack services")
	expose(0, "the API server has no Service range of the other family", "--family-policy", "prefer")
	expose(0, "service/n exposed (server dry run)", "--family-policy", "single")
	if out := c.run(programs.lab, c.args("heal")...); out.code != 0 {
		c.t.Fatal(out.stderr)
	}
	expose(0, "service/n exposed (server dry run)")
}
