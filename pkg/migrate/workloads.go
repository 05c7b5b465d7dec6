package migrate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/metallb"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// maxCommands is how many commands a step has of one for each object.
const maxCommands = 10

// pods is the Pods that are older than the family. Those of the host network have
// their node's addresses.
func (m *migration) pods() Step {
	s := Step{ID: "pods", Title: "Make the Pods anew: one that runs gets no second address", Status: Unseen,
		Sources: []string{"https://github.com/cilium/cilium/issues/7807", "https://github.com/k3s-io/k3s/issues/5514"}}
	if reason, ok := m.known(snapshot.Pods); !ok {
		s.Seen = reason
		return s
	}
	total, namespaces, alone := 0, []string{}, []snapshot.Ref{}
	for _, p := range m.Pods {
		if p.HostNetwork || !p.Running || len(p.IPs) == 0 {
			continue
		}
		if total++; ipfam.SetOfAddrs(p.IPs).Has(m.adds) {
			continue
		}
		s.Left = append(s.Left, p.Ref)
		if p.Owner == (snapshot.Ref{}) {
			alone = append(alone, p.Ref)
		} else if !slices.Contains(namespaces, p.Namespace) {
			namespaces = append(namespaces, p.Namespace)
		}
	}
	switch {
	case total == 0:
		s.Seen = "no Pod that runs has an address of its own"
		return s
	case len(s.Left) == 0:
		s.Status, s.Seen = Done, fmt.Sprintf("%d of %d Pods have addresses of both families", total, total)
		return s
	}
	s.Status, s.Seen = ToDo, fmt.Sprintf("%d of %d Pods have no %s address: %s", len(s.Left), total, m.adds, some(s.Left))
	s.Again = counted(len(s.Left), "Pod")
	for i, namespace := range namespaces {
		if i == maxCommands {
			s.Do = append(s.Do, fmt.Sprintf("the same in %d more namespaces", len(namespaces)-i))
			break
		}
		s.Do = append(s.Do, checks.Command("kubectl", "rollout", "restart", "deployment,statefulset,daemonset", "-n", namespace))
	}
	if len(alone) > 0 {
		s.Do = append(s.Do, fmt.Sprintf("delete and create again, since nothing owns them: %s", some(alone)))
	}
	s.Restart = "the workloads, each as its strategy has it"
	s.Effect = "clients of a workload of one Pod, or of the strategy Recreate, are interrupted"
	return s
}

// pools is the ranges of load balancers. A Service takes both addresses of one
// MetalLB pool, but of several pools of Cilium's.
func (m *migration) pools() Step {
	s := Step{ID: "load-balancers", Title: fmt.Sprintf("Give load balancers addresses of %s", m.adds), Status: Unseen}
	reason, known := m.known(snapshot.MetalLBPools)
	lbipam, knownLBIPAM := m.known(snapshot.LBIPAMPools)
	pools := checks.NewInput(m.plan, m.Snapshot).PoolsInForce()
	if len(pools) == 0 && len(m.LBIPAMPools) == 0 {
		if s.Seen = reason + "; " + lbipam; (known || m.absent(snapshot.MetalLBPools)) && (knownLBIPAM || m.absent(snapshot.LBIPAMPools)) {
			s.Status, s.Seen = NotNeeded, "there are no pools, of MetalLB or of Cilium"
		}
		return s
	}
	for _, p := range m.LBIPAMPools {
		if !slices.ContainsFunc(p.Ranges, func(a snapshot.Addresses) bool { return a.Range.IsValid() && ipfam.Of(a.Range.From()) == m.adds }) {
			s.Left = append(s.Left, p.Ref)
		}
	}
	if len(m.LBIPAMPools) > len(s.Left) { // another pool has the family, and that is enough
		s.Left = nil
	}
	var single []snapshot.Pool
	for _, p := range pools {
		if !p.Families().Dual() {
			single = append(single, p)
			s.Left = append(s.Left, p.Ref)
		}
	}
	if len(s.Left) == 0 || len(m.LBIPAMPools) == 0 && len(single) < len(pools) {
		s.Status, s.Seen = Done, "there is a pool of both families"
		return s
	}
	s.Status, s.Seen = ToDo, "of one family: "+some(s.Left)
	s = m.costs(s, "metallb", ".spec.addresses")
	addresses := m.plannedAddresses()
	for _, p := range m.LBIPAMPools {
		if slices.Contains(s.Left, p.Ref) {
			s.Do = append(s.Do, fmt.Sprintf("in %s: a block of %s", p.Ref, addresses))
		}
	}
	for _, p := range single {
		s.Do = append(s.Do, m.addTo(p, addresses))
	}
	s.Sources = append(s.Sources, "metallb v0.16.2, internal/allocator/allocator.go poolFor")
	return s
}

// absent reports whether the cluster has nothing of k, rather than that it was not read.
func (m *migration) absent(k snapshot.Kind) bool {
	g, gap := m.Gap(k)
	return gap && (g.Reason == snapshot.NotInstalled || g.Reason == snapshot.NotFound)
}

// plannedAddresses is the plan's range of load balancers.
func (m *migration) plannedAddresses() string {
	if m.plan != nil {
		for _, p := range m.plan.LoadBalancers {
			for _, r := range p.Addresses {
				if ipfam.Of(r.From()) == m.adds {
					return plan.FormatAddrs(r)
				}
			}
		}
	}
	return strings.ToUpper(m.adds.String()) + "-RANGE"
}

// addTo is how a range is added to a pool: both addresses of a Service are of one.
func (m *migration) addTo(p snapshot.Pool, addresses string) string {
	if p.ConfigMapEra {
		return fmt.Sprintf("in %s, in %s of pool %s: %s beside what is there", m.MetalLB.ConfigRef, "addresses", p.Ref.Name, addresses)
	}
	if p.Families().Has(m.adds) {
		return fmt.Sprintf("in %s: a range of %s beside what is there", p.Ref, m.keeps)
	}
	return checks.Command("kubectl", "patch", strings.ToLower(p.Kind), p.Ref.Name, "-n", p.Namespace, "--type", "json", "-p",
		fmt.Sprintf(`[{"op":"add","path":"/spec/addresses/-","value":%q}]`, addresses))
}

// filters is what names addresses of one family: source ranges of Services, which
// are read, and policies, which are not.
func (m *migration) filters() Step {
	s := Step{ID: "filters", Title: fmt.Sprintf("Write %s into whatever lets addresses through", m.adds), Status: Unseen,
		Seen: "NetworkPolicies, firewalls and the like are not looked at",
		Do:   []string{"kubectl get networkpolicies -A -o yaml # every ipBlock of one family shuts the other out, or lets it pass unasked"},
		Effect: fmt.Sprintf("kube-proxy filters each family by the source ranges of that family, and a family without any not at all: a Service with ranges of %s alone is open to all over %s",
			m.keeps, m.adds),
		Undo:    "take the ranges out",
		Sources: []string{"kubernetes v1.37.2, pkg/proxy/serviceport.go newBaseServiceInfo, pkg/proxy/iptables/proxier.go"}}
	for _, v := range m.Services {
		if families := ipfam.SetOfPrefixes(v.SourceRanges); len(v.SourceRanges) > 0 && !families.Has(m.adds) {
			s.Left = append(s.Left, v.Ref)
		}
	}
	if len(s.Left) > 0 {
		s.Status = ToDo
		s.Seen = fmt.Sprintf("loadBalancerSourceRanges of %s only: %s; policies are not looked at", m.keeps, some(s.Left))
		s.Do = append([]string{fmt.Sprintf("in .spec.loadBalancerSourceRanges of these Services: ranges of %s, before the Services have an address of it", m.adds)}, s.Do...)
	}
	return s
}

// services is those that are reached from outside; ones of one family inside of the
// cluster serve Pods of two families all the same.
func (m *migration) services() Step {
	s := Step{ID: "services", Title: "Ask for both families in the Services that are reached from outside", Status: Unseen,
		Sources: []string{"kubernetes v1.37.2, pkg/registry/core/service/storage/alloc.go", "https://kubernetes.io/docs/concepts/services-networking/dual-stack/"}}
	if reason, ok := m.known(snapshot.Services); !ok {
		s.Seen = reason
		return s
	}
	exposed, inside := 0, 0
	for _, v := range m.Services {
		has := v.Has()
		outside := v.LoadBalancer() || v.Type == "NodePort"
		if outside {
			exposed++
		}
		switch {
		case has.Empty() || has.Dual() || v.Type == "ExternalName" || v.Headless:
		case outside:
			s.Left = append(s.Left, v.Ref)
		default:
			inside++
		}
	}
	note := ""
	if inside > 0 {
		note = fmt.Sprintf("; inside of the cluster, of %s alone: %d, which Pods of both families reach over it", m.keeps, inside)
	}
	switch {
	case exposed == 0:
		s.Status, s.Seen = NotNeeded, "no Service is reached from outside"+note
		return s
	case len(s.Left) == 0:
		s.Status, s.Seen = Done, fmt.Sprintf("%d of %d have both families%s", exposed, exposed, note)
		return s
	}
	s.Status, s.Seen = ToDo, fmt.Sprintf("%d of %d have %s only: %s%s", len(s.Left), exposed, m.keeps, some(s.Left), note)
	for i, ref := range s.Left {
		if i == maxCommands {
			s.Do = append(s.Do, fmt.Sprintf("the same for %d more, and in the manifests and charts that they come from", len(s.Left)-i))
			break
		}
		s.Do = append(s.Do, checks.Patch(ref, `{"spec":{"ipFamilyPolicy":"PreferDualStack"}}`))
	}
	s.Effect = "the ClusterIP stays, and one of the other family comes to it; MetalLB adds the second address from 0.14.9 on"
	if v := m.versions.MetalLB; m.MetalLB.Present() && v.Before(metallb.PreferOne) {
		s.Effect = fmt.Sprintf("the ClusterIP stays, and one of the other family comes to it; MetalLB %s adds no second address to a Service that has one: upgrade to %s", v, metallb.PreferOne)
	}
	s.Undo = "ipFamilyPolicy: SingleStack, which lets the second address go"
	return s
}

// names is what clients come by, which is outside of the cluster.
func (m *migration) names() Step {
	record := "A"
	if m.adds == ipfam.V6 {
		record = "AAAA"
	}
	return Step{ID: "names", Title: fmt.Sprintf("Publish the new addresses: %s records, certificates", record), Status: Unseen,
		Seen: "names outside of the cluster are not looked at; those of Services inside follow their ClusterIPs, and Pods of both families need no second address of the cluster's DNS",
		Do: []string{
			fmt.Sprintf("%s records for the load balancers' addresses, once curl %s from outside gets an answer from them", record, m.option()),
			"openssl x509 -noout -ext subjectAltName -in /etc/kubernetes/pki/apiserver.crt # has the addresses that clients of the API use",
		},
		Effect: "clients that prefer the new family use it from then on",
		Undo:   "take the records away"}
}
