package cmd

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	corev1 "k8s.io/api/core/v1"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
	"k8s.io/kubectl/pkg/util/completion"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/expose"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
)

// exposeFlags is the flags that kubectl has not got, as they were given.
type exposeFlags struct {
	ports        []string
	policy       string
	families     []string
	lb           bool
	nodePort     bool
	headless     bool
	pool         string
	addresses    []string
	share        string
	class        string
	traffic      string
	sourceRanges []string
	oneFamily    bool
	keepPorts    bool
	force        bool
	wait         string
	probe        bool
	probeImage   string
	rollback     bool
	router       string
	plan         string
	routed       []string

	upgrade       bool
	downgrade     bool
	allNamespaces bool
	keepAddresses bool
	yes           bool
}

func (o *exposeOptions) addFlags(cmd *cobra.Command) {
	// kubectl's flags but --port, which may be repeated here and takes more.
	theirs := &cobra.Command{}
	o.kubectl.AddFlags(theirs)
	flags := cmd.Flags()
	theirs.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Name != "port" {
			flags.AddFlag(f)
		}
	})
	f := &o.flags
	flags.StringArrayVar(&f.ports, "port", nil, "Port of the Service, [NAME=]PORT[:TARGET][/PROTOCOL]; may be repeated. Copied from the resource being exposed, if unspecified.")
	flags.StringVar(&f.policy, "family-policy", expose.Policies[0], "Families that the Service must have: require (both, or it is refused), prefer (both where the cluster has both), single.")
	flags.StringSliceVar(&f.families, "families", nil, "Families in their order, such as IPv6,IPv4: the first one is primary, and stays so. The API server's order, if unspecified.")
	flags.BoolVar(&f.lb, "lb", false, "A Service of type LoadBalancer; short for --type LoadBalancer.")
	flags.BoolVar(&f.nodePort, "node-port", false, "A Service of type NodePort; short for --type NodePort.")
	flags.BoolVar(&f.headless, "headless", false, "A Service without ClusterIPs; short for --cluster-ip None.")
	flags.StringVar(&f.pool, "pool", "", "Pool of MetalLB that the addresses are to be of.")
	flags.StringSliceVar(&f.addresses, "addresses", nil, "Load balancer's addresses that the Service is to have, one of each family.")
	flags.StringVar(&f.share, "share", "", "Key with which Services of different ports share their addresses.")
	flags.StringVar(&f.class, "load-balancer-class", "", "Class of the load balancer, which only one controller serves.")
	flags.StringVar(&f.traffic, "external-traffic-policy", "", "Cluster, or Local: only Nodes with an endpoint answer, and clients keep their address.")
	flags.StringSliceVar(&f.sourceRanges, "source-ranges", nil, "Prefixes that clients of the load balancer may have, of both families.")
	flags.BoolVar(&f.oneFamily, "allow-one-family-ranges", false, "Take --source-ranges of one family.")
	flags.BoolVar(&f.keepPorts, "keep-ports", false, "Keep names, target ports and protocols of the ports that are copied from the resource; kubectl loses them.")
	flags.BoolVar(&f.force, "force", false, "Make the Service although a failure is foretold.")
	flags.StringVar(&f.wait, "wait", "", "Come back when the Service is complete in both families, for at most this long (2m when no time is given); false for not at all. By default only with --lb on a terminal.")
	flags.Lookup("wait").NoOptDefVal = defaultWait.String()
	flags.BoolVar(&f.probe, "probe", false, "With --wait: connect to each address of the load balancer from here, and to all addresses from a Pod, which goes again.")
	flags.StringVar(&f.probeImage, "probe-image", "busybox:1.37", "Image of that Pod, with sh, nc and timeout; none for no Pod.")
	flags.BoolVar(&f.rollback, "rollback", false, "With --wait: remove the Service again when it is not complete in time.")
	flags.StringVar(&f.plan, "plan", "", planFlag+" to judge by, too.")
	flags.StringVar(&f.router, "print-router", "", "With --wait: print the commands with which a home router publishes the Service on the internet: nftables, openwrt or vyos.")
	flags.StringSliceVar(&f.routed, "print-router-families", []string{"IPv4", "IPv6"}, "Families to publish it in.")
	flags.BoolVar(&f.upgrade, "upgrade", false, "Give Services that are there the second family: svc/NAME, -f, -l for a selector, or -A.")
	flags.BoolVar(&f.downgrade, "downgrade", false, "Take the second family from Services that are there.")
	flags.BoolVarP(&f.allNamespaces, "all-namespaces", "A", false, "With --upgrade or --downgrade: the Services of all namespaces.")
	flags.BoolVar(&f.keepAddresses, "keep-addresses", false, "With --upgrade or --downgrade: have the Service ask for the addresses of the load balancer that it has.")
	flags.BoolVarP(&f.yes, "yes", "y", false, "With --upgrade or --downgrade: do not ask.")
	complete(cmd, "print-router", expose.Routers...)
	complete(cmd, "print-router-families", "IPv4,IPv6", "IPv4", "IPv6")
	complete(cmd, "family-policy", expose.Policies...)
	complete(cmd, "families", "IPv4,IPv6", "IPv6,IPv4", "IPv4", "IPv6")
	complete(cmd, "external-traffic-policy", string(corev1.ServiceExternalTrafficPolicyCluster), string(corev1.ServiceExternalTrafficPolicyLocal))
	complete(cmd, "type", "ClusterIP", "NodePort", "LoadBalancer", "ExternalName")
	complete(cmd, "dry-run", "none", "client", "server")
	complete(cmd, "protocol", "TCP", "UDP", "SCTP")
	o.config.AddFlags(flags)
	markConnection(flags, o.config)
	completeKubeconfig(cmd, o.config)
	register(cmd, "namespace", completion.ResourceNameCompletionFunc(o.factory, "namespace"))
}

// shorthands puts --lb, --node-port and --headless into the flags that they are short
// for.
func (o *exposeOptions) shorthands() error {
	for _, short := range []struct {
		given       bool
		flag, value string
		into        *string
	}{
		{o.flags.lb, "--lb", "LoadBalancer", &o.kubectl.Type},
		{o.flags.nodePort, "--node-port", "NodePort", &o.kubectl.Type},
		{o.flags.headless, "--headless", corev1.ClusterIPNone, o.clusterIP()},
	} {
		if !short.given {
			continue
		}
		if *short.into != "" && *short.into != short.value {
			return fmt.Errorf("%s is %s, and %s is asked for too", short.flag, short.value, *short.into)
		}
		*short.into = short.value
	}
	return nil
}

// clusterIP is kubectl's flag of that name.
func (o *exposeOptions) clusterIP() *string { return &o.kubectl.ClusterIP } //nolint:forbidigo // a flag and no field of an object

func (o *exposeOptions) readRequest(ctx context.Context) (err error) {
	f, r := &o.flags, &o.request
	if r.Policy, err = expose.ParsePolicy(f.policy); err != nil {
		return fmt.Errorf("--family-policy %w", err)
	}
	if r.Families, err = expose.ParseFamilies(f.families); err != nil {
		return fmt.Errorf("--families: %w", err)
	}
	if r.Addresses, err = expose.ParseAddresses(f.addresses); err != nil {
		return fmt.Errorf("--addresses: %w", err)
	}
	if r.SourceRanges, err = expose.ParseRanges(f.sourceRanges); err != nil {
		return fmt.Errorf("--source-ranges: %w", err)
	}
	if o.plan, _, err = (&planSource{stdin: o.In, config: o.config}).flag(ctx, f.plan); err != nil {
		return err
	}
	published, err := expose.ParseFamilies(f.routed)
	if err != nil {
		return fmt.Errorf("--print-router-families: %w", err)
	}
	o.published = ipfam.SetOf(published...)
	r.OneFamilyRanges = f.oneFamily
	r.Headless = *o.clusterIP() == corev1.ClusterIPNone
	r.LoadBalancer = o.kubectl.Type == string(corev1.ServiceTypeLoadBalancer)
	r.Pool, r.SharingKey, r.Class = f.pool, f.share, f.class
	return nil
}

// numbers is the ports as «kubectl expose» takes them.
func numbers(ports []expose.Port) (list string) {
	for i, p := range ports {
		if i > 0 {
			list += ","
		}
		list += fmt.Sprint(p.Number)
	}
	return list
}

// defaultWait is how long --wait waits when it is given without a time.
const defaultWait = 2 * time.Minute

// waitFor is how long to wait for the Service; zero is not at all.
func (o *exposeOptions) waitFor() (time.Duration, error) {
	switch {
	case o.dryRun != cmdutil.DryRunNone || o.flags.wait == "false":
		return 0, nil
	case o.flags.wait == "" && !(o.request.LoadBalancer && o.tty && !o.piped):
		return 0, nil
	case o.flags.wait == "":
		return defaultWait, nil
	case o.flags.wait == "true":
		return defaultWait, nil
	}
	d, err := time.ParseDuration(o.flags.wait)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("--wait %q: want a duration such as 90s, or false", o.flags.wait)
	}
	return d, nil
}
