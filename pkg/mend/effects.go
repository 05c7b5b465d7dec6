package mend

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// Effects is what becomes of a cluster in which a step is taken.
type Effects struct {
	Touches    []snapshot.Ref // objects that it changes, makes or deletes
	Restarts   []string
	Interrupts []string
	Unknown    bool // it is by hand, and what it does stands in its words only
}

func effectsOf(actions []Action, snap *snapshot.Snapshot) (e Effects) {
	for _, a := range actions {
		if ref := a.Target.Ref(); a.changes() && ref.Name != "" && !slices.Contains(e.Touches, ref) {
			e.Touches = append(e.Touches, ref)
		}
		e.Restarts = appendNew(e.Restarts, a.restarts()...)
		e.Interrupts = appendNew(e.Interrupts, a.interrupts(snap)...)
		e.Unknown = e.Unknown || a.Verb == ByHand
	}
	return e
}

func appendNew(to []string, more ...string) []string {
	for _, m := range more {
		if !slices.Contains(to, m) {
			to = append(to, m)
		}
	}
	return to
}

// changes reports whether a writes an object of the API.
func (a Action) changes() bool {
	switch a.Verb {
	case Look, ByHand, Helm, Restart:
		return false
	}
	return true
}

// program is one that prose tells to be started with other flags.
var program = regexp.MustCompile(`\b(kube-apiserver|kube-controller-manager|kube-scheduler|kubelet)\b`)

// restarts is what is started anew. A static Pod is when its manifest changes.
func (a Action) restarts() []string {
	switch a.Verb {
	case Restart:
		return []string{workload(a.Target)}
	case Helm:
		return []string{"what the chart " + a.Release.Chart + " has changed in"}
	case ByHand:
		found := program.FindAllString(a.Text, -1)
		slices.Sort(found)
		return slices.Compact(found)
	case Delete:
		switch a.Target.Ref().Kind {
		case "pod":
			return []string{"the Pods that are deleted"}
		case "node", "daemonset":
			return []string{"the Pods of " + a.Target.Ref().String()}
		}
	case Drain:
		return []string{"the Pods of node " + a.Target.Name}
	}
	return nil
}

// workload is what restarts, in the words of those who know it by its name.
func workload(t Target) string {
	switch t.Ref().Kind + "/" + t.Name {
	case "daemonset/cilium":
		return "Cilium's agents"
	case "deployment/cilium-operator":
		return "Cilium's operator"
	case "daemonset/kube-proxy":
		return "kube-proxy"
	}
	return "the Pods of " + t.Ref().String()
}

// lostAddresses is what comes of a pool that no longer has what Services have of it.
// Source: metallb v0.16.2, internal/allocator/allocator.go SetPools, Unassign.
const lostAddresses = "Services with an address that is in no pool any more: they lose all their addresses, of both families, and are given others"

// interrupts is what stops working, be it for a moment.
func (a Action) interrupts(snap *snapshot.Snapshot) []string {
	ref := a.Target.Ref()
	switch a.Verb {
	case Patch:
		if ref.Kind == "service" {
			return serviceInterrupts(a, snap)
		}
		if ref.Kind == "node" {
			return []string{"where addresses are announced from may move to another node"}
		}
	case Apply:
		if ref.Kind == "ipaddresspool" && !keepsAddresses(a, snap) {
			return []string{lostAddresses}
		}
	case Delete:
		if strings.HasSuffix(ref.Kind, "pool") {
			return []string{lostAddresses}
		}
		if ref.Name != "" {
			return []string{"what uses " + ref.String()}
		}
	case Restart:
		switch ref.Kind + "/" + ref.Name {
		case "daemonset/cilium":
			return []string{"on each node, while its agent restarts, no Pod is started"}
		}
	case Drain:
		return []string{fmt.Sprintf("the Pods of node %s, which start on others", a.Target.Name)}
	}
	return nil
}

func serviceInterrupts(a Action, snap *snapshot.Snapshot) (texts []string) {
	spec, _ := a.Patch["spec"].(map[string]any)
	s, known := serviceOf(a.Target, snap)
	if spec["ipFamilyPolicy"] == "SingleStack" {
		texts = append(texts, "clients of the Service's second family: the API server releases that ClusterIP")
	}
	if a.asksBalancer() && (!known || len(s.Ingress)+len(s.Hostnames) > 0) {
		texts = append(texts, "clients from outside: what gave the Service its addresses may take them back and give others")
	}
	return texts
}
