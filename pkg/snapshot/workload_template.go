package snapshot

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"path"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

// Template is what command lines and environments of a workload's Pods say of addresses.
// A workload that says nothing has none. Of a cluster it is taken from the first of the
// workload's Pods, of files from the workload.
type Template struct {
	Ref         // the Deployment, DaemonSet, StatefulSet or Job, or else the Pod
	Labels      map[string]string
	HostNetwork bool
	Primary     ipfam.Family // of its Pods' first addresses; zero when it is not known
	Settings    []Setting
	Programs    []KnownProgram
}

// Runs reports whether a container runs the program.
func (t Template) Runs(name string) bool {
	return slices.ContainsFunc(t.Programs, func(p KnownProgram) bool { return p.Name == name })
}

// Of is the settings of one topic.
func (t Template) Of(topic Topic) (found []Setting) {
	for _, s := range t.Settings {
		if s.Topic == topic {
			found = append(found, s)
		}
	}
	return found
}

// KnownProgram is a program that is known by the name of its image.
type KnownProgram struct {
	Name    string
	Version release.Version
}

// The known programs.
const (
	ExternalDNS = "external-dns"
	Istiod      = "pilot"
	IstioProxy  = "proxyv2"
)

// Setting is an argument or a variable of a container. Text is only that part which is
// about its topic: the rest may be secret.
type Setting struct {
	Topic Topic
	Field string // ".spec.template.spec.containers[0].args[1]"
	Name  string // of the variable; empty of an argument
	Text  string
}

// Topic is what a Setting is about.
type Topic uint8

// The topics.
const (
	ListensIPv4  Topic = iota + 1 // Text is "0.0.0.0" or "0.0.0.0:8080"
	BareIPv6URL                   // Text is the host of a URL, an IPv6 address without brackets
	JoinedPort                    // Text is "$(POD_IP):", a variable with an address of the Pod or the node
	JavaIPv4Only                  // Text is the property
	RecordTypes                   // an argument of external-dns
	IstioDual                     // the variable ISTIO_DUAL_STACK
)

// templateField is where the Pod of a workload stands in it.
const templateField = ".spec.template"

// workload keeps the template of an object from a file. In a cluster Pods tell.
func (b *builder) workload(ref Ref, t *corev1.PodTemplateSpec) {
	b.saw(Workloads)
	if b.current != nil {
		b.template(Template{Ref: ref, Labels: t.Labels}, templateField, &t.Spec)
	}
}

// podTemplate keeps the template that a Pod was made of. The ReplicaSets of a Deployment
// have its name and a hash, which is a label of their Pods.
// Source: kubernetes v1.37.2, pkg/controller/deployment/sync.go getNewReplicaSet.
func (b *builder) podTemplate(p *corev1.Pod, pod Pod) {
	b.saw(Workloads)
	t := Template{Ref: pod.Ref, Labels: p.Labels}
	if len(pod.IPs) > 0 {
		t.Primary = ipfam.Of(pod.IPs[0])
	}
	field := ""
	switch pod.Owner.Kind {
	case "ReplicaSet":
		t.Ref, field = pod.Owner, templateField
		if name, ok := strings.CutSuffix(pod.Owner.Name, "-"+p.Labels["pod-template-hash"]); ok {
			t.Ref = Ref{"Deployment", pod.Namespace, name}
		}
	case "DaemonSet", "StatefulSet", "Job":
		t.Ref, field = pod.Owner, templateField
	}
	b.template(t, field, &p.Spec)
}

// template keeps t with what spec says, if that is anything. Of the Pods of a workload the
// first one counts.
func (b *builder) template(t Template, field string, spec *corev1.PodSpec) {
	if i, ok := b.templates[t.Ref]; ok {
		if at := &b.snap.Templates[i]; at.Primary == 0 {
			at.Primary = t.Primary
		}
		return
	}
	t.HostNetwork = spec.HostNetwork
	for i := range spec.Containers {
		t.container(fmt.Sprintf("%s.spec.containers[%d]", field, i), &spec.Containers[i])
	}
	for i := range spec.InitContainers { // Istio has its proxy among them, in clusters that can
		if program := known(spec.InitContainers[i].Image); program.Name != "" {
			t.Programs = append(t.Programs, program)
		}
	}
	if len(t.Settings)+len(t.Programs) == 0 {
		return
	}
	b.templates[t.Ref] = len(b.snap.Templates)
	b.snap.Templates = append(b.snap.Templates, t)
	if b.current != nil && b.snap.origins[t.Ref] == nil {
		b.snap.origins[t.Ref] = b.current
	}
}

func (t *Template) container(field string, c *corev1.Container) {
	program := known(c.Image)
	if program.Name != "" {
		t.Programs = append(t.Programs, program)
	}
	add := func(topic Topic, field, name, text string) {
		if text != "" {
			t.Settings = append(t.Settings, Setting{topic, field, name, text})
		}
	}
	addresses := addressVariables(c.Env)
	tell := func(field, name, text string) {
		add(ListensIPv4, field, name, listensIPv4(text))
		add(BareIPv6URL, field, name, bareIPv6(text))
		add(JoinedPort, field, name, joinedPort(text, addresses))
		add(JavaIPv4Only, field, name, javaIPv4Only(text))
	}
	for part, words := range map[string][]string{"command": c.Command, "args": c.Args} {
		for i, word := range words {
			at := fmt.Sprintf("%s.%s[%d]", field, part, i)
			tell(at, "", word)
			if program.Name == ExternalDNS && strings.Contains(word, "-record-types") {
				add(RecordTypes, at, "", word)
			}
		}
	}
	for i, e := range c.Env {
		at := fmt.Sprintf("%s.env[%d].value", field, i)
		tell(at, e.Name, e.Value)
		if e.Name == "ISTIO_DUAL_STACK" {
			add(IstioDual, at, e.Name, e.Value)
		}
	}
	slices.SortStableFunc(t.Settings, func(a, b Setting) int { return strings.Compare(a.Field, b.Field) })
}

// known is the program of an image, if it is one that is known.
func known(image string) KnownProgram {
	name, _, _ := strings.Cut(image, "@")
	name = path.Base(name[:lastColon(name)])
	switch name {
	case ExternalDNS, Istiod, IstioProxy:
		return KnownProgram{name, release.OfImage(image)}
	}
	return KnownProgram{}
}

// addressVariables is the names of the variables that have one address of the Pod or of its
// node in them.
func addressVariables(env []corev1.EnvVar) (names []string) {
	for _, e := range env {
		if e.ValueFrom != nil && e.ValueFrom.FieldRef != nil &&
			(e.ValueFrom.FieldRef.FieldPath == "status.podIP" || e.ValueFrom.FieldRef.FieldPath == "status.hostIP") {
			names = append(names, e.Name)
		}
	}
	return names
}

var (
	anyIPv4  = regexp.MustCompile(`(?:^|[=/,@"'\s])(0\.0\.0\.0(?::[0-9]+)?)(?:$|[,"'\s?]|/(?:$|[^0-9]))`)
	anyOther = regexp.MustCompile(`\[::\]|(?:^|[=,\s])::(?:$|[,\s])|\[\$`)
	urlHost  = regexp.MustCompile(`[a-z][a-z0-9+.-]*://(?:[^/@\s]*@)?([0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)(?:[/?,"'\s]|$)`)
)

// script is a length from which on an argument is more likely a script than an address.
const script = 256

// listensIPv4 is the IPv4 address of all interfaces in text, unless that of IPv6 is there too.
func listensIPv4(text string) string {
	if len(text) > script || !strings.Contains(text, "0.0.0.0") || anyOther.MatchString(text) {
		return ""
	}
	if found := anyIPv4.FindStringSubmatch(text); found != nil {
		return found[1]
	}
	return ""
}

// bareIPv6 is the host of a URL in text that is an IPv6 address without brackets, with its
// port if it has one.
func bareIPv6(text string) string {
	if !strings.Contains(text, "://") {
		return ""
	}
	for _, found := range urlHost.FindAllStringSubmatch(text, -1) {
		host := found[1]
		for _, part := range []string{host, host[:strings.LastIndexByte(host, ':')]} {
			if a, err := netip.ParseAddr(part); err == nil && a.Is6() {
				return host
			}
		}
	}
	return ""
}

// joinedPort is the use of a variable of addresses in text that a colon follows.
func joinedPort(text string, addresses []string) string {
	for _, name := range addresses {
		joined := "$(" + name + "):"
		if i := strings.Index(text, joined); i >= 0 && (i == 0 || text[i-1] != '[') {
			return joined
		}
	}
	return ""
}

func javaIPv4Only(text string) string {
	const property = "-Djava.net.preferIPv4Stack=true"
	if strings.Contains(text, property) {
		return property
	}
	return ""
}

// k3sArgsAnnotation has the arguments that k3s was started with, those of its configuration
// file included, as JSON.
// Source: k3s v1.33, pkg/nodeconfig/nodeconfig.go.
const k3sArgsAnnotation = "k3s.io/node-args"

// k3sServerFlags is what a server of k3s was told of flannel, and nil of any other node.
func k3sServerFlags(annotation string) Flags {
	var args []string
	if annotation == "" || json.Unmarshal([]byte(annotation), &args) != nil || len(args) == 0 || args[0] != "server" {
		return nil
	}
	kept := Flags{}
	for name, value := range parseFlags(args[1:]) {
		if strings.HasPrefix(name, "flannel-") || name == "cluster-cidr" {
			kept[name] = value
		}
	}
	return kept
}
