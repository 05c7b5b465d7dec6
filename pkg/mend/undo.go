package mend

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/metallb"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// keeps is why s is not to be taken by a program, or cannot be taken back.
func (s Step) keeps(snap *snapshot.Snapshot) string {
	switch {
	case !s.Command():
		return "it is done by hand"
	case !slices.ContainsFunc(s.Actions, func(a Action) bool { return a.Verb != Look }):
		return "it changes nothing: it tells more"
	case s.Against > 0:
		return fmt.Sprintf("it sets otherwise what step %d sets: choose one", s.Against)
	case len(s.Blanks) > 0:
		return "fill in " + strings.Join(s.Blanks, ", ")
	}
	for _, a := range s.Actions {
		if why := a.keeps(snap); why != "" {
			return why
		}
	}
	if s.When != "" {
		return "it is only for this case: " + s.When
	}
	return ""
}

// keeps is why a cannot be taken back. What is not known to be harmless is not.
func (a Action) keeps(snap *snapshot.Snapshot) string {
	switch a.Verb {
	case Patch:
		return a.patchKeeps(snap)
	case Apply, Create:
		return a.manifestKeeps(snap)
	case Delete:
		return "what is deleted does not come back as it was"
	case Restart, Drain:
		return "it restarts programs"
	case Helm:
		return "it restarts programs; the values before it come back with " + checks.Command("helm", "rollback", a.Release.Name, "-n", a.Release.Namespace)
	case ByHand:
		return "a part of it is done by hand"
	}
	return fmt.Sprintf("%s of %s is not known to be harmless", a.Verb, a.Target.Ref())
}

func (a Action) patchKeeps(snap *snapshot.Snapshot) string {
	unknown := fmt.Sprintf("a change of %s is not known to be harmless", strings.Join(paths(a.Patch, ""), ", "))
	harmless := false
	switch kind := a.Target.Ref().Kind; kind {
	case "service":
		return a.serviceKeeps(snap, unknown)
	case "node":
		harmless = slices.Equal(paths(a.Patch, ""), []string{".metadata.labels"})
	case "l2advertisement", "bgpadvertisement":
		harmless = !slices.ContainsFunc(paths(a.Patch, ".spec"), func(p string) bool {
			return p != ".spec.ipAddressPools" && p != ".spec.serviceSelectors"
		}) && a.leavesPools(snap)
	case "ipaddresspool":
		harmless = slices.Equal(paths(a.Patch, ".spec.serviceAllocation"), []string{".spec.serviceAllocation.namespaces"}) && a.opensPool(snap)
	}
	if harmless {
		return ""
	}
	return unknown
}

// paths is the fields that a patch sets: those below open are taken apart, labels and
// annotations are one field each.
func paths(patch map[string]any, open string) []string {
	var out []string
	var walk func(at string, m map[string]any)
	walk = func(at string, m map[string]any) {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			path := at + "." + k
			inner, deeper := m[k].(map[string]any)
			if deeper && (path == ".metadata" || path == ".spec" || strings.HasPrefix(open, path)) {
				walk(path, inner)
				continue
			}
			out = append(out, path)
		}
	}
	walk("", patch)
	return out
}

func serviceOf(t Target, snap *snapshot.Snapshot) (snapshot.Service, bool) {
	i := slices.IndexFunc(snap.Services, func(s snapshot.Service) bool { return s.Namespace == t.Namespace && s.Name == t.Name })
	if i < 0 {
		return snapshot.Service{}, false
	}
	return snap.Services[i], true
}

// asksBalancer reports whether a patch of a Service is about what a load balancer goes
// by: another family, another pool, another address.
func (a Action) asksBalancer() bool {
	for _, path := range paths(a.Patch, ".metadata.annotations") {
		switch {
		case path == ".spec.ipFamilies", path == ".spec.ipFamilyPolicy", path == ".spec.loadBalancerIP",
			strings.HasPrefix(path, ".metadata.annotations."):
			return true
		}
	}
	return false
}

// serviceKeeps is about a patch of a Service. Adding the second family is taken back by
// SingleStack, which releases the second ClusterIP. A load balancer takes addresses
// back for less, so that a Service that has any stays as it is.
// Source: kubernetes v1.37.2, pkg/registry/core/service/storage/alloc.go
// initIPFamilyFields; metallb v0.16.2, controller/service.go convergeBalancer.
func (a Action) serviceKeeps(snap *snapshot.Snapshot, unknown string) string {
	s, known := serviceOf(a.Target, snap)
	if !known {
		return "the Service was not read"
	}
	if a.asksBalancer() && len(s.Ingress)+len(s.Hostnames) > 0 {
		return "the Service has addresses of a load balancer, which may not come back"
	}
	spec, _ := a.Patch["spec"].(map[string]any)
	for _, path := range paths(a.Patch, "") {
		harmless := false
		switch path {
		case ".metadata.labels", ".metadata.annotations", ".spec.loadBalancerIP":
			harmless = true
		case ".spec.ipFamilyPolicy":
			harmless = spec["ipFamilyPolicy"] != "SingleStack"
		case ".spec.ipFamilies":
			list, _ := spec["ipFamilies"].([]any)
			harmless = len(list) == 2 && (len(s.Families) == 0 || list[0] == s.Families[0].String())
		case ".spec.loadBalancerSourceRanges":
			list, _ := spec["loadBalancerSourceRanges"].([]any)
			harmless = lets(list, s.SourceRanges)
		}
		if !harmless {
			return unknown
		}
	}
	return ""
}

// lets reports whether a list of source ranges has all that are there.
func lets(list []any, there []netip.Prefix) bool {
	return !slices.ContainsFunc(there, func(p netip.Prefix) bool { return !slices.Contains(list, any(p.String())) })
}

// leavesPools reports whether an advertisement that is there goes on announcing each
// pool that it names and that exists.
func (a Action) leavesPools(snap *snapshot.Snapshot) bool {
	i := slices.IndexFunc(snap.MetalLB.Ads, func(ad snapshot.Advertisement) bool { return same(ad.Ref, a.Target.Ref()) })
	spec, _ := a.Patch["spec"].(map[string]any)
	if i < 0 || incomplete(snap, snapshot.MetalLBAds, snapshot.MetalLBPools) {
		return false
	}
	list, changed := spec["ipAddressPools"].([]any)
	if !changed {
		return spec["serviceSelectors"] == nil // it announces more
	}
	for _, name := range snap.MetalLB.Ads[i].Pools {
		exists := slices.ContainsFunc(snap.MetalLB.Pools, func(p snapshot.Pool) bool { return p.Ref.Name == name })
		if exists && !slices.Contains(list, any(name)) {
			return false
		}
	}
	return true
}

// opensPool reports whether a pool is open to more namespaces, and closed to none.
func (a Action) opensPool(snap *snapshot.Snapshot) bool {
	p, there := poolOf(a.Target.Ref(), snap)
	spec, _ := a.Patch["spec"].(map[string]any)
	allocation, _ := spec["serviceAllocation"].(map[string]any)
	list, _ := allocation["namespaces"].([]any)
	return there && !slices.ContainsFunc(p.Namespaces, func(n string) bool { return !slices.Contains(list, any(n)) })
}

func poolOf(ref snapshot.Ref, snap *snapshot.Snapshot) (snapshot.Pool, bool) {
	i := slices.IndexFunc(snap.MetalLB.Pools, func(p snapshot.Pool) bool { return same(p.Ref, ref) })
	if i < 0 {
		return snapshot.Pool{}, false
	}
	return snap.MetalLB.Pools[i], true
}

// same compares names of one object, of which one may have its kind in lower case.
func same(a, b snapshot.Ref) bool { return a.String() == b.String() }

// incomplete reports whether any of the kinds was not, or not wholly, read: then an
// object that is not known may be there.
func incomplete(snap *snapshot.Snapshot, kinds ...snapshot.Kind) bool {
	return slices.ContainsFunc(kinds, func(k snapshot.Kind) bool {
		g, gap := snap.Gap(k)
		return gap && g.Reason != snapshot.NotInFiles
	})
}

// manifestKeeps is about an object that is made, or merged into the one that is there.
func (a Action) manifestKeeps(snap *snapshot.Snapshot) string {
	ref := a.Target.Ref()
	switch ref.Kind {
	case "l2advertisement", "bgpadvertisement":
		there := slices.ContainsFunc(snap.MetalLB.Ads, func(ad snapshot.Advertisement) bool { return same(ad.Ref, ref) })
		if incomplete(snap, snapshot.MetalLBAds) || there && !(Action{Target: a.Target, Patch: a.Manifest}).leavesPools(snap) {
			return fmt.Sprintf("%s may announce less than now", ref)
		}
		return ""
	case "ipaddresspool":
		if !keepsAddresses(a, snap) {
			return fmt.Sprintf("%s may lose addresses that Services have", ref)
		}
		return ""
	case "servicecidr":
		return "a ServiceCIDR stays as long as a Service has an address that is in it alone"
	}
	return fmt.Sprintf("%s is not known to be harmless", ref)
}

// keepsAddresses reports whether a pool that is applied has all that the one has that
// is there.
func keepsAddresses(a Action, snap *snapshot.Snapshot) bool {
	if incomplete(snap, snapshot.MetalLBPools) {
		return false
	}
	old, there := poolOf(a.Target.Ref(), snap)
	spec, _ := a.Manifest["spec"].(map[string]any)
	list, _ := spec["addresses"].([]any)
	return !there || !slices.ContainsFunc(old.Addresses, func(have metallb.Addresses) bool {
		return !slices.ContainsFunc(list, func(entry any) bool {
			text, _ := entry.(string)
			is := metallb.ParseAddresses(text)
			return text == have.Text || is.Err == "" && have.Err == "" && plan.Within(have.Range, is.Range)
		})
	})
}

// Inverse is the merge patch that takes patch back from an object that was before as
// given.
func Inverse(patch, before map[string]any) map[string]any {
	back := map[string]any{}
	for k, v := range patch {
		was, there := before[k]
		inner, deeper := v.(map[string]any)
		wasMap, map1 := was.(map[string]any)
		switch {
		case deeper && (map1 || !there):
			if below := Inverse(inner, wasMap); len(below) > 0 {
				back[k] = below
			}
		case there:
			back[k] = was
		case v != nil:
			back[k] = nil
		}
	}
	return back
}

// Undo is the command that takes a back, given the object as it was before; nil when
// there was none. A Service that had one family gets back to it by SingleStack, which is
// what the API server releases the second ClusterIP for.
func (a Action) Undo(before map[string]any) string {
	if before == nil {
		words := []string{"kubectl", "delete", a.Target.Resource, a.Target.Name}
		if a.Target.Namespace != "" {
			words = append(words, "-n", a.Target.Namespace)
		}
		return checks.Command(words...)
	}
	back := Inverse(a.Change(), before)
	spec, _ := back["spec"].(map[string]any)
	was, _ := before["spec"].(map[string]any)
	if had, _ := was["ipFamilies"].([]any); a.Target.Ref().Kind == "service" && len(had) == 1 && asksFamilies(spec) {
		spec["ipFamilyPolicy"] = "SingleStack"
	}
	if len(back) == 0 {
		return ""
	}
	return checks.Patch(a.Target.Ref(), compact(back))
}

func asksFamilies(spec map[string]any) bool {
	_, policy := spec["ipFamilyPolicy"]
	_, families := spec["ipFamilies"]
	return policy || families
}

// Change is what a merges into an object that is there.
func (a Action) Change() map[string]any {
	if a.Verb != Apply {
		return a.Patch
	}
	change := map[string]any{}
	for k, v := range a.Manifest {
		if k != "apiVersion" && k != "kind" {
			change[k] = v
		}
	}
	header, _ := change["metadata"].(map[string]any)
	header = maps.Clone(header)
	delete(header, "name")
	delete(header, "namespace")
	delete(change, "metadata")
	if len(header) > 0 {
		change["metadata"] = header
	}
	return change
}
