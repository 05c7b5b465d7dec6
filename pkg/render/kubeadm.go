package render

import (
	"fmt"
	"net/netip"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

// The versions of kubeadm's configuration, whose extra arguments are a mapping in the
// first and a list in the second.
const (
	v1beta3 = "v1beta3"
	v1beta4 = "v1beta4"
)

// The releases of kubeadm that read them. v1beta4 was experimental before 1.31; what
// came before v1beta3 is not written.
// Source: kubernetes v1.37.2 and v1.30.14, cmd/kubeadm/app/util/config/common.go.
var (
	readsV1beta3  = release.V(1, 22)
	readsV1beta4  = release.V(1, 31)
	endsOfV1beta3 = release.V(1, 37)
)

// kubeadmAPI is the version of the configuration: the one that was asked for, if the
// release of Kubernetes reads it, or the newest that it reads.
func (j *job) kubeadmAPI() string {
	v := j.kubernetes()
	named := j.opts.Versions.Kubernetes.Or(j.plan.Versions.Kubernetes).Known()
	switch asked := j.opts.KubeadmAPI; {
	case v.Before(readsV1beta3):
		j.fault("", "kubeadm %s: want %s or later", v, readsV1beta3)
	case asked == v1beta3 && named && v.From(endsOfV1beta3):
		j.fault("", "kubeadm %s refuses %s: want %s", v, v1beta3, v1beta4)
	case asked == v1beta4 && v.Before(readsV1beta4):
		j.fault("", "kubeadm %s refuses %s: want %s", v, v1beta4, v1beta3)
	case asked == v1beta3, asked == v1beta4:
		return asked
	case asked != "":
		j.fault("", "kubeadm configuration %q: want %s or %s", asked, v1beta3, v1beta4)
	case v.Before(readsV1beta4):
		return v1beta3
	}
	return v1beta4
}

// kubeadm is what kubeadm init and kubeadm join are given. Without nodes that is one
// file: each of the two takes the documents out of it that it knows.
// Source: kubernetes v1.37.2, cmd/kubeadm/app/util/config/{init,join}configuration.go.
func kubeadm(j *job) {
	k := kubeadmFiles{job: j, api: j.kubeadmAPI()}
	k.checkMasks(plan.KubeadmNodeMaskLimit)
	for _, f := range j.plan.Families {
		if r := j.plan.Pods.Prefixes.Of(f); r.IsValid() {
			k.limit(of("spec.pods", f), plan.KubeadmPodLimit(r.Masked()))
		}
		if r := j.plan.Services.Of(f); r.IsValid() {
			k.limit(of("spec.services", f), plan.KubeadmServiceLimit(r.Masked()))
		}
	}
	nodes := j.opts.Nodes
	if len(nodes) == 0 {
		j.yaml("kubeadm.yaml", "kubeadm init --config kubeadm.yaml, on the control plane; kubeadm join --config kubeadm.yaml, on every\n"+
			"other node. "+strings.Join(nodePlaceholders(j.plan.Families), " and ")+" stand for the node that it is run on.",
			k.cluster(), k.init(nil), k.join(nil))
		j.note("kubeadm.yaml", "put each node's addresses in place of %s, and the control plane's in place of %s, or name the nodes with --node",
			strings.Join(nodePlaceholders(j.plan.Families), " and "), j.controlPlane())
		j.joinNote("kubeadm.yaml")
		return
	}
	j.yaml("kubeadm-init.yaml", fmt.Sprintf("kubeadm init --config kubeadm-init.yaml, on %s.", nodes[0].Name), k.init(&nodes[0]), k.cluster())
	for i, n := range nodes[1:] {
		name := "kubeadm-join-" + n.Name + ".yaml"
		j.yaml(name, fmt.Sprintf("kubeadm join --config %s, on %s.", name, n.Name), k.join(&nodes[i+1]))
		j.joinNote(name)
	}
}

func (j *job) joinNote(file string) {
	j.note(file, "put what kubeadm init prints in place of ${KUBEADM_TOKEN} and ${KUBEADM_CA_CERT_HASH}")
}

type kubeadmFiles struct {
	*job
	api string
}

func (k kubeadmFiles) limit(field, why string) {
	if why != "" {
		k.fault(field, "%s", why)
	}
}

func (k kubeadmFiles) head(kind string) []entry {
	return []entry{key("apiVersion", scalar("kubeadm.k8s.io/"+k.api, "")), key("kind", scalar(kind, ""))}
}

// init is what belongs to the first node.
func (k kubeadmFiles) init(n *Node) document {
	entries := append(k.head("InitConfiguration"),
		// kube-apiserver wants an address of the family of its first Service range:
		// kubernetes v1.37.2, cmd/kube-apiserver/app/options/validation.go.
		key("localAPIEndpoint", mapping(key("advertiseAddress",
			scalar(k.controlPlane(), fmt.Sprintf("%s, the family that is first in serviceSubnet", k.plan.Families[0]))))),
		key("nodeRegistration", k.registration(n)))
	if k.cniIsCilium() && k.api == v1beta3 {
		entries = append(entries, key("skipPhases", sequence(scalar("addon/kube-proxy", "Cilium takes its place"))))
	}
	return document{root: mapping(entries...)}
}

// registration is what the kubelet of a node is told: both of its addresses, or the
// Node reports one of them only.
// Source: kubernetes v1.37.2, pkg/kubelet/nodestatus/setters.go NodeAddress.
func (k kubeadmFiles) registration(n *Node) *yaml.Node {
	value, why := nodeIP(n, k.plan.Families), "the first is that of the family that Pods have first"
	if len(k.plan.Families) == 1 {
		why = ""
	}
	var name *yaml.Node
	if n != nil {
		name = scalar(n.Name, "--node")
	}
	return mapping(key("name", name), key("kubeletExtraArgs", k.args(argument{"node-ip", value, why})))
}

// nodeIP is the value of node-ip: addresses in the order of the families, or
// placeholders.
func nodeIP(n *Node, families []ipfam.Family) string {
	if n == nil {
		return strings.Join(nodePlaceholders(families), ",")
	}
	return joined(n.inOrder(families))
}

// nodePlaceholders is ${NODE_IPV4} and ${NODE_IPV6}, in the order of the families.
func nodePlaceholders(families []ipfam.Family) []string {
	var names []string
	for _, f := range families {
		names = append(names, fmt.Sprintf("${NODE_%s}", strings.ToUpper(f.String())))
	}
	return names
}

// cluster is what the whole cluster is told.
func (k kubeadmFiles) cluster() document {
	masks := k.maskArguments()
	var manager *yaml.Node
	if len(masks) > 0 {
		manager = mapping(key("extraArgs", k.args(masks...)))
	}
	entries := append(k.head("ClusterConfiguration"),
		key("kubernetesVersion", k.version()),
		key("networking", mapping(
			key("podSubnet", scalar(joined(k.pods()), k.from(k.each("spec.pods")...))),
			key("serviceSubnet", scalar(joined(k.services()), k.from(k.each("spec.services")...))),
		)),
		key("controllerManager", manager))
	if k.cniIsCilium() && k.api == v1beta4 {
		entries = append(entries, key("proxy", mapping(key("disabled", truth(true, "Cilium takes its place")))))
	}
	return document{root: mapping(entries...)}
}

// version is the release that the plan or the command line names, if any. Without a
// patch it is a label, by which kubeadm looks for the newest one.
// Source: kubernetes v1.37.2, cmd/kubeadm/app/util/version.go.
func (k kubeadmFiles) version() *yaml.Node {
	v, why := k.opts.Versions.Kubernetes, "--version"
	if !v.Known() {
		v, why = k.plan.Versions.Kubernetes, k.from("spec.versions.kubernetes")
	}
	switch {
	case !v.Known():
		return nil
	case v.Patch == 0:
		return scalar("stable-"+v.String(), why)
	}
	return scalar("v"+v.String(), why)
}

// join is what belongs to every other node.
func (k kubeadmFiles) join(n *Node) document {
	return document{root: mapping(append(k.head("JoinConfiguration"),
		key("discovery", mapping(key("bootstrapToken", mapping(
			key("apiServerEndpoint", scalar(hostPort(k.controlPlane(), apiPort), "")),
			key("token", scalar("${KUBEADM_TOKEN}", "")),
			key("caCertHashes", sequence(scalar("${KUBEADM_CA_CERT_HASH}", ""))),
		)))),
		key("nodeRegistration", k.registration(n)))...)}
}

// apiPort is the port of kubeadm's API server
// (kubernetes v1.37.2, cmd/kubeadm/app/constants/constants.go).
const apiPort = 6443

// hostPort is an address, or a placeholder for one, and a port.
func hostPort(host string, port uint16) string {
	if a, err := netip.ParseAddr(host); err == nil {
		return netip.AddrPortFrom(a, port).String()
	}
	if strings.HasSuffix(host, "_IPV6}") {
		host = "[" + host + "]"
	}
	return fmt.Sprintf("%s:%d", host, port)
}

// argument is an argument of a program, and where its value comes from.
type argument struct{ name, value, why string }

// args is arguments in the form of the version of the configuration.
func (k kubeadmFiles) args(arguments ...argument) *yaml.Node {
	if k.api == v1beta3 {
		return asMapping(arguments)
	}
	var items []*yaml.Node
	for _, a := range arguments {
		items = append(items, mapping(key("name", scalar(a.name, "")), key("value", scalar(a.value, a.why))))
	}
	return sequence(items...)
}
