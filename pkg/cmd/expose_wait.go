package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/expose"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/probe"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/report"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

const (
	pollPeriod = 250 * time.Millisecond
	// lastWords is how long removing a Service, or reading its Events, may take when
	// the time is up or somebody is impatient.
	lastWords = 10 * time.Second
)

// await comes back when the Service is complete in both families, and says what is
// missing when it is not in time.
func (m *maker) await(s *corev1.Service, f expose.Forecast, limit time.Duration) error {
	client, err := m.client()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(m.ctx, limit)
	defer cancel()
	state, err := m.until(ctx, client, s)
	var probes ipfam.Pair[probe.Result]
	if err == nil && m.flags.probe {
		err = m.inside(ctx, client, state, s)
	}
	if err == nil && m.flags.probe && state.Service.LoadBalancer() {
		probes, err = m.probe(ctx, state, s)
	}
	if err == nil {
		return errors.Join(m.show(state, probes, s), m.publish(state, s))
	}
	if ctx.Err() != nil && m.ctx.Err() == nil {
		err = fmt.Errorf("after %s: %w", limit, err)
	}
	return m.incomplete(client, s, f, err)
}

// client is one that asks when it is told to: every pollPeriod, which is no load.
func (m *maker) client() (kubernetes.Interface, error) {
	config, err := m.config.ToRESTConfig()
	if err != nil {
		return nil, err
	}
	config = rest.CopyConfig(config)
	config.QPS = -1
	return kubernetes.NewForConfig(config)
}

// until reads the Service and its EndpointSlices until nothing is missing. The error is
// what is.
func (m *maker) until(ctx context.Context, client kubernetes.Interface, s *corev1.Service) (expose.State, error) {
	watch := newProgress(m.ErrOut)
	watch.doing = "waiting for "
	defer watch.clear()
	tick := time.NewTicker(pollPeriod)
	defer tick.Stop()
	start := time.Now()
	missing := []string{"an answer of the API server"}
	for {
		state, err := m.state(ctx, client, s)
		switch {
		case ctx.Err() != nil:
			return state, fmt.Errorf("missing: %s", strings.Join(missing, ", "))
		case err != nil:
			return state, err
		}
		if missing = state.Missing(); len(missing) == 0 {
			return state, nil
		}
		watch.say(fmt.Sprintf("%s (%s)", strings.Join(missing, ", "), time.Since(start).Round(time.Second)))
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// state reads how far the Service has come.
func (m *maker) state(ctx context.Context, client kubernetes.Interface, s *corev1.Service) (expose.State, error) {
	now, err := client.CoreV1().Services(s.Namespace).Get(ctx, s.Name, metav1.GetOptions{})
	if err != nil {
		return expose.State{}, err
	}
	if now.UID != s.UID {
		return expose.State{}, fmt.Errorf("services %q was replaced by somebody else", s.Name)
	}
	list, err := client.DiscoveryV1().EndpointSlices(s.Namespace).List(ctx, metav1.ListOptions{LabelSelector: discoveryv1.LabelServiceName + "=" + s.Name})
	if err != nil {
		return expose.StateOf(snapshot.ServiceOf(now), nil), err
	}
	return expose.StateOf(snapshot.ServiceOf(now), snapshot.EndpointSlicesOf(list.Items)), nil
}

// probe connects to the load balancer's address of each family, at the first port of
// TCP.
func (m *maker) probe(ctx context.Context, state expose.State, s *corev1.Service) (probes ipfam.Pair[probe.Result], err error) {
	port := firstTCP(s)
	if port == 0 {
		return probes, errors.New("--probe: the Service has no port of TCP to connect to")
	}
	var to ipfam.Pair[netip.AddrPort]
	for _, f := range ipfam.All {
		if a := state.External(f); a.IsValid() {
			*to.At(f) = netip.AddrPortFrom(a, port)
		}
	}
	if to == (ipfam.Pair[netip.AddrPort]{}) {
		return probes, errors.New("--probe: the Service has no address outside of the cluster to connect to")
	}
	watch := newProgress(m.ErrOut)
	watch.doing = "connecting to "
	watch.say(fmt.Sprintf("%s, %s", to.V4, to.V6))
	defer watch.clear()
	probes = probe.Both(ctx, to)
	for _, f := range ipfam.All {
		if r := probes.Of(f); r.Err != nil {
			err = errors.Join(err, fmt.Errorf("%s: %s does not answer from here: %w", f, r.To, r.Err))
		}
	}
	return probes, err
}

func firstTCP(s *corev1.Service) uint16 {
	i := slices.IndexFunc(s.Spec.Ports, func(p corev1.ServicePort) bool { return p.Protocol == corev1.ProtocolTCP })
	if i < 0 {
		return 0
	}
	return uint16(s.Spec.Ports[i].Port)
}

// show prints what came of it, for a person: in scripts and with -o standard output is
// kubectl's.
func (m *maker) show(state expose.State, probes ipfam.Pair[probe.Result], s *corev1.Service) error {
	if !m.tty || m.piped {
		return nil
	}
	return report.WriteExposed(m.Out, state, probes, int(firstTCP(s)), m.look)
}

// publish prints what a router needs to let the internet in.
func (m *maker) publish(state expose.State, s *corev1.Service) error {
	if m.flags.router == "" {
		return nil
	}
	p := expose.Published{Name: s.Namespace + "/" + s.Name}
	if m.plan != nil {
		p.Delegated = m.plan.Delegated
	}
	for _, f := range ipfam.All {
		*p.Addresses.At(f) = state.External(f)
	}
	for _, port := range s.Spec.Ports {
		p.Ports = append(p.Ports, expose.Port{Number: int(port.Port), Protocol: string(port.Protocol)})
	}
	text, err := expose.Publish(m.flags.router, m.published, p)
	if err != nil {
		return err
	}
	if m.tty {
		text = "\n" + text
	}
	_, err = io.WriteString(m.Out, text)
	return err
}

// incomplete is the error of a Service that was made and lacks something: what, why as
// far as Events and the forecast tell, and how it is removed, if it is not already.
func (m *maker) incomplete(client kubernetes.Interface, s *corev1.Service, f expose.Forecast, why error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(m.ctx), lastWords)
	defer cancel()
	if m.ctx.Err() != nil {
		why = fmt.Errorf("interrupted: %w", why)
	}
	lines := []string{fmt.Sprintf("service/%s is not complete %s", s.Name, why)}
	if event := lastWarning(ctx, client, s.Namespace, "Service", s.UID); event != "" {
		lines = append(lines, "event: "+event)
	}
	if about := f.OfAddresses(); about.Text != "" {
		lines = append(lines, "foretold: "+about.Text)
	}
	switch {
	case m.flags.upgrade:
		lines = append(lines, "it stays so; the way back: "+checks.Command("kubectl", "dualstack", "expose", "--downgrade", "svc/"+s.Name, "-n", s.Namespace))
	case m.flags.downgrade:
		lines = append(lines, "it stays so; the way back: "+checks.Command("kubectl", "dualstack", "expose", "--upgrade", "svc/"+s.Name, "-n", s.Namespace))
	case m.flags.rollback:
		lines = append(lines, m.removed(ctx, client, s))
	default:
		lines = append(lines, "it stays; to remove it: "+removal(s))
	}
	return withCode(exitIncomplete, errors.New(strings.Join(lines, "\n")))
}

// removed removes the Service that was made, and no other of its name.
func (m *maker) removed(ctx context.Context, client kubernetes.Interface, s *corev1.Service) string {
	err := client.CoreV1().Services(s.Namespace).Delete(ctx, s.Name, metav1.DeleteOptions{Preconditions: metav1.NewUIDPreconditions(string(s.UID))})
	switch {
	case err == nil:
		return "it was removed again"
	case apierrors.IsNotFound(err):
		return "somebody has removed it"
	}
	return fmt.Sprintf("it could not be removed: %v; to remove it: %s", err, removal(s))
}

// lastWarning is what the last Event of type Warning says of the object, if any may be
// read.
func lastWarning(ctx context.Context, client kubernetes.Interface, namespace, kind string, uid types.UID) string {
	list, err := client.CoreV1().Events(namespace).List(ctx, metav1.ListOptions{
		FieldSelector: "involvedObject.kind=" + kind + ",type=Warning,involvedObject.uid=" + string(uid),
	})
	if err != nil || len(list.Items) == 0 {
		return ""
	}
	last := slices.MaxFunc(list.Items, func(a, b corev1.Event) int { return a.LastTimestamp.Compare(b.LastTimestamp.Time) })
	return last.Reason + ": " + last.Message
}
