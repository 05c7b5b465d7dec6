//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"
)

// tracePath is a path of trace's JSON.
type tracePath struct {
	Verdict   string `json:"verdict"`
	Why       string `json:"why"`
	Source    string `json:"source"`
	NATBeyond bool   `json:"natBeyond"`
	Mechanism string `json:"mechanism"`
	Hops      []struct {
		Step  string `json:"step"`
		State string `json:"state"`
		Text  string `json:"text"`
	} `json:"hops"`
}

type traceReport struct {
	Summary  string               `json:"summary"`
	Paths    map[string]tracePath `json:"paths"`
	Partings []struct {
		Family   string `json:"family"`
		Step     string `json:"step"`
		Observed string `json:"observed"`
		Because  string `json:"because"`
	} `json:"partings"`
}

// families is the flags of curl by the keys of the report.
var traceFamilies = []struct{ key, flag string }{{"ipv4", "-4"}, {"ipv6", "-6"}}

// destination is a target of trace, and an echo server that is reached by it.
type destination struct {
	name, to  string
	addresses map[string]netip.AddrPort // by the key of the family
}

// source is a Pod that asks.
type source struct{ pod, node string }

// truth is a table of what trace predicts and what the far end saw.
type truth struct {
	*cluster
	option string // of the lab, for the table
	cells  *[]cell
}

// cell is one source, destination and family.
type cell struct {
	option, source, destination, family string
	predicted                           tracePath
	saw                                 string // the address, or empty where nothing came back
	wrong                               string // what differs
}

func (c cell) unknown() bool { return c.predicted.Verdict == "unknown" || c.predicted.Source == "" }

// putEchoes puts the echo servers in and waits for them.
func (c *cluster) putEchoes() {
	c.t.Helper()
	objects := repository("test", "e2e", "truth", "objects.yaml")
	c.kubectl("apply", "-f", objects)
	c.kubectl("-n", "lab", "wait", "--for=condition=Ready", "--timeout=60s", "pod/echo-0", "pod/echo-1", "pod/echo-host-0", "pod/echo-host-1")
	c.t.Cleanup(func() { c.now("delete", "-f", objects, "--ignore-not-found", "--wait=false") })
	c.eventually("addresses and endpoints of echo-lb", func() bool {
		ingress := c.kubectl("-n", "lab", "get", "service/echo-lb", "-o", "jsonpath={.status.loadBalancer.ingress[*].ip}")
		slices := c.kubectl("-n", "lab", "get", "endpointslices", "-l", "kubernetes.io/service-name=echo-lb", "-o", "jsonpath={.items[*].endpoints[*].conditions.ready}")
		return ingress != "" && strings.Contains(slices, "true")
	})
}

// addressesOf is the addresses that a jsonpath of an object has, at a port, by family.
func (c *cluster) addressesOf(port uint16, what ...string) map[string]netip.AddrPort {
	c.t.Helper()
	all := map[string]netip.AddrPort{}
	for text := range strings.FieldsSeq(c.kubectl(append([]string{"-n", "lab", "get"}, what...)...)) {
		a := netip.MustParseAddr(text)
		all[map[bool]string{true: "ipv4", false: "ipv6"}[a.Is4()]] = netip.AddrPortFrom(a, port)
	}
	return all
}

// destinations is one of each kind, seen from a source on one of the workers.
func (c *cluster) destinations(node string) []destination {
	c.t.Helper()
	own, other := "0", "1"
	if strings.HasSuffix(node, "1") {
		own, other = "1", "0"
	}
	fixed := func(v4, v6 string) map[string]netip.AddrPort {
		return map[string]netip.AddrPort{"ipv4": netip.MustParseAddrPort(v4), "ipv6": netip.MustParseAddrPort(v6)}
	}
	const ips, hosts = "jsonpath={.status.podIPs[*].ip}", "jsonpath={.status.hostIPs[*].ip}"
	all := []destination{
		{name: "internet", addresses: fixed("203.0.113.80:80", "[2001:db8:ffff::80]:80")},
		{name: "host on the LAN", addresses: fixed("192.168.16.50:80", "[2001:db8:7653:216::50]:80")},
		{name: "own node", addresses: c.addressesOf(8085, "pod/echo-host-"+own, "-o", hosts)},
		{name: "other node", addresses: c.addressesOf(8085, "pod/echo-host-"+other, "-o", hosts)},
		{name: "Pod on the same node", to: "pod/echo-" + own, addresses: c.addressesOf(8080, "pod/echo-"+own, "-o", ips)},
		{name: "Pod on another node", to: "pod/echo-" + other, addresses: c.addressesOf(8080, "pod/echo-"+other, "-o", ips)},
		{name: "Service", to: "svc/echo", addresses: c.addressesOf(80, "service/echo", "-o", "jsonpath={.spec.clusterIPs[*]}")},
		{name: "load balancer", addresses: c.addressesOf(80, "service/echo-lb", "-o", "jsonpath={.status.loadBalancer.ingress[*].ip}")},
	}
	for i, d := range all {
		if d.to != "" {
			continue
		}
		var texts []string
		for _, f := range traceFamilies {
			if a, ok := d.addresses[f.key]; ok {
				texts = append(texts, a.String())
			}
		}
		all[i].to = strings.Join(texts, ",")
	}
	return all
}

// fill traces every destination from every source, and asks the echo servers. What is
// not as predicted is asked again for a while: an agent that is ready may have programs
// still to load, and to compile where it has not before.
func (r truth) fill(sources []source) {
	r.t.Helper()
	for _, s := range sources {
		destinations := r.destinations(s.node)
		cells := r.row(s, destinations)
		for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline) && slices.ContainsFunc(cells, func(c cell) bool { return c.wrong != "" }); {
			time.Sleep(2 * time.Second)
			cells = r.row(s, destinations)
		}
		*r.cells = append(*r.cells, cells...)
	}
}

// row is the cells of one source.
func (r truth) row(s source, destinations []destination) (cells []cell) {
	r.t.Helper()
	saw := r.ask(s.pod, destinations)
	for _, d := range destinations {
		report, _ := r.trace("pod/"+s.pod, "-n", "lab", "--to", d.to, "--plan", repository("examples", "homelab-today", "plan.yaml"))
		for _, f := range traceFamilies {
			if _, ok := d.addresses[f.key]; !ok {
				continue
			}
			one := cell{option: r.option, source: s.pod, destination: d.name, family: f.key, predicted: report.Paths[f.key], saw: saw[d.name+f.key]}
			one.wrong = r.judge(one)
			cells = append(cells, one)
		}
	}
	return cells
}

// ask has a Pod ask all destinations at once, each over its own family.
func (r truth) ask(pod string, destinations []destination) map[string]string {
	r.t.Helper()
	var script, keys []string
	for _, d := range destinations {
		for _, f := range traceFamilies {
			if a, ok := d.addresses[f.key]; ok {
				script = append(script, fmt.Sprintf("(echo %d $(curl %s -gsS -m 3 http://%s 2>/dev/null)) &", len(keys), f.flag, a))
				keys = append(keys, d.name+f.key)
			}
		}
	}
	saw := map[string]string{}
	for line := range strings.Lines(r.exec(pod, "sh", "-c", strings.Join(script, "\n")+"\nwait").stdout) {
		var i int
		var address string
		if n, _ := fmt.Sscan(line, &i, &address); n == 2 {
			saw[keys[i]] = address
		}
	}
	return saw
}

// trace runs the plugin's trace -o json, whatever its exit status.
func (c *cluster) trace(args ...string) (traceReport, output) {
	c.t.Helper()
	out := c.run(programs.plugin, append([]string{"trace", "-o", "json"}, args...)...)
	var report traceReport
	if err := json.Unmarshal([]byte(out.stdout), &report); err != nil {
		c.t.Fatalf("trace %s: exit status %d: %v\n%s", strings.Join(args, " "), out.code, err, out.stderr)
	}
	return report, out
}

// judge is what is wrong with a prediction. One that does not say is never wrong.
func (r truth) judge(c cell) string {
	p := c.predicted
	switch {
	case p.Verdict == "reaches" && c.saw == "":
		return "predicted to arrive, and does not"
	case p.Verdict == "fails" && c.saw != "":
		return "predicted to fail (" + p.Why + "), and arrives as " + c.saw
	case p.Source == "" || c.saw == "":
		return ""
	case p.NATBeyond:
		if c.saw != uplink.String() || !r.translated(p.Source) {
			return "the router did not see " + p.Source + "; the target saw " + c.saw
		}
	case p.Source != c.saw:
		return "the target saw " + c.saw
	}
	return ""
}

// translated reports whether the router has translated a connection of this source to the
// echo server on the internet.
func (r truth) translated(source string) bool {
	return strings.Contains(r.on("router", "conntrack", "-L", "-p", "tcp", "-s", source, "-d", "203.0.113.80").stdout, "src="+source)
}

// reportTruth prints the table, into bin/truth too, and fails for each wrong cell. It counts
// those that say that they do not know.
func reportTruth(t *testing.T, cells []cell, atLeast int) {
	t.Helper()
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "OPTION\tFROM\tTO\tFAMILY\tPREDICTED\tBY\tSEEN")
	unknown := 0
	for _, c := range cells {
		if c.unknown() {
			unknown++
		}
		seen := c.saw
		if seen == "" {
			seen = "nothing"
		}
		predicted := strings.TrimSpace(c.predicted.Verdict + " " + c.predicted.Source)
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", c.option, c.source, c.destination, c.family, predicted, c.predicted.Mechanism, seen)
		if c.wrong != "" {
			t.Errorf("%s: %s to %s over %s: %s %s by %s: %s", c.option, c.source, c.destination, c.family, c.predicted.Verdict, c.predicted.Source, c.predicted.Mechanism, c.wrong)
		}
	}
	_ = w.Flush() // a buffer takes all writes
	wrong := len(slices.DeleteFunc(slices.Clone(cells), func(c cell) bool { return c.wrong == "" }))
	sum := fmt.Sprintf("%d cells: %d as predicted, %d not known, %d wrong\n", len(cells), len(cells)-unknown-wrong, unknown, wrong)
	t.Log(sum + b.String())
	file := repository("bin", "truth", strings.NewReplacer("/", "-", " ", "-", ",", "-").Replace(t.Name())+".txt")
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(sum+b.String()), 0o644)); err != nil {
		t.Error(err)
	}
	if len(cells) < atLeast {
		t.Errorf("%d cells, want at least %d", len(cells), atLeast)
	}
}

// testTruth is the table on a lab that runs, as it is and, with Cilium, with other options
// of a node's agent.
func testTruth(c *cluster, option string) []cell {
	c.putEchoes()
	var cells []cell
	r := truth{cluster: c, option: option, cells: &cells}
	r.fill(ofWorkers(c))
	return cells
}

// ofWorkers is a Pod with a network of its own and one in the host's on each worker.
func ofWorkers(c *cluster) []source {
	return append(ofNode(c, "k8s-node-0"), ofNode(c, "k8s-node-1")...)
}

// ofNode is the same of one node.
func ofNode(c *cluster, node string) []source {
	c.t.Helper()
	pod := c.kubectl("-n", "lab", "get", "pods", "-l", "app=toolbox", "--field-selector", "spec.nodeName="+node, "-o", "jsonpath={.items[0].metadata.name}")
	return []source{{pod, node}, {"echo-host-" + node[len(node)-1:], node}}
}

// agentOption is what is changed of the agent of a node, and what its status then says.
type agentOption struct{ name, defaults, says string }

// agentOptions is tried in two parts, the first one with a tunnel and the second one with
// native routing.
var agentOptions = []agentOption{
	{"both masqueraded, BPF", `enable-ipv6-masquerade: "true"`, "BPF [IPv4: Enabled, IPv6: Enabled]"},
	{"IPv6 masqueraded alone, BPF", `enable-ipv4-masquerade: "false", enable-ipv6-masquerade: "true"`, "BPF [IPv4: Disabled, IPv6: Enabled]"},
	{"IPv4 masqueraded, iptables", `enable-bpf-masquerade: "false"`, "IPTables [IPv4: Enabled, IPv6: Disabled]"},
	{"native routing CIDR over the internet", `enable-ipv6-masquerade: "true", ipv6-native-routing-cidr: "2000::/3"`, "BPF [IPv4: Enabled, IPv6: Enabled]"},
	{"both masqueraded, iptables", `enable-bpf-masquerade: "false", enable-ipv6-masquerade: "true"`, "IPTables [IPv4: Enabled, IPv6: Enabled]"},
	{"none masqueraded", `enable-bpf-masquerade: "false", enable-ipv4-masquerade: "false"`, "Disabled"},
	{"ip-masq-agent, both, BPF", `enable-ip-masq-agent: "true", ip-masq-agent-config-path: /var/run/cilium/ip-masq-agent, enable-ipv6-masquerade: "true"`, "BPF (ip-masq-agent) [IPv4: Enabled, IPv6: Enabled]"},
}

// testTruthOfAgents is the table with each of the options, on one of the workers that has
// it: two at a time. Where the lab goes on, the nodes have their old agents back at the end.
func testTruthOfAgents(t *testing.T, c *cluster, options []agentOption) (cells []cell) {
	t.Helper()
	c.putEchoes()
	workers := []string{"k8s-node-0", "k8s-node-1"}
	t.Cleanup(func() {
		for _, node := range workers {
			c.now("delete", "ciliumnodeconfig", node, "-n", "kube-system", "--ignore-not-found")
		}
		if c.ends {
			return
		}
		for _, node := range workers {
			c.now("delete", "pod", "-n", "kube-system", "-l", "k8s-app=cilium", "--field-selector", "spec.nodeName="+node)
		}
		c.now(agentsReady...)
	})
	for two := range slices.Chunk(options, len(workers)) {
		for i, o := range two {
			c.applyText(fmt.Sprintf("apiVersion: cilium.io/v2\nkind: CiliumNodeConfig\nmetadata: {name: %[1]s, namespace: kube-system}\nspec:\n  nodeSelector: {matchLabels: {kubernetes.io/hostname: %[1]s}}\n  defaults: {%[2]s}\n", workers[i], o.defaults))
		}
		nodes := workers[:len(two)]
		c.restartAgents(nodes...)
		for i, o := range two {
			if got := c.masquerading(nodes[i]); got != o.says {
				t.Errorf("%s: the agent's status says %q, want %q", o.name, got, o.says)
			}
			r := truth{cluster: c, option: o.name, cells: &cells}
			r.fill(ofNode(c, nodes[i]))
		}
	}
	// Whoever starts an agent next does so without them: one with an egress gateway does not
	// start where iptables masquerades.
	for _, node := range workers {
		c.kubectl("delete", "ciliumnodeconfig", node, "-n", "kube-system", "--ignore-not-found")
	}
	return cells
}

// testTruthOfGateway is the table with an egress gateway on k8s-node-0 for the toolboxes,
// but for IPv4 of the LAN. All agents are restarted for it, and again at the end where the
// lab goes on.
func testTruthOfGateway(t *testing.T, c *cluster) (cells []cell) {
	c.putEchoes()
	before := c.kubectl("get", "configmap", "cilium-config", "-n", "kube-system", "-o", "json")
	t.Cleanup(func() {
		if c.ends {
			return
		}
		c.now("delete", "ciliumegressgatewaypolicy", "truth", "--ignore-not-found")
		file := filepath.Join(t.TempDir(), "cilium-config.json")
		if err := os.WriteFile(file, []byte(before), 0o600); err != nil {
			t.Error(err)
		}
		c.now("replace", "--force", "-f", file)
		c.now("rollout", "restart", "-n", "kube-system", "ds/cilium")
		c.now(agentsReady...)
	})
	c.kubectl("apply", "-f", filepath.Join(c.moduleDir("github.com/cilium/cilium"), "pkg/k8s/apis/cilium.io/client/crds/v2/ciliumegressgatewaypolicies.yaml"))
	c.kubectl("patch", "configmap", "cilium-config", "-n", "kube-system", "--type", "merge", "-p", `{"data":{"enable-egress-gateway":"true","enable-ipv6-masquerade":"true"}}`)
	c.kubectl("rollout", "restart", "-n", "kube-system", "ds/cilium")
	c.kubectl(agentsReady...)
	c.settled("k8s-node-0", "k8s-node-1")
	c.applyText(`apiVersion: cilium.io/v2
kind: CiliumEgressGatewayPolicy
metadata: {name: truth}
spec:
  selectors: [{podSelector: {matchLabels: {app: toolbox}}}]
  destinationCIDRs: ["0.0.0.0/0", "::/0"]
  excludedCIDRs: ["192.168.16.0/24"]
  egressGateway:
    nodeSelector: {matchLabels: {kubernetes.io/hostname: k8s-node-0}}
`)
	r := truth{cluster: c, option: "egress gateway", cells: &cells}
	r.fill(ofWorkers(c))
	return cells
}

// now runs kubectl where the test's own context has ended.
func (c *cluster) now(args ...string) {
	if out, err := exec.Command(kubectl(), append([]string{"--kubeconfig", c.kubeconfig}, args...)...).CombinedOutput(); err != nil {
		c.t.Errorf("kubectl %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

// applyText applies a document.
func (c *cluster) applyText(document string) {
	c.t.Helper()
	file := filepath.Join(c.t.TempDir(), "object.yaml")
	if err := os.WriteFile(file, []byte(document), 0o600); err != nil {
		c.t.Fatal(err)
	}
	c.kubectl("apply", "-f", file)
}

// agentPod is Cilium's agent on a node.
func (c *cluster) agentPod(node string) string {
	c.t.Helper()
	return c.kubectl("get", "pods", "-n", "kube-system", "-l", "k8s-app=cilium", "--field-selector", "spec.nodeName="+node, "-o", "jsonpath={.items[0].metadata.name}")
}

// agentsReady waits for all of Cilium's agents. With an option that none had before, each
// compiles everything anew.
var agentsReady = []string{"rollout", "status", "-n", "kube-system", "ds/cilium", "--timeout=180s"}

// restartAgents has Cilium's agents of nodes read their configuration again, and waits
// until they have settled.
func (c *cluster) restartAgents(nodes ...string) {
	c.t.Helper()
	for _, node := range nodes {
		c.kubectl("delete", "pod", "-n", "kube-system", c.agentPod(node))
	}
	c.kubectl(agentsReady...)
	c.settled(nodes...)
}

// settled waits until an agent that is ready has loaded all of its programs, which those of
// its own health check are the last of. It has to compile what it has not before.
func (c *cluster) settled(nodes ...string) {
	c.t.Helper()
	for _, node := range nodes {
		deadline := time.Now().Add(4 * time.Minute)
		for {
			out := c.run(kubectl(), "exec", "-n", "kube-system", c.agentPod(node), "-c", "cilium-agent", "--", "cilium-dbg", "status")
			if strings.Contains(out.stdout, "Cilium health daemon:") && !strings.Contains(out.stdout, "unreachable") {
				break
			}
			if time.Now().After(deadline) {
				c.t.Fatalf("the agent of %s does not settle: %s%s", node, out.stdout, out.stderr)
			}
			time.Sleep(time.Second)
		}
	}
}

// masquerading is what the agent of a node says of it, without devices and ranges.
func (c *cluster) masquerading(node string) string {
	c.t.Helper()
	out := c.kubectl("exec", "-n", "kube-system", c.agentPod(node), "-c", "cilium-agent", "--", "cilium-dbg", "status")
	for line := range strings.Lines(out) {
		if rest, ok := strings.CutPrefix(line, "Masquerading:"); ok {
			rest = strings.TrimSpace(rest)
			how, families, _ := strings.Cut(rest, "[IPv4:")
			if families == "" {
				return rest
			}
			mode := strings.Fields(how)[0]
			if strings.Contains(how, "ip-masq-agent") {
				mode += " (ip-masq-agent)"
			}
			return mode + " [IPv4:" + families
		}
	}
	return ""
}
