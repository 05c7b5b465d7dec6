package policy

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// entranceKinds is the kinds of what others enter the cluster by.
var entranceKinds = []snapshot.Kind{snapshot.Ingresses, snapshot.APIGateways}

var allowListFamilies = &checks.Check{
	ID:       "DS808",
	Name:     "allow-list-families",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "an Ingress that is reached over two families and lets in ranges only has ranges of both",
		Why: `The controller compares the client's address with the list, and answers 403 to everybody
else. Clients who come over the other family are refused, those of the same site that the
list was made for included.`,
		Fix:    "Add the clients' ranges of the other family to the annotation.",
		Limits: "Annotations that end in whitelist-source-range or allowlist-source-range. An Ingress that is not yet published is not looked at. Behind a proxy the controller sees the proxy's address.",
		Holds:  "ingress-nginx 1.0 to 1.13",
		Since:  "0.1",
		Refs:   []string{"https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#whitelist-source-range", "https://github.com/kubernetes/ingress-nginx/issues/469"},
		Covers: []string{"POL-06"},
	},
	Uses: entranceKinds,
	Run: func(in *checks.Input) (fs []checks.Finding) {
		for _, e := range in.Entrances() {
			if !ipfam.SetOfAddrs(e.Addresses).Dual() {
				continue
			}
			for _, a := range e.Allowed {
				f, one := ipfam.SetOfPrefixes(a.Ranges).Single()
				if !one {
					continue
				}
				fs = append(fs, checks.Finding{
					Object: e.Ref, Field: ".metadata.annotations." + a.Annotation, Family: f.Other(),
					Message: fmt.Sprintf("lets in %s, and answers 403 to everybody who comes over %s", checks.Some(texts(a.Ranges)), f.Other()),
					Fix: checks.Command("kubectl", "annotate", strings.ToLower(e.Kind), e.Name, "-n", e.Namespace, "--overwrite",
						fmt.Sprintf("%s=%s,<%s ranges of the same clients>", a.Annotation, strings.Join(texts(a.Ranges), ","), f.Other())),
				})
			}
		}
		return fs
	},
}

var entranceAddresses = &checks.Check{
	ID:       "DS809",
	Name:     "entrance-addresses",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "an Ingress or Gateway is published with the addresses of both families that its load balancer has",
		Why: `What reads the status, such as external-dns, makes records of the addresses that it finds
there. A controller that publishes one of two leaves the names without the other family,
though it listens there.`,
		Fix:    "Have the controller publish its Service (for ingress-nginx --publish-service), in a release that takes all of its addresses.",
		Limits: "The load balancer is found by the address; one that has one family itself is an info.",
		Holds:  "Kubernetes 1.23 to 1.37; Gateway API 1.0 to 1.3",
		Since:  "0.1",
		Refs:   []string{"https://kubernetes.io/docs/reference/kubernetes-api/service-resources/ingress-v1/#IngressStatus", "https://github.com/kubernetes-sigs/external-dns/issues/4509"},
		Covers: []string{"LB-16"},
	},
	Needs: []snapshot.Kind{snapshot.Services},
	Uses:  slices.Concat(entranceKinds, podKinds),
	AnyOf: entranceKinds,
	Run: func(in *checks.Input) (fs []checks.Finding) {
		services, dual := in.Services(), clusterDual(in)
		names := map[int][]string{} // of what each finding is about
		for _, e := range in.Entrances() {
			f, one := ipfam.SetOfAddrs(e.Addresses).Single()
			balancer := balancerAt(services, e.Addresses)
			if !one || len(e.Hostnames) > 0 || balancer == nil {
				continue
			}
			missing := f.Other()
			finding := checks.Finding{Object: e.Ref, Field: statusField[e.Kind], Family: missing}
			has := ipfam.SplitAddrs(balancer.Ingress).Of(missing)
			switch {
			case len(has) > 0:
				finding.Message = fmt.Sprintf("is published with %v only, and its %s has %v as well", e.Addresses, balancer.Ref, has)
				finding.Fix = "have the controller publish all addresses of " + balancer.Ref.String()
			case dual && !balancer.WantsDual():
				finding.Severity = severity.Info
				finding.Message = fmt.Sprintf("is published with %v only: its %s has one family", e.Addresses, balancer.Ref)
				finding.Fix = checks.Patch(balancer.Ref, `{"spec":{"ipFamilyPolicy":"PreferDualStack"}}`)
			default:
				continue
			}
			at := slices.IndexFunc(fs, func(f checks.Finding) bool { return f.Message == finding.Message })
			if at < 0 {
				at, fs = len(fs), append(fs, finding)
			}
			names[at] = append(names[at], e.Ref.String())
		}
		for i := range fs {
			if len(names[i]) > 1 {
				fs[i].Message += fmt.Sprintf("; %d are such: %s", len(names[i]), checks.Some(names[i]))
			}
		}
		return fs
	},
}

// statusField is where the addresses stand.
var statusField = map[string]string{"Ingress": ".status.loadBalancer.ingress", "Gateway": ".status.addresses"}

// balancerAt is the LoadBalancer Service that has one of the addresses, or nil.
func balancerAt(services []snapshot.Service, at []netip.Addr) *snapshot.Service {
	for i := range services {
		if slices.ContainsFunc(services[i].Ingress, func(a netip.Addr) bool { return slices.Contains(at, a) }) {
			return &services[i]
		}
	}
	return nil
}
