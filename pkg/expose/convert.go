package expose

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// Conversion is a change of the families of a Service that is there.
type Conversion struct {
	// Already is why there is nothing to change; the rest is then zero.
	Already     string
	Policy      Policy
	Families    []ipfam.Family    // as .spec.ipFamilies is to be; none leaves it to the API server
	Annotations map[string]string // to be written
	NoField     bool              // whether .spec.loadBalancerIP, which holds one address, goes
	Changes     []Change
}

// Change is what a person sees of a conversion.
type Change struct{ Field, From, To string }

// errNoFamilies is about a Service that is only a name for another one.
var errNoFamilies = errors.New("is of type ExternalName, which has no families")

// Upgrade is the change that gives a Service the second family, as the request has it.
// The primary family cannot be changed, unless the Service is headless.
// Source: kubernetes v1.37.2, pkg/registry/core/service/storage/alloc.go
// initIPFamilyFields, and pkg/apis/core/validation/validation.go
// validateUpgradeDowngradeIPFamilies.
func Upgrade(s snapshot.Service, r Request) (Conversion, error) {
	if err := convertible(s); err != nil {
		return Conversion{}, err
	}
	if r.Policy == Single {
		return Conversion{}, errors.New("--upgrade to --family-policy single is no upgrade; --downgrade takes the second family away")
	}
	c := Conversion{Policy: r.Policy, Families: both(s.Families, r.Families)}
	if first := s.Families[0]; c.Families[0] != first && !s.Headless {
		return Conversion{}, fmt.Errorf("has %s as its primary family, which the API does not let change: make the Service anew with --families %s", first, names(c.Families, ","))
	}
	if s.Has().Dual() && Policy(s.Policy) == r.Policy {
		return Conversion{Already: fmt.Sprintf("is %s of %s already", s.Policy, s.Has())}, nil
	}
	c.Changes = changes(s, c.Policy, c.Families)
	return c, nil
}

// Downgrade is the change that takes the secondary family away again, with its ClusterIP.
func Downgrade(s snapshot.Service, r Request) (Conversion, error) {
	if err := convertible(s); err != nil {
		return Conversion{}, err
	}
	first := s.Families[0]
	if len(r.Families) > 0 && r.Families[0] != first && !s.Headless {
		return Conversion{}, fmt.Errorf("has %s as its primary family, which the API does not let go: make the Service anew with --family-policy single --families %s", first, r.Families[0])
	}
	if len(s.Families) == 1 && Policy(s.Policy) == Single {
		return Conversion{Already: fmt.Sprintf("is %s of %s already", s.Policy, first)}, nil
	}
	c := Conversion{Policy: Single} // the server trims the families by itself
	if s.Headless && len(r.Families) > 0 {
		first, c.Families = r.Families[0], r.Families[:1]
	}
	c.Changes = changes(s, Single, []ipfam.Family{first})
	return c, nil
}

func convertible(s snapshot.Service) error {
	switch {
	case s.Type == "ExternalName":
		return errNoFamilies
	case s.Namespace == "default" && s.Name == "kubernetes":
		return errors.New("is the API server's own, which writes it back")
	case len(s.Families) == 0:
		return errors.New("has no .spec.ipFamilies: the API server is older than 1.20, or one family is all that it knows")
	}
	return nil
}

// both is the families of the Service with the other one behind, or in the order that is
// asked for.
func both(has, asked []ipfam.Family) []ipfam.Family {
	if len(asked) == 2 {
		return asked
	}
	first := has[0]
	if len(asked) == 1 {
		first = asked[0]
	}
	return []ipfam.Family{first, first.Other()}
}

func changes(s snapshot.Service, policy Policy, families []ipfam.Family) (list []Change) {
	add := func(field, from, to string) {
		if from != to {
			list = append(list, Change{field, from, to})
		}
	}
	add(".spec.ipFamilyPolicy", s.Policy, string(policy))
	add(".spec.ipFamilies", names(s.Families, ", "), names(families, ", "))
	return list
}

func names(families []ipfam.Family, separator string) string {
	texts := make([]string, len(families))
	for i, f := range families {
		texts[i] = f.String()
	}
	return strings.Join(texts, separator)
}

// Pin has the Service ask its controller for these addresses, by an annotation with this
// key, in the same edit. .spec.loadBalancerIP holds one address, which fits no Service of
// two families, and cannot stand beside the annotation.
// Source: metallb v0.16.2, controller/service.go getDesiredLbIPs.
func (c *Conversion) Pin(s snapshot.Service, key string, as []netip.Addr) {
	was, value := s.Annotations[key], commas(as)
	if was != value {
		c.Annotations = map[string]string{key: value}
		c.Changes = append(c.Changes, Change{".metadata.annotations." + key, was, value})
	}
	if s.RequestedIP != "" {
		c.NoField = true
		c.Changes = append(c.Changes, Change{".spec.loadBalancerIP", s.RequestedIP, ""})
	}
}

// Patch is the change of s as a JSON patch, which first tests that what it changes is
// still as it was shown: what somebody else changed meanwhile is refused. It is no matter
// that a controller writes the status all the time, as it is with a resourceVersion.
func (c Conversion) Patch(s snapshot.Service, annotated bool) ([]byte, error) {
	type op struct {
		Op    string `json:"op"`
		Path  string `json:"path"`
		Value any    `json:"value,omitempty"`
	}
	ops := []op{{"test", "/spec/ipFamilyPolicy", s.Policy}, {"test", "/spec/ipFamilies", s.Families}, {"replace", "/spec/ipFamilyPolicy", c.Policy}}
	if len(c.Families) > 0 {
		ops = append(ops, op{"replace", "/spec/ipFamilies", c.Families})
	}
	if c.NoField {
		ops = append(ops, op{"test", "/spec/loadBalancerIP", s.RequestedIP}, op{Op: "remove", Path: "/spec/loadBalancerIP"})
	}
	if len(c.Annotations) > 0 && !annotated {
		ops = append(ops, op{"add", "/metadata/annotations", map[string]string{}})
	}
	for _, key := range slices.Sorted(maps.Keys(c.Annotations)) {
		path := "/metadata/annotations/" + pointer.Replace(key)
		if was := s.Annotations[key]; was != "" {
			ops = append(ops, op{"test", path, was})
		}
		ops = append(ops, op{"add", path, c.Annotations[key]})
	}
	return json.Marshal(ops)
}

// pointer writes a key as a part of a JSON pointer (RFC 6901, section 3).
var pointer = strings.NewReplacer("~", "~0", "/", "~1")

// Keep is the addresses that a Service that is about to have these families is to ask
// for, so that it keeps those that it has: they, and beside them what MetalLB would add
// out of the same pool. A Service without addresses has none to keep.
func Keep(in *checks.Input, s snapshot.Service) ([]netip.Addr, error) {
	wanted := s.Has()
	current := slices.DeleteFunc(slices.Clone(s.Ingress), func(a netip.Addr) bool { return !wanted.Has(ipfam.Of(a)) })
	if len(current) == 0 || ipfam.SetOfAddrs(current) == wanted {
		return current, nil
	}
	if c, _ := ControllerOf(in, s.Class); c != MetalLB {
		return nil, fmt.Errorf("has its addresses from %s, whose choice of the other one is not predicted", cmp.Or(string(c), "nobody that is known here"))
	}
	v, _ := in.MetalLBVersion()
	service := in.AsMetalLB(s)
	service.Current, service.Policy = current, string(Prefer)
	o := offer{in.PoolsInForce(), in.Taken(), v}.predict(service)
	if o.Families() != wanted || !o.Kept {
		return nil, fmt.Errorf("has %s, and no address of %s is free in the same pool, where MetalLB would have to take it from", commas(current), wanted.Minus(ipfam.SetOfAddrs(current)))
	}
	return o.Addrs, nil
}
