package nodes

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var sysctls = &checks.Check{
	ID:       "DS311",
	Name:     "machine-ipv6-sysctls",
	Severity: severity.Error,
	Doc: checks.Doc{
		Claim: "no machine configuration of a cluster with IPv6 switches IPv6 or its forwarding off",
		Why: `With IPv6 off in the kernel Pods get no IPv6 address or do not start; with it off by
default it is off in the namespace of every Pod. Without forwarding a node drops what goes to and from its
pods. A kernel that forwards takes router advertisements only with accept_ra 2: with 1 the default route
of the node expires some time after it started, and IPv6 ends at the LAN.`,
		Fix:    "Take the line out of machine.sysctls or machine.install.extraKernelArgs; accept_ra is 2 where the router advertises itself.",
		Limits: "Talos only: no other configuration that is read has sysctls. Files that a node keeps in /etc/sysctl.d are not seen.",
		Holds:  "every release: Linux, Documentation/networking/ip-sysctl.rst and Documentation/networking/ipv6.rst",
		Since:  "0.1",
		Refs:   []string{"https://www.kernel.org/doc/html/latest/networking/ip-sysctl.html", "https://www.kernel.org/doc/html/latest/networking/ipv6.html", "https://github.com/siderolabs/talos/issues/3841"},
		Covers: []string{"NODE-04", "NODE-05", "NODE-09", "NODE-10"},
	},
	Needs: []snapshot.Kind{snapshot.MachineSetup},
	Uses:  snapshot.ClaimKinds[plan.Pods],
	Run: func(in *checks.Input) (fs []checks.Finding) {
		machines, wanted := in.Machines(), in.Families(plan.Pods)
		if !wanted.Has(ipfam.V6) {
			return nil
		}
		for _, m := range machines {
			for _, name := range slices.Sorted(maps.Keys(m.Sysctls)) {
				if what, bad := harm(name, m.Sysctls[name]); what != "" {
					fs = append(fs, checks.Finding{
						Severity: bad, Object: m.Ref, Field: ".machine.sysctls." + name, Family: ipfam.V6,
						Message: fmt.Sprintf("is %q: %s", m.Sysctls[name], what),
						Fix:     "machine.sysctls: remove " + name,
					})
				}
			}
			if slices.Contains(m.KernelArgs, "ipv6.disable=1") {
				fs = append(fs, checks.Finding{
					Object: m.Ref, Field: ".machine.install.extraKernelArgs", Family: ipfam.V6,
					Message: "has ipv6.disable=1: the kernel has no IPv6",
					Fix:     "machine.install.extraKernelArgs: remove ipv6.disable=1",
				})
			}
		}
		return fs
	},
}

// harm is what a sysctl of IPv6 does to a cluster that has IPv6, if anything. The
// last part of the name is the setting, the one before it the interfaces.
func harm(name, value string) (what string, bad severity.Severity) {
	rest, ok := strings.CutPrefix(name, "net.ipv6.conf.")
	i := strings.LastIndexByte(rest, '.')
	if !ok || i < 0 {
		return "", 0
	}
	interfaces, setting := rest[:i], rest[i+1:]
	switch {
	case setting == "disable_ipv6" && value == "1" && interfaces != "lo":
		if interfaces == "all" || interfaces == "default" {
			return "IPv6 is off on the node and in its Pods", severity.Error
		}
		return "IPv6 is off on " + interfaces, severity.Warning
	case setting == "forwarding" && value == "0" && interfaces == "all":
		return "the node forwards no IPv6 of its pods", severity.Error
	case setting == "accept_ra" && value == "1":
		return "a node that forwards takes no router advertisements, and its default route expires", severity.Warning
	}
	return "", 0
}
