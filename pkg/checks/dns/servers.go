package dns

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var podsReachServer = &checks.Check{
	ID:       "DS706",
	Name:     "pods-reach-the-name-server",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "Pods of one family have a name server of that family",
		Why: `Which records a server gives has nothing to do with the family that it is asked over, so one
family is enough for Pods that have it. A Pod that has only the other one cannot ask: each
question times out.`,
		Fix:    "Give the Pod both families, or the DNS Service both and the kubelets both of its addresses.",
		Limits: "Running Pods that are not on the network of their node; those with a name server of their own (dnsPolicy None) are not told apart.",
		Holds:  "Kubernetes 1.23 to 1.37",
		Since:  "0.1",
		Refs:   []string{"kubernetes v1.37.2 cmd/kubeadm/app/phases/addons/dns/manifests.go", "kubernetes v1.37.2 pkg/kubelet/network/dns/dns.go", "https://github.com/kubernetes/kubernetes/issues/101682"},
		Covers: []string{"DNS-09"},
	},
	Needs: []snapshot.Kind{snapshot.Pods, snapshot.Services},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		pods := in.Pods()
		service, ok := serverAddresses(in.Services())
		if !ok {
			return nil
		}
		for _, f := range ipfam.All {
			var names []string
			var first snapshot.Ref
			for _, p := range pods {
				only, one := ipfam.SetOfAddrs(p.IPs).Single()
				if !one || only != f || p.HostNetwork || !p.Running || service.Has().Has(f) {
					continue
				}
				if names = append(names, p.Ref.String()); len(names) == 1 {
					first = p.Ref
				}
			}
			if len(names) > 0 {
				message := fmt.Sprintf("has %s only, and %s is asked at %s", f, service.Ref, describe(service.ClusterIPs))
				if len(names) > 1 {
					message += fmt.Sprintf("; %d Pods are such: %s", len(names), checks.Some(names))
				}
				fs = append(fs, checks.Finding{
					Object: first, Field: ".status.podIPs", Family: f, Message: message,
					Fix: checks.Patch(service.Ref, `{"spec":{"ipFamilyPolicy":"PreferDualStack"}}`) +
						" # and both of its addresses in clusterDNS of the kubelets",
				})
			}
		}
		return fs
	},
}

var clusterDNS = &checks.Check{
	ID:       "DS707",
	Name:     "cluster-dns-is-served",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "the name servers that kubelets give to Pods are addresses of the DNS Service",
		Why: `A kubelet writes clusterDNS into every Pod as it is, and checks nothing. An address that the
DNS Service has no longer, after its range was renumbered or its family policy changed, is a
server that does not answer: each question waits for it, and where it is the only one no name
is resolved.`,
		Fix:    "Write the ClusterIPs of the DNS Service to clusterDNS in kubelet-config and on each node in /var/lib/kubelet/config.yaml, and restart the kubelets; Pods get it when they are made anew.",
		Limits: "kubeadm's ConfigMap, which nodes take when they join or are upgraded; what a kubelet has in its file is not read. Link-local addresses are those of a cache on the node.",
		Holds:  "Kubernetes 1.24 to 1.37",
		Since:  "0.1",
		Refs:   []string{"kubernetes v1.37.2 pkg/kubelet/network/dns/dns.go", "kubernetes v1.37.2 cmd/kubeadm/app/componentconfigs/kubelet.go", "https://github.com/kubernetes/dns/issues/655"},
		Covers: []string{"DNS-09"},
	},
	Needs: []snapshot.Kind{snapshot.KubeletConfig, snapshot.Services},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		k := in.Kubelet()
		service, ok := serverAddresses(in.Services())
		if !ok {
			return nil
		}
		for _, a := range k.ClusterDNS {
			if slices.Contains(service.ClusterIPs, a) || a.IsLinkLocalUnicast() || servedBy(in.Services(), a) {
				continue
			}
			fs = append(fs, checks.Finding{
				Object: k.ConfigMap, Field: ".data.kubelet", Family: ipfam.Of(a),
				Message: fmt.Sprintf("has clusterDNS %s, which no Service has: %s is at %s", a, service.Ref, describe(service.ClusterIPs)),
				Fix: checks.Command("kubectl", "edit", "configmap", k.ConfigMap.Name, "-n", k.ConfigMap.Namespace) +
					fmt.Sprintf(" # write clusterDNS: [%s], then on each node: kubeadm upgrade node phase kubelet-config && systemctl restart kubelet", service.ClusterIPs[0]),
			})
		}
		return fs
	},
}

// servedBy reports whether some Service has the address: a second name server may.
func servedBy(services []snapshot.Service, a netip.Addr) bool {
	return slices.ContainsFunc(services, func(s snapshot.Service) bool { return slices.Contains(s.ClusterIPs, a) })
}

var recordsPublished = &checks.Check{
	ID:       "DS709",
	Name:     "records-published-of-both-families",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "external-dns manages records of the families that load balancers have",
		Why: `Types that are given to external-dns take the place of its own. Without AAAA among them a
Service that has both addresses is published with one, and clients never try the other;
records of that type that somebody else made are not corrected.`,
		Fix:    "Add the type: --managed-record-types=AAAA beside A and CNAME.",
		Limits: "Arguments only. Several external-dns, each with its own types, are judged together.",
		Holds:  "external-dns 0.13.5 to 0.19",
		Since:  "0.1",
		Refs:   []string{"external-dns docs/flags.md", "https://github.com/kubernetes-sigs/external-dns/pull/2461", "https://github.com/kubernetes-sigs/external-dns/issues/1877"},
		Covers: []string{"DNS-02"},
	},
	Needs: []snapshot.Kind{snapshot.Workloads, snapshot.Services},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		var balanced ipfam.Set
		for _, s := range in.Services() {
			if s.LoadBalancer() && ipfam.SetOfAddrs(s.Ingress).Dual() {
				balanced = ipfam.SetOfAddrs(s.Ingress)
			}
		}
		var managed ipfam.Set
		var first *snapshot.Template
		templates := in.Templates()
		for i, t := range templates {
			if t.Runs(snapshot.ExternalDNS) {
				managed |= managedFamilies(t.Of(snapshot.RecordTypes))
				if first == nil {
					first = &templates[i]
				}
			}
		}
		for _, f := range balanced.Minus(managed).List() {
			if first == nil {
				break
			}
			types := first.Of(snapshot.RecordTypes)
			fs = append(fs, checks.Finding{
				Object: first.Ref, Field: types[0].Field, Family: f,
				Message: fmt.Sprintf("publishes no %s records: its types are %s", recordType.Of(f), checks.Some(argumentsOf(types))),
				Fix: checks.Command("kubectl", "patch", strings.ToLower(first.Kind), first.Name, "-n", first.Namespace, "--type", "json", "-p",
					fmt.Sprintf(`[{"op":"add","path":"/spec/template/spec/containers/0/args/-","value":"--managed-record-types=%s"}]`, recordType.Of(f))),
			})
		}
		return fs
	},
}

// managedFamilies is the families whose records an external-dns with these arguments manages:
// A, AAAA and CNAME when it is told no types.
// Source: external-dns, docs/flags.md.
func managedFamilies(arguments []snapshot.Setting) ipfam.Set {
	types, excluded, told := map[string]bool{}, map[string]bool{}, false
	for _, a := range arguments {
		flag, value, _ := strings.Cut(a.Text, "=")
		switch flag {
		case "--managed-record-types":
			types[value], told = true, true
		case "--exclude-record-types":
			excluded[value] = true
		}
	}
	var s ipfam.Set
	for _, f := range ipfam.All {
		if record := recordType.Of(f); (!told || types[record]) && !excluded[record] {
			s = s.With(f)
		}
	}
	return s
}

func argumentsOf(settings []snapshot.Setting) []string {
	texts := make([]string, len(settings))
	for i, s := range settings {
		texts[i] = s.Text
	}
	return texts
}
