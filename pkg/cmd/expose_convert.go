package cmd

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/cli-runtime/pkg/resource"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
	"k8s.io/kubectl/pkg/scheme"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/expose"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/report"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// ofMaking is the flags that say what a new Service is to be like, and have no meaning
// for one that is there.
var ofMaking = []string{
	"port", "target-port", "protocol", "name", "type", "lb", "node-port", "headless", "selector", "external-ip", "load-balancer-ip", "session-affinity",
	"cluster-ip", "overrides", "override-type", "keep-ports", "pool", "addresses", "share", "load-balancer-class", "external-traffic-policy", "source-ranges",
	"allow-one-family-ranges", "save-config", "record", "rollback",
}

// ofConverting is the flags that only a conversion has a use for.
var ofConverting = []string{"yes", "all-namespaces", "keep-addresses"}

// converts reports whether Services that are there are to be changed, and refuses flags
// that are not for that.
func (o *exposeOptions) converts(flags *pflag.FlagSet) (bool, error) {
	f := &o.flags
	if f.upgrade && f.downgrade {
		return false, errors.New("--upgrade and --downgrade: want one of them")
	}
	converts, refused := f.upgrade || f.downgrade, ofConverting
	why := "is for --upgrade and --downgrade"
	if converts {
		refused, why = ofMaking, "says what a new Service is to be like, and this one is there"
	}
	var given []string
	flags.Visit(func(f *pflag.Flag) {
		if slices.Contains(refused, f.Name) {
			given = append(given, "--"+f.Name)
		}
	})
	if len(given) > 0 {
		return false, fmt.Errorf("%s %s", strings.Join(given, ", "), why)
	}
	return converts, nil
}

// converted is a Service that is about to be changed.
type converted struct {
	before   *corev1.Service
	change   expose.Conversion
	forecast expose.Forecast
	helper   *resource.Helper
}

// convert changes the families of Services that are there: all are looked at first, then
// shown, then asked about, then changed.
func (m *maker) convert(args []string) error {
	list, err := m.toConvert(args)
	if err != nil {
		return err
	}
	var all []converted
	refused := false
	for _, info := range list {
		c, err := m.prepare(info)
		if err != nil {
			return err
		}
		if c == nil {
			continue
		}
		if err := m.showChange(*c); err != nil {
			return err
		}
		refused = refused || c.forecast.Worst() == severity.Error
		all = append(all, *c)
	}
	switch {
	case len(all) == 0:
		return nil
	case refused && !m.flags.force:
		return withCode(exitRefused, errors.New("not all would get what was asked for, and none was changed; --force changes them all the same"))
	case m.dryRun == cmdutil.DryRunNone:
		if err := m.ask(len(all)); err != nil {
			return err
		}
	}
	var errs []error
	for _, c := range all {
		if err := m.ctx.Err(); err != nil {
			return err
		}
		errs = append(errs, m.apply(c))
	}
	return inWords(joined(errs))
}

// joined is errors as kubectl's visitors hand them over; nil for none.
func joined(errs []error) error {
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	if len(errs) == 0 {
		return nil
	}
	return utilerrors.NewAggregate(errs)
}

// toConvert is the Services that the arguments name, -l selects, or -A is all of.
func (m *maker) toConvert(args []string) ([]*resource.Info, error) {
	f := m.kubectl
	if len(args) == 0 && len(f.FilenameOptions.Filenames) == 0 && f.FilenameOptions.Kustomize == "" {
		if f.Labels == "" && !m.flags.allNamespaces {
			return nil, errors.New("want the Services: svc/NAME, -f FILE, -l SELECTOR or -A")
		}
		args = []string{"services"}
	}
	b := m.factory.NewBuilder().
		WithScheme(scheme.Scheme, scheme.Scheme.PrioritizedVersionsAllGroups()...).
		ContinueOnError().
		NamespaceParam(m.service.Namespace).DefaultNamespace().AllNamespaces(m.flags.allNamespaces).
		FilenameParam(m.service.EnforceNamespace && !m.flags.allNamespaces, &f.FilenameOptions)
	if f.Labels != "" {
		b = b.LabelSelectorParam(f.Labels)
	}
	list, err := b.ResourceTypeOrNameArgs(m.flags.allNamespaces || f.Labels != "", args...).Flatten().Latest().Do().Infos()
	if err != nil {
		return nil, err
	}
	for _, info := range list {
		if _, ok := info.Object.(*corev1.Service); !ok {
			return nil, fmt.Errorf("%s is no Service: without --upgrade or --downgrade it is exposed by a new one", info.ObjectName())
		}
	}
	return list, nil
}

// prepare is what is to be done about one Service, or nil when that is nothing. Of many
// that a selector chose, those that cannot be changed are passed over and said so.
func (m *maker) prepare(info *resource.Info) (*converted, error) {
	before, ok := info.Object.(*corev1.Service)
	if !ok {
		return nil, fmt.Errorf("%s is no Service", info.ObjectName())
	}
	facts := snapshot.ServiceOf(before)
	decide := expose.Upgrade
	if m.flags.downgrade {
		decide = expose.Downgrade
	}
	change, err := decide(facts, m.request)
	if err != nil && (m.kubectl.Labels != "" || m.flags.allNamespaces) {
		change.Already, err = err.Error(), nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s %w", facts.Ref, err)
	}
	if change.Already != "" {
		_, err := fmt.Fprintf(m.ErrOut, "%s %s\n", facts.Ref, change.Already)
		return nil, err
	}
	c := &converted{before: before, change: change}
	client, err := m.service.ClientForMapping(info.Mapping)
	if err != nil {
		return nil, err
	}
	c.helper = resource.NewHelper(client, info.Mapping).WithFieldManager(m.manager)
	return c, m.foreseeChange(c)
}

// foreseeChange asks the server whether it takes the change, and then MetalLB's rules
// what comes of it. With --keep-addresses it is made again with the addresses in it.
func (m *maker) foreseeChange(c *converted) error {
	after, err := m.patch(c, true)
	if err != nil {
		return err
	}
	if m.flags.keepAddresses {
		if pinned, err := m.pin(c, after); err != nil || !pinned {
			return err
		}
		if after, err = m.patch(c, true); err != nil {
			return err
		}
	}
	c.forecast, err = m.foresee(after, true)
	return err
}

// pin writes into the change the addresses that the Service is to keep, and the one that
// it gets beside them.
func (m *maker) pin(c *converted, after *corev1.Service) (bool, error) {
	snap, err := m.cluster()
	if err != nil {
		return false, err
	}
	in := checks.NewInput(nil, snap)
	facts := snapshot.ServiceOf(after)
	as, err := expose.Keep(in, facts)
	if err != nil {
		return false, fmt.Errorf("--keep-addresses: %s %w", facts.Ref, err)
	}
	if len(as) == 0 {
		return true, nil // it has none
	}
	controller, _ := expose.ControllerOf(in, facts.Class)
	annotations, err := expose.Request{Addresses: as}.Annotations(controller, releaseOf(controller, snap))
	if err != nil {
		return false, fmt.Errorf("--keep-addresses: %s: %w", facts.Ref, err)
	}
	for key := range annotations {
		c.change.Pin(facts, key, as)
	}
	return true, nil
}

// patch sends the change, and is the Service as the server then has it.
func (m *maker) patch(c *converted, dryRun bool) (*corev1.Service, error) {
	data, err := c.change.Patch(snapshot.ServiceOf(c.before), len(c.before.Annotations) > 0)
	if err != nil {
		return nil, err
	}
	object, err := c.helper.DryRun(dryRun).Patch(c.before.Namespace, c.before.Name, types.JSONPatchType, data, nil)
	if status, ok := errors.AsType[*apierrors.StatusError](err); ok && apierrors.IsInvalid(err) && status.ErrStatus.Details.Name == "" {
		// The server does not say which test of a patch failed, nor of what object.
		return nil, fmt.Errorf("services %q is not any more what it was when it was read: somebody else has changed it, or removed it", c.before.Name)
	}
	if err != nil {
		return nil, err
	}
	after, ok := object.(*corev1.Service)
	if !ok {
		return nil, fmt.Errorf("the API server made a %T of the Service", object)
	}
	return after, nil
}

func (m *maker) showChange(c converted) error {
	look, err := m.style.style(m.ErrOut)
	if err != nil {
		return err
	}
	if err := report.WriteChange(m.ErrOut, snapshot.ServiceOf(c.before).Ref, c.change.Changes, look); err != nil {
		return err
	}
	return m.tell(c.forecast)
}

// ask wants a yes of a person before Services of others are changed.
func (m *maker) ask(n int) error {
	if m.flags.yes {
		return nil
	}
	if _, tty := terminal(m.ErrOut); !tty {
		return errors.New("nobody can be asked: give --yes to change what is shown, or --dry-run=server to see it")
	}
	what := "this Service"
	if n > 1 {
		what = fmt.Sprintf("these %d Services", n)
	}
	if _, err := fmt.Fprintf(m.ErrOut, "change %s? [y/N] ", what); err != nil {
		return err
	}
	answered := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(m.In).ReadString('\n') // what is not yes is no
		answered <- line
	}()
	select {
	case <-m.ctx.Done():
		return context.Cause(m.ctx)
	case line := <-answered:
		if word := strings.ToLower(strings.TrimSpace(line)); word != "y" && word != "yes" {
			return errors.New("nothing was changed")
		}
		return nil
	}
}

// apply changes one Service, and waits for it where that is asked for.
func (m *maker) apply(c converted) error {
	if m.dryRun == cmdutil.DryRunClient {
		merged, err := c.merged()
		if err != nil {
			return err
		}
		return m.print(merged)
	}
	after, err := m.patch(&c, m.dryRun == cmdutil.DryRunServer)
	if err != nil {
		return err
	}
	if err := m.print(after); err != nil {
		return err
	}
	wait, err := m.waitFor()
	if err != nil || wait == 0 {
		return err
	}
	return m.await(after, c.forecast, wait)
}

// merged is the Service with the change in it, without asking the server.
func (c converted) merged() (runtime.Object, error) {
	data, err := c.change.Patch(snapshot.ServiceOf(c.before), len(c.before.Annotations) > 0)
	if err != nil {
		return nil, err
	}
	codec := runtime.NewCodec(scheme.DefaultJSONEncoder(), scheme.Codecs.UniversalDecoder(corev1.SchemeGroupVersion))
	return cmdutil.JSONPatch(codec, c.before, string(data))
}
