package plan

import (
	"fmt"
	"maps"
	"net/netip"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	"go4.org/netipx"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
)

// relativeMark begins a range that is written relative to the delegated IPv6
// prefix, so that a change of the provider's prefix is a change of one line:
//
//	delegated  2001:db8:7653:200::/56
//	written   +   0:  0:   0: 16::/64
//	is         2001:db8:7653:216::/64
//
// In FROM-TO the mark at the start holds for both ends, and may be repeated.
const relativeMark = "+"

// Relative reports whether text, which stands for a range in a plan, is written
// relative to the delegated IPv6 prefix.
func Relative(text string) bool { return strings.HasPrefix(text, relativeMark) }

// fault is what is wrong with a value, and what would do.
type fault struct {
	message, fix string
}

// resolve is a text of the file, which may be relative, as the absolute text that
// it stands for. Lengths and what is no address are left for the parsers of
// ranges to judge.
func resolve(text string, site netip.Prefix) (string, *fault) {
	if !Relative(text) {
		if from, to, ok := strings.Cut(text, "-"); ok && Relative(strings.TrimSpace(to)) {
			return "", &fault{fmt.Sprintf("%q begins with an address and ends relative to the delegated prefix", short(text)),
				"write + before both: " + quoted(relativeMark+strings.TrimSpace(from)+"-"+strings.TrimSpace(to))}
		}
		return text, nil
	}
	rest := text[len(relativeMark):]
	if from, to, ok := strings.Cut(rest, "-"); ok {
		a, wrong := resolveAddr(text, strings.TrimSpace(from), site)
		if wrong != nil {
			return "", wrong
		}
		b, wrong := resolveAddr(text, strings.TrimPrefix(strings.TrimSpace(to), relativeMark), site)
		if wrong != nil {
			return "", wrong
		}
		return a.String() + "-" + b.String(), nil
	}
	address, length, hasLength := strings.Cut(rest, "/")
	a, wrong := resolveAddr(text, address, site)
	if wrong != nil {
		return "", wrong
	}
	if !hasLength {
		return a.String(), nil
	}
	if n, err := strconv.Atoi(length); err == nil && n >= 0 && n < site.Bits() {
		return "", &fault{fmt.Sprintf("%q is wider than the delegated prefix %s", short(text), site),
			fmt.Sprintf("write /%d or longer", site.Bits())}
	}
	return a.String() + "/" + length, nil
}

// resolveAddr is the address at an offset in the delegated prefix; text is for messages.
func resolveAddr(text, offset string, site netip.Prefix) (netip.Addr, *fault) {
	a, err := netip.ParseAddr(offset)
	if err != nil || a.Zone() != "" || !a.Is6() {
		return a, &fault{fmt.Sprintf("%q is no range of the delegated prefix: %q is no IPv6 address", short(text), short(offset)),
			"write +ADDRESS/LENGTH, with 0 where the delegated prefix has its own bits: " + quoted(FormatOffset(netip.PrefixFrom(site.Addr(), max(site.Bits(), 64)), site))}
	}
	if netip.PrefixFrom(a, site.Bits()).Masked().Addr() != netip.IPv6Unspecified() {
		return a, &fault{fmt.Sprintf("%q has bits before the /%d of the delegated prefix %s", short(text), site.Bits(), site),
			fmt.Sprintf("write 0 there: %s for %s", quoted(relativeMark+offsetText(a, site)), offset)}
	}
	return join6(site, a), nil
}

// offsetText is what a has after the bits of site, as an address. The groups that
// are all the site's are written out, so that those after them are read in place.
func offsetText(a netip.Addr, site netip.Prefix) string {
	bytes := a.As16()
	for i := range bytes {
		bytes[i] &= byte(0xff) >> min(max(site.Bits()-8*i, 0), 8)
	}
	whole := min(site.Bits()/16, 7)
	groups := make([]string, 8)
	for i := range groups {
		groups[i] = strconv.FormatUint(uint64(bytes[2*i])<<8|uint64(bytes[2*i+1]), 16)
	}
	from, to := zeros(groups, whole)
	if from == to {
		return strings.Join(groups, ":")
	}
	return strings.Join(groups[:from], ":") + "::" + strings.Join(groups[to:], ":")
}

// zeros is the longest run of two or more zero groups from the index first on.
func zeros(groups []string, first int) (from, to int) {
	for i := first; i < len(groups); i++ {
		j := i
		for j < len(groups) && groups[j] == "0" {
			j++
		}
		if j-i > max(to-from, 1) {
			from, to = i, j
		}
		i = max(i, j-1)
	}
	return from, to
}

// FormatOffset is p as it is written relative to the delegated prefix site, which
// is to hold it: "+0:0:0:16::/64".
func FormatOffset(p, site netip.Prefix) string {
	return fmt.Sprintf("%s%s/%d", relativeMark, offsetText(p.Addr(), site), p.Bits())
}

// FormatOffsets is FormatOffset for a range.
func FormatOffsets(r netipx.IPRange, site netip.Prefix) string {
	if p, ok := r.Prefix(); ok {
		return FormatOffset(p, site)
	}
	return relativeMark + offsetText(r.From(), site) + "-" + relativeMark + offsetText(r.To(), site)
}

// site is the delegated IPv6 prefix of a file, wherever in it that stands; it is
// invalid when there is none that can be read.
func siteOf(root *yaml.Node) netip.Prefix {
	node := root
	for _, name := range []string{"spec", "delegated", key(ipfam.V6)} {
		node = child(node, name)
		if node == nil {
			return netip.Prefix{}
		}
		if node.Kind == yaml.AliasNode && node.Alias != nil {
			node = node.Alias
		}
	}
	p, err := netip.ParsePrefix(node.Value)
	if err != nil || !p.Addr().Is6() || p.Addr().Is4In6() {
		return netip.Prefix{}
	}
	return p.Masked()
}

// absolute is the text s of v with the delegated prefix put in where s is relative.
func (r *reader) absolute(v value, s string) (string, bool) {
	if !Relative(s) && !strings.Contains(s, relativeMark) {
		return s, true
	}
	if strings.HasPrefix(v.field, "spec.delegated") {
		r.reject(v, fmt.Sprintf("%q is relative to the delegated prefix, which this is", short(s)), "write the prefix that the provider routes to the site")
		return "", false
	}
	if Relative(s) && !r.site.IsValid() {
		r.reject(v, fmt.Sprintf("%q is relative to the delegated prefix, and there is no spec.delegated.%s that can be read", short(s), key(ipfam.V6)),
			fmt.Sprintf("write spec.delegated.%s, or the range in full", key(ipfam.V6)))
		return "", false
	}
	text, wrong := resolve(s, r.site)
	if wrong != nil {
		r.reject(v, wrong.message, wrong.fix)
		return "", false
	}
	return text, true
}

// text is the range at field as the file has it, and what that stands for; it is
// empty for a plan that no file has.
func (p *Plan) text(field string) (written, absolute string) {
	written = p.texts[field]
	site := p.Delegated.V6
	if !Relative(written) {
		return written, written
	}
	if !site.IsValid() {
		return written, ""
	}
	absolute, wrong := resolve(written, site.Masked())
	if wrong != nil {
		return written, ""
	}
	return written, absolute
}

// Relative reports whether the range at field is written relative to the
// delegated prefix, and how.
func (p *Plan) Relative(field string) (written string, ok bool) {
	written = p.texts[field]
	return written, Relative(written)
}

// ToRelative is the same plan, with every range in the delegated IPv6 prefix
// written relative to it. Without such a prefix it is the plan as it is.
func (p *Plan) ToRelative() *Plan {
	relative := *p
	site := p.Delegated.V6
	if !site.IsValid() {
		return &relative
	}
	relative.texts = maps.Clone(p.texts)
	if relative.texts == nil {
		relative.texts = map[string]string{}
	}
	for _, r := range p.Ranges() {
		if r.Use == Delegated || !Within(r.Addrs, netipx.RangeOfPrefix(site.Masked())) {
			continue
		}
		relative.texts[r.Field] = FormatOffsets(r.Addrs, site)
		if written := p.Written(r); written.IsValid() {
			relative.texts[r.Field] = FormatOffset(written, site)
		}
	}
	return &relative
}

// inItsWords adds to a problem of a range that is written relative to the delegated
// prefix how it is written, and has what is to be written instead relative too.
func (p *Plan) inItsWords(problem *Problem) {
	written, ok := p.Relative(problem.Field)
	if !ok {
		return
	}
	problem.Message += fmt.Sprintf(" (written %s)", short(written))
	for _, begin := range []string{"write ", "begin at ", "end at ", "take a free range"} {
		if strings.HasPrefix(problem.Fix, begin) {
			problem.Fix = offsets(problem.Fix, p.Delegated.V6.Masked())
		}
	}
}

// offsets is text with the addresses and prefixes in site relative to it, but for
// site itself.
func offsets(text string, site netip.Prefix) string {
	var out strings.Builder
	done := 0
	for t := range tokens(text) {
		if !site.Contains(t.addr) || t.bits >= 0 && t.bits <= site.Bits() {
			continue
		}
		out.WriteString(text[done:t.start] + relativeMark + offsetText(t.addr, site))
		done = t.addressEnd
	}
	return out.String() + text[done:]
}

func quoted(s string) string { return `"` + s + `"` }
