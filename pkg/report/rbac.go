package report

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// RoleName is what the roles of doctor are called.
const RoleName = "dualstack-doctor"

// WriteRBAC prints what the checks read and no more: a ClusterRole with the rights in all
// namespaces, and a Role for each namespace that some are needed in.
func WriteRBAC(w io.Writer, list []*checks.Check) error {
	text := Roles(RoleName, Rights(list...))
	_, err := w.Write(text)
	return err
}

// Roles is rights as the roles of that name, one document for each namespace.
func Roles(name string, rights []snapshot.Right) []byte {
	var b bytes.Buffer
	for i, namespace := range Namespaces(rights) {
		if i > 0 {
			b.WriteString("---\n")
		}
		in := slices.DeleteFunc(slices.Clone(rights), func(r snapshot.Right) bool { return r.Namespace != namespace })
		role(&b, name, namespace, in)
	}
	return b.Bytes()
}

// Namespaces is where rights are needed, the empty one for all first.
func Namespaces(rights []snapshot.Right) []string {
	var namespaces []string
	for _, r := range rights {
		namespaces = append(namespaces, r.Namespace)
	}
	slices.Sort(namespaces)
	return slices.Compact(namespaces)
}

// Rights is the permissions that the facts of the checks take, sorted, each once.
func Rights(list ...*checks.Check) []snapshot.Right {
	var all []snapshot.Right
	for _, c := range list {
		for _, k := range slices.Concat(c.Needs, c.Uses) {
			all = append(all, k.Rights()...)
		}
	}
	slices.SortFunc(all, compareRights)
	return slices.CompactFunc(all, func(a, b snapshot.Right) bool { return compareRights(a, b) == 0 })
}

func compareRights(a, b snapshot.Right) int {
	return cmp.Or(
		cmp.Compare(a.Namespace, b.Namespace),
		cmp.Compare(a.Group, b.Group),
		slices.Compare(a.Names, b.Names),
		cmp.Compare(a.Verb, b.Verb),
		cmp.Compare(a.Resource, b.Resource),
	)
}

func role(b *bytes.Buffer, name, namespace string, rights []snapshot.Right) {
	b.WriteString("apiVersion: rbac.authorization.k8s.io/v1\n")
	if namespace == "" {
		fmt.Fprintf(b, "kind: ClusterRole\nmetadata:\n  name: %s\nrules:\n", name)
	} else {
		fmt.Fprintf(b, "kind: Role\nmetadata:\n  name: %s\n  namespace: %s\nrules:\n", name, namespace)
	}
	for rights = joinNames(rights); len(rights) > 0; {
		n := 1
		for n < len(rights) && oneRule(rights[0], rights[n]) {
			n++
		}
		rule(b, rights[:n])
		rights = rights[n:]
	}
}

// joinNames is rights with those for named objects of one resource joined.
func joinNames(rights []snapshot.Right) []snapshot.Right {
	var joined []snapshot.Right
	for _, r := range rights {
		i := slices.IndexFunc(joined, func(j snapshot.Right) bool {
			named := len(j.Names) > 0 && len(r.Names) > 0
			j.Names = r.Names
			return named && compareRights(j, r) == 0
		})
		if i < 0 {
			joined = append(joined, r)
			continue
		}
		joined[i].Names = slices.Concat(joined[i].Names, r.Names)
	}
	return joined
}

// oneRule reports whether a and b differ in their resource only.
func oneRule(a, b snapshot.Right) bool {
	b.Resource = a.Resource
	return compareRights(a, b) == 0
}

func rule(b *bytes.Buffer, rights []snapshot.Right) {
	var resources []string
	for _, r := range rights {
		resources = append(resources, r.Resource)
	}
	first := rights[0]
	fmt.Fprintf(b, "- apiGroups: [%q]\n  resources: %s\n", first.Group, flow(resources))
	if len(first.Names) > 0 {
		fmt.Fprintf(b, "  resourceNames: %s\n", flow(first.Names))
	}
	fmt.Fprintf(b, "  verbs: %s\n", flow([]string{first.Verb}))
}

func flow(words []string) string { return "[" + strings.Join(words, ", ") + "]" }
