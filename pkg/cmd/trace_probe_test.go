package cmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/rest"
	ktesting "k8s.io/client-go/testing"
	utilexec "k8s.io/client-go/util/exec"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/probe"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/trace"
)

// whatItSays is what the script says where IPv4 is translated, and IPv6 is dead.
const whatItSays = `dualstack/1 0 start
dualstack/1 4 target 80 203.0.113.80
dualstack/1 6 target 80 2001:db8:ffff::80
dualstack/1 4 main curl 0 200,0.000183,10.244.0.35,203.0.113.80,80,12
dualstack/1 4 main body 203.0.113.2
dualstack/1 6 main curl 28 000,0.000000,,,0,0
dualstack/1 0 end
`

func tracedPod() *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "lab", Name: "web", UID: "u", Labels: map[string]string{"app": "web"}, Annotations: map[string]string{defaultContainer: "nginx"}},
		Spec: corev1.PodSpec{
			NodeName: "k8s-node-1", Containers: []corev1.Container{{Name: "sidecar"}, {Name: "nginx"}},
			ImagePullSecrets: []corev1.LocalObjectReference{{Name: "registry"}}, DNSPolicy: corev1.DNSClusterFirst,
		},
		Status: corev1.PodStatus{Phase: corev1.PodRunning, PodIPs: []corev1.PodIP{{IP: "10.244.0.35"}, {IP: "2001:db8:7653:299:cafe::2ebb"}}}, //nolint:forbidigo // elements of the plural field
	}
}

// testProber has a fake cluster with the Pod, and one of an agent.
func testProber(t *testing.T, pod *corev1.Pod, exec executor) (*prober, *fake.Clientset, *bytes.Buffer) {
	t.Helper()
	agent := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "cilium-x"},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "cilium-agent"}}},
	}
	client := fake.NewClientset(pod, agent)
	streams, _, _, errOut := genericiooptions.NewTestIOStreams()
	return &prober{
		IOStreams: streams, client: client, exec: exec, pod: pod, runID: "abcd", image: "example.com/tools:1",
		agent: snapshot.Ref{Kind: "Pod", Namespace: "kube-system", Name: "cilium-x"},
		questions: []probe.Question{
			{Family: ipfam.V4, Target: netip.MustParseAddrPort("203.0.113.80:80"), HTTP: true, Seconds: 1},
			{Family: ipfam.V6, Target: netip.MustParseAddrPort("[2001:db8:ffff::80]:80"), HTTP: true, Seconds: 1},
		},
	}, client, errOut
}

func failsWith(t *testing.T, seen []trace.Observation, tier trace.Tier, words ...string) {
	t.Helper()
	if len(seen) != 2 || seen[0].Family != ipfam.V4 || seen[1].Family != ipfam.V6 {
		t.Fatalf("%+v", seen)
	}
	for _, o := range seen {
		for _, w := range words {
			if !strings.Contains(o.Error, w) {
				t.Errorf("%s: %q has no %q", o.Family, o.Error, w)
			}
		}
		if o.Tier != tier || o.From == "" || o.Connect != trace.NotTried || o.Routes != nil || o.Agent != nil {
			t.Errorf("%+v", o)
		}
	}
}

func sawIt(t *testing.T, seen []trace.Observation, tier trace.Tier) {
	t.Helper()
	if len(seen) != 2 {
		t.Fatalf("%+v", seen)
	}
	v4, v6 := seen[0], seen[1]
	if v4.Error != "" || v4.Tier != tier || v4.Connect != trace.Connected || v4.Far != netip.MustParseAddr("203.0.113.2") {
		t.Errorf("%+v", v4)
	}
	if v6.Error != "" || v6.Tier != tier || v6.Connect != trace.TimedOut || v6.From != v4.From {
		t.Errorf("%+v", v6)
	}
}

func TestExec(t *testing.T) {
	var asked execution
	p, _, errOut := testProber(t, tracedPod(), func(_ context.Context, e execution) (string, string, error) {
		asked = e
		return whatItSays, "", nil
	})
	sawIt(t, p.run(t.Context(), trace.TierExec), trace.TierExec)
	if asked.namespace != "lab" || asked.pod != "web" || asked.container != "nginx" || !slices.Equal(asked.command, []string{"sh"}) ||
		!strings.HasSuffix(asked.stdin, "say 0 end\nexit 0\n") {
		t.Errorf("%+v", asked)
	}
	if got, want := errOut.String(), "probe: exec in pod lab/web, container nginx: sh\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if p.reached.V6 != netip.MustParseAddr("2001:db8:ffff::80") {
		t.Errorf("%v", p.reached)
	}
}

func TestExecFails(t *testing.T) {
	for _, c := range []struct {
		change func(*prober)
		err    error
		words  string
	}{
		{err: errNoProgram, words: "no sh; --probe=ephemeral"},
		{err: errors.New("create pods/exec -n lab: forbidden"), words: "create pods/exec -n lab: forbidden"},
		{change: func(p *prober) { p.container = "other" }, words: "pod lab/web has no container other"},
		{change: func(p *prober) { p.pod.Status.Phase = corev1.PodSucceeded }, words: "pod lab/web has ended (Succeeded)"},
		{change: func(p *prober) { p.pod.Status.Phase = corev1.PodPending }, words: "does not run yet"},
		{change: func(p *prober) {
			p.pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "nginx", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff", Message: "back-off 5m0s"}}}}
		}, words: "container nginx of pod lab/web does not run: CrashLoopBackOff: back-off 5m0s"},
		{change: func(p *prober) { p.pod.Spec.Containers = nil }, words: "no containers"},
	} {
		p, _, _ := testProber(t, tracedPod(), func(context.Context, execution) (string, string, error) { return "", "", c.err })
		if c.change != nil {
			c.change(p)
		}
		failsWith(t, p.run(t.Context(), trace.TierExec), trace.TierExec, c.words)
	}
}

func TestUnknownTier(t *testing.T) {
	p, _, _ := testProber(t, tracedPod(), nil)
	seen := p.run(t.Context(), "telepathy")
	if len(seen) != 2 || !strings.Contains(seen[0].Error, "telepathy") {
		t.Errorf("%+v", seen)
	}
}

func TestContainerOf(t *testing.T) {
	pod := tracedPod()
	for wanted, want := range map[string]string{"": "nginx", "sidecar": "sidecar"} {
		if got, err := containerOf(pod, wanted); err != nil || got != want {
			t.Errorf("%q: %s, %v", wanted, got, err)
		}
	}
	pod.Annotations[defaultContainer] = "gone"
	if got, err := containerOf(pod, ""); err != nil || got != "sidecar" {
		t.Errorf("%s, %v", got, err)
	}
}

func TestExplainExec(t *testing.T) {
	e := execution{namespace: "lab", pod: "web", container: "nginx", command: []string{"sh"}}
	rbac := `pods "web" is forbidden: User "u" cannot create resource "pods/exec" in API group "" in the namespace "lab"`
	for _, c := range []struct {
		err   error
		words string
	}{
		{errors.New("unable to upgrade connection: " + rbac), "create pods/exec -n lab: forbidden"},
		{errors.New(`exec failed: unable to start container process: exec: "sh": executable file not found in $PATH: unknown`), "sh: the image does not have it"},
		{utilexec.CodeExitError{Err: errors.New("command terminated with exit code 127"), Code: 127}, "sh: the image does not have it"},
		{utilexec.CodeExitError{Err: errors.New("command terminated with exit code 1"), Code: 1}, "command terminated with exit code 1"},
		{errors.New("unable to upgrade connection: container not found (\"nginx\")"), "container nginx of pod lab/web is not running"},
		{apierrors.NewNotFound(schema.GroupResource{Resource: "pods"}, "web"), "pod lab/web is not there any more"},
	} {
		if got := explainExec(t.Context(), c.err, "", e); got.Error() != c.words {
			t.Errorf("%v: %v", c.err, got)
		}
	}
	done, cancel := context.WithCancel(t.Context())
	cancel()
	if got := explainExec(done, errors.New("use of closed network connection"), "", e); got.Error() != "sh in pod lab/web: time is up" {
		t.Error(got)
	}
	if got := explainExec(done, nil, "", e); got != nil {
		t.Error(got)
	}
}

// TestExecIn has a server that grants nothing, to a websocket and to SPDY.
func TestExecIn(t *testing.T) {
	var upgrades []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		upgrades = append(upgrades, r.Header.Get("Upgrade"))
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403,`+
			`"message":"pods \"web\" is forbidden: User \"u\" cannot create resource \"pods/exec\" in API group \"\" in the namespace \"lab\""}`)
	}))
	defer server.Close()
	config := &rest.Config{Host: server.URL}
	p := newProber(config, kubernetes.NewForConfigOrDie(config), tracedPod(), snapshot.Ref{}, nil, "example.com/tools:1", genericiooptions.NewTestIOStreamsDiscard())
	failsWith(t, p.run(t.Context(), trace.TierExec), trace.TierExec, "create pods/exec -n lab: forbidden")
	if !slices.Equal(upgrades, []string{"websocket", "SPDY/3.1"}) || len(p.runID) != 8 {
		t.Errorf("%q %q", upgrades, p.runID)
	}
}

func TestCapped(t *testing.T) {
	c := capped{left: 5}
	for _, s := range []string{"abc", "def", "ghi"} {
		if n, err := c.Write([]byte(s)); n != 3 || err != nil {
			t.Error(n, err)
		}
	}
	if n, err := c.ReadFrom(strings.NewReader("more")); n != 4 || err != nil || c.String() != "abcde" {
		t.Errorf("%d %v %q", n, err, c.String())
	}
}

const agentStatus = `{"cilium":{"msg":"1.20.2 (x)"},"masquerading":{"enabled":true,"enabledProtocols":{"ipv4":true},"mode":"BPF"},"routing":{"inter-host-routing-mode":"Native"}}`

// TestAgent asks an agent of each name, and one of another plugin.
func TestAgent(t *testing.T) {
	const nat = `[{"Key":{"SourceAddr":[10,244,0,35],"DestAddr":[203,0,113,80],"Flags":0},"Value":{"Addr":[192,168,16,22],"Created":1}}]`
	const route = "Iface\tDestination\tGateway\neth0\t00000000\t0110A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
	for program, words := range map[string]string{"cilium-dbg": "1.20.2", "cilium": "1.20.2", "calico-node": ""} {
		p, _, errOut := testProber(t, tracedPod(), func(_ context.Context, e execution) (string, string, error) {
			if e.namespace != "kube-system" || e.pod != "cilium-x" || e.container != "cilium-agent" || e.stdin != "" {
				t.Errorf("%+v", e)
			}
			switch args := strings.Join(e.command[1:], " "); {
			case e.command[0] == "cat":
				return route, "cat: /proc/net/if_inet6: No such file or directory", utilexec.CodeExitError{Err: errors.New("exit 1"), Code: 1}
			case e.command[0] != program:
				return "", "", fmt.Errorf("%s: %w", e.command[0], errNoProgram)
			case args == "status -o json":
				return agentStatus, "", nil
			case args == "bpf nat list -o json":
				return nat, "", nil
			}
			return "", "not here", errors.New("exit 1")
		})
		seen := p.run(t.Context(), trace.TierAgent)
		v4, v6 := seen[0], seen[1]
		if v4.Error != "" || v4.Routes == nil || !v4.Routes.HasRoute || v6.Routes == nil || v6.Routes.HasRoute {
			t.Errorf("%s: %+v\n%s", program, v4, errOut)
		}
		if words == "" {
			if v4.Agent != nil || v6.Agent != nil {
				t.Errorf("%+v", v4.Agent)
			}
			continue
		}
		if v4.Agent == nil || v4.Agent.Version != words || v4.Agent.Translated != netip.MustParseAddr("192.168.16.22") || v6.Agent.Mechanism != trace.KeepsSource {
			t.Errorf("%s: %+v %+v", program, v4.Agent, v6.Agent)
		}
	}
}

func TestAgentFails(t *testing.T) {
	p, _, _ := testProber(t, tracedPod(), func(context.Context, execution) (string, string, error) {
		return "", "", errors.New("create pods/exec -n kube-system: forbidden")
	})
	failsWith(t, p.run(t.Context(), trace.TierAgent), trace.TierAgent, "create pods/exec -n kube-system: forbidden")
	p.agent = snapshot.Ref{}
	failsWith(t, p.run(t.Context(), trace.TierAgent), trace.TierAgent, "no Pod of the network plugin's agent is known on node k8s-node-1")
}

// TestAgentIsLast has the agent asked when the flows are there to be asked about.
func TestAgentIsLast(t *testing.T) {
	var order []string
	p, _, _ := testProber(t, tracedPod(), func(_ context.Context, e execution) (string, string, error) {
		order = append(order, e.command[0])
		if e.command[0] == "sh" {
			return whatItSays, "", nil
		}
		return agentStatus, "", nil
	})
	if seen := p.runAll(t.Context(), []trace.Tier{trace.TierAgent, trace.TierExec, trace.TierAgent}); len(seen) != 4 {
		t.Errorf("%+v", seen)
	}
	if order[0] != "cat" || order[1] != "sh" || order[2] != "cat" { // the node's routes first, for the others to try
		t.Error(order)
	}
}

// ends has the cluster end the container of every Pod that is read, with these words.
func ends(client *fake.Clientset, state corev1.ContainerState, ephemeral bool) {
	client.PrependReactor("get", "pods", func(a ktesting.Action) (bool, runtime.Object, error) {
		get, ok := a.(ktesting.GetAction)
		if !ok { // of a log
			return false, nil, nil
		}
		obj, err := client.Tracker().Get(get.GetResource(), get.GetNamespace(), get.GetName())
		if err != nil {
			return true, nil, err
		}
		pod := obj.(*corev1.Pod).DeepCopy()
		statuses := []corev1.ContainerStatus{{Name: "dualstack-trace-abcd", State: state}}
		if ephemeral {
			pod.Status.EphemeralContainerStatuses = statuses
		} else {
			pod.Status.ContainerStatuses = statuses
		}
		return true, pod, nil
	})
}

func terminated(message string) corev1.ContainerState {
	return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "Completed", Message: message}}
}

func podsOf(t *testing.T, client *fake.Clientset) (made *corev1.Pod, left int) {
	t.Helper()
	for _, a := range client.Actions() {
		if c, ok := a.(ktesting.CreateAction); ok {
			made = c.GetObject().(*corev1.Pod)
		}
	}
	list, err := client.CoreV1().Pods("lab").List(context.Background(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return made, len(list.Items) - 1 // without the traced one
}

func TestBeside(t *testing.T) {
	for _, tier := range []trace.Tier{trace.TierSibling, trace.TierHost} {
		p, client, errOut := testProber(t, tracedPod(), nil)
		ends(client, terminated(whatItSays), false)
		sawIt(t, p.run(t.Context(), tier), tier)
		made, left := podsOf(t, client)
		if left != 0 {
			t.Errorf("%s: the pod is left", tier)
		}
		if made.Name != "dualstack-trace-abcd-"+string(tier) || made.Labels["app"] != "" || made.Labels[managedBy] != ourName ||
			made.Labels[component] != "trace" || made.Labels[runLabel] != "abcd" || made.Spec.NodeName != "k8s-node-1" ||
			made.Spec.HostNetwork != (tier == trace.TierHost) || *made.Spec.ActiveDeadlineSeconds <= 0 || len(made.Spec.ImagePullSecrets) != 1 {
			t.Errorf("%s: %+v", tier, made)
		}
		restricted(t, made.Spec.SecurityContext, made.Spec.Containers[0].SecurityContext)
		if !strings.Contains(errOut.String(), "probe: pod lab/"+made.Name+" on node k8s-node-1") {
			t.Error(errOut)
		}
	}
}

// restricted is what the restricted level of Pod Security asks of a container.
func restricted(t *testing.T, pod *corev1.PodSecurityContext, c *corev1.SecurityContext) {
	t.Helper()
	nonRoot := c.RunAsNonRoot != nil && *c.RunAsNonRoot || pod != nil && pod.RunAsNonRoot != nil && *pod.RunAsNonRoot
	seccomp := c.SeccompProfile
	if seccomp == nil && pod != nil {
		seccomp = pod.SeccompProfile
	}
	if !nonRoot || seccomp == nil || seccomp.Type != corev1.SeccompProfileTypeRuntimeDefault || *c.AllowPrivilegeEscalation ||
		len(c.Capabilities.Add) != 0 || !slices.Equal(c.Capabilities.Drop, []corev1.Capability{"ALL"}) {
		t.Errorf("%+v %+v", pod, c)
	}
}

// TestBesideFails has all that can go wrong with a Pod of ours, which is removed all the same.
func TestBesideFails(t *testing.T) {
	pods := schema.GroupResource{Resource: "pods"}
	refuse := func(message string) func(*fake.Clientset) {
		return func(client *fake.Clientset) {
			client.PrependReactor("create", "pods", func(ktesting.Action) (bool, runtime.Object, error) {
				return true, nil, apierrors.NewForbidden(pods, "dualstack-trace-abcd-sibling", errors.New(message))
			})
		}
	}
	waits := func(reason, message string) func(*fake.Clientset) {
		return func(client *fake.Clientset) {
			ends(client, corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}, false)
		}
	}
	for _, c := range []struct {
		cluster func(*fake.Clientset)
		words   string
	}{
		{refuse(`User "u" cannot create resource "pods" in API group "" in the namespace "lab"`), "create pods -n lab: forbidden"},
		{refuse(`violates PodSecurity "restricted:latest": host namespaces (hostNetwork=true)`), `violates PodSecurity "restricted:latest": host namespaces`},
		{waits("ImagePullBackOff", `Back-off pulling image "example.com/tools:1"`), `ImagePullBackOff: Back-off pulling image "example.com/tools:1"`},
		{waits("CreateContainerConfigError", "container has runAsNonRoot"), "CreateContainerConfigError: container has runAsNonRoot"},
		{waits("ContainerCreating", ""), "time is up: ContainerCreating"},
		{func(client *fake.Clientset) {
			ends(client, terminated(`failed to create task: exec: "sh": executable file not found in $PATH`), false)
		}, "image example.com/tools:1 has no sh"},
	} {
		p, client, errOut := testProber(t, tracedPod(), nil)
		c.cluster(client)
		ctx, cancel := context.WithTimeout(t.Context(), 600*time.Millisecond)
		failsWith(t, p.run(ctx, trace.TierSibling), trace.TierSibling, c.words)
		cancel()
		if _, left := podsOf(t, client); left != 0 {
			t.Errorf("%s: the pod is left\n%s", c.words, errOut)
		}
	}
}

func TestBesideNot(t *testing.T) {
	p, client, errOut := testProber(t, tracedPod(), nil)
	p.pod.Spec.HostNetwork = true
	failsWith(t, p.run(t.Context(), trace.TierSibling), trace.TierSibling, "--probe=host")
	p.pod.Spec.NodeName = ""
	failsWith(t, p.run(t.Context(), trace.TierHost), trace.TierHost, "is on no node yet")
	if made, _ := podsOf(t, client); made != nil || errOut.Len() != 0 {
		t.Errorf("%+v\n%s", made, errOut)
	}
}

// TestWaitsFor keeps why an image could not be had over that it is not tried now.
func TestWaitsFor(t *testing.T) {
	pod := &corev1.Pod{Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{Name: "probe", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: "Back-off"}}}}}}
	got := waitsFor(pod, "probe", corev1.ContainerStateWaiting{Reason: "ErrImagePull", Message: "not found"})
	if words(got) != "ImagePullBackOff: not found" {
		t.Error(words(got))
	}
	pod = &corev1.Pod{Status: corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "0/3 nodes are available"}}}}
	if got := waitsFor(pod, "probe", corev1.ContainerStateWaiting{}); words(got) != "Unschedulable: 0/3 nodes are available" {
		t.Error(words(got))
	}
}

func TestEphemeral(t *testing.T) {
	for _, user := range []*int64{nil, new(int64(0)), new(int64(1000))} {
		pod := tracedPod()
		pod.Spec.SecurityContext = &corev1.PodSecurityContext{RunAsUser: user}
		p, client, errOut := testProber(t, pod, nil)
		ends(client, terminated(whatItSays), true)
		sawIt(t, p.run(t.Context(), trace.TierEphemeral), trace.TierEphemeral)
		now, err := client.Tracker().Get(corev1.SchemeGroupVersion.WithResource("pods"), "lab", "web")
		if err != nil || len(now.(*corev1.Pod).Spec.EphemeralContainers) != 1 {
			t.Fatalf("%v %v", now, err)
		}
		c := now.(*corev1.Pod).Spec.EphemeralContainers[0]
		restricted(t, nil, c.SecurityContext)
		if sets := c.SecurityContext.RunAsUser != nil; sets != (user == nil || *user == 0) || c.Image != p.image || c.Name != "dualstack-trace-abcd" {
			t.Errorf("%+v", c)
		}
		if !strings.Contains(errOut.String(), "cannot be removed") {
			t.Error(errOut)
		}
	}
}

// TestLog has a container that says more than a termination message may have, or less.
func TestLog(t *testing.T) {
	p, client, _ := testProber(t, tracedPod(), nil)
	ends(client, terminated("cut"), false)
	failsWith(t, p.run(t.Context(), trace.TierSibling), trace.TierSibling, "the script did not run: fake logs") // client-go's fake ones
}

func TestEphemeralRefused(t *testing.T) {
	p, client, _ := testProber(t, tracedPod(), nil)
	client.PrependReactor("patch", "pods", func(ktesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "web", errors.New(`User "u" cannot patch resource "pods/ephemeralcontainers"`))
	})
	failsWith(t, p.run(t.Context(), trace.TierEphemeral), trace.TierEphemeral, "patch pods/ephemeralcontainers -n lab: forbidden")
}

// TestOnce runs the script that runs the script: what it says comes twice, and it ends in
// time.
func TestOnce(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	script := strings.Replace(onceScript, "/dev/termination-log", "/dev/stderr", 1)
	for _, c := range []struct{ script, seconds, want string }{
		{"echo '$1' said; echo \"it's\"", "5", "$1 said\nit's\n"},
		{"echo begun; exec sleep 60", "1", "begun\n"},
	} {
		var stdout, stderr bytes.Buffer
		cmd := exec.Command(sh, "-c", script, c.script, c.seconds)
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		if err := cmd.Run(); err != nil {
			t.Error(err)
		}
		if stdout.String() != c.want || !strings.HasPrefix(stderr.String(), strings.TrimSpace(c.want)) {
			t.Errorf("%q %q", stdout.String(), stderr.String())
		}
	}
}
