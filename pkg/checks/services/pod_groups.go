package services

import (
	"fmt"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// podGroup is Pods of one owner that lack the same family. A Pod without an owner
// is a group by itself.
type podGroup struct {
	owner   snapshot.Ref
	missing ipfam.Family
	names   []string
}

// String says that the owner has these Pods, or that the Pod is one.
func (g podGroup) String() string {
	if g.owner.Kind == "Pod" {
		return "is"
	}
	return "has Pods (" + checks.Some(g.names) + ")"
}

// grouped is groups of Pods in the order in which they were met.
type grouped struct {
	groups []podGroup
	at     map[groupKey]int // where in groups
}

type groupKey struct {
	owner   snapshot.Ref
	missing ipfam.Family
}

func (g *grouped) add(p snapshot.Pod, missing ipfam.Family) {
	owner := p.Owner
	if owner == (snapshot.Ref{}) {
		owner = p.Ref
	}
	if owner.Kind == "Node" {
		owner.Namespace = "" // of a static Pod
	}
	key := groupKey{owner, missing}
	i, known := g.at[key]
	if !known {
		if g.at == nil {
			g.at = map[groupKey]int{}
		}
		i = len(g.groups)
		g.at[key] = i
		g.groups = append(g.groups, podGroup{owner: owner, missing: missing})
	}
	g.groups[i].names = append(g.groups[i].names, p.Ref.String())
}

// findings is one finding for each group: what describe says of it, about its
// owner, with the command that makes its Pods anew.
func (g *grouped) findings(describe func(podGroup) checks.Finding) []checks.Finding {
	var fs []checks.Finding
	for _, group := range g.groups {
		f := describe(group)
		f.Object, f.Family, f.Fix = group.owner, group.missing, restart(group.owner)
		fs = append(fs, f)
	}
	return fs
}

// restart is how the Pods of an owner are made anew. The name of a Deployment's
// ReplicaSet is that of the Deployment and a hash.
func restart(owner snapshot.Ref) string {
	kind, name := strings.ToLower(owner.Kind), owner.Name
	switch owner.Kind {
	case "ReplicaSet":
		if i := strings.LastIndexByte(name, '-'); i > 0 {
			kind, name = "deployment", name[:i]
		}
		fallthrough
	case "DaemonSet", "StatefulSet":
		return checks.Command("kubectl", "rollout", "restart", kind+"/"+name, "-n", owner.Namespace)
	case "Pod":
		return checks.Command("kubectl", "delete", "pod", name, "-n", owner.Namespace) + " # and create it again"
	case "Node":
		return fmt.Sprintf("on %s: move the manifests out of /etc/kubernetes/manifests and, once the Pods are gone, back", name)
	}
	return fmt.Sprintf("delete the Pods of %s, so that they are made anew", owner)
}
