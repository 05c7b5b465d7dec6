package snapshot

import (
	"context"
	"slices"
	"sync"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	kjson "sigs.k8s.io/json"
)

// The lists of types that every API server has.
var (
	nodeList = query{GroupVersionResource: corev1.SchemeGroupVersion.WithResource("nodes"),
		empty: func() runtime.Object { return &corev1.NodeList{} }}
	podList = query{GroupVersionResource: corev1.SchemeGroupVersion.WithResource("pods"),
		empty: func() runtime.Object { return &corev1.PodList{} }}
	serviceList = query{GroupVersionResource: corev1.SchemeGroupVersion.WithResource("services"),
		empty: func() runtime.Object { return &corev1.ServiceList{} }}
	eventList = query{GroupVersionResource: corev1.SchemeGroupVersion.WithResource("events"),
		empty: func() runtime.Object { return &corev1.EventList{} }}
	endpointSliceList = query{GroupVersionResource: discoveryv1.SchemeGroupVersion.WithResource("endpointslices"),
		empty: func() runtime.Object { return &discoveryv1.EndpointSliceList{} }}
	serviceCIDRList = query{GroupVersionResource: networkingv1.SchemeGroupVersion.WithResource("servicecidrs"),
		empty: func() runtime.Object { return &networkingv1.ServiceCIDRList{} }}
	daemonSetList = query{GroupVersionResource: appsv1.SchemeGroupVersion.WithResource("daemonsets"),
		empty: func() runtime.Object { return &appsv1.DaemonSetList{} }}
	deploymentList = query{GroupVersionResource: appsv1.SchemeGroupVersion.WithResource("deployments"),
		empty: func() runtime.Object { return &appsv1.DeploymentList{} }}
	ingressList = query{GroupVersionResource: networkingv1.SchemeGroupVersion.WithResource("ingresses"),
		empty: func() runtime.Object { return &networkingv1.IngressList{} }}
)

func (q query) in(namespace string) query      { q.namespace = namespace; return q }
func (q query) labelled(selector string) query { q.labels = selector; return q }
func (q query) where(selector string) query    { q.fields = selector; return q }

// steps is what is read of the wanted kinds, the longest lists first.
func (r *reader) steps() []step {
	var steps []step
	add := func(s step, kinds ...Kind) {
		if r.wants(kinds...) {
			steps = append(steps, s)
		}
	}
	if r.deep {
		steps = append(steps, r.pods)
	}
	add(r.all(EndpointSlices, endpointSliceList), EndpointSlices)
	add(r.all(Services, serviceList), Services)
	add(r.all(Nodes, nodeList), Nodes)
	add(r.cilium, CiliumConfig, CiliumAgents, IPMasqAgentConfig)
	add(r.metallb, MetalLBSetup, MetalLBPools)
	add(r.kubeProxy, KubeProxySetup)
	add(r.kubeadm, KubeadmConfig)
	add(r.flannel, FlannelConfig)
	add(r.serviceCIDRs, ServiceCIDRs)
	for _, reason := range podCIDRReasons {
		add(r.all(NodeEvents, eventList.where("involvedObject.kind=Node,reason="+reason)), NodeEvents)
	}

	add(r.all(NetworkPolicies, policyList), NetworkPolicies)
	add(r.all(Ingresses, ingressList), Ingresses)
	add(r.coreDNS, CoreDNSConfig)
	add(r.kubeletConfig, KubeletConfig)
	add(r.group("gateway.networking.k8s.io").list(APIGateways, "gateways"), APIGateways)
	add(r.group("crd.projectcalico.org").list(CalicoPools, "ippools"), CalicoPools)

	cilium, metallb := r.group("cilium.io"), r.group("metallb.io")
	for _, k := range []Kind{CiliumPolicies, CiliumClusterwidePolicies, EgressGateways} {
		add(cilium.list(k, string(k)), k)
	}
	add(cilium.list(CiliumNodes, "ciliumnodes"), CiliumNodes)
	add(cilium.list(LBIPAMPools, "ciliumloadbalancerippools"), LBIPAMPools)
	add(cilium.listIfServed(CiliumConfig, "ciliumnodeconfigs"), CiliumConfig)
	add(metallb.present, MetalLBSetup)
	add(metallb.list(MetalLBPools, "ipaddresspools"), MetalLBPools, MetalLBSetup)
	add(metallb.listIfServed(MetalLBPools, "addresspools"), MetalLBPools, MetalLBSetup)
	add(metallb.list(MetalLBAds, "l2advertisements"), MetalLBAds)
	add(metallb.list(MetalLBAds, "bgpadvertisements"), MetalLBAds)
	add(metallb.list(MetalLBPeers, "bgppeers"), MetalLBPeers)
	for _, resource := range webhookResources {
		add(r.custom(Webhooks, resource), Webhooks)
	}
	return steps
}

// componentSteps reads the few Pods that matter where not all are read.
func (r *reader) componentSteps() []step {
	var steps []step
	if r.wants(ControlPlane) {
		q := podList.in(metav1.NamespaceSystem).labelled("component in (" + APIServer + "," + ControllerManager + ")")
		steps = append(steps, r.components(ControlPlane, q))
	}
	if daemonSet := r.b.snap.Cilium.DaemonSet; r.wants(CiliumAgents) && daemonSet != (Ref{}) {
		steps = append(steps, r.components(CiliumAgents, podList.in(daemonSet.Namespace).labelled("k8s-app=cilium")))
	}
	return steps
}

// list reads q into facts, a page after the other, and keeps the facts only. A
// list whose continuation the server has forgotten is read once more, from its
// start; what had been read of it goes.
func (r *reader) list(ctx context.Context, k Kind, q query, add func(*builder, runtime.Object)) error {
	var part *builder
	read := func() error {
		part = newBuilder(Source{})
		part.layOver(r.opts.Overlay)
		count := 0
		return r.client.pages(ctx, q, func(p page) {
			for _, o := range p.objects {
				add(part, o)
			}
			count += len(p.objects)
			r.mu.Lock()
			defer r.mu.Unlock()
			r.progress("%s: %d", k, count)
		})
	}
	err := read()
	if expired(err) {
		r.mu.Lock()
		r.progress("%s: the list expired on the way; reading it again", k)
		r.mu.Unlock()
		err = read()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.b.absorb(part)
	return err
}

// all is the step that reads the whole of q.
func (r *reader) all(k Kind, q query) step {
	return func(ctx context.Context) {
		if err := r.list(ctx, k, q, addObject); err != nil {
			r.gap(gapOf(k, q.String(), err, NotInstalled))
		}
	}
}

func addObject(b *builder, o runtime.Object) { b.add(object{value: o}) }

func (r *reader) pods(ctx context.Context) {
	err := r.list(ctx, Pods, podList, addObject)
	if err != nil {
		r.podsGap(gapOf(Pods, podList.String(), err, NotInstalled))
		return
	}
	r.podsRead = true
}

// components is the step that reads Pods for what they tell of a component, and
// not as Pods.
func (r *reader) components(k Kind, q query) step {
	return func(ctx context.Context) {
		err := r.list(ctx, k, q, func(b *builder, o runtime.Object) {
			if p, ok := o.(*corev1.Pod); ok {
				b.each(func(b *builder) { b.componentPod(p) })
			}
		})
		if err != nil {
			r.gap(gapOf(k, q.String(), err, NotInstalled))
		}
	}
}

// webhookResources is what the API server calls by itself. Every server has them at v1.
var webhookResources = []schema.GroupVersionResource{
	{Group: "admissionregistration.k8s.io", Version: "v1", Resource: "mutatingwebhookconfigurations"},
	{Group: "admissionregistration.k8s.io", Version: "v1", Resource: "validatingwebhookconfigurations"},
	{Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices"},
}

// custom is the step that reads a resource as custom ones are read, for the few
// fields that are kept of it.
func (r *reader) custom(k Kind, resource schema.GroupVersionResource) step {
	q := query{GroupVersionResource: resource}
	return func(ctx context.Context) {
		if err := r.list(ctx, k, q, addCustom(k)); err != nil {
			r.gap(gapOf(k, q.String(), err, NotInstalled))
		}
	}
}

// serviceCIDRs reads them at v1, or at v1beta1, which Kubernetes 1.31 and 1.32 serve.
func (r *reader) serviceCIDRs(ctx context.Context) {
	err := r.list(ctx, ServiceCIDRs, serviceCIDRList, addObject)
	if apierrors.IsNotFound(err) {
		beta := query{GroupVersionResource: schema.GroupVersionResource{Group: "networking.k8s.io", Version: "v1beta1", Resource: "servicecidrs"}}
		err = r.list(ctx, ServiceCIDRs, beta, addCustom(ServiceCIDRs))
	}
	if err != nil {
		r.gap(gapOf(ServiceCIDRs, serviceCIDRList.String(), err, NotInstalled))
	}
}

// configMap adds the ConfigMap that k hangs on. One that is not there is a gap, and
// so is one that cannot be read or does not configure anything.
func (r *reader) configMap(ctx context.Context, k Kind, namespace, name string) {
	request := "get configmaps/" + name + inNamespace(namespace)
	found, err := r.client.configMap(ctx, namespace, name)
	if err != nil {
		r.gap(gapOf(k, request, err, NotFound))
		return
	}
	r.add(found)
	r.mu.Lock()
	seen := r.b.seen[k]
	r.mu.Unlock()
	if !seen {
		r.gap(Gap{Kind: k, Reason: NotFound, Detail: request + ": it has no configuration"})
	}
}

func (r *reader) kubeadm(ctx context.Context) {
	r.configMap(ctx, KubeadmConfig, metav1.NamespaceSystem, "kubeadm-config")
}

// flannel reads its ConfigMap, from its own namespace or from the one of before.
func (r *reader) flannel(ctx context.Context) {
	for _, namespace := range []string{"kube-flannel", metav1.NamespaceSystem} {
		found, err := r.client.configMap(ctx, namespace, flannelName)
		switch {
		case err == nil && configMapUse(found) == FlannelConfig:
			r.add(found)
			return
		case err != nil && !apierrors.IsNotFound(err):
			r.gap(gapOf(FlannelConfig, "get configmaps/"+flannelName+inNamespace(namespace), err, NotFound))
			return
		}
	}
	r.gap(Gap{Kind: FlannelConfig, Reason: NotFound, Detail: "no ConfigMap " + flannelName})
}

// kubeProxy reads its ConfigMap and its DaemonSet. That neither is there is a
// fact, not a gap: a cluster may well do without.
func (r *reader) kubeProxy(ctx context.Context) {
	const name = "kube-proxy"
	if found, err := r.client.configMap(ctx, metav1.NamespaceSystem, name); err == nil {
		r.add(found)
	} else if !apierrors.IsNotFound(err) {
		r.gap(gapOf(KubeProxySetup, "get configmaps/"+name+inNamespace(metav1.NamespaceSystem), err, NotFound))
	}
	r.workloads(ctx, daemonSetList.labelled("k8s-app="+name), KubeProxySetup)
}

// workloads adds the objects of a list that is short because of its selector. read
// is false when it could not be read.
func (r *reader) workloads(ctx context.Context, q query, kinds ...Kind) (found []runtime.Object, read bool) {
	p, err := r.client.page(ctx, q, pageSize, "")
	if err != nil {
		for _, k := range kinds {
			r.gap(gapOf(k, q.String(), err, NotInstalled))
		}
		return nil, false
	}
	for _, o := range p.objects {
		r.add(o)
	}
	return p.objects, true
}

// cilium reads the agents' DaemonSet, wherever it is, and the ConfigMap beside it.
func (r *reader) cilium(ctx context.Context) {
	namespace := metav1.NamespaceSystem
	daemonSets, _ := r.workloads(ctx, daemonSetList.labelled("k8s-app=cilium"), CiliumConfig, CiliumAgents)
	for _, o := range daemonSets {
		if d, ok := o.(*appsv1.DaemonSet); ok {
			namespace = d.Namespace
		}
	}
	if r.wants(CiliumConfig, IPMasqAgentConfig) {
		r.configMap(ctx, CiliumConfig, namespace, "cilium-config")
	}
	if r.wants(IPMasqAgentConfig) {
		r.masqAgent(ctx, namespace)
	}
}

// controllerSelectors find MetalLB's controller as its manifests and its chart
// label it.
var controllerSelectors = []string{
	"app=metallb,component=controller",
	"app.kubernetes.io/name=metallb,app.kubernetes.io/component=controller",
}

// metallb reads the controller's Deployment and the ConfigMap that configured
// MetalLB before 0.13 and may have been left behind since: the one that --config
// names, or "config" as in the manifests, or "metallb" as of the chart.
// Source: metallb release-0.12, charts/metallb/templates/_helpers.tpl.
func (r *reader) metallb(ctx context.Context) {
	namespace, names := "metallb-system", []string{"config", "metallb"}
	runs := false // or might: the list could not be read
	for _, selector := range controllerSelectors {
		deployments, read := r.workloads(ctx, deploymentList.labelled(selector), MetalLBSetup)
		runs = runs || !read || len(deployments) > 0
		for _, o := range deployments {
			d, ok := o.(*appsv1.Deployment)
			if !ok {
				continue
			}
			namespace = d.Namespace
			if name := controllerFlags(d)["config"]; name != "" {
				names = slices.Insert(names, 0, name)
			}
		}
	}
	for _, name := range slices.Compact(names) {
		found, err := r.client.configMap(ctx, namespace, name)
		switch {
		case err == nil && isMetalLBConfig(found):
			r.add(found)
			return
		case err != nil && !apierrors.IsNotFound(err):
			if runs { // without a controller a ConfigMap configures nothing
				request := "get configmaps/" + name + inNamespace(namespace)
				r.gap(gapOf(MetalLBSetup, request, err, NotFound))
				r.gap(gapOf(MetalLBPools, request, err, NotFound))
			}
			return
		}
	}
}

// apiGroup is a group of custom resources, whose versions are asked for once.
type apiGroup struct {
	r        *reader
	name     string
	versions func(context.Context) ([]string, error)
}

func (r *reader) group(name string) *apiGroup {
	g := &apiGroup{r: r, name: name}
	var once sync.Once
	var versions []string
	var err error
	g.versions = func(ctx context.Context) ([]string, error) {
		once.Do(func() { versions, err = r.client.versions(ctx, name) })
		return versions, err
	}
	return g
}

// list is the step that reads a custom resource at the first version, in the
// server's order of preference, that has it.
func (g *apiGroup) list(k Kind, resource string) step {
	return func(ctx context.Context) {
		if request, err := g.read(ctx, k, resource); err != nil {
			g.r.gap(gapOf(k, request, err, NotInstalled))
		}
	}
}

// listIfServed is list for a resource that k does not hang on.
func (g *apiGroup) listIfServed(k Kind, resource string) step {
	return func(ctx context.Context) {
		if request, err := g.read(ctx, k, resource); err != nil && !apierrors.IsNotFound(err) {
			g.r.gap(gapOf(k, request, err, NotInstalled))
		}
	}
}

// read returns the request that failed with its error.
func (g *apiGroup) read(ctx context.Context, k Kind, resource string) (request string, err error) {
	versions, err := g.versions(ctx)
	if err != nil {
		return "get /apis/" + g.name, err
	}
	for _, version := range versions {
		q := query{GroupVersionResource: schema.GroupVersionResource{Group: g.name, Version: version, Resource: resource}}
		if k == CiliumNodes {
			q.items = itemsOf[ciliumNode]
		}
		request, err = q.String(), g.r.list(ctx, k, q, addCustom(k))
		if !apierrors.IsNotFound(err) {
			break
		}
	}
	return request, err
}

// present notes that the server serves MetalLB's group.
func (g *apiGroup) present(ctx context.Context) {
	if _, err := g.versions(ctx); err == nil {
		g.r.mu.Lock()
		defer g.r.mu.Unlock()
		g.r.b.each(func(b *builder) { b.snap.MetalLB.CRDs = true })
	}
}

// addCustom decodes a custom resource just as a file's document is decoded.
func addCustom(k Kind) func(*builder, runtime.Object) {
	return func(b *builder, o runtime.Object) {
		if d, ok := o.(decoded); ok {
			b.add(object{value: d.value})
			return
		}
		u, ok := o.(*unstructured.Unstructured)
		if !ok {
			return
		}
		t, ok := types[group(u.GetAPIVersion())+"/"+u.GetKind()]
		if !ok {
			return
		}
		value := t.make()
		data, err := u.MarshalJSON()
		if err == nil {
			err = kjson.UnmarshalCaseSensitivePreserveInts(data, value)
		}
		if err != nil {
			b.each(func(b *builder) {
				b.problem(k, Ref{u.GetKind(), u.GetNamespace(), u.GetName()}, "", "%s", decodeMessage(err))
			})
			return
		}
		b.add(object{value: value})
	}
}
