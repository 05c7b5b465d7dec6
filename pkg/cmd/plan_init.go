package cmd

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/draft"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/report"
)

type initOptions struct {
	genericiooptions.IOStreams
	words initWords
	ula   bool
	out   string
	force bool

	// Set by Complete.
	demand draft.Demand
}

func newInitCommand(streams genericiooptions.IOStreams) *cobra.Command {
	o := &initOptions{IOStreams: streams}
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Draft an address plan from what the site has and the cluster needs",
		Long: templates.LongDesc(`
			Draft an address plan: from the prefix that the provider routes to the site, the
			network of the nodes and the size of the cluster, ranges of both families that keep
			every limit, with the reasons beside the numbers. The same flags give the same plan.

			On a terminal, what is not given and has to be known is asked for. Without a
			provider's prefix, --ula draws a unique local one after RFC 4193; its seed is recorded
			in the plan. With --relative, IPv6 ranges are written relative to the provider's
			prefix, so that a new one is a change of one line.

			Where a demand cannot be had, nothing is written, and every one that stands in the
			way is said, with what could be had instead.

			Exit status: 0 when there is a plan, 1 when the demands leave none, 2 when flags make
			no sense or the file cannot be written.`),
		Example: templates.Examples(`
			# A few questions, then the plan
			kubectl dualstack plan init --out plan.yaml

			# Two networks, and a prefix that the provider routes here
			kubectl dualstack plan init --delegated 2001:db8:7653:200::/56 \
			  --lan 192.168.16.0/24 --lan 2001:db8:7653:216::/64 --reserved 192.168.16.1-192.168.16.99

			# No prefix from the provider; 40 nodes
			kubectl dualstack plan init --ula --lan 192.168.16.0/24 --nodes 40`),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.Complete(cmd.Context(), cmd.Flags()); err != nil {
				return usageError(cmd, err)
			}
			return o.Run()
		},
	}
	o.addFlags(cmd)
	return cmd
}

func (o *initOptions) addFlags(cmd *cobra.Command) {
	flags, w := cmd.Flags(), &o.words
	flags.StringVar(&w.name, "name", "", "Name of the plan.")
	flags.StringSliceVar(&w.families, "families", nil, "Families of the cluster, the primary first: IPv4,IPv6 unless given.")
	flags.StringVar(&w.delegated, "delegated", "", "IPv6 prefix that the provider routes to the site, such as 2001:db8:7653:200::/56.")
	flags.BoolVar(&o.ula, "ula", false, "Draw a unique local IPv6 prefix for pods and Services; their packets leave with the address of a node.")
	flags.StringVar(&w.ulaSeed, "ula-seed", "", "Text that the unique local prefix is drawn from; at random unless given. Implies --ula.")
	flags.StringVar(&w.routed, "routed", "", "IPv6 prefix that the upstream router sends to the nodes already; pods and Services are put into it.")
	flags.StringSliceVar(&w.lan, "lan", nil, "On-link network of the nodes; may be repeated, once for each family.")
	flags.StringVar(&w.device, "interface", "", "Interface of the nodes on that network, such as eno1.")
	flags.StringSliceVar(&w.reserved, "reserved", nil, "Address, prefix or FROM-TO of the network that load balancers never get: routers, DHCP, other hosts; may be repeated.")
	flags.StringVar(&w.nodes, "nodes", "", fmt.Sprintf("Number of nodes that is expected; %d unless given.", draft.DefaultNodes))
	flags.StringVar(&w.podsPerNode, "pods-per-node", "", fmt.Sprintf("Number of pods on a node; %d unless given, which is what kubelet runs.", draft.DefaultPodsPerNode))
	flags.StringVar(&w.services, "services", "", fmt.Sprintf("Number of Services; %d unless given.", draft.DefaultServices))
	flags.StringVar(&w.loadBalancers, "load-balancers", "", fmt.Sprintf("Number of Services with an address for those outside; %d unless given, 0 for none.", draft.DefaultLoadBalancers))
	flags.StringSliceVar(&w.pool, "pool", nil, "Prefix or FROM-TO for load balancers, instead of one that is looked for; may be repeated.")
	flags.StringVar(&w.announce, "announce", "", "How the network learns of load balancers: l2, from the LAN, unless given; or bgp.")
	for _, f := range ipfam.All {
		name := strings.ToLower(f.String())
		flags.StringVar(w.egress.At(f), "egress-"+name, "", fmt.Sprintf("How packets of pods leave over %s: masquerade, routed or none.", f))
		flags.StringVar(w.nodeMask.At(f), "node-mask-"+name, "", fmt.Sprintf("Length of the block of %s addresses that each node gets.", f))
		complete(cmd, "egress-"+name, "masquerade", "routed", "none")
	}
	flags.StringSliceVar(&w.avoid, "avoid", nil, "Prefix that others use, such as another cluster or a VPN; may be repeated.")
	flags.StringVar(&w.kubernetes, "kubernetes", "", "Release of Kubernetes, such as 1.37; limits differ between releases.")
	flags.StringVar(&w.cilium, "cilium", "", "Release of Cilium.")
	flags.StringVar(&w.metallb, "metallb", "", "Release of MetalLB.")
	flags.BoolVar(&w.relative, "relative", false, "Write IPv6 ranges relative to the delegated prefix.")
	flags.StringVar(&o.out, "out", "", "File to write the plan to, instead of standard output.")
	flags.BoolVar(&o.force, "force", false, "Overwrite the file of --out.")
	complete(cmd, "families", "IPv4,IPv6", "IPv6,IPv4", "IPv4", "IPv6")
	complete(cmd, "announce", "l2", "bgp")
}

// Complete reads the flags, asks for what is missing on a terminal, and fails with
// the flags to give where there is none.
func (o *initOptions) Complete(ctx context.Context, flags *pflag.FlagSet) error {
	if o.force && o.out == "" {
		return errors.New("--force is for the file of --out")
	}
	if err := o.words.parse(&o.demand); err != nil {
		return err
	}
	if err := o.notThere(); err != nil {
		return err
	}
	if missing := o.words.missing(o.ula); len(missing) > 0 {
		out, end, ok := conversation(o.In, o.ErrOut)
		if !ok {
			return fmt.Errorf("missing, and there is no terminal to ask on: %s", strings.Join(missing, "; "))
		}
		defer end()
		a := newAsker(ctx, o.In, out)
		if err := o.words.ask(a, &o.ula, flags.Changed); err != nil {
			return err
		}
		if err := o.words.parse(&o.demand); err != nil {
			return err
		}
	}
	if o.ula && o.demand.ULASeed == "" {
		o.demand.ULASeed = strings.ToLower(rand.Text())
	}
	return nil
}

// notThere refuses a file that is there before anything is asked.
func (o *initOptions) notThere() error {
	if o.out == "" || o.force {
		return nil
	}
	return mayWrite(o.out)
}

// Run drafts, and writes the plan or what stands in its way.
func (o *initOptions) Run() error {
	p, notes, refusals := draft.Draft(o.demand)
	if p == nil {
		for _, r := range refusals {
			fmt.Fprintln(o.ErrOut, report.EscapeText(refusalText(r)))
		}
		return errFindings
	}
	text := p.Format(notes)
	if o.out == "" {
		_, err := o.Out.Write(text)
		return err
	}
	if err := writeWhole(o.out, text, o.force); err != nil {
		return err
	}
	fmt.Fprintf(o.ErrOut, "%s: written; look at it with: kubectl dualstack plan show %s\n", report.EscapeText(o.out), report.EscapeText(o.out))
	return nil
}

// refusalText is a refusal and what would do, each on a line.
func refusalText(r draft.Refusal) string {
	var b strings.Builder
	fmt.Fprintf(&b, "no plan: %s: %s", r.Flag, r.Message)
	if r.Fix != "" {
		fmt.Fprintf(&b, "\n  would do: %s", r.Fix)
	}
	for _, offer := range r.Offers {
		fmt.Fprintf(&b, "\n  would do: %s", offer)
	}
	return b.String()
}
