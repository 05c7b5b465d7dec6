package plan

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	"go4.org/netipx"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

// text reads any text that is not empty.
func text(at func(*Plan) *string) func(*reader, value) {
	return func(r *reader, v value) {
		if s, ok := r.text(v, "text"); ok {
			*at(&r.plan) = s
		}
	}
}

// text is the text of v; want says in a message what it is to be.
func (r *reader) text(v value, want string) (string, bool) {
	if v.node.Kind != yaml.ScalarNode || v.node.ShortTag() != "!!str" || v.node.Value == "" {
		r.reject(v, fmt.Sprintf("is %s; want %s", describe(v.node), want), "")
		return "", false
	}
	return v.node.Value, true
}

// constant takes one text and no other.
func constant(want string) func(*reader, value) {
	return func(r *reader, v value) {
		if v.node.Kind != yaml.ScalarNode || v.node.Value != want {
			r.reject(v, fmt.Sprintf("is %s; want %s", describe(v.node), want), "write "+want)
		}
	}
}

// oneOf takes one of the words.
func oneOf[T ~string](words []T, at func(*Plan) *T) func(*reader, value) {
	return func(r *reader, v value) {
		if i := slices.Index(words, T(v.node.Value)); v.node.Kind == yaml.ScalarNode && i >= 0 {
			*at(&r.plan) = words[i]
			return
		}
		r.reject(v, fmt.Sprintf("is %s; want one of %v", describe(v.node), words), "")
	}
}

// integer takes a whole number from 1 to most.
func integer(most int, at func(*Plan) *int) func(*reader, value) {
	return func(r *reader, v value) {
		var n int
		if v.node.Kind == yaml.ScalarNode && v.node.ShortTag() == "!!int" && v.node.Decode(&n) == nil && n >= 1 && n <= most {
			*at(&r.plan) = n
			return
		}
		fix := ""
		if n, err := strconv.Atoi(v.node.Value); err == nil && v.node.ShortTag() == "!!str" && n >= 1 && n <= most {
			fix = fmt.Sprintf("write %d without quotes", n)
		}
		r.reject(v, fmt.Sprintf("is %s; want a whole number from 1 to %d", describe(v.node), most), fix)
	}
}

// version takes a release. Unquoted, 1.20 is a number to YAML, and its text is
// still what was written.
func version(at func(*Plan) *release.Version) func(*reader, value) {
	return func(r *reader, v value) {
		if v.node.Kind == yaml.ScalarNode {
			if parsed, err := release.Parse(v.node.Value); err == nil {
				*at(&r.plan) = parsed
				return
			}
		}
		r.reject(v, fmt.Sprintf("is %s; want a release such as 1.20 or 1.20.2", describe(v.node)), "")
	}
}

func readFamilies(r *reader, v value) {
	before := len(r.problems)
	r.list(v, func(item value) {
		f, err := ipfam.Parse(item.node.Value)
		switch {
		case item.node.Kind != yaml.ScalarNode || err != nil:
			r.reject(item, fmt.Sprintf("is %s; want IPv4 or IPv6", describe(item.node)), "")
		case slices.Contains(r.plan.Families, f):
			r.reject(item, fmt.Sprintf("names %s a second time", f), "")
		default:
			r.plan.Families = append(r.plan.Families, f)
		}
	})
	if len(r.plan.Families) == 0 && len(r.problems) == before {
		r.reject(v, "names no family; want IPv4, IPv6 or both, the primary first", "leave the field out, for both")
	}
}

func readRouted(r *reader, v value) {
	r.list(v, func(item value) {
		if p, ok := r.prefix(item, 0); ok {
			r.plan.Routed = append(r.plan.Routed, p)
		}
	})
}

func readPoolName(r *reader, v value) {
	name, ok := r.text(v, "the name of the pool")
	if !ok {
		return
	}
	for i, other := range r.plan.LoadBalancers {
		if other.Name == name {
			r.reject(v, fmt.Sprintf("%q is also the name of %s", short(name), index("spec.loadBalancers", i)), "")
			return
		}
	}
	r.plan.pool().Name = name
}

func readPoolAddresses(r *reader, v value) {
	before := len(r.problems)
	addresses(func(p *Plan) *[]netipx.IPRange { return &p.pool().Addresses })(r, v)
	if len(r.plan.pool().Addresses) == 0 && len(r.problems) == before {
		r.reject(v, "has no addresses", "")
	}
}

// addresses takes a list of prefixes and FROM-TO ranges.
func addresses(at func(*Plan) *[]netipx.IPRange) func(*reader, value) {
	return func(r *reader, v value) {
		r.list(v, func(item value) {
			s, ok := r.text(item, "PREFIX/LENGTH or FROM-TO")
			if !ok {
				return
			}
			absolute, ok := r.absolute(item, s)
			if !ok {
				return
			}
			addrs, _, err := ParseAddrs(absolute)
			if err != nil {
				r.reject(item, rangeFault(absolute, err), "")
				return
			}
			r.plan.texts[item.field] = s
			list := at(&r.plan)
			*list = append(*list, addrs)
		})
	}
}

// rangeFault is the message of an error of ParseAddrs over s.
func rangeFault(s string, err error) string {
	if len(s) > 100 {
		return fmt.Sprintf("is %q; want PREFIX/LENGTH or FROM-TO", short(s))
	}
	return err.Error()
}

// prefix is v as a prefix of family f, or of either when f is none.
func (r *reader) prefix(v value, f ipfam.Family) (netip.Prefix, bool) {
	want := "a prefix"
	if f.Valid() {
		want = fmt.Sprintf("an %s prefix", f)
	}
	s, ok := r.text(v, want)
	if !ok {
		return netip.Prefix{}, false
	}
	absolute, ok := r.absolute(v, s)
	if !ok {
		return netip.Prefix{}, false
	}
	p, err := netip.ParsePrefix(absolute)
	if err != nil {
		r.reject(v, fmt.Sprintf("%q is no prefix: %s", short(s), prefixFault(absolute)), "")
		return p, false
	}
	switch found := ipfam.OfPrefix(p); {
	case p.Addr().Is4In6():
		r.reject(v, fmt.Sprintf("%s is an IPv4-mapped prefix; want %s", p, want), unmapped(p))
	case f.Valid() && found != f:
		r.reject(v, fmt.Sprintf("%s is an %s prefix; want %s", p, found, want), "write it under "+key(found))
	default:
		r.plan.texts[v.field] = s
		return p, true
	}
	return p, false
}

func unmapped(p netip.Prefix) string {
	if p.Bits() < 96 {
		return ""
	}
	return fmt.Sprintf("write %s under %s", netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96), key(ipfam.V4))
}

// prefixFault is what keeps s from being a prefix.
func prefixFault(s string) string {
	address, length, ok := strings.Cut(s, "/")
	a, err := netip.ParseAddr(address)
	switch {
	case err != nil:
		return fmt.Sprintf("%q is no address", short(address))
	case a.Zone() != "":
		return "a prefix has no zone"
	case !ok:
		return fmt.Sprintf("it has no length; want /0 to /%d", a.BitLen())
	}
	return fmt.Sprintf("/%s is no length; want /0 to /%d", short(length), a.BitLen())
}
