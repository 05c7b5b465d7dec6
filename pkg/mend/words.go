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
	// inPlace is an entry of a list, and what is to stand there.
	inPlace = regexp.MustCompile(`^in place of ("(?:[^"\\]|\\.)*"): ("(?:[^"\\]|\\.)*")$`)
	// entryField is a field that is an entry of a list.
	entryField = regexp.MustCompile(`^\.([A-Za-z.]+)\[([0-9]+)\]$`)
)

var errByHand = errors.New("it is by hand")

// words writes what a fix says in words, where these name a field and its value.
func (d *desk) words(s Step) error {
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
		if before, there := d.set[m[1]]; there && before != m[2] {
			return fmt.Errorf("it sets %s otherwise than a step before", m[1])
		}
		d.set[m[1]] = m[2]
		return d.merge(file, "kubeadm's ClusterConfiguration", isClusterConfiguration, nested(strings.Split(m[1], "."), m[2]).(map[string]any))
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

// isClusterConfiguration is whether a mapping is the configuration that kubeadm is given.
func isClusterConfiguration(n *yaml.Node) bool {
	return scalar(n, "kind") == "ClusterConfiguration" && strings.HasPrefix(scalar(n, "apiVersion"), "kubeadm.k8s.io/")
}

// entries is a list of an object.
func (d *desk) entries(file string, t Target, path []string) ([]any, error) {
	i, err := d.file(file)
	if err != nil {
		return nil, err
	}
	o, err := newSource(d.files[i].Is).find(named(t))
	if err != nil {
		return nil, fmt.Errorf("%s: %s %w", file, t.Ref(), err)
	}
	n := o.node
	for _, key := range path {
		if n = child(n, key); n == nil {
			return nil, errNotWhatWasMeant
		}
	}
	var list []any
	if err := n.Decode(&list); err != nil {
		return nil, errNotWhatWasMeant
	}
	return slices.Clone(list), nil
}
