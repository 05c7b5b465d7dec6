package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
)

// planKey is the key of a ConfigMap that holds a plan.
const planKey = "plan.yaml"

// planFlag begins the help of every --plan.
const planFlag = "Address plan (FILE, - for standard input, or configmap/NAMESPACE/NAME)"

// planSource reads what the command line names as a plan: a file, "-" for standard
// input, or configmap/NAMESPACE/NAME of the cluster that kubeconfig and flags name.
// A cluster is asked only when a plan is in it.
type planSource struct {
	stdin  io.Reader
	config *genericclioptions.ConfigFlags
}

// newPlanSource is the source of a command that has no other use for a cluster.
func newPlanSource(stdin io.Reader) *planSource {
	config := genericclioptions.NewConfigFlags(true)
	// A plan is named with its namespace, and asks for no discovery that could be cached.
	config.Namespace, config.CacheDir = nil, nil
	return &planSource{stdin: stdin, config: config}
}

// addFlags adds the flags that say how to reach the cluster.
func (s *planSource) addFlags(cmd *cobra.Command) {
	s.config.AddFlags(cmd.Flags())
	markConnection(cmd.Flags(), s.config)
	completeKubeconfig(cmd, s.config)
}

// read is the text of a plan and its name in messages: the path, "standard input" or
// configmap/NAMESPACE/NAME.
func (s *planSource) read(ctx context.Context, named string) (name string, text []byte, err error) {
	ref, in := parsePlanRef(named)
	if !in {
		name, text, err = readNamed(named, s.stdin)
		if errors.Is(err, fs.ErrNotExist) && inClusterPrefix(named) != "" {
			err = fmt.Errorf("%w; a plan in the cluster is configmap/NAMESPACE/NAME", err)
		}
		return name, text, err
	}
	if err := ref.validate(); err != nil {
		return ref.String(), nil, err
	}
	m, err := s.configMap(ctx, ref)
	if err != nil {
		return ref.String(), nil, err
	}
	text, err = planText(m)
	if err != nil {
		err = fmt.Errorf("%s: %w", ref, err)
	}
	return ref.String(), text, err
}

// plan is the plan that is named, or all that is wrong with its form. One that was
// asked for and cannot be used ends a command: to judge by something else would be
// no answer.
func (s *planSource) plan(ctx context.Context, named string) (*plan.Plan, []byte, error) {
	name, text, err := s.read(ctx, named)
	if err != nil {
		return nil, nil, err
	}
	p, problems := plan.Parse(name, text)
	if p == nil {
		return nil, nil, planErrors(name, problems)
	}
	return p, text, nil
}

// flag is the plan of --plan, and its text; nil when none was asked for.
func (s *planSource) flag(ctx context.Context, named string) (*plan.Plan, []byte, error) {
	if named == "" || named == noPlan {
		return nil, nil, nil
	}
	name, text, err := s.read(ctx, named)
	if err != nil {
		return nil, nil, fmt.Errorf("--plan: %w", err)
	}
	p, problems := plan.Parse(name, text)
	if p == nil {
		return nil, nil, planErrors(name, problems)
	}
	return p, text, nil
}

// configMap is the ConfigMap of ref.
func (s *planSource) configMap(ctx context.Context, ref planRef) (*corev1.ConfigMap, error) {
	client, where, err := s.client()
	if err != nil {
		return nil, err
	}
	m, err := client.CoreV1().ConfigMaps(ref.namespace).Get(ctx, ref.name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil, fmt.Errorf("%s: not found in cluster %s", ref, where)
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, fmt.Errorf("%s: no answer from cluster %s in time", ref, where)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", ref, refusal(err, "get", "configmaps", ref.namespace))
	}
	return m, nil
}

// client is a client of the cluster, and the name of its context.
func (s *planSource) client() (kubernetes.Interface, string, error) {
	config, where, err := connect(s.config)
	if err != nil {
		return nil, "", err
	}
	client, err := kubernetes.NewForConfig(rest.CopyConfig(config))
	return client, where, err
}

// planText is the plan in a ConfigMap: of key plan.yaml, or of the only key.
func planText(m *corev1.ConfigMap) ([]byte, error) {
	all := maps.Clone(m.BinaryData) // where kubectl puts a file that is no UTF-8
	if all == nil {
		all = map[string][]byte{}
	}
	for key, text := range m.Data {
		all[key] = []byte(text)
	}
	keys := slices.Sorted(maps.Keys(all))
	if text, ok := all[planKey]; ok {
		return text, nil
	}
	switch len(keys) {
	case 0:
		return nil, fmt.Errorf("has no data: want a plan under key %s", planKey)
	case 1:
		return all[keys[0]], nil
	}
	return nil, fmt.Errorf("has no key %s, and more than one other: %s", planKey, strings.Join(keys, ", "))
}

// planRef names a ConfigMap with a plan.
type planRef struct{ namespace, name string }

// String is the form that --plan takes.
func (r planRef) String() string { return "configmap/" + r.namespace + "/" + r.name }

// inClusterPrefixes is how a plan in the cluster may begin: kubectl's names of the kind.
var inClusterPrefixes = []string{"configmap/", "configmaps/", "cm/"}

func inClusterPrefix(named string) string {
	for _, prefix := range inClusterPrefixes {
		if strings.HasPrefix(named, prefix) {
			return prefix
		}
	}
	return ""
}

// inCluster reports whether a cluster is asked for the plan of this name.
func inCluster(named string) bool {
	_, ok := parsePlanRef(named)
	return ok
}

// parsePlanRef reads configmap/NAMESPACE/NAME. Whatever has not these three parts is a
// file; so is ./configmap/NAMESPACE/NAME.
func parsePlanRef(named string) (planRef, bool) {
	prefix := inClusterPrefix(named)
	namespace, name, ok := strings.Cut(strings.TrimPrefix(named, prefix), "/")
	if prefix == "" || !ok || strings.Contains(name, "/") {
		return planRef{}, false
	}
	return planRef{namespace, name}, true
}

// validate refuses names that no ConfigMap has.
func (r planRef) validate() error {
	if why := validation.IsDNS1123Label(r.namespace); len(why) > 0 {
		return fmt.Errorf("%s: namespace %q: %s", r, r.namespace, why[0])
	}
	if why := validation.IsDNS1123Subdomain(r.name); len(why) > 0 {
		return fmt.Errorf("%s: name %q: %s", r, r.name, why[0])
	}
	return nil
}

// readNamed reads a file that the command line names; "-" is standard input.
func readNamed(path string, stdin io.Reader) (name string, text []byte, err error) {
	if path == "-" {
		text, err = io.ReadAll(stdin)
		return standardInput, text, err
	}
	text, err = os.ReadFile(path)
	return path, text, err
}

// planErrors is all problems of a plan that cannot be used, one a line.
func planErrors(name string, problems []plan.Problem) error {
	var errs []error
	for _, p := range problems {
		errs = append(errs, fmt.Errorf("%s:%w", name, p))
	}
	return errors.Join(errs...)
}
