package cmd

import (
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"
	kubectl "k8s.io/kubectl/pkg/cmd/expose"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/expose"
)

// alsoExposed is the kinds of group apps that kubectl refuses although they have a
// selector and a template like a Deployment.
var alsoExposed = []string{"StatefulSet", "DaemonSet"}

// takeMore lets kubectl's builder take the kinds of alsoExposed, each as a Deployment of
// the same selector and template, and hands every object that it exposes to seen.
func takeMore(o *kubectl.ExposeServiceOptions, seen func(runtime.Object)) {
	canBe, selector, ports, protocols := o.CanBeExposed, o.MapBasedSelectorForObject, o.PortsForObject, o.ProtocolsForObject
	o.CanBeExposed = func(kind schema.GroupKind) error {
		for _, more := range alsoExposed {
			if kind == (schema.GroupKind{Group: appsv1.GroupName, Kind: more}) {
				return nil
			}
		}
		return canBe(kind)
	}
	o.MapBasedSelectorForObject = func(object runtime.Object) (string, error) {
		s, err := selector(asDeployment(object))
		if err != nil && asDeployment(object) != object {
			err = fmt.Errorf("%s", strings.Replace(err.Error(), "invalid deployment", "invalid "+kindOf(object), 1))
		}
		return s, err
	}
	o.PortsForObject = func(object runtime.Object) ([]string, error) { return ports(asDeployment(object)) }
	o.ProtocolsForObject = func(object runtime.Object) (map[string][]string, error) {
		seen(object) // it asks for every object, whatever the flags say
		return protocols(asDeployment(object))
	}
}

func asDeployment(object runtime.Object) runtime.Object {
	switch t := object.(type) {
	case *appsv1.StatefulSet:
		return &appsv1.Deployment{Spec: appsv1.DeploymentSpec{Selector: t.Spec.Selector, Template: t.Spec.Template}}
	case *appsv1.DaemonSet:
		return &appsv1.Deployment{Spec: appsv1.DeploymentSpec{Selector: t.Spec.Selector, Template: t.Spec.Template}}
	}
	return object
}

func kindOf(object runtime.Object) string {
	return strings.ToLower(strings.TrimPrefix(fmt.Sprintf("%T", object), "*v1."))
}

// complete puts into the Service that kubectl built what was asked for beside it.
func (m *maker) complete(s *corev1.Service) error {
	m.setFamilies(s)
	if len(m.ports) > 0 {
		s.Spec.Ports = withDetails(s.Spec.Ports, m.ports)
	} else if m.keepsPorts() {
		s.Spec.Ports = ownPorts(m.source)
	}
	if p := m.flags.traffic; p != "" {
		s.Spec.ExternalTrafficPolicy = corev1.ServiceExternalTrafficPolicy(p)
	}
	for _, p := range m.request.SourceRanges {
		s.Spec.LoadBalancerSourceRanges = append(s.Spec.LoadBalancerSourceRanges, p.String())
	}
	if m.request.Class != "" {
		s.Spec.LoadBalancerClass = new(m.request.Class)
	}
	annotations, err := m.annotations()
	for key, value := range annotations {
		metav1.SetMetaDataAnnotation(&s.ObjectMeta, key, value)
	}
	return err
}

// setFamilies is what makes the Service differ from kubectl's. An ExternalName has no
// families.
// Source: kubernetes v1.37.2, pkg/apis/core/validation/validation.go.
func (m *maker) setFamilies(s *corev1.Service) {
	if s.Spec.Type == corev1.ServiceTypeExternalName {
		return
	}
	s.Spec.IPFamilyPolicy = new(corev1.IPFamilyPolicy(m.request.Policy))
	for _, f := range m.request.Families {
		s.Spec.IPFamilies = append(s.Spec.IPFamilies, corev1.IPFamily(f.String()))
	}
}

// withDetails is the ports of the command line. What they leave open is as kubectl built
// the ports of these numbers: the protocols by the object, the targets by --target-port.
func withDetails(built []corev1.ServicePort, given []expose.Port) (ports []corev1.ServicePort) {
	for _, p := range expose.Named(given) {
		same := ofNumber(built, p, given)
		for _, b := range same {
			if p.Target != "" {
				b.TargetPort = intstr.Parse(p.Target)
			}
			if b.Name = p.Name; len(same) > 1 {
				b.Name = strings.TrimPrefix(p.Name+"-"+strings.ToLower(string(b.Protocol)), "-")
			}
			ports = append(ports, b)
		}
	}
	return ports
}

// ofNumber is what kubectl built for a port: one with its protocol, or else one for each
// protocol that no other of the given ports claims.
func ofNumber(built []corev1.ServicePort, p expose.Port, given []expose.Port) (same []corev1.ServicePort) {
	claimed := map[corev1.Protocol]bool{}
	for _, other := range given {
		if p.Protocol == "" && other.Number == p.Number && other.Protocol != "" {
			claimed[corev1.Protocol(other.Protocol)] = true
		}
	}
	for _, b := range built {
		if int(b.Port) != p.Number {
			continue
		}
		if p.Protocol != "" {
			b.Protocol = corev1.Protocol(p.Protocol)
			return []corev1.ServicePort{b}
		}
		if !claimed[b.Protocol] {
			claimed[b.Protocol] = true
			same = append(same, b)
		}
	}
	return same
}

// keepsPorts reports whether the ports are copied as they are: when that is asked for,
// and of kinds that kubectl would not expose, where nothing is to be like its.
func (m *maker) keepsPorts() bool {
	return m.service.TargetPort == "" && len(m.flags.ports) == 0 && (m.flags.keepPorts || m.scaled || asDeployment(m.source) != m.source) && len(ownPorts(m.source)) > 0
}

// ownPorts is the ports of a Service or of the containers of a template, with their
// names, and with these as targets.
func ownPorts(object runtime.Object) []corev1.ServicePort {
	var ports []corev1.ServicePort
	add := func(name string, number int32, target intstr.IntOrString, protocol corev1.Protocol) {
		if protocol == "" {
			protocol = corev1.ProtocolTCP
		}
		for _, p := range ports {
			if p.Port == number && p.Protocol == protocol {
				return
			}
		}
		ports = append(ports, corev1.ServicePort{Name: name, Port: number, TargetPort: target, Protocol: protocol})
	}
	if s, ok := object.(*corev1.Service); ok {
		for _, p := range s.Spec.Ports {
			add(p.Name, p.Port, p.TargetPort, p.Protocol)
		}
		return ports
	}
	for _, c := range podSpec(object).Containers {
		for _, p := range c.Ports {
			target := intstr.FromInt32(p.ContainerPort)
			if p.Name != "" {
				target = intstr.FromString(p.Name)
			}
			add(p.Name, p.ContainerPort, target, p.Protocol)
		}
	}
	for i := range ports {
		if len(ports) > 1 && ports[i].Name == "" {
			ports[i].Name = fmt.Sprintf("port-%d", i+1)
		}
	}
	return ports
}

// podSpec is what an exposed object runs; empty of one that has no template.
func podSpec(object runtime.Object) corev1.PodSpec {
	switch t := asDeployment(object).(type) {
	case *corev1.Pod:
		return t.Spec
	case *corev1.ReplicationController:
		if t.Spec.Template != nil {
			return t.Spec.Template.Spec
		}
	case *appsv1.Deployment:
		return t.Spec.Template.Spec
	case *appsv1.ReplicaSet:
		return t.Spec.Template.Spec
	}
	return corev1.PodSpec{}
}
