package snapshot

import (
	"context"
	"errors"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// get reads one object of a type that every API server has.
func (c *client) get(ctx context.Context, q query, name string, into runtime.Object) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	return c.note(c.typed[q.GroupVersion()].Get().NamespaceIfScoped(q.namespace, q.namespace != "").
		Resource(q.Resource).Name(name).Do(ctx).Into(into))
}

// node reads one Node.
func (r *sceneReader) node(name string) step {
	return func(ctx context.Context) {
		if name == "" {
			return // the Pod is not scheduled
		}
		var n corev1.Node
		if err := r.client.get(ctx, nodeList, name, &n); err != nil {
			r.lacks(Nodes, "get nodes/"+name, err)
			return
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.keepNode(r.b, &n)
	}
}

// keepNode adds a Node, whose labels CiliumNodeConfigs select by.
func (r *sceneReader) keepNode(b *builder, o runtime.Object) {
	b.add(object{value: o})
	if n, ok := o.(*corev1.Node); ok {
		r.labels[n.Name] = n.Labels
	}
}

// namespace reads the labels of a namespace, for policies that select by them.
func (r *sceneReader) namespace(name string) step {
	return func(ctx context.Context) {
		var n corev1.Namespace
		q := query{GroupVersionResource: corev1.SchemeGroupVersion.WithResource("namespaces")}
		if err := r.client.get(ctx, q, name, &n); err != nil {
			r.lacks("namespaces", "get namespaces/"+name, err)
			return
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.namespaces[name] = n.Labels
	}
}

func (r *sceneReader) workloads() (all []*Workload) {
	all = append(all, &r.scene.Source)
	for i := range r.scene.Peers {
		all = append(all, &r.scene.Peers[i])
	}
	return all
}

// custom reads one custom resource into the facts; one that is not installed, or not
// there, is none.
func (r *sceneReader) custom(resource, namespace, name string) step {
	return func(ctx context.Context) {
		if name == "" {
			return
		}
		u, request, err := r.getCustom(ctx, r.ciliumIO, resource, namespace, name)
		switch {
		case err == nil:
			r.mu.Lock()
			defer r.mu.Unlock()
			addCustom(Kind(resource))(r.b, u)
		case !apierrors.IsNotFound(err):
			r.lacks(Kind(resource), request, err)
		}
	}
}

func (r *sceneReader) getCustom(ctx context.Context, g *apiGroup, resource, namespace, name string) (u *unstructured.Unstructured, request string, err error) {
	request = "get " + resource + "." + g.name + "/" + name + inNamespace(namespace)
	versions, err := g.versions(ctx)
	if err != nil {
		return nil, "get /apis/" + g.name, err
	}
	for _, version := range versions {
		resource := schema.GroupVersionResource{Group: g.name, Version: version, Resource: resource}
		u, err = r.client.custom.Resource(resource).Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
		if !apierrors.IsNotFound(err) {
			break
		}
	}
	return u, request, r.client.note(err)
}

// listCustom reads a list of custom resources at the first version that has it, and gives
// each object away; a resource that is not installed has none.
func (r *sceneReader) listCustom(ctx context.Context, g *apiGroup, resource, namespace string, each func(*unstructured.Unstructured)) {
	versions, err := g.versions(ctx)
	q := query{GroupVersionResource: schema.GroupVersionResource{Group: g.name, Resource: resource}, namespace: namespace}
	for _, version := range versions {
		q.Version = version
		err = r.client.pages(ctx, q, func(p page) {
			r.mu.Lock()
			defer r.mu.Unlock()
			for _, o := range p.objects {
				if u, ok := o.(*unstructured.Unstructured); ok {
					each(u)
				}
			}
		})
		if !apierrors.IsNotFound(err) {
			break
		}
	}
	if err != nil && !apierrors.IsNotFound(err) {
		request := q.String()
		if len(versions) == 0 {
			request = "get /apis/" + g.name
		}
		r.lacks(Kind(resource), request, err)
	}
}

// networkPolicies reads those of a namespace.
func (r *sceneReader) networkPolicies(namespace string) step {
	return func(ctx context.Context) {
		q := policyList.in(namespace)
		err := r.client.pages(ctx, q, func(p page) {
			r.mu.Lock()
			defer r.mu.Unlock()
			for _, o := range p.objects {
				if one, ok := o.(*networkingv1.NetworkPolicy); ok {
					r.scene.Policies = append(r.scene.Policies, PolicyOf(one))
				}
			}
		})
		if err != nil {
			r.lacks(NetworkPolicies, q.String(), err)
		}
	}
}

// policies reads Cilium's of one kind.
func (r *sceneReader) policies(k Kind, namespace string) step {
	return func(ctx context.Context) {
		r.listCustom(ctx, r.ciliumIO, string(k), namespace, func(u *unstructured.Unstructured) {
			found, err := PoliciesOf(u)
			r.unread(k, err)
			r.scene.Policies = append(r.scene.Policies, found...)
		})
	}
}

// unread notes an object that may be in force and is not understood. Of what Cilium refuses
// nothing is in force.
func (r *sceneReader) unread(k Kind, err error) {
	if _, ok := errors.AsType[notUnderstood](err); ok {
		r.scene.Gaps = append(r.scene.Gaps, Gap{Kind: k, Reason: Malformed, Detail: err.Error()})
	}
}

func (r *sceneReader) gateways(ctx context.Context) {
	r.listCustom(ctx, r.ciliumIO, string(EgressGateways), "", func(u *unstructured.Unstructured) {
		g, err := EgressGatewayOf(u)
		if err != nil {
			r.unread(EgressGateways, err)
			return
		}
		r.scene.Gateways = append(r.scene.Gateways, g)
	})
	for i := range r.scene.Gateways {
		for j := range r.scene.Gateways[i].Gateways {
			r.candidates(ctx, &r.scene.Gateways[i].Gateways[j])
		}
	}
}

// candidates reads the nodes that a gateway selects, with their addresses. They are few.
func (r *sceneReader) candidates(ctx context.Context, g *Gateway) {
	q := nodeList.labelled(string(g.Nodes))
	err := r.client.pages(ctx, q, func(p page) {
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, o := range p.objects {
			n, ok := o.(*corev1.Node)
			if !ok {
				continue
			}
			g.Candidates = append(g.Candidates, n.Name)
			if _, known := r.labels[n.Name]; !known {
				r.keepNode(r.b, n)
			}
		}
	})
	slices.Sort(g.Candidates)
	if err != nil {
		r.lacks(Nodes, q.String()+" -l "+string(g.Nodes), err)
	}
}

func (r *sceneReader) ipMasqAgent(ctx context.Context) {
	found, err := r.client.configMap(ctx, r.b.snap.Cilium.Namespace, ipMasqAgentName)
	if apierrors.IsNotFound(err) {
		found, err = nil, nil
	}
	if err != nil {
		r.lacks(IPMasqAgentConfig, "get configmaps/ip-masq-agent"+inNamespace(r.b.snap.Cilium.Namespace), err)
		return
	}
	agent, err := IPMasqAgentOf(found)
	if err != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.scene.Gaps = append(r.scene.Gaps, Gap{Kind: IPMasqAgentConfig, Reason: Malformed, Detail: err.Error()})
	}
	r.scene.IPMasq = agent
}

// agent reads the agent of the Pod's node, or all of a fleet, for when it started.
func (r *sceneReader) agent(ctx context.Context) {
	q := podList.in(r.b.snap.Cilium.Namespace).labelled("k8s-app=cilium")
	if !r.fleet {
		q = q.where("spec.nodeName=" + r.scene.Source.Node)
	}
	err := r.client.pages(ctx, q, func(p page) {
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, o := range p.objects {
			if p, ok := o.(*corev1.Pod); ok {
				r.b.componentPod(p)
			}
		}
	})
	if err != nil {
		r.lacks(CiliumAgents, q.String(), err)
	}
}
