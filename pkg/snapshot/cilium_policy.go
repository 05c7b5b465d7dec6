package snapshot

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	kjson "sigs.k8s.io/json"
)

// ciliumPolicy is cilium.io/v2 CiliumNetworkPolicy and CiliumClusterwideNetworkPolicy
// (cilium v1.20.2, pkg/k8s/apis/cilium.io/v2/cnp_types.go, pkg/policy/api/rule.go).
type ciliumPolicy struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec  *ciliumSpec  `json:"spec"`
	Specs []ciliumSpec `json:"specs"`
}

type ciliumSpec struct {
	EndpointSelector  *metav1.LabelSelector `json:"endpointSelector"`
	NodeSelector      *metav1.LabelSelector `json:"nodeSelector"`
	Ingress           []ciliumRule          `json:"ingress"`
	IngressDeny       []ciliumRule          `json:"ingressDeny"`
	Egress            []ciliumRule          `json:"egress"`
	EgressDeny        []ciliumRule          `json:"egressDeny"`
	EnableDefaultDeny struct {
		Ingress *bool `json:"ingress"`
		Egress  *bool `json:"egress"`
	} `json:"enableDefaultDeny"`
}

// ciliumRule is a rule of either direction, of which it has the fields of one only. A
// list that is there and empty is nobody; one that is not there asks nothing.
type ciliumRule struct {
	ToEndpoints    []metav1.LabelSelector `json:"toEndpoints"`
	FromEndpoints  []metav1.LabelSelector `json:"fromEndpoints"`
	ToCIDR         []string               `json:"toCIDR"`
	FromCIDR       []string               `json:"fromCIDR"`
	ToCIDRSet      []ciliumCIDR           `json:"toCIDRSet"`
	FromCIDRSet    []ciliumCIDR           `json:"fromCIDRSet"`
	ToEntities     []string               `json:"toEntities"`
	FromEntities   []string               `json:"fromEntities"`
	ToNodes        []anyValue             `json:"toNodes"`
	FromNodes      []anyValue             `json:"fromNodes"`
	ToGroups       []anyValue             `json:"toGroups"`
	FromGroups     []anyValue             `json:"fromGroups"`
	ToFQDNs        []anyValue             `json:"toFQDNs"`
	ToServices     []anyValue             `json:"toServices"`
	ToRequires     []anyValue             `json:"toRequires"`
	FromRequires   []anyValue             `json:"fromRequires"`
	ToPorts        []ciliumPorts          `json:"toPorts"`
	ICMPs          []anyValue             `json:"icmps"`
	Authentication *struct {
		Mode string `json:"mode"`
	} `json:"authentication"`
}

// anyValue is a value of which only that it is there is read.
type anyValue struct{}

// UnmarshalJSON takes whatever there is.
func (*anyValue) UnmarshalJSON([]byte) error { return nil }

type ciliumCIDR struct {
	CIDR              string    `json:"cidr"`
	CIDRGroupRef      string    `json:"cidrGroupRef"`
	CIDRGroupSelector *anyValue `json:"cidrGroupSelector"`
	Except            []string  `json:"except"`
}

type ciliumPorts struct {
	Ports []struct {
		Port     string `json:"port"`
		EndPort  int32  `json:"endPort"`
		Protocol string `json:"protocol"`
	} `json:"ports"`
	Rules       map[string]any `json:"rules"` // by protocol
	Listener    *anyValue      `json:"listener"`
	ServerNames []string       `json:"serverNames"`
}

// PoliciesOf is the CiliumNetworkPolicy or CiliumClusterwideNetworkPolicy u: one Policy
// for each of its specs, all with the same Ref, without those that are for no Pod, such
// as the ones with a nodeSelector. An error is also what the agents would not take: they
// then enforce nothing of the whole object.
func PoliciesOf(u *unstructured.Unstructured) ([]Policy, error) {
	ref := Ref{u.GetKind(), u.GetNamespace(), u.GetName()}
	if ref.Kind != ciliumPolicyKind && ref.Kind != ciliumClusterwideKind {
		return nil, fmt.Errorf("read %s: not a policy of Cilium", ref)
	}
	var object ciliumPolicy
	if err := decodeCustom(u, &object); err != nil {
		return nil, fmt.Errorf("read %s: %w", ref, err)
	}
	policies, err := object.policies(ref)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", ref, err)
	}
	return policies, nil
}

// policies is one Policy for each spec that is for Pods.
func (o ciliumPolicy) policies(ref Ref) ([]Policy, error) {
	var policies []Policy
	for _, s := range o.specs() {
		p, ok, err := s.policy(ref)
		if err != nil {
			return nil, fmt.Errorf("%s%w", s.field, err)
		}
		if ok {
			policies = append(policies, p)
		}
	}
	return policies, nil
}

// decodeCustom fills to from u, with the case of names as the API server takes it.
func decodeCustom(u *unstructured.Unstructured, to any) error {
	data, err := u.MarshalJSON()
	if err == nil {
		err = kjson.UnmarshalCaseSensitivePreserveInts(data, to)
	}
	if err != nil {
		return notUnderstood{errors.New(decodeMessage(err))}
	}
	return nil
}

// notUnderstood is an object that the API server has taken and this program cannot read: a
// newer release may have it in force.
type notUnderstood struct{ error }

// placedSpec is a spec and the field that it stands in.
type placedSpec struct {
	field string
	ciliumSpec
}

func (o ciliumPolicy) specs() []placedSpec {
	var specs []placedSpec
	if o.Spec != nil {
		specs = append(specs, placedSpec{".spec", *o.Spec})
	}
	for i, s := range o.Specs {
		specs = append(specs, placedSpec{fmt.Sprintf(".specs[%d]", i), s})
	}
	return specs
}

// policy is the Policy of s; ok is false when s is for no Pod.
func (s placedSpec) policy(ref Ref) (p Policy, ok bool, err error) {
	p = Policy{Ref: ref, Clusterwide: ref.Kind == ciliumClusterwideKind}
	if s.EndpointSelector == nil {
		if s.NodeSelector == nil {
			return p, false, errors.New(" has neither endpointSelector nor nodeSelector")
		}
		return p, false, nil
	}
	if !s.subject(&p) {
		return p, false, nil
	}
	for _, d := range []struct {
		name  string
		rules []ciliumRule
		to    *[]PolicyRule
	}{
		{"egress", s.Egress, &p.EgressRules}, {"egressDeny", s.EgressDeny, &p.EgressDenies},
		{"ingress", s.Ingress, &p.IngressRules}, {"ingressDeny", s.IngressDeny, &p.IngressDenies},
	} {
		for i, r := range d.rules {
			field := fmt.Sprintf("%s.%s[%d]", s.field, d.name, i)
			rules, err := r.rules(field, s.initial())
			if err != nil {
				return p, false, fmt.Errorf(".%s[%d]%w", d.name, i, err)
			}
			*d.to = append(*d.to, rules...)
		}
	}
	p.Egress = isolates(len(s.Egress)+len(s.EgressDeny), s.EnableDefaultDeny.Egress)
	p.Ingress = isolates(len(s.Ingress)+len(s.IngressDeny), s.EnableDefaultDeny.Ingress)
	return p, true, nil
}

// isolates reports whether a spec with that many rules denies by default.
// Source: cilium v1.20.2, pkg/policy/api/rule_validation.go Sanitize and
// pkg/policy/repository.go computePolicyEnforcementAndRules: without rules of the
// direction enableDefaultDeny has no effect.
func isolates(rules int, enabled *bool) bool { return rules > 0 && (enabled == nil || *enabled) }

// initial reports whether s is for Pods that have no labels yet.
func (s ciliumSpec) initial() bool {
	return slices.ContainsFunc(requirements(*s.EndpointSelector), func(r requirement) bool {
		return r.source == "reserved" && r.Key == "init"
	})
}

// subject sets which Pods p is for, and reports whether there are any. Labels that come
// from elsewhere than Kubernetes, such as reserved:host, are of no running Pod. The
// namespace of a namespaced policy takes the place of the one that its selector names.
// Source: cilium v1.20.2, pkg/k8s/apis/cilium.io/utils/utils.go ParseToCiliumRule.
func (s ciliumSpec) subject(p *Policy) bool {
	var ofPods []requirement
	for _, r := range requirements(*s.EndpointSelector) {
		own := !p.Clusterwide && r.source == "k8s" && r.Key == podNamespaceLabel
		switch {
		case own && r.Operator == metav1.LabelSelectorOpIn:
		case r.ofPods():
			ofPods = append(ofPods, r)
		case !r.negative():
			return false
		}
	}
	var err error
	if p.Subject, p.SubjectNamespaces, err = podsAndNamespaces(ofPods); err != nil {
		p.Unjudged = ".endpointSelector: " + err.Error()
	}
	return true
}

// ruleLists is the lists of peers of a rule, whichever direction it has.
type ruleLists struct {
	names     map[string]int // of every list that is there to how long it is
	endpoints []metav1.LabelSelector
	cidr      []string
	cidrSet   []ciliumCIDR
	entities  []string
}

// lists parts r's lists by what they are. The name of each is that of the API.
func (r ciliumRule) lists() ruleLists {
	l := ruleLists{names: map[string]int{}}
	note := func(name string, there bool, length int) {
		if there {
			l.names[name] = length
		}
	}
	note("toEndpoints", r.ToEndpoints != nil, len(r.ToEndpoints))
	note("fromEndpoints", r.FromEndpoints != nil, len(r.FromEndpoints))
	note("toCIDR", r.ToCIDR != nil, len(r.ToCIDR))
	note("fromCIDR", r.FromCIDR != nil, len(r.FromCIDR))
	note("toCIDRSet", r.ToCIDRSet != nil, len(r.ToCIDRSet))
	note("fromCIDRSet", r.FromCIDRSet != nil, len(r.FromCIDRSet))
	note("toEntities", r.ToEntities != nil, len(r.ToEntities))
	note("fromEntities", r.FromEntities != nil, len(r.FromEntities))
	note("toNodes", r.ToNodes != nil, len(r.ToNodes))
	note("fromNodes", r.FromNodes != nil, len(r.FromNodes))
	// Of these an empty list is as good as none.
	note("toGroups", len(r.ToGroups) > 0, len(r.ToGroups))
	note("fromGroups", len(r.FromGroups) > 0, len(r.FromGroups))
	note("toFQDNs", len(r.ToFQDNs) > 0, len(r.ToFQDNs))
	note("toServices", len(r.ToServices) > 0, len(r.ToServices))
	l.endpoints = append(slices.Clone(r.ToEndpoints), r.FromEndpoints...)
	l.cidr = append(slices.Clone(r.ToCIDR), r.FromCIDR...)
	l.cidrSet = append(slices.Clone(r.ToCIDRSet), r.FromCIDRSet...)
	l.entities = append(slices.Clone(r.ToEntities), r.FromEntities...)
	return l
}

// name is that of the list there is which ends so: "toCIDR" for "CIDR".
func (l ruleLists) name(end string) string {
	for _, direction := range []string{"to", "from"} {
		if _, ok := l.names[direction+end]; ok {
			return direction + end
		}
	}
	return ""
}

// check tells what the agents refuse.
// Source: cilium v1.20.2, pkg/policy/api/rule_validation.go, sanitize of the two rules.
func (l ruleLists) check() error {
	var full []string
	for name, n := range l.names {
		if n > 0 {
			full = append(full, name)
		}
	}
	if slices.Sort(full); len(full) > 1 {
		return fmt.Errorf(" combines %s, which Cilium refuses", strings.Join(full, " and "))
	}
	return nil
}

// nobody reports whether one of the lists is there and empty. Before 1.16 the agents took
// that for a list that is not there.
// Sources: cilium v1.20.2, pkg/policy/utils/parserules.go mergeEndpointSelectors; cilium
// v1.15.0 and v1.16.0, pkg/policy/api/egress.go.
func (l ruleLists) nobody() bool {
	for _, n := range l.names {
		if n == 0 {
			return true
		}
	}
	return false
}

// rules is r as one rule for all its ports, or as several, since HTTP rules are of some
// ports only. Without peers and without ports it lets nobody through.
// Source: cilium v1.20.2, pkg/policy/rule.go mergeL4Filter.
func (r ciliumRule) rules(field string, initial bool) ([]PolicyRule, error) {
	lists := r.lists()
	if err := lists.check(); err != nil {
		return nil, err
	}
	rule := PolicyRule{Field: field, Proviso: r.proviso()}
	switch {
	case lists.nobody():
		return []PolicyRule{rule}, nil
	case len(lists.names) == 0:
		rule.Any = len(r.ToPorts)+len(r.ICMPs) > 0
	default:
		if err := lists.peers(&rule, initial); err != nil {
			return nil, err
		}
	}
	return r.byPorts(rule), nil
}

// proviso is what all of the rule hangs on besides. From 1.19 on toRequires and
// fromRequires have to be empty; before, they asked more of the endpoints.
// Sources: cilium v1.18.0 and v1.19.0, pkg/policy/api/egress.go.
func (r ciliumRule) proviso() string {
	switch {
	case len(r.ToRequires)+len(r.FromRequires) > 0:
		return "the labels that are required"
	case r.Authentication != nil && r.Authentication.Mode != "disabled":
		return "authentication"
	}
	return ""
}

// peers adds those of all lists to rule.
func (l ruleLists) peers(rule *PolicyRule, initial bool) error {
	for i, s := range l.endpoints {
		at := fmt.Sprintf("%s[%d]", l.name("Endpoints"), i)
		peer, err := endpointsOf(s, initial)
		if err != nil {
			rule.Unjudged = at + ": " + err.Error()
			continue
		}
		peer.Field = rule.Field + "." + at
		rule.Peers = append(rule.Peers, peer)
	}
	for i, text := range l.cidr {
		peer, err := rangeOf(text)
		if err != nil {
			return fmt.Errorf(".%s[%d]: %w", l.name("CIDR"), i, err)
		}
		peer.Field = fmt.Sprintf("%s.%s[%d]", rule.Field, l.name("CIDR"), i)
		rule.Peers = append(rule.Peers, peer)
	}
	for i, c := range l.cidrSet {
		peer, err := c.peer()
		if err != nil {
			return fmt.Errorf(".%s[%d]: %w", l.name("CIDRSet"), i, err)
		}
		peer.Field = fmt.Sprintf("%s.%s[%d]", rule.Field, l.name("CIDRSet"), i)
		rule.Peers = append(rule.Peers, peer)
	}
	for i, e := range l.entities {
		rule.Peers = append(rule.Peers, PolicyPeer{Field: fmt.Sprintf("%s.%s[%d]", rule.Field, l.name("Entities"), i), Entity: e})
	}
	l.parts(rule)
	return nil
}

// parts adds the peers that are some of an entity in a way that is not known here.
// Names and groups are resolved to addresses, which are of the world: addresses of Pods
// and nodes have identities of their own. Services may have any endpoints.
func (l ruleLists) parts(rule *PolicyRule) {
	for _, part := range []struct{ end, entity string }{
		{"FQDNs", EntityWorld}, {"Groups", EntityWorld}, {"Nodes", EntityRemoteNode},
	} {
		if name := l.name(part.end); name != "" {
			rule.Peers = append(rule.Peers, PolicyPeer{Field: rule.Field + "." + name, Entity: part.entity, Part: name})
		}
	}
	if name := l.name("Services"); name != "" {
		rule.Unjudged = "the endpoints of " + name + " are not known"
	}
}

// The entities that a Policy is made with where it says something else.
const (
	EntityWorld      = "world"
	EntityRemoteNode = "remote-node"
)

// rangeOf is an entry of toCIDR, which may be an address.
func rangeOf(text string) (PolicyPeer, error) {
	if a, err := netip.ParseAddr(text); err == nil {
		return PolicyPeer{CIDR: netip.PrefixFrom(a.WithZone(""), a.BitLen())}, nil
	}
	return blockOf(text, nil)
}

func (c ciliumCIDR) peer() (PolicyPeer, error) {
	switch {
	case c.CIDRGroupRef != "":
		return PolicyPeer{Entity: EntityWorld, Part: "cidrGroupRef " + c.CIDRGroupRef}, nil
	case c.CIDRGroupSelector != nil:
		return PolicyPeer{Entity: EntityWorld, Part: "cidrGroupSelector"}, nil
	}
	return blockOf(c.CIDR, c.Except)
}

// endpointsOf is an entry of toEndpoints. One that names no namespace is about the
// policy's own, and one of a policy for Pods without labels about all.
// Source: cilium v1.20.2, pkg/k8s/apis/cilium.io/utils/utils.go getEndpointSelector.
func endpointsOf(s metav1.LabelSelector, initial bool) (PolicyPeer, error) {
	all := requirements(s)
	foreign := slices.ContainsFunc(all, func(r requirement) bool { return !r.ofPods() })
	switch {
	case foreign && len(all) == 1:
		return entityOf(all[0])
	case foreign:
		return PolicyPeer{}, errors.New("selects by labels that are not of Kubernetes")
	case initial:
		return PolicyPeer{}, errors.New("is of a policy for Pods that have no labels yet")
	}
	pods, namespaces, err := podsAndNamespaces(all)
	return PolicyPeer{Pods: &pods, Namespaces: namespaces}, err
}

// entityOf is the entity that has the one label reserved:NAME.
// Source: cilium v1.20.2, pkg/policy/api/entity.go EntitySelectorMapping.
func entityOf(r requirement) (PolicyPeer, error) {
	named := r.Operator == metav1.LabelSelectorOpExists ||
		r.Operator == metav1.LabelSelectorOpIn && slices.Equal(r.Values, []string{""})
	if r.source == "reserved" && named {
		switch r.Key {
		case "host", EntityRemoteNode, "kube-apiserver", "world-ipv4", "world-ipv6", "health", "ingress", "init", "unmanaged":
			return PolicyPeer{Entity: r.Key}, nil
		}
	}
	return PolicyPeer{}, fmt.Errorf("selects by the label %s:%s", r.source, r.Key)
}

// byPorts is rule once for each set of ports of r that something else decides on too, and
// once for all others. A set without ports lets nothing through.
func (r ciliumRule) byPorts(rule PolicyRule) []PolicyRule {
	if len(r.ICMPs) > 0 {
		rule.Ports = []PolicyPort{{Protocol: "ICMP"}}
		return []PolicyRule{rule}
	}
	if len(r.ToPorts) == 0 {
		return []PolicyRule{rule}
	}
	var rules []PolicyRule
	plain := rule
	for _, set := range r.ToPorts {
		ports, proviso := set.ports(), set.proviso()
		switch {
		case len(ports) == 0:
		case proviso == "":
			plain.Ports = append(plain.Ports, ports...)
		default:
			part := rule
			part.Ports, part.Proviso = ports, strings.TrimPrefix(rule.Proviso+" and "+proviso, " and ")
			rules = append(rules, part)
		}
	}
	if len(plain.Ports) > 0 {
		rules = append(rules, plain)
	}
	if len(rules) == 0 {
		rules = []PolicyRule{{Field: rule.Field}}
	}
	return rules
}

// ports is the ports of the set. A name of a port has a letter; port 0 is all of them.
// Source: cilium v1.20.2, pkg/policy/api/rule_validation.go PortProtocol sanitize.
func (p ciliumPorts) ports() []PolicyPort {
	var ports []PolicyPort
	for _, q := range p.Ports {
		port := PolicyPort{Protocol: strings.ToUpper(q.Protocol)}
		if port.Protocol == "ANY" {
			port.Protocol = ""
		}
		if n, err := strconv.ParseUint(q.Port, 10, 16); err == nil || q.Port == "" {
			port.Port = uint16(n)
		} else {
			port.Name = strings.ToLower(q.Port)
		}
		if isPort(q.EndPort) && port.Port > 0 {
			port.EndPort = uint16(q.EndPort)
		}
		ports = append(ports, port)
	}
	return ports
}

// proviso is what Cilium's proxy decides of connections to these ports.
func (p ciliumPorts) proviso() string {
	var kinds []string
	for kind, rules := range p.Rules {
		if list, ok := rules.([]any); ok && len(list) > 0 {
			kinds = append(kinds, strings.ToUpper(kind)+" rules")
		}
	}
	slices.Sort(kinds)
	if p.Listener != nil {
		kinds = append(kinds, "a listener")
	}
	if len(p.ServerNames) > 0 {
		kinds = append(kinds, "serverNames")
	}
	return strings.Join(kinds, " and ")
}
