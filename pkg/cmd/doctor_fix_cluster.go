package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/mend"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/report"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// writeTimeout is how long one request of a step may take: one that was sent is
// waited for also when the run is interrupted, so that what became of it can be said.
const writeTimeout = 30 * time.Second

// mendQPS and mendBurst keep below what the API server's fairness gives one user; they
// take the place of client-go's 5 and 10.
const mendQPS, mendBurst = 50, 100

// mender takes steps in a cluster.
type mender struct {
	client dynamic.Interface
	mapper meta.RESTMapper
}

func (o *doctorOptions) newMender() (*mender, error) {
	config, _, err := connect(o.config)
	if err != nil {
		return nil, err
	}
	config = rest.CopyConfig(config)
	config.QPS, config.Burst = mendQPS, mendBurst
	config.WarningHandlerWithContext = rest.NoWarnings{}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	served, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, err
	}
	return &mender{client: client, mapper: restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(served))}, nil
}

// try is a step and what the API server says of it; one for each of its actions.
type try struct {
	mend.Trial
	before []*unstructured.Unstructured // nil for an object that is not there
}

// tryAll tries each step by itself in a dry run.
func (o *doctorOptions) tryAll(ctx context.Context, steps []mend.Step) ([]try, error) {
	tries := make([]try, len(steps))
	var m *mender
	for i, s := range steps {
		ok, why := s.Triable()
		if !ok {
			tries[i].Trial = mend.Trial{Outcome: mend.NotTried, Detail: why}
			continue
		}
		if m == nil {
			var err error
			if m, err = o.newMender(); err != nil {
				return nil, err
			}
		}
		tries[i] = m.try(ctx, s)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	return tries, nil
}

func outcomes(tries []try) []mend.Trial {
	trials := make([]mend.Trial, len(tries))
	for i, t := range tries {
		trials[i] = t.Trial
	}
	return trials
}

func (m *mender) try(ctx context.Context, s mend.Step) try {
	t := try{Trial: mend.Trial{Outcome: mend.Accepted}}
	for _, a := range s.Actions {
		if !writes(a) {
			t.before = append(t.before, nil)
			continue
		}
		before, err := m.before(ctx, a)
		if err == nil {
			err = m.take(ctx, a, before, true)
		}
		if err != nil {
			t.Outcome, t.Detail, t.Undo = mend.Refused, err.Error(), nil
			return t
		}
		t.before = append(t.before, before)
		if undo := undoOf(a, before); undo != "" && s.Reversible() {
			t.Undo = append([]string{undo}, t.Undo...)
		}
	}
	return t
}

// writes reports whether an API server is asked to do a.
func writes(a mend.Action) bool {
	return slices.Contains([]mend.Verb{mend.Patch, mend.JSON, mend.Create, mend.Apply}, a.Verb)
}

func undoOf(a mend.Action, before *unstructured.Unstructured) string {
	if before == nil {
		return a.Undo(nil)
	}
	return a.Undo(before.Object)
}

// resource is where the objects of a are, and the word for them in messages.
func (m *mender) resource(a mend.Action) (dynamic.ResourceInterface, string, error) {
	mapping, err := m.mapping(a.Target)
	if err != nil {
		return nil, "", err
	}
	all := m.client.Resource(mapping.Resource)
	word := mapping.Resource.GroupResource().String()
	if mapping.Scope.Name() == meta.RESTScopeNameRoot {
		return all, word, nil
	}
	namespace := a.Target.Namespace
	if namespace == "" {
		return nil, word, fmt.Errorf("%s is in a namespace, and none is named", a.Target.Ref())
	}
	return all.Namespace(namespace), word, nil
}

func (m *mender) mapping(t mend.Target) (*meta.RESTMapping, error) {
	resource := schema.ParseGroupResource(t.Resource).WithVersion("")
	if t.APIVersion != "" {
		version, err := schema.ParseGroupVersion(t.APIVersion)
		if err != nil {
			return nil, err
		}
		resource = version.WithResource(t.Resource)
	}
	kind, err := m.mapper.KindFor(resource)
	if err != nil {
		return nil, err
	}
	return m.mapper.RESTMapping(kind.GroupKind(), kind.Version)
}

// before is the object as it is now; nil when it is not there and a makes it.
func (m *mender) before(ctx context.Context, a mend.Action) (*unstructured.Unstructured, error) {
	objects, word, err := m.resource(a)
	if err != nil {
		return nil, err
	}
	if a.Verb == mend.Create {
		return nil, nil
	}
	got, err := objects.Get(ctx, a.Target.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err) && a.Verb == mend.Apply:
		return nil, nil
	case err != nil:
		return nil, refusal(err, "get", word, a.Target.Namespace)
	}
	return got, takes(a, got)
}

// takes is why the object cannot be changed by a, as kubectl says it of annotate and
// label without --overwrite.
func takes(a mend.Action, before *unstructured.Unstructured) error {
	if a.Verb != mend.Patch || a.Overwrite {
		return nil
	}
	header, _ := a.Patch["metadata"].(map[string]any)
	for field, have := range map[string]map[string]string{"annotations": before.GetAnnotations(), "labels": before.GetLabels()} {
		marks, _ := header[field].(map[string]any)
		for key, value := range marks {
			if is, there := have[key]; there && value != nil && is != value {
				return fmt.Errorf("%s has %s %s=%s already: --overwrite changes it", a.Target.Ref(), field, key, is)
			}
		}
	}
	return nil
}

// take does a, for good or in a dry run. An object that has changed since it was read
// is left as it is: the patch names the version that was read.
func (m *mender) take(ctx context.Context, a mend.Action, before *unstructured.Unstructured, dryRun bool) error {
	objects, word, err := m.resource(a)
	if err != nil {
		return err
	}
	var dry []string
	if dryRun {
		dry = []string{metav1.DryRunAll}
	}
	if before == nil {
		object, err := asObject(a.Manifest)
		if err != nil {
			return err
		}
		_, err = objects.Create(ctx, object, metav1.CreateOptions{FieldManager: ourName, DryRun: dry})
		return inOurWords(err, "create", word, a)
	}
	kind, data, err := patchOf(a, before)
	if err != nil {
		return err
	}
	_, err = objects.Patch(ctx, a.Target.Name, kind, data, metav1.PatchOptions{FieldManager: ourName, DryRun: dry})
	return inOurWords(err, "patch", word, a)
}

// asObject goes by way of JSON, in which numbers are what the client wants them to be.
func asObject(manifest map[string]any) (*unstructured.Unstructured, error) {
	data, err := json.Marshal(manifest)
	if err != nil {
		return nil, err
	}
	object := &unstructured.Unstructured{}
	return object, object.UnmarshalJSON(data)
}

func patchOf(a mend.Action, before *unstructured.Unstructured) (types.PatchType, []byte, error) {
	if a.Verb == mend.JSON {
		var operations []any
		if err := json.Unmarshal([]byte(a.Text), &operations); err != nil {
			return "", nil, err
		}
		test := map[string]any{"op": "test", "path": "/metadata/resourceVersion", "value": before.GetResourceVersion()}
		data, err := json.Marshal(append([]any{test}, operations...))
		return types.JSONPatchType, data, err
	}
	patch := map[string]any{}
	maps.Copy(patch, a.Change())
	header := map[string]any{}
	given, _ := patch["metadata"].(map[string]any)
	maps.Copy(header, given)
	header["resourceVersion"] = before.GetResourceVersion()
	patch["metadata"] = header
	data, err := json.Marshal(patch)
	return types.MergePatchType, data, err
}

func inOurWords(err error, verb, resource string, a mend.Action) error {
	switch {
	case err == nil:
		return nil
	case apierrors.IsConflict(err):
		return fmt.Errorf("%s has been changed in the meantime, and was left as it is", a.Target.Ref())
	case apierrors.IsAlreadyExists(err):
		return fmt.Errorf("%s is there already, and was left as it is", a.Target.Ref())
	}
	return refusal(err, verb, resource, a.Target.Namespace)
}

// applySteps shows the steps, asks, takes those that can be taken back, and audits
// again. What it does stands on standard error, the report that is left on standard
// output.
func (o *doctorOptions) applySteps(ctx context.Context, r *report.Report, steps []mend.Step, outcome error) error {
	tries, err := o.tryAll(ctx, steps)
	if err != nil {
		return err
	}
	if err := report.BuildMend(r, steps, outcomes(tries)).Write(o.ErrOut, report.Table, o.print); err != nil {
		return err
	}
	var chosen []int
	for i, s := range steps {
		if s.Reversible() && tries[i].Outcome == mend.Accepted {
			chosen = append(chosen, i)
		}
	}
	if len(chosen) == 0 {
		o.say("applied: nothing: no step can be taken back and is accepted by the API server")
		return o.again(ctx, nil)
	}
	yes, err := o.consent(ctx, len(chosen))
	if err != nil {
		return err
	}
	if !yes {
		o.say("applied: nothing")
		return outcome
	}
	return o.again(ctx, o.takeSteps(ctx, steps, tries, chosen))
}

func (o *doctorOptions) say(format string, args ...any) {
	fmt.Fprintln(o.ErrOut, report.Escape(fmt.Sprintf(format, args...)))
}

// consent asks, unless --yes has answered.
func (o *doctorOptions) consent(ctx context.Context, n int) (yes bool, err error) {
	if o.fix.yes {
		return true, nil
	}
	out, end, ok := conversation(o.In, o.ErrOut)
	if !ok {
		return false, fmt.Errorf("--fix=apply asks before it applies %s, and there is no terminal: --yes answers", numberOf(n, "step"))
	}
	defer end()
	return yes, newAsker(ctx, o.In, out).put(question{
		why: fmt.Sprintf("Reversible and accepted by the API server: %s. The others are left to you.", numberOf(n, "step")),
		ask: "Apply (y/N)", standard: "n",
		take: func(answer string) error {
			switch strings.ToLower(answer) {
			case "y", "yes":
				yes = true
			case "n", "no":
			default:
				return fmt.Errorf("%q: want y or n", answer)
			}
			return nil
		},
	})
}

// takeSteps takes the chosen steps, one after the other, and stops at the first that
// fails or when the run is interrupted. It says what was left.
func (o *doctorOptions) takeSteps(ctx context.Context, steps []mend.Step, tries []try, chosen []int) error {
	m, err := o.newMender()
	if err != nil {
		return err
	}
	touched := map[snapshot.Ref]bool{}
	for n, i := range chosen {
		left := chosen[n:]
		err := ctx.Err()
		if err == nil {
			left = chosen[n+1:]
			err = o.takeStep(ctx, m, i, steps[i], tries[i], touched)
		}
		if err != nil {
			for _, l := range left {
				o.say("step %d: left", l+1)
			}
			return fmt.Errorf("step %d: %w", i+1, err)
		}
	}
	return nil
}

// takeStep says what was done of a step, action by action, and how each is taken back.
// An object that a step before has changed is read anew.
func (o *doctorOptions) takeStep(ctx context.Context, m *mender, i int, s mend.Step, t try, touched map[snapshot.Ref]bool) error {
	if slices.ContainsFunc(s.Touches, func(r snapshot.Ref) bool { return touched[r] }) {
		if t = m.try(ctx, s); t.Outcome != mend.Accepted {
			return errors.New(t.Detail)
		}
	}
	for n, a := range s.Actions {
		if !writes(a) {
			continue
		}
		sent, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
		err := m.take(sent, a, t.before[n], false)
		cancel()
		if err != nil {
			return err
		}
		touched[a.Target.Ref()] = true
		did := "patched"
		if t.before[n] == nil {
			did = "created"
		}
		o.say("step %d: %s %s", i+1, a.Target.Ref(), did)
		if undo := undoOf(a, t.before[n]); undo != "" {
			o.say("  undo: %s", undo)
		}
	}
	return nil
}

// again audits once more and prints the report. A step that failed is trouble whatever
// is left.
func (o *doctorOptions) again(ctx context.Context, failed error) error {
	if errors.Is(failed, context.Canceled) {
		return failed
	}
	if failed != nil {
		o.say("error: %s; what follows is how things are now", failed)
	}
	once := *o
	once.fix = fixing{}
	err := once.Run(ctx)
	if failed != nil && (err == nil || errors.Is(err, errFindings)) {
		return failed
	}
	return err
}
