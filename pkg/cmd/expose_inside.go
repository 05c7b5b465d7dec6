package cmd

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/expose"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/probe"
)

// insideDeadline is when the cluster itself ends the probe's Pod.
const insideDeadline = 2 * time.Minute

// inside connects to all addresses of the Service from a Pod of its own, which goes again
// whatever happens: with the Service, which owns it, at the latest.
func (m *maker) inside(ctx context.Context, client kubernetes.Interface, state expose.State, s *corev1.Service) error {
	port := firstTCP(s)
	var targets []netip.AddrPort
	for _, f := range ipfam.All {
		for _, a := range []netip.Addr{state.Cluster(f), state.External(f)} {
			if a.IsValid() && port != 0 {
				targets = append(targets, netip.AddrPortFrom(a, port))
			}
		}
	}
	if m.flags.probeImage == "none" || len(targets) == 0 {
		return nil
	}
	watch := newProgress(m.ErrOut)
	watch.doing = "connecting from inside: "
	watch.say(m.flags.probeImage)
	defer watch.clear()
	pod, err := client.CoreV1().Pods(s.Namespace).Create(ctx, insidePod(s, m.flags.probeImage, probe.Script(targets)), metav1.CreateOptions{FieldManager: m.manager})
	if err != nil {
		return fmt.Errorf("from inside: %w", err)
	}
	defer removePod(m.ctx, client, pod, m.ErrOut)
	end, err := awaitEnd(ctx, client, pod, probeContainer)
	if err != nil {
		return fmt.Errorf("from inside: %w", err)
	}
	results := probe.Read(end.Message, targets)
	for _, t := range targets {
		if one := results[t]; one != nil {
			err = errors.Join(err, fmt.Errorf("%s from inside: %w", ipfam.Of(t.Addr()), one))
		}
	}
	return err
}

// insidePod is one that the Service owns.
func insidePod(s *corev1.Service, image, script string) *corev1.Pod {
	pod := restrictedPod(s.Namespace, "expose", insideDeadline, restrictedContainer(image, "{\n"+script+"} >/dev/termination-log"))
	pod.GenerateName = "dualstack-probe-"
	pod.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(s, corev1.SchemeGroupVersion.WithKind("Service"))}
	return pod
}
