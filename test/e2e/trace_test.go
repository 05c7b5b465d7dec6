//go:build e2e

package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	// echoes answers with the caller's address, over each family; nowhere is two addresses
	// of the LAN that nobody has.
	echoes  = "203.0.113.80:80,[2001:db8:ffff::80]:80"
	nowhere = "192.168.16.250:80,[2001:db8:7653:216::250]:80"
	tools   = "lab.local/toolbox:1"
)

// traced is trace's JSON, as far as these tests read it.
type traced struct {
	Pod struct {
		Namespace string `json:"namespace"`
		Name      string `json:"name"`
	} `json:"pod"`
	Chosen       string               `json:"chosen"`
	Summary      string               `json:"summary"`
	Paths        map[string]tracePath `json:"paths"`
	Observations []seenBy             `json:"observations"`
}

// seenBy is what a tier saw of a family.
type seenBy struct {
	Family  string `json:"family"`
	Tier    string `json:"tier"`
	Error   string `json:"error"`
	Own     string `json:"own"`
	Far     string `json:"far"`
	Connect string `json:"connect"`
}

// testTrace holds trace's command line to a cluster with nodes: what it takes for a source,
// what each tier sees and leaves behind, and what it says where something cannot be had.
func testTrace(t *testing.T, c *cluster) {
	c.putTraced()
	t.Run("all", func(t *testing.T) { // which ends when its parallel parts have
		for name, part := range map[string]func(*cluster){
			"sources": testTraceSources, "tiers": testTraceTiers, "refused": testTraceRefused, "rights": testTraceRights,
			"restricted": testTraceRestricted, "no image": testTraceNoImage, "no answer": testTraceNoAnswer, "no time": testTraceNoTime,
			"one family": testTraceOneFamily, "saved": testTraceSaved, "cleanup": testTraceCleanup,
			"SIGINT":  func(c *cluster) { c.interrupts(syscall.SIGINT, "sibling") },
			"SIGTERM": func(c *cluster) { c.interrupts(syscall.SIGTERM, "host") },
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				part(c.in(t))
			})
		}
	})
	left := c.kubectl("get", "pods", "-A", "-l", "app.kubernetes.io/managed-by=kubectl-dualstack,app.kubernetes.io/component in (trace,expose)", "-o", "name")
	if left != "" {
		t.Errorf("Pods of probes are left: %s", left)
	}
}

// putTraced puts the objects in and waits until what runs of them is ready.
func (c *cluster) putTraced() {
	c.t.Helper()
	objects := repository("test", "e2e", "trace", "objects.yaml")
	namespaces := []string{"namespace", "trace-open", "trace-restricted", "trace-tidy", "--ignore-not-found"}
	c.kubectl(append([]string{"delete"}, namespaces...)...) // of a run that was killed
	c.t.Cleanup(func() { c.now(append([]string{"delete", "--wait=false"}, namespaces...)...) })
	c.kubectl("apply", "-f", objects)
	ready := func(namespace, labels string) {
		c.kubectl("wait", "pods", "-n", namespace, "-l", labels, "--for=condition=Ready", "--timeout=60s")
	}
	c.eventually("Pods of all workloads", func() bool {
		return len(strings.Fields(c.kubectl("get", "pods", "-n", "trace-open", "-o", "name"))) == 5
	})
	ready("trace-open", "app notin (db)")
	ready("trace-restricted", "app!=none")
	c.kubectl("wait", "pod/db-1", "-n", "trace-open", "--for=condition=Ready", "--timeout=60s")
}

// asPredicted is the exit status of the paths alone: with a network plugin that is not known
// they may be unknown.
const asPredicted = -1

// traced runs trace -o json with the homelab's plan. The exit status must be want.
func (c *cluster) traced(want int, args ...string) (traced, output) {
	c.t.Helper()
	out := c.run(programs.plugin, append([]string{"trace", "-o", "json", "--plan", repository("examples", "homelab-today", "plan.yaml")}, args...)...)
	var report traced
	err := json.Unmarshal([]byte(out.stdout), &report)
	if want == asPredicted {
		want = 2
		if report.Paths["ipv4"].Verdict == "reaches" && report.Paths["ipv6"].Verdict == "reaches" {
			want = 0
		}
	}
	if err != nil || out.code != want {
		c.t.Errorf("trace %s: exit status %d, want %d; %v\n%s%s", strings.Join(args, " "), out.code, want, err, out.stderr, out.stdout)
	}
	return report, out
}

// says wants each of words in a text.
func (c *cluster) says(text string, words ...string) {
	c.t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			c.t.Errorf("lacks %q: %s", w, text)
		}
	}
}

// testTraceSources: of every kind of workload one ready Pod is traced, and named.
func testTraceSources(c *cluster) {
	web := strings.Fields(c.kubectl("get", "pods", "-n", "trace-open", "-l", "app=web", "-o", "jsonpath={.items[*].metadata.name}"))[0]
	for _, s := range []struct{ source, pod, chosen string }{
		{"pod/" + web, web, ""}, {"po " + web, web, ""}, {"pods " + web, web, ""},
		{"deploy/web", web, "one of deployment/web"}, {"deployment web", web, "one of deployment/web"}, {"deployments.apps/web", web, "one of deployment/web"},
		{"sts/db", "db-1", "one of statefulset/db"}, {"ds every", "every-", "one of daemonset/every"},
		{"svc/web", web, "one of service/web"}, {"service web", web, "one of service/web"}, {"job/task", "task-", "one of job/task"},
	} {
		report, _ := c.traced(asPredicted, append([]string{"-n", "trace-open", "--to", echoes}, strings.Fields(s.source)...)...)
		if !strings.HasPrefix(report.Pod.Name, s.pod) || report.Pod.Namespace != "trace-open" || report.Chosen != s.chosen {
			c.t.Errorf("%s: %+v %q", s.source, report.Pod, report.Chosen)
		}
	}
	out := c.run(programs.plugin, "trace", "sts/db", "-n", "trace-open")
	c.says(out.stdout, "pod/trace-open/db-1 on node ", "(one of statefulset/db)")
}

// testTraceTiers: each tier says what it will do, sees the echo server over both families
// with the right address, and leaves nothing.
func testTraceTiers(c *cluster) {
	tiers := []string{"exec", "ephemeral", "sibling", "host"}
	if c.describe() == "cilium" {
		tiers = append(tiers, "agent")
	}
	report, out := c.traced(0, "deploy/web", "-n", "trace-open", "--to", echoes, "--probe="+strings.Join(tiers, ","), "--image", tools)
	for _, w := range []string{
		"probe: exec in pod trace-open/" + report.Pod.Name + ", container web: sh\n",
		"probe: ephemeral container dualstack-trace-", "it ends by itself within ", "cannot be removed from the Pod",
		"probe: pod trace-open/dualstack-trace-", "-sibling on node ", "restricted; it is removed afterwards\n",
		"-host on node ", "in the node's network: image " + tools,
		"\nWarning: would violate PodSecurity \"baseline:latest\": host namespaces (hostNetwork=true)\n",
	} {
		c.says(out.stderr, w)
	}
	c.says(report.Summary, "Both families reach the target, as predicted.")
	for _, tier := range tiers {
		for _, f := range traceFamilies {
			i := slices.IndexFunc(report.Observations, func(o seenBy) bool { return o.Tier == tier && strings.EqualFold(o.Family, f.key) })
			if i < 0 || report.Observations[i].Error != "" {
				c.t.Errorf("%s saw nothing of %s: %+v", tier, f.key, report.Observations)
				continue
			}
			if tier != "agent" {
				c.sees(report.Observations[i], report.Paths[f.key])
			}
		}
	}
	c.probesGone(out.stderr)
}

// sees is the address with which the far end saw a probe: the router's own where it puts
// that in, else the predicted one, or the probe's own where it has one and keeps it.
func (c *cluster) sees(o seenBy, predicted tracePath) {
	c.t.Helper()
	want := predicted.Source
	switch {
	case o.Family == "IPv4":
		want = uplink.String()
	case o.Tier == "host", o.Tier == "sibling" && o.Far != predicted.Source:
		want = o.Own
	}
	if o.Connect != "connected" || o.Far != want || want == "" {
		c.t.Errorf("%s of %s: %+v, want to be seen as %q", o.Tier, o.Family, o, want)
	}
}

// probesGone wants no Pod to be there that was named before it was made.
func (c *cluster) probesGone(stderr string) {
	c.t.Helper()
	for line := range strings.Lines(stderr) {
		what, ok := strings.CutPrefix(line, "probe: pod ")
		if !ok {
			continue
		}
		namespace, name, _ := strings.Cut(strings.FieldsFunc(what, func(r rune) bool { return r == ' ' || r == ',' })[0], "/")
		if left := c.kubectl("get", "pod", name, "-n", namespace, "--ignore-not-found", "-o", "name"); left != "" {
			c.t.Errorf("%s is left", left)
		}
	}
}

// testTraceRefused: what cannot be traced is refused at once, in words that tell why.
func testTraceRefused(c *cluster) {
	coredns := c.kubectl("get", "pods", "-n", "kube-system", "-l", "k8s-app=kube-dns", "-o", "jsonpath={.items[0].metadata.name}")
	for _, r := range []struct{ args, words string }{
		{"pod/none -n trace-open", `Error from server (NotFound): pods "none" not found`},
		{"foo/bar", `error: the server doesn't have a resource type "foo"`},
		{"pods", "error: resource(s) were provided, but no name was specified"},
		{"pod/pending -n oddities", "error: pod oddities/pending is Pending, and on no node yet"},
		{"pod/completed -n oddities", "error: pod oddities/completed has finished (Succeeded): nothing of it can be traced"},
		{"svc/elsewhere -n oddities", "error: service/elsewhere has no selector, and so no Pods of its own: name a Pod"},
		{"svc/nothing-behind -n oddities", "error: service/nothing-behind has no Pod that could be traced"},
		{"cm/kube-root-ca.crt -n oddities", "error: configmap/kube-root-ca.crt has no Pods: want one of pod, deployment"},
		{"pod/nginx-test -n lab --all-nodes", "error: --all-nodes: pod/nginx-test is on one node: name a workload"},
		{"pod/nginx-test -n lab --to svc/none", `Error from server (NotFound): services "none" not found`},
		{"pod/nginx-test -n lab --as nobody", `Error from server (Forbidden): pods "nginx-test" is forbidden: User "nobody" cannot get resource "pods"`},
	} {
		out := c.run(programs.plugin, append([]string{"trace"}, strings.Fields(r.args)...)...)
		if out.code != 2 || out.stdout != "" || !strings.HasPrefix(out.stderr, r.words) {
			c.t.Errorf("trace %s: exit status %d: %s%s", r.args, out.code, out.stderr, out.stdout)
		}
	}
	// An image without a shell: the next tier is named, and what is predicted is no pass.
	report, out := c.traced(2, "pod/"+coredns, "-n", "kube-system", "--to", echoes, "--probe=exec")
	c.says(out.stderr, "not probed by exec: the container's image has no sh; --probe=ephemeral brings an image of its own")
	c.says(report.Summary, "Both families: ", "could not be probed.")
}

// testTraceRights: a right that is missing is named, and what is read is printed.
func testTraceRights(c *cluster) {
	const user = "trace-reader"
	role := object("rbac.authorization.k8s.io/v1", "ClusterRole", "", user, map[string]any{
		"rules": []any{map[string]any{"apiGroups": []any{"*"}, "resources": []any{"*"}, "verbs": []any{"get", "list"}}}})
	binding := object("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "", user, map[string]any{
		"roleRef":  map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": user},
		"subjects": []any{map[string]any{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": user}}})
	c.put(role, "e2e")
	c.put(binding, "e2e")
	c.t.Cleanup(func() { c.now("delete", "clusterrole/"+user, "clusterrolebinding/"+user) })
	c.eventually("the rights of "+user, func() bool {
		return c.run(kubectl(), "auth", "can-i", "list", "nodes", "--as", user).code == 0
	})
	report, out := c.traced(2, "deploy/web", "-n", "trace-open", "--to", echoes, "--probe=exec,ephemeral,sibling", "--as", user, "--image", tools)
	c.says(out.stderr, "not probed by exec: create pods/exec -n trace-open: forbidden\n",
		"not probed by ephemeral: patch pods/ephemeralcontainers -n trace-open: forbidden\n",
		"not probed by sibling: create pods -n trace-open: forbidden\n")
	if len(report.Observations) != 6 || len(report.Paths["ipv6"].Hops) < 4 {
		c.t.Errorf("%+v", report)
	}
	out = c.run(programs.plugin, "trace", "cleanup", "-n", "trace-open", "--as", "nobody")
	if out.code != 2 || out.stderr != "error: list pods -n trace-open: forbidden\n" {
		c.t.Errorf("cleanup: exit status %d: %s%s", out.code, out.stdout, out.stderr)
	}
}

// testTraceRestricted: what we make is of the restricted profile, but for a Pod in the
// node's network, of which the admission says why not.
func testTraceRestricted(c *cluster) {
	report, out := c.traced(0, "pod/web", "-n", "trace-restricted", "--to", echoes, "--probe=ephemeral,sibling,host", "--image", tools)
	for _, o := range report.Observations {
		if o.Tier != "host" {
			c.sees(o, report.Paths[strings.ToLower(o.Family)])
			continue
		}
		c.says(o.Error, `violates PodSecurity "restricted:latest"`, "hostNetwork=true")
	}
	if strings.Count(out.stderr, "not probed by host: ") != 1 || strings.Contains(out.stderr, "Warning:") {
		c.t.Error(out.stderr)
	}
	c.probesGone(out.stderr)
}

// testTraceNoImage: the kubelet's own words say why, long before the time is up.
func testTraceNoImage(c *cluster) {
	begun := time.Now()
	report, out := c.traced(2, "deploy/web", "-n", "trace-open", "--to", echoes, "--probe=sibling", "--image", "lab.local/none:1", "--timeout", "60s")
	took := time.Since(begun)
	c.says(out.stderr, "not probed by sibling: ", "ImagePullBackOff: ", "lab.local/none:1", "; name another one with --image\n")
	c.says(report.Summary, "could not be probed")
	if took > 30*time.Second {
		c.t.Errorf("took %s", took)
	}
	c.t.Logf("took %s: %s", took.Round(100*time.Millisecond), out.stderr)
	c.probesGone(out.stderr)
}

// testTraceNoAnswer: silence is waited for as long as it takes, and no longer.
func testTraceNoAnswer(c *cluster) {
	begun := time.Now()
	report, out := c.traced(1, "deploy/web", "-n", "trace-open", "--to", nowhere, "--probe=exec,sibling,host", "--image", tools)
	took := time.Since(begun)
	for _, o := range report.Observations {
		if o.Error != "" || o.Connect != "timed out" && o.Connect != "unreachable" {
			c.t.Errorf("%+v", o)
		}
	}
	c.says(report.Summary, "Neither family reaches the target")
	if took > 28*time.Second {
		c.t.Errorf("took %s", took)
	}
	c.t.Logf("took %s", took.Round(100*time.Millisecond))
	c.probesGone(out.stderr)
}

// testTraceNoTime: --timeout is for all of it, and a tier that there is no time for is not
// begun.
func testTraceNoTime(c *cluster) {
	begun := time.Now()
	report, out := c.traced(2, "deploy/web", "-n", "trace-open", "--to", nowhere, "--probe=exec,sibling,host", "--image", tools, "--timeout", "2s")
	took := time.Since(begun)
	if took > 6*time.Second || len(report.Observations) != 6 {
		c.t.Errorf("took %s: %+v", took, report.Observations)
	}
	c.says(out.stderr, "not probed by exec: sh in pod trace-open/", ": time is up\n", "not probed by host: time was up before it began\n", "not all could be probed within --timeout 2s: give it more\n")
	c.says(report.Summary, "could not be probed")
	c.probesGone(out.stderr)
	out = c.run(programs.plugin, "trace", "deploy/web", "-n", "trace-open", "--timeout", "1ms")
	if out.code != 2 || !strings.HasPrefix(out.stderr, "error: not done within --timeout 1ms: ") {
		c.t.Errorf("exit status %d: %s", out.code, out.stderr)
	}
}

// testTraceOneFamily: a name without AAAA, as a Service has it and as any other name has.
func testTraceOneFamily(c *cluster) {
	ip := strings.Fields(c.kubectl("get", "pods", "-n", "trace-open", "-l", "app=web", "-o", "jsonpath={.items[0].status.podIPs[*].ip}"))[0]
	ofPod := strings.ReplaceAll(ip, ".", "-") + ".trace-open.pod.cluster.local:8080"
	for _, to := range []string{"web4.trace-open.svc.cluster.local:8080", ofPod} {
		for require, want := range map[string]int{"both": 1, "6": 1, "4": 0, "any": 0} {
			report, _ := c.traced(want, "sts/db", "-n", "trace-open", "--to", to, "--probe=exec", "--require", require)
			c.says(report.Summary, "IPv4 reaches the target and IPv6 does not", "the name has no IPv6 address, and applications use IPv4 at once")
		}
	}
	out := c.run(programs.plugin, "trace", "sts/db", "-n", "trace-open", "--to", "web4.trace-open.svc.cluster.local:8080", "--probe=exec")
	c.says(out.stdout, "the name has no IPv6 address\n")
}

// testTraceSaved: a file has all of it, and needs no cluster.
func testTraceSaved(c *cluster) {
	file := filepath.Join(c.t.TempDir(), "trace.json")
	out := c.run(programs.plugin, "trace", "deploy/web", "-n", "trace-open", "--to", echoes, "--probe=exec", "--save", file)
	without := *c
	without.kubeconfig = os.DevNull
	again := without.run(programs.plugin, "trace", "--replay", file)
	if out.code != 0 || again.code != 0 || again.stdout != out.stdout || again.stderr != "" {
		c.t.Errorf("exit status %d, then %d: %s\n%s\n%s", out.code, again.code, out.stdout, again.stdout, again.stderr)
	}
	for _, format := range []string{"wide", "json", "yaml", "mermaid", "dot", "svg"} {
		if again := without.run(programs.plugin, "trace", "--replay", file, "-o", format); again.code != 0 || again.stdout == "" {
			c.t.Errorf("%s: exit status %d: %s", format, again.code, again.stderr)
		}
	}
}

// testTraceCleanup: what a probe has left is removed, and nothing else.
func testTraceCleanup(c *cluster) {
	pods := func() string {
		return c.kubectl("get", "pods", "-n", "trace-tidy", "-o", "jsonpath={.items[*].metadata.name}")
	}
	for _, step := range []struct {
		args, says, left string
	}{
		{"-n trace-tidy --dry-run", "pod/left -n trace-tidy removed (dry run)\n", "dualstack-trace-by-name left of-something-else"},
		{"-n trace-tidy", "pod/left -n trace-tidy removed\n", "dualstack-trace-by-name of-something-else"},
		{"-n trace-tidy", "no Pods of probes are left\n", "dualstack-trace-by-name of-something-else"},
	} {
		out := c.run(programs.plugin, append([]string{"trace", "cleanup"}, strings.Fields(step.args)...)...)
		if left := pods(); out.code != 0 || out.stdout != step.says || out.stderr != "" || left != step.left {
			c.t.Errorf("cleanup %s: exit status %d: %s%s; there are %s", step.args, out.code, out.stdout, out.stderr, left)
		}
	}
}

// interrupts sends a signal to a trace whose Pod is there, and wants it to say so, to end
// at once and to leave nothing.
func (c *cluster) interrupts(signal os.Signal, tier string) {
	cmd := exec.CommandContext(c.t.Context(), programs.plugin, "trace", "deploy/web", "-n", "trace-open", "--to", nowhere, "--probe="+tier, "--image", tools)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+c.kubeconfig)
	var stdout, rest bytes.Buffer
	cmd.Stdout = &stdout
	stderr, err := cmd.StderrPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	lines := bufio.NewReader(stderr)
	said, err := lines.ReadString('\n')
	if err != nil || !strings.HasPrefix(said, "probe: pod trace-open/") {
		c.t.Errorf("says %q: %v", said, err)
	}
	name := strings.Fields(strings.TrimPrefix(said, "probe: pod trace-open/"))[0]
	c.eventually("the Pod of the probe to run", func() bool {
		return strings.Contains(c.run(kubectl(), "get", "pod", name, "-n", "trace-open", "--ignore-not-found", "-o", "jsonpath={.status.phase}").stdout, "Running")
	})
	sent := time.Now()
	if err := cmd.Process.Signal(signal); err != nil {
		c.t.Error(err)
	}
	if _, err := rest.ReadFrom(lines); err != nil {
		c.t.Error(err)
	}
	_ = cmd.Wait() // its code is looked at
	took := time.Since(sent)
	if code := cmd.ProcessState.ExitCode(); code != 2 || stdout.Len() > 0 || !strings.HasSuffix("\n"+rest.String(), "\nerror: interrupted\n") || took > 5*time.Second {
		c.t.Errorf("%s: exit status %d after %s: %s%s", signal, code, took, stdout.String(), rest.String())
	}
	c.t.Logf("%s: ended after %s", signal, took.Round(10*time.Millisecond))
	c.probesGone(said)
}
