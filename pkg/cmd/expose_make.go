package cmd

import (
	"context"
	"fmt"
	"io"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/resource"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
	"k8s.io/kubectl/pkg/scheme"
	"k8s.io/kubectl/pkg/util"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/expose"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/report"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// maker makes the Services that kubectl builds, each when it is built, so that what
// comes of several objects is what comes of them with kubectl.
type maker struct {
	*exposeOptions
	ctx      context.Context
	override cmdutil.OverrideOptions
	source   runtime.Object     // that is being exposed
	scaled   bool               // whether that stands for an object of a kind that kubectl does not know
	snap     *snapshot.Snapshot // read when it is first asked for
}

// hook takes kubectl's builder apart from what it does with what it has built: with a
// dry run of the client it hands each Service over, and leaves the rest to us.
func (m *maker) hook() {
	o := m.service
	m.override = o.OverrideOptions
	o.DryRunStrategy, o.Overrides = cmdutil.DryRunClient, ""
	o.PrintObj = func(object runtime.Object, _ io.Writer) error {
		s, ok := object.(*corev1.Service)
		if !ok {
			return fmt.Errorf("kubectl built a %T, want a Service", object)
		}
		return m.take(s)
	}
	takeMore(o, func(object runtime.Object) { m.source = object })
}

// take makes a Service that kubectl built, in the order in which kubectl does what
// follows.
func (m *maker) take(built *corev1.Service) error {
	namespace := built.Namespace // only where the user or a file named one
	built.Namespace = ""
	if err := m.complete(built); err != nil {
		return err
	}
	object, err := m.override.NewOverrider(&corev1.Service{}).Apply(built)
	if err != nil {
		return err
	}
	s, ok := object.(*corev1.Service)
	if !ok {
		return fmt.Errorf("--overrides make a %T of the Service", object)
	}
	if m.dryRun == cmdutil.DryRunClient {
		if namespace != "" {
			s.Namespace = namespace
		}
		return m.print(s)
	}
	if err := util.CreateOrUpdateAnnotation(m.save, s, scheme.DefaultJSONEncoder()); err != nil {
		return err
	}
	return m.make(s)
}

func (m *maker) make(s *corev1.Service) error {
	wait, err := m.waitFor()
	if err != nil {
		return err
	}
	tried, err := m.create(s, true)
	if err != nil {
		return err
	}
	forecast, err := m.foresee(tried, false)
	if err != nil {
		return err
	}
	if err := m.tell(forecast); err != nil {
		return err
	}
	refused := forecast.Worst() == severity.Error && !m.flags.force
	switch {
	case m.dryRun == cmdutil.DryRunServer:
		if err := m.print(tried); err != nil {
			return err
		}
		if refused {
			return withCode(exitRefused, fmt.Errorf("services %q would not get what was asked for", s.Name))
		}
		return nil
	case refused:
		return withCode(exitRefused, fmt.Errorf("services %q would not get what was asked for, and was not made; --force makes it all the same", s.Name))
	}
	if err := m.ctx.Err(); err != nil { // kubectl's requests do not heed it
		return err
	}
	made, err := m.create(s, false)
	if err != nil {
		return err
	}
	if err := m.print(made); err != nil {
		return err
	}
	if wait == 0 {
		return nil
	}
	return m.await(made, forecast, wait)
}

// create sends the Service to the API server as kubectl does.
func (m *maker) create(s *corev1.Service, dryRun bool) (*corev1.Service, error) {
	object := &unstructured.Unstructured{}
	if err := scheme.Scheme.Convert(s, object, nil); err != nil {
		return nil, err
	}
	mapping, err := m.service.Mapper.RESTMapping(object.GroupVersionKind().GroupKind(), object.GroupVersionKind().Version)
	if err != nil {
		return nil, err
	}
	client, err := m.service.ClientForMapping(mapping)
	if err != nil {
		return nil, err
	}
	made, err := resource.NewHelper(client, mapping).DryRun(dryRun).WithFieldManager(m.manager).Create(m.service.Namespace, false, object)
	if err != nil {
		return nil, err
	}
	service, ok := made.(*corev1.Service)
	if !ok {
		return nil, fmt.Errorf("the API server made a %T of the Service", made)
	}
	return service, nil
}

// foresee is what will become of the Service, which is there already or is not. What it
// will have is taken for those that follow.
func (m *maker) foresee(s *corev1.Service, exists bool) (expose.Forecast, error) {
	snap, err := m.cluster()
	if err != nil {
		return expose.Forecast{}, err
	}
	situation := expose.Situation{Plan: m.plan, Snapshot: snap, Service: snapshot.ServiceOf(s), Exists: exists}
	if len(s.Spec.Selector) > 0 {
		config, err := m.config.ToRESTConfig()
		if err != nil {
			return expose.Forecast{}, err
		}
		if situation.Backends, err = snapshot.Backends(m.ctx, config, s.Namespace, s.Spec.Selector); err != nil {
			situation.BackendsUnknown = err.Error()
		}
	}
	f := expose.Foresee(situation)
	if len(f.Outcome.Addrs) > 0 {
		after := situation.Service
		after.Ingress = f.Outcome.Addrs
		m.snap = snap.With(after)
	}
	return f, nil
}

// cluster is what a forecast looks at. What may not be read is a gap.
func (m *maker) cluster() (*snapshot.Snapshot, error) {
	if m.snap != nil {
		return m.snap, nil
	}
	config, err := m.config.ToRESTConfig()
	if err != nil {
		return nil, err
	}
	watch := newProgress(m.ErrOut)
	defer watch.clear()
	m.snap, err = snapshot.FromCluster(m.ctx, config, snapshot.ClusterOptions{Kinds: expose.Kinds, Depth: snapshot.Quick, Now: time.Now(), Progress: watch.say})
	return m.snap, err
}

// annotations is what tells the controller of the pool, the addresses and the key.
func (m *maker) annotations() (map[string]string, error) {
	r := m.request
	if r.Pool == "" && len(r.Addresses) == 0 && r.SharingKey == "" {
		return nil, nil
	}
	snap, err := m.cluster()
	if err != nil {
		return nil, fmt.Errorf("--pool, --addresses and --share hang on who gives addresses in the cluster: %w", err)
	}
	in := checks.NewInput(nil, snap)
	c, _ := expose.ControllerOf(in, r.Class)
	return r.Annotations(c, releaseOf(c, snap))
}

// releaseOf is the release of the controller, as far as it is known.
func releaseOf(c expose.Controller, snap *snapshot.Snapshot) release.Version {
	if c == expose.LBIPAM {
		return snap.Cilium.Version
	}
	return snap.MetalLB.Version
}

// tell prints the forecast: all of it to a person, and to a log what does not hold.
func (m *maker) tell(f expose.Forecast) error {
	_, tty := terminal(m.ErrOut)
	look, err := m.style.style(m.ErrOut)
	if err != nil {
		return err
	}
	return report.WriteForecast(m.ErrOut, f, tty, look)
}

// removal is the command that removes a Service.
func removal(s *corev1.Service) string {
	return checks.Command("kubectl", "delete", "service", s.Name, "-n", s.Namespace)
}
