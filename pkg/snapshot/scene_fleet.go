package snapshot

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
)

// ReadFleet is the scene of each of several Pods of one namespace. What they share is
// read once, and all nodes in one list: the requests do not grow with the Pods.
func ReadFleet(ctx context.Context, config *rest.Config, q SceneQuery, pods []*corev1.Pod) ([]*Scene, error) {
	r, err := newSceneReader(config, q)
	if err != nil {
		return nil, err
	}
	r.fleet = true
	r.scene.Source = WorkloadOf(pods[0])
	shared, err := r.read(klog.NewContext(ctx, klog.Logger{}))
	if err != nil {
		return nil, err
	}
	shared.locateAll(q.Addresses)
	agents := map[string][]CiliumAgent{}
	for _, a := range shared.Cilium.Agents {
		agents[a.Node] = append(agents[a.Node], a)
	}
	configs := map[string]cilium.Config{}
	scenes := make([]*Scene, 0, len(pods))
	for _, p := range pods {
		one := *shared
		one.Source = WorkloadOf(p)
		one.Source.NamespaceLabels = shared.Source.NamespaceLabels
		one.NodeLabels = r.labels[one.Source.Node]
		one.Cilium.Agents = agents[one.Source.Node]
		one.Overrides, one.Overridden, one.Cilium.Config = nil, time.Time{}, r.b.snap.Cilium.Config
		r.override(&one)
		one.Cilium.Config = sameConfig(configs, &one)
		scenes = append(scenes, &one)
	}
	return scenes, nil
}

// sameConfig is one configuration for all nodes that have the same overrides: a copy for
// each of thousands would be most of what is in memory.
func sameConfig(known map[string]cilium.Config, s *Scene) cilium.Config {
	key := fmt.Sprint(s.Overrides)
	if _, ok := known[key]; !ok {
		known[key] = s.Cilium.Config
	}
	return known[key]
}
