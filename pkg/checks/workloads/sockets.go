package workloads

import (
	"fmt"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var listeners = &checks.Check{
	ID:       "DS901",
	Name:     "listens-on-both-families",
	Severity: severity.Info,
	Doc: checks.Doc{
		Claim: "a program behind a Service of both families is not told to listen on all IPv4 addresses only",
		Why: `0.0.0.0 is every IPv4 address and no IPv6 one. Clients that come by the Service's IPv6 address
are refused, while the Pod is ready: its probes go to the first of its addresses.`,
		Fix:    "Have the program listen on [::], which takes IPv4 as well unless it is told otherwise, or on both.",
		Limits: "Arguments and variables of containers; what a configuration file says, and which listener the Service's port is, is not known. trace and the Service's own answers show it for certain.",
		Holds:  "all releases",
		Since:  "0.1",
		Refs:   []string{"RFC 3493 section 5.3", "https://github.com/istio/istio/issues/24099", "https://github.com/mastodon/chart/pull/68"},
		Covers: []string{"WKL-01", "WKL-02"},
	},
	Needs: []snapshot.Kind{snapshot.Workloads, snapshot.Services},
	Run: func(in *checks.Input) []checks.Finding {
		return behindDual(in, snapshot.ListensIPv4, func(t snapshot.Template, s snapshot.Setting, service snapshot.Ref) checks.Finding {
			return checks.Finding{
				Message: fmt.Sprintf("is told to listen on %s, and %s has both families", called(s), service),
				Fix:     edit(t, "have it listen on [::] in the place of 0.0.0.0"),
			}
		})
	},
}

var javaIPv4Only = &checks.Check{
	ID:       "DS902",
	Name:     "java-of-both-families",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "a Java program behind a Service of both families is not kept to IPv4",
		Why: `java.net.preferIPv4Stack does more than its name says: all sockets are IPv4 ones. The program
does not answer at the Pod's IPv6 address, and reaches no host that has IPv6 only.`,
		Fix:    "Take -Djava.net.preferIPv4Stack=true out.",
		Limits: "Arguments and variables of containers; images may have it inside.",
		Holds:  "Java 8 to 25",
		Since:  "0.1",
		Refs:   []string{"https://docs.oracle.com/en/java/javase/21/docs/api/java.base/java/net/doc-files/net-properties.html"},
		Covers: []string{"WKL-09"},
	},
	Needs: []snapshot.Kind{snapshot.Workloads, snapshot.Services},
	Run: func(in *checks.Input) []checks.Finding {
		return behindDual(in, snapshot.JavaIPv4Only, func(t snapshot.Template, s snapshot.Setting, service snapshot.Ref) checks.Finding {
			return checks.Finding{
				Message: fmt.Sprintf("has %s, with which Java uses IPv4 only, and %s has both families", called(s), service),
				Fix:     edit(t, "take out "+s.Text),
			}
		})
	},
}

// behindDual is what describe says of the first setting of the topic that each workload
// behind a Service of both families has. IPv6 suffers.
func behindDual(in *checks.Input, topic snapshot.Topic, describe func(snapshot.Template, snapshot.Setting, snapshot.Ref) checks.Finding) (fs []checks.Finding) {
	services := in.Services()
	for _, t := range in.Templates() {
		settings := t.Of(topic)
		service, ok := dualService(services, t)
		if len(settings) == 0 || !ok {
			continue
		}
		f := describe(t, settings[0], service)
		f.Object, f.Field, f.Family = t.Ref, settings[0].Field, ipfam.V6
		fs = append(fs, f)
	}
	return fs
}

var bracketsInURLs = &checks.Check{
	ID:       "DS903",
	Name:     "brackets-in-urls",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "IPv6 addresses in URLs of arguments and variables have brackets",
		Why: `Without brackets nobody can tell where the address ends and the port begins. Programs refuse
the URL («too many colons in address»), or take the last part of the address for a port.`,
		Fix:    "Write the address in brackets: http://[2001:db8::5]:9094.",
		Limits: "Arguments and variables of containers; what follows :// there.",
		Holds:  "all releases",
		Since:  "0.1",
		Refs:   []string{"RFC 3986 section 3.2.2", "https://github.com/prometheus/prometheus/issues/1944"},
		Covers: []string{"WKL-05"},
	},
	Needs: []snapshot.Kind{snapshot.Workloads},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		for _, t := range in.Templates() {
			for _, s := range t.Of(snapshot.BareIPv6URL) {
				fs = append(fs, checks.Finding{
					Object: t.Ref, Field: s.Field, Family: ipfam.V6,
					Message: fmt.Sprintf("has a URL with the host %s, an IPv6 address without brackets", s.Text),
					Fix:     edit(t, "write the address of "+s.Text+" in brackets"),
				})
			}
		}
		return fs
	},
}

var bracketsBeforePorts = &checks.Check{
	ID:       "DS904",
	Name:     "brackets-before-ports",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "no port is put after a Pod's or node's address without brackets where that address is of IPv6",
		Why: `The variable has the first of the Pod's addresses. In Pods whose first address is of IPv6,
$(POD_IP):9094 becomes one address with a colon too many: the program does not start, or
tells its peers a place where it is not.`,
		Fix:    "Write [$(POD_IP)]:9094 where the program takes it, which is right in Pods whose first address is of IPv6 only, or give it address and port apart.",
		Limits: "Variables made of status.podIP and status.hostIP. In Pods whose first address is of IPv4 it works, and is not said.",
		Holds:  "Kubernetes 1.23 to 1.37",
		Since:  "0.1",
		Refs:   []string{"RFC 3986 section 3.2.2", "kubernetes v1.37.2 pkg/kubelet/kubelet_pods.go podFieldSelectorRuntimeValue", "https://github.com/longhorn/longhorn/issues/1723"},
		Covers: []string{"WKL-05", "WKL-06"},
	},
	Needs: []snapshot.Kind{snapshot.Workloads},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		for _, t := range in.Templates() {
			primary := t.Primary
			if p := in.Plan(); primary == 0 && p != nil && len(p.Families) > 0 {
				primary = p.Families[0]
			}
			for _, s := range t.Of(snapshot.JoinedPort) {
				if primary != ipfam.V6 {
					continue
				}
				fs = append(fs, checks.Finding{
					Object: t.Ref, Field: s.Field, Family: ipfam.V6,
					Message: fmt.Sprintf("puts a port after %s without brackets, and its Pods' first address is of IPv6", s.Text),
					Fix:     edit(t, "write ["+s.Text[:len(s.Text)-1]+"]: in the place of "+s.Text),
				})
			}
		}
		return fs
	},
}
