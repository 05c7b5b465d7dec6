package snapshot

import (
	"context"
	"fmt"
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
)

// Backend is a Pod as a Service sees it that selects it.
type Backend struct {
	Ref
	IPs        []netip.Addr
	Ended      bool // completed or failed: it is no endpoint
	Containers []Container
}

// Container is what a container says of itself.
type Container struct {
	Name       string
	Words      []string // command and arguments
	ProbeHosts []string // of its HTTP and TCP probes, where they name one
}

// Backends reads the Pods of a namespace that have these labels. The error names the
// verb that is missing.
func Backends(ctx context.Context, config *rest.Config, namespace string, selector map[string]string) ([]Backend, error) {
	c, err := newClient(config)
	if err != nil {
		return nil, err
	}
	q := podList.in(namespace).labelled(labels.SelectorFromSet(selector).String())
	var found []Backend
	err = c.pages(ctx, q, func(p page) {
		for _, o := range p.objects {
			if b, ok := backendOf(o); ok {
				found = append(found, b)
			}
		}
	})
	if err != nil {
		return nil, fmt.Errorf("%s", gapOf(Pods, q.String(), err, NotInstalled))
	}
	return found, nil
}

func backendOf(o runtime.Object) (Backend, bool) {
	p, ok := o.(*corev1.Pod)
	if !ok {
		return Backend{}, false
	}
	b := Backend{
		Ref:   Ref{Kind: "Pod", Namespace: p.Namespace, Name: p.Name},
		Ended: p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed,
	}
	for _, ip := range p.Status.PodIPs {
		if a, err := netip.ParseAddr(ip.IP); err == nil {
			b.IPs = append(b.IPs, a.Unmap())
		}
	}
	for _, c := range p.Spec.Containers {
		b.Containers = append(b.Containers, Container{
			Name: c.Name, Words: append(append([]string{}, c.Command...), c.Args...), ProbeHosts: probeHosts(c),
		})
	}
	return b, true
}

func probeHosts(c corev1.Container) (hosts []string) {
	for _, probe := range []*corev1.Probe{c.ReadinessProbe, c.LivenessProbe, c.StartupProbe} {
		if probe == nil {
			continue
		}
		if probe.HTTPGet != nil && probe.HTTPGet.Host != "" {
			hosts = append(hosts, probe.HTTPGet.Host)
		}
		if probe.TCPSocket != nil && probe.TCPSocket.Host != "" {
			hosts = append(hosts, probe.TCPSocket.Host)
		}
	}
	return hosts
}
