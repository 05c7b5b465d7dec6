package controlplane

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var urlBrackets = &checks.Check{
	ID:       "DS213",
	Name:     "url-brackets",
	Severity: severity.Error,
	Doc: checks.Doc{
		Claim: "an IPv6 address in a URL or before a port stands in brackets",
		Why: `Without brackets nobody can tell where the address ends and the port begins. kube-apiserver
and etcd do not start with such a URL. kubeadm takes a controlPlaneEndpoint without brackets for one
long address without a port: nodes then ask a host that does not exist.`,
		Fix:    "Write [ADDRESS]:PORT.",
		Limits: "The URLs in flags of kube-apiserver and kube-controller-manager and in kubeadm's configuration; a name instead of an address is fine.",
		Holds:  "every release: RFC 3986 3.2.2; Kubernetes 1.23 to 1.37",
		Since:  "0.1",
		Refs: []string{
			"kubernetes v1.37.2, cmd/kubeadm/app/util/endpoint.go ParseHostPort",
			"https://github.com/kubernetes/kubernetes/issues/83550",
			"https://github.com/kubernetes/kubeadm/issues/1212",
		},
		Covers: []string{"CTRL-07"},
	},
	Uses:  []snapshot.Kind{snapshot.ControlPlane, snapshot.KubeadmConfig},
	AnyOf: []snapshot.Kind{snapshot.ControlPlane, snapshot.KubeadmConfig},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		for _, name := range []string{snapshot.APIServer, snapshot.ControllerManager} {
			for _, p := range in.Programs(name) {
				for _, flag := range slices.Sorted(maps.Keys(p.Flags)) {
					value := p.Flags[flag]
					for _, url := range bareURLs(value) {
						fs = append(fs, unbracketed(p.Ref, p.Field(flag), url, setFlag(p, flag, bracketed(value))))
					}
				}
			}
		}
		for _, k := range in.Kubeadm() {
			fs = append(fs, bareInKubeadm(k)...)
		}
		return fs
	},
}

// bareInKubeadm is the same of the fields that become no flag of the two programs.
func bareInKubeadm(k snapshot.Kubeadm) (fs []checks.Finding) {
	for i, url := range k.EtcdEndpoints {
		if fixed := bracketed(url); fixed != url {
			field := fmt.Sprintf(".etcd.external.endpoints[%d]", i)
			fs = append(fs, unbracketed(k.Ref, field, url, k.Line(field, fixed)))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(k.EtcdArgs)) {
		field := ".etcd.local.extraArgs." + name
		for _, url := range bareURLs(k.EtcdArgs[name]) {
			fs = append(fs, unbracketed(k.Ref, field, url, k.Line(field, bracketed(k.EtcdArgs[name]))))
		}
	}
	const field = ".controlPlaneEndpoint"
	if host, port, bare := bareHostPort(k.ControlPlane); bare && endpointPorts[port] {
		f := unbracketed(k.Ref, field, k.ControlPlane, k.Line(field, fmt.Sprintf("%q", "["+host.String()+"]:"+port)))
		f.Message = fmt.Sprintf("is %s, which kubeadm takes for an address without a port", k.ControlPlane)
		fs = append(fs, f)
	}
	return fs
}

// endpointPorts is the ports that a control plane is found at. Any other last part
// of an address may well be one of the address.
var endpointPorts = map[string]bool{"443": true, "6443": true, "8443": true, "9443": true}

func unbracketed(ref snapshot.Ref, field, url, fix string) checks.Finding {
	return checks.Finding{
		Object: ref, Field: field, Family: ipfam.V6,
		Message: fmt.Sprintf("has %s, an IPv6 address without brackets", url),
		Fix:     fix,
	}
}

// bareURLs is the URLs in a list with commas whose host is an IPv6 address without
// brackets.
func bareURLs(list string) (urls []string) {
	for item := range strings.SplitSeq(list, ",") {
		if bracketed(item) != item {
			urls = append(urls, item)
		}
	}
	return urls
}

// bracketed is a list of URLs with brackets where they are missing.
func bracketed(list string) string {
	var fixed []string
	for item := range strings.SplitSeq(list, ",") {
		scheme, rest, ok := strings.Cut(item, "://")
		authority, _, _ := strings.Cut(rest, "/")
		host, port, bare := bareHostPort(authority)
		switch {
		case ok && bare:
			item = scheme + "://[" + host.String() + "]:" + port + strings.TrimPrefix(rest, authority)
		case ok && isIPv6(authority):
			item = scheme + "://[" + authority + "]" + strings.TrimPrefix(rest, authority)
		}
		fixed = append(fixed, item)
	}
	return strings.Join(fixed, ",")
}

// bareHostPort is the two parts of an IPv6 address and a port that are joined
// without brackets. A text such as 2001:db8::20:6443 is an address too: as a
// port its last part is at least as likely.
func bareHostPort(text string) (host netip.Addr, port string, bare bool) {
	i := strings.LastIndexByte(text, ':')
	if i < 0 || strings.HasPrefix(text, "[") {
		return host, "", false
	}
	host, err := netip.ParseAddr(text[:i])
	port = text[i+1:]
	return host, port, err == nil && host.Is6() && len(port) > 1 && !strings.ContainsFunc(port, func(r rune) bool { return r < '0' || r > '9' })
}

func isIPv6(text string) bool {
	a, err := netip.ParseAddr(text)
	return err == nil && a.Is6()
}
