package render

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"unicode"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/metallb"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

// job is the rendering of one plan for one target.
type job struct {
	plan   *plan.Plan
	target Target
	opts   Options

	files  []File
	notes  []Note
	faults []error
}

// The releases that the files are for.
func (j *job) kubernetes() release.Version {
	return j.opts.Versions.Kubernetes.Or(j.plan.Versions.Kubernetes).Or(plan.LatestKubernetes)
}
func (j *job) cilium() release.Version {
	return j.opts.Versions.Cilium.Or(j.plan.Versions.Cilium).Or(cilium.Latest)
}
func (j *job) metallb() release.Version {
	return j.opts.Versions.MetalLB.Or(j.plan.Versions.MetalLB).Or(metallb.Latest)
}

// fault keeps the plan from being rendered.
func (j *job) fault(field, format string, args ...any) {
	err := fmt.Errorf(format, args...)
	if field != "" {
		err = fmt.Errorf("%s: %w", j.place(field), err)
	}
	j.faults = append(j.faults, err)
}

// place is the line of the plan to look at for a field, or for where it would stand.
func (j *job) place(field string) string {
	if source := j.plan.Source(); source != "" {
		return fmt.Sprintf("%s:%d: %s", oneLine(source), j.plan.Position(field).Line, field)
	}
	return field
}

// note is about file, or about all when that is empty.
func (j *job) note(file, format string, args ...any) {
	n := Note{Target: j.target, File: file, Message: fmt.Sprintf(format, args...)}
	if !slices.Contains(j.notes, n) {
		j.notes = append(j.notes, n)
	}
}

func (j *job) file(name string, content []byte) {
	j.files = append(j.files, File{Name: name, Content: content})
}

// from is where in the plan these fields stand: "plan.yaml:24 spec.pods.ipv6". A plan
// that was read from no file has no lines.
func (j *job) from(fields ...string) string {
	places := make([]string, len(fields))
	for i, field := range fields {
		switch source := j.plan.Source(); {
		case source == "":
			places[i] = field
		case !j.written(field):
			places[i] = field + " (not given)"
		default:
			places[i] = fmt.Sprintf("%s:%d %s", oneLine(source), j.plan.Position(field).Line, field)
		}
	}
	return strings.Join(places, ", ")
}

// written reports whether the file of the plan has the field. One that it does not have
// stands where the field around it does.
func (j *job) written(field string) bool {
	i := strings.LastIndexAny(field, ".[")
	return i < 0 || j.plan.Position(field) != j.plan.Position(field[:i])
}

// oneLine is text that may stand in a comment: whatever ends a line, or does worse to
// a terminal, is a question mark.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == 0x2028 || r == 0x2029 || r == 0xfeff {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}

// of is the field of a family: spec.pods.ipv6.
func of(field string, f ipfam.Family) string { return field + "." + strings.ToLower(f.String()) }

// each is the fields of the plan's families, the primary first.
func (j *job) each(field string) []string {
	var fields []string
	for _, f := range j.plan.Families {
		fields = append(fields, of(field, f))
	}
	return fields
}

// ranges is the ranges of the plan's families, the primary first. One that is not
// there is a fault.
func (j *job) ranges(field string, pair ipfam.Pair[netip.Prefix]) []netip.Prefix {
	var ps []netip.Prefix
	for _, f := range j.plan.Families {
		p := pair.Of(f)
		if !p.IsValid() {
			j.fault(of(field, f), "is not given")
			continue
		}
		ps = append(ps, p.Masked())
	}
	return ps
}

func (j *job) pods() []netip.Prefix     { return j.ranges("spec.pods", j.plan.Pods.Prefixes) }
func (j *job) services() []netip.Prefix { return j.ranges("spec.services", j.plan.Services) }

// joined is texts with commas between them and no spaces, which the programs take
// for a part of the range (kubernetes v1.37.2, cmd/kube-apiserver/app/options/completion.go).
func joined[T fmt.Stringer](items []T) string {
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i] = item.String()
	}
	return strings.Join(texts, ",")
}

// mask is the node mask of family f and where it comes from.
func (j *job) mask(f ipfam.Family) (mask int, why string) {
	field := of("spec.pods.nodeMask", f)
	if given := j.plan.Pods.NodeMask.Of(f); given != 0 {
		return given, j.from(field)
	}
	return j.plan.NodeMask(f), field + " is not given: what kube-controller-manager takes by itself"
}

// checkMasks finds the node masks that no controller cuts out of the pod ranges.
func (j *job) checkMasks(limit func(netip.Prefix, int) string) {
	for _, f := range j.plan.Families {
		pods := j.plan.Pods.Prefixes.Of(f)
		if !pods.IsValid() {
			continue
		}
		if why := limit(pods.Masked(), j.plan.NodeMask(f)); why != "" {
			j.fault(of("spec.pods.nodeMask", f), "%s", why)
		}
	}
}

// cniIsCilium reports whether Cilium is the network plug-in, in kube-proxy's place.
func (j *job) cniIsCilium() bool { return !j.opts.OwnCNI }

// controlPlane is the address of the API server: the control plane's of the primary
// family, or a placeholder.
func (j *job) controlPlane() string {
	primary := j.plan.Families[0]
	if len(j.opts.Nodes) == 0 {
		return fmt.Sprintf("${CONTROL_PLANE_%s}", strings.ToUpper(primary.String()))
	}
	return j.opts.Nodes[0].Addresses.Of(primary).String()
}
