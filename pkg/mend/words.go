package mend

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
)

var (
	// inKubeadm is a field of kubeadm's ClusterConfiguration and its value, which is a text.
	inKubeadm = regexp.MustCompile(`^in the kubeadm configuration: ([A-Za-z]+(?:\.[A-Za-z]+)*): ([0-9a-fA-F:./,]+)$`)
	// inInstallation is values of the object that installs Cilium, and what comes after.
	inInstallation = regexp.MustCompile(`^in ([a-z]+/[^ :]+): ((?:remove )?spec\..*?)(?:; when that is applied: (.*))?$`)
	// nextValue begins a value that another one follows.
	nextValue = regexp.MustCompile(`, (?:remove )?spec\.`)
	// inPlace is an entry of a list, and what is to stand there.
	inPlace = regexp.MustCompile(`^in place of ("(?:[^"\\]|\\.)*"): ("(?:[^"\\]|\\.)*")$`)
	// entryField is a field that is an entry of a list.
	entryField = regexp.MustCompile(`^\.([A-Za-z.]+)\[([0-9]+)\]$`)
)

var errByHand = errors.New("it is by hand")

// words writes what a fix says in words, where these name a field and its value.
func (d *desk) words(s Step) error {
	if m := inInstallation.FindStringSubmatch(s.Text); m != nil {
		return d.installation(m[1], m[2], m[3])
	}
	for _, m := range s.Mends {
		if err := d.word(s.Text, m.Finding); err != nil {
			return err
		}
	}
	return nil
}

func (d *desk) word(text string, f checks.Finding) error {
	file := d.snap.Position(f.Object, "").File
	if m := inKubeadm.FindStringSubmatch(text); m != nil && file != "" && f.Object.Kind == "ClusterConfiguration" {
		return d.ranges(file, m[1], m[2])
	}
	m, at := inPlace.FindStringSubmatch(text), entryField.FindStringSubmatch(f.Field)
	if m == nil || at == nil || file == "" {
		return errByHand
	}
	was, err1 := strconv.Unquote(m[1])
	is, err2 := strconv.Unquote(m[2])
	index, err3 := strconv.Atoi(at[2])
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	target := Target{Resource: strings.ToLower(f.Object.Kind), Namespace: f.Object.Namespace, Name: f.Object.Name}
	path := strings.Split(at[1], ".")
	list, err := d.entries(file, target, path)
	switch {
	case err != nil:
		return err
	case index < len(list) && list[index] == any(is):
		return nil
	case index >= len(list) || list[index] != any(was):
		return fmt.Errorf("%s: %s has no %q in its place", file, target.Ref(), was)
	}
	list[index] = is
	return d.merge(file, target.Ref().String(), named(target), nested(path, list).(map[string]any))
}

// ranges writes a list of ranges into kubeadm's configuration that has all that are
// there: what a running cluster has given out is not changed by a file.
func (d *desk) ranges(file, field, is string) error {
	path := strings.Split(field, ".")
	n, err := d.node(file, "kubeadm's ClusterConfiguration", isClusterConfiguration, path)
	if err != nil && !errors.Is(err, errNoField) {
		return err
	}
	if n != nil {
		for was := range strings.SplitSeq(n.Value, ",") {
			if !slices.Contains(strings.Split(is, ","), strings.TrimSpace(was)) {
				return fmt.Errorf("%s: %s is in use in a cluster that is made with it: change it by hand", field, strings.TrimSpace(was))
			}
		}
	}
	return d.merge(file, "kubeadm's ClusterConfiguration", isClusterConfiguration, nested(path, is).(map[string]any))
}

// isClusterConfiguration is whether a mapping is the configuration that kubeadm is given.
func isClusterConfiguration(n *yaml.Node) bool {
	return scalar(n, "kind") == "ClusterConfiguration" && strings.HasPrefix(scalar(n, "apiVersion"), "kubeadm.k8s.io/")
}

// entries is a list of an object.
func (d *desk) entries(file string, t Target, path []string) ([]any, error) {
	n, err := d.node(file, t.Ref().String(), named(t), path)
	if err != nil {
		return nil, err
	}
	var list []any
	if err := n.Decode(&list); err != nil {
		return nil, errNotWhatWasMeant
	}
	return list, nil
}

var errNoField = errors.New("has no such field")

// node is a field of an object in a file, as the steps before have left it.
func (d *desk) node(file, what string, is func(*yaml.Node) bool, path []string) (*yaml.Node, error) {
	i, err := d.file(file)
	if err != nil {
		return nil, err
	}
	o, err := newSource(d.files[i].Is).find(is)
	if err != nil {
		return nil, fmt.Errorf("%s: %s %w", file, what, err)
	}
	n := o.node
	for _, key := range path {
		if n = child(n, key); n == nil {
			return nil, fmt.Errorf("%s: %s: .%s: %w", file, what, strings.Join(path, "."), errNoField)
		}
	}
	return n, nil
}

// installation writes values of Cilium's chart into the object that installs it. Values
// that stand in it as one text are not a part of it that could be changed.
func (d *desk) installation(object, values, after string) error {
	ref := d.snap.Cilium.Values.Ref
	file := d.snap.Position(ref, "").File
	if ref.String() != object || file == "" {
		return errByHand
	}
	var patch map[string]any
	for _, text := range splitValues(values) {
		path, value, removed := strings.TrimPrefix(text, "remove "), any(nil), strings.HasPrefix(text, "remove ")
		if !removed {
			key, written, ok := strings.Cut(text, ": ")
			if err := yaml.Unmarshal([]byte(written), &value); !ok || err != nil {
				return errByHand
			}
			path = key
		}
		one, ok := agree(patch, nested(keys(path), value).(map[string]any))
		if !ok {
			return fmt.Errorf("sets %s twice", path)
		}
		patch = one
	}
	target := Target{Resource: strings.ToLower(ref.Kind), Namespace: ref.Namespace, Name: ref.Name}
	if err := d.merge(file, ref.String(), named(target), patch); err != nil {
		return err
	}
	if after != "" {
		d.then = append(d.then, after)
	}
	return nil
}

func splitValues(text string) (list []string) {
	for {
		at := nextValue.FindStringIndex(text)
		if at == nil {
			return append(list, text)
		}
		list = append(list, text[:at[0]])
		text = text[at[0]+len(", "):]
	}
}
