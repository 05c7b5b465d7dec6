package trace

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// lets is "lets it out" or "lets it in".
func (j judge) lets() string {
	if j.way == egress {
		return "lets it out"
	}
	return "lets it in"
}

func (j judge) denied(m match) Ruling {
	return Ruling{State: Stops, Known: Inferred, Text: fmt.Sprintf("%s denies it", m.policy.Ref), Because: m.says()}
}

// allowed is the ruling of a rule that lets the connection through. It says too where the
// same rule is not the same for the other family.
func (j judge) allowed(m match) Ruling {
	r := passes(fmt.Sprintf("%s %s", m.policy.Ref, j.lets()), m.says())
	if m.limited {
		r.Text += " on " + portsOf(m.rule) + " only"
	}
	if !m.peer.CIDR.IsValid() {
		return r
	}
	if f := j.other.Family; ipfam.OfPrefix(m.peer.CIDR) != f {
		r.Because += fmt.Sprintf(", which before Cilium %s is the world of both families; from then on %s stops", worldsApartFrom, f)
		r.Fix = j.addWhole(m.policy, m.peer)
		return r
	}
	for _, p := range m.rule.Peers {
		if len(m.peer.Except) == 0 && wholeInternet(m.peer.CIDR) && p.CIDR.IsValid() &&
			ipfam.OfPrefix(p.CIDR) != j.other.Family && wholeInternet(p.CIDR) && len(p.Except) > 0 {
			r.Because += fmt.Sprintf(" and excepts nothing, while %s excepts %s", p.CIDR, listed(p.Except))
		}
	}
	return r
}

// says is the field that fits and what is in it: ".spec.egress[0].to[0] has ::/0".
func (m match) says() string {
	p := m.peer
	switch {
	case p.CIDR.IsValid():
		return p.Field + " has " + rangeText(p)
	case p.Part != "":
		return p.Field
	case p.Entity != "":
		return p.Field + " is " + p.Entity
	case p.Pods != nil:
		return p.Field + " selects the Pod"
	}
	return m.rule.Field + " names no peer"
}

func rangeText(p snapshot.PolicyPeer) string {
	if len(p.Except) == 0 {
		return p.CIDR.String()
	}
	return fmt.Sprintf("%s except %s", p.CIDR, listed(p.Except))
}

// listed is up to three of items.
func listed[T fmt.Stringer](items []T) string {
	const most = 3
	var texts []string
	for i, item := range items {
		if i == most {
			return fmt.Sprintf("%s and %d more", strings.Join(texts, ", "), len(items)-most)
		}
		texts = append(texts, item.String())
	}
	return strings.Join(texts, ", ")
}

// portsOf is the ports of TCP that rule is about: "TCP 80, 8000-8080".
func portsOf(rule snapshot.PolicyRule) string {
	var texts []string
	for _, p := range rule.Ports {
		switch {
		case p.Protocol != "" && p.Protocol != "TCP":
		case p.Name != "":
			texts = append(texts, p.Name)
		case p.EndPort > p.Port:
			texts = append(texts, fmt.Sprintf("%d-%d", p.Port, p.EndPort))
		default:
			texts = append(texts, fmt.Sprint(p.Port))
		}
	}
	return "TCP " + strings.Join(texts, ", ")
}

// perhaps is the ruling where all that may let the connection through is not known.
func (j judge) perhaps(all matches) Ruling {
	first := all[0]
	var narrow []netip.Prefix
	for _, m := range all {
		if m.narrow && !slices.Contains(narrow, m.peer.CIDR) {
			narrow = append(narrow, m.peer.CIDR)
		}
	}
	if len(narrow) == len(all) {
		return open(fmt.Sprintf("%s %s to %s only", first.policy.Ref, j.lets(), listed(narrow)),
			"whether the address is among them is not known")
	}
	unknown := slices.IndexFunc(all, func(m match) bool { return !m.narrow })
	m := all[max(unknown, 0)]
	return open(fmt.Sprintf("%s may let it %s", m.policy.Ref, strings.TrimPrefix(j.lets(), "lets it ")), m.unknown())
}

// refused is the ruling where nothing lets the connection through, with the rule that
// comes nearest to it.
func (j judge) refused(policies []snapshot.Policy) Ruling {
	policies = slices.DeleteFunc(slices.Clone(policies), func(p snapshot.Policy) bool { return !j.isolates(p) })
	if len(policies) == 0 { // Cilium isolates of itself
		return Ruling{State: Stops, Known: Inferred, Text: "no policy lets it through", Because: `enable-policy="always" in cilium-config`}
	}
	for _, near := range []func(snapshot.Policy, snapshot.PolicyRule) (Ruling, bool){
		j.byException, j.byClass, j.byFamily(policies), j.byPort, j.byOtherRange(policies),
	} {
		for _, p := range policies {
			allow, _ := j.rules(p)
			for _, r := range allow {
				if ruling, ok := near(p, r); ok {
					ruling.State, ruling.Known = Stops, Inferred
					return ruling
				}
			}
		}
	}
	return j.byDefault(policies)
}

// byDefault is the ruling where no rule comes near.
func (j judge) byDefault(policies []snapshot.Policy) Ruling {
	r := Ruling{State: Stops, Known: Inferred, Text: fmt.Sprintf("%s: no rule for %s", policies[0].Ref, j.far())}
	for _, p := range policies {
		if allow, _ := j.rules(p); len(allow) > 0 {
			r.Because = fmt.Sprintf("no %s rule of it is for %s", j.way, j.far())
			if len(policies) > 1 {
				r.Because = fmt.Sprintf("no %s rule of the %d policies for the Pod is for %s", j.way, len(policies), j.far())
			}
			return r
		}
	}
	r.Text = fmt.Sprintf("%s lets nothing %s", policies[0].Ref, strings.TrimPrefix(j.lets(), "lets it "))
	r.Because = fmt.Sprintf("it has no %s rule", j.way)
	return r
}

// far is the far end in words: its Pod, its address, or its family.
func (j judge) far() string {
	switch d := j.other; {
	case d.Peer != nil:
		return d.Peer.Ref.String()
	case d.Addr.IsValid():
		return d.Addr.String()
	case d.Family.Valid():
		return "the internet over " + d.Family.String()
	}
	return "an address that is not known"
}

// byException is where the range that has the address excepts it.
func (j judge) byException(p snapshot.Policy, r snapshot.PolicyRule) (Ruling, bool) {
	if j.ports(r).fit != fits || !j.rangesCount() || !j.other.Addr.IsValid() {
		return Ruling{}, false
	}
	for _, peer := range r.Peers {
		if except := excepted(peer, j.other.Addr); except.IsValid() {
			return Ruling{Text: fmt.Sprintf("%s: %s is excepted", p.Ref, except), Because: peer.Field + " has " + rangeText(peer)}, true
		}
	}
	return Ruling{}, false
}

// rangesCount reports whether ranges of addresses are about the far end.
func (j judge) rangesCount() bool { return j.by != byCilium || j.rangesReach(j.other.class()) }

// byPort is where a rule has the far end, with other ports.
func (j judge) byPort(p snapshot.Policy, r snapshot.PolicyRule) (Ruling, bool) {
	peers := j.peers(p, r)
	if j.ports(r).fit != misses || j.other.Port == 0 || peers.best(fits) == nil {
		return Ruling{}, false
	}
	because := fmt.Sprintf("%s is for %s", r.Field, portsOf(r))
	if portsOf(r) == "TCP " {
		because = r.Field + " is not for TCP"
	}
	return Ruling{Text: fmt.Sprintf("%s: no rule for TCP %d", p.Ref, j.other.Port), Because: because}, true
}

// byClass is where a range has the address, but to Cilium ranges are not about what has it.
func (j judge) byClass(p snapshot.Policy, r snapshot.PolicyRule) (Ruling, bool) {
	if j.rangesCount() || j.ports(r).fit != fits || !j.other.Addr.IsValid() {
		return Ruling{}, false
	}
	for _, peer := range r.Peers {
		if peer.CIDR.IsValid() && j.within(peer).fit == fits {
			return Ruling{
				Text:    fmt.Sprintf("%s: no rule for %s", p.Ref, j.far()),
				Because: fmt.Sprintf("%s has %s, but to Cilium ranges are not about %s", peer.Field, rangeText(peer), j.other.class()),
			}, true
		}
	}
	return Ruling{}, false
}

// byFamily is where a rule has the whole internet of the other family, and no rule that
// fits has that of this one.
func (j judge) byFamily(policies []snapshot.Policy) func(snapshot.Policy, snapshot.PolicyRule) (Ruling, bool) {
	f := j.other.Family
	far, elsewhere := f.String(), "no rule has "+wholeOf(f).String()
	own := slices.DeleteFunc(j.ranges(policies), func(p netip.Prefix) bool { return ipfam.OfPrefix(p) != f })
	switch {
	case slices.ContainsFunc(own, wholeInternet):
		far, elsewhere = strings.ReplaceAll(fmt.Sprintf("TCP %d over %s", j.other.Port, f), " 0 ", " "), wholeOf(f).String()+" has other ports"
	case slices.ContainsFunc(own, ofInternet):
		far = j.far()
	}
	return func(p snapshot.Policy, r snapshot.PolicyRule) (Ruling, bool) {
		if !j.rangesCount() || j.ports(r).fit != fits || !f.Valid() {
			return Ruling{}, false
		}
		ruling := Ruling{Text: fmt.Sprintf("%s: no rule for %s", p.Ref, far)}
		for _, peer := range r.Peers {
			switch {
			case peer.CIDR.IsValid() && ipfam.OfPrefix(peer.CIDR) == f.Other() && wholeInternet(peer.CIDR):
				ruling.Because = fmt.Sprintf("%s has %s, which is %s only; %s", peer.Field, rangeText(peer), f.Other(), elsewhere)
				ruling.Fix = j.addWhole(p, peer)
				return ruling, true
			case j.other.class() == ofWorld && peer.Part == "" && peer.Entity == worldOf(f.Other()):
				ruling.Because = fmt.Sprintf("%s is %s only", peer.Field, peer.Entity)
				ruling.Fix = patch(p, peer, quoted(worldOf(f)))
				return ruling, true
			}
		}
		return Ruling{}, false
	}
}

// ranges is the ranges of addresses in what policies let through.
func (j judge) ranges(policies []snapshot.Policy) []netip.Prefix {
	var all []netip.Prefix
	for _, p := range policies {
		allow, _ := j.rules(p)
		for _, r := range allow {
			all = append(all, rangesOf(r)...)
		}
	}
	return all
}

func rangesOf(r snapshot.PolicyRule) []netip.Prefix {
	var all []netip.Prefix
	for _, peer := range r.Peers {
		if peer.CIDR.IsValid() {
			all = append(all, peer.CIDR)
		}
	}
	return all
}

// byOtherRange is where a rule has ranges, and no policy any of this family. To the
// internet only ranges of it lead.
func (j judge) byOtherRange(policies []snapshot.Policy) func(snapshot.Policy, snapshot.PolicyRule) (Ruling, bool) {
	f := j.other.Family
	none := !ipfam.SetOfPrefixes(j.ranges(policies)).Has(f)
	return func(p snapshot.Policy, r snapshot.PolicyRule) (Ruling, bool) {
		ranges := rangesOf(r)
		if !j.other.Addr.IsValid() {
			ranges = slices.DeleteFunc(ranges, func(p netip.Prefix) bool { return !ofInternet(p) })
		}
		if len(ranges) == 0 || !none || !f.Valid() || !j.rangesCount() || j.ports(r).fit != fits {
			return Ruling{}, false
		}
		return Ruling{
			Text:    fmt.Sprintf("%s: no rule for %s", p.Ref, f),
			Because: fmt.Sprintf("%s has ranges of %s only: %s", r.Field, f.Other(), listed(ranges)),
			Fix: fmt.Sprintf("if the hosts of %s are meant over both families, add their %s range to %s of %s",
				listed(ranges), f, r.Field, p.Ref),
		}, true
	}
}

// wholeOf is the range of all addresses of f.
func wholeOf(f ipfam.Family) netip.Prefix {
	if f == ipfam.V4 {
		return netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	}
	return netip.PrefixFrom(netip.IPv6Unspecified(), 0)
}

// addWhole is how to add all addresses of the family beside peer, which is all of the
// other one. Exceptions have a counterpart that only the author knows.
func (j judge) addWhole(p snapshot.Policy, peer snapshot.PolicyPeer) string {
	whole := wholeOf(j.other.Family)
	if len(peer.Except) > 0 {
		return fmt.Sprintf("add beside %s of %s the range %s, except what stands for %s over %s",
			peer.Field, p.Ref, whole, listed(peer.Except), j.other.Family)
	}
	switch list := listOf(peer.Field); {
	case list == "to" || list == "from":
		return patch(p, peer, `{"ipBlock":{"cidr":`+quoted(whole.String())+`}}`)
	case strings.HasSuffix(list, "CIDRSet"):
		return patch(p, peer, `{"cidr":`+quoted(whole.String())+`}`)
	}
	return patch(p, peer, quoted(whole.String()))
}

func quoted(text string) string { return `"` + text + `"` }

// listOf is the name of the list that field is an item of: "toCIDR" of
// ".spec.egress[0].toCIDR[1]".
func listOf(field string) string {
	list, _, _ := strings.Cut(field[strings.LastIndexByte(field, '.')+1:], "[")
	return list
}

// patch is the command that adds value to the list that peer is an item of.
func patch(p snapshot.Policy, peer snapshot.PolicyPeer, value string) string {
	list := strings.NewReplacer(".", "/", "[", "/", "]", "").Replace(peer.Field)
	namespace := ""
	if p.Namespace != "" {
		namespace = " -n " + p.Namespace
	}
	return fmt.Sprintf(`kubectl patch %s %s%s --type json -p '[{"op":"add","path":"%s/-","value":%s}]'`,
		strings.ToLower(p.Kind), p.Name, namespace, list[:max(strings.LastIndexByte(list, '/'), 0)], value)
}
