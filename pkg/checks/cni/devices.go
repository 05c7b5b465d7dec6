package cni

import (
	"fmt"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var multicastDevice = &checks.Check{
	ID:       "DS432",
	Name:     "mcast-device-among-devices",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "the interface that ipv6-mcast-device names is one that Cilium's program is on",
		Why: `On the interface of ipv6-mcast-device the node listens for questions about its pods; the
answers come from Cilium's program, which is on the interfaces that devices chooses. Where devices leaves
that interface out the questions arrive and nobody answers: the LAN does not find the pods over IPv6. IPv4
is not concerned, for it is masqueraded or routed.`,
		Fix:    "Add the interface to devices.",
		Limits: "Without devices the interfaces are found by their routes, which the API does not show.",
		Holds:  "Cilium 1.15 to 1.20",
		Since:  "0.1",
		Refs:   []string{"cilium v1.20.2, pkg/datapath/linux/devices_controller.go isSelectedDevice", "cilium v1.20.2, pkg/mcastmanager", "cilium v1.20.2, bpf/bpf_host.c"},
		Covers: []string{"CNI-14"},
	},
	Needs: []snapshot.Kind{snapshot.CiliumConfig},
	Run: func(in *checks.Input) []checks.Finding {
		c, ok := configuration(in)
		device, devices := strings.TrimSpace(c.Config["ipv6-mcast-device"]), deviceList(c.Config["devices"])
		switch {
		case !ok || device == "" || len(devices) == 0 || !c.Config.Enabled(ipfam.V6):
			return nil
		case c.Config.Bool("force-device-detection", false) || selects(devices, device):
			return nil
		}
		return []checks.Finding{{
			Object: c.ConfigRef, Field: c.field("devices"), Family: ipfam.V6,
			Message: fmt.Sprintf("is %s and leaves out %s, on which nodes listen for questions about their pods: nobody answers them", c.text("devices"), device),
			Fix:     c.set(cilium.Setting{Key: "devices", Value: strings.Join(append(devices, device), " ")}),
		}}
	},
}

// deviceList is the entries of devices, which the agent takes with commas or spaces
// between them.
func deviceList(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
}

// selects reports whether a list of devices chooses the named one: the first entry
// that matches decides, "+" at the end stands for any rest, and "!" in front takes
// out (from 1.20 on; before, no interface has such a name).
func selects(devices []string, name string) bool {
	for _, d := range devices {
		d, out := strings.CutPrefix(d, "!")
		prefix, open := strings.CutSuffix(d, "+")
		if d == name || open && strings.HasPrefix(name, prefix) {
			return !out
		}
	}
	return false
}
