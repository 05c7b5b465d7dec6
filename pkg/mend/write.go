package mend

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// File is a file that a step changes.
type File struct {
	Name    string
	Was, Is []byte
}

// Written is what becomes of files when steps are written into them.
type Written struct {
	Files []File
	// Left is for each step why it was not written; empty when it was.
	Left []string
	// Then is the commands that are to be run when the files have been applied.
	Then []string
}

// Write writes each step that can be into the files of the snapshot, which read gives:
// wholly, or not at all. What is there already is left as it is.
func Write(steps []Step, snap *snapshot.Snapshot, read func(name string) ([]byte, error)) Written {
	w := Written{Left: make([]string, len(steps))}
	for i, s := range steps {
		d := &desk{snap: snap, read: read, files: w.Files}
		if err := d.write(s); err != nil {
			w.Left[i] = err.Error()
			continue
		}
		w.Files, w.Then = d.files, appendNew(w.Then, d.then...)
		for _, a := range s.Actions {
			if a.Verb == Restart {
				w.Then = appendNew(w.Then, strings.TrimPrefix(restarts([]Action{a}), " && "))
			}
		}
	}
	w.Files = slices.DeleteFunc(w.Files, func(f File) bool { return bytes.Equal(f.Was, f.Is) })
	return w
}

// desk is the files as one step changes them.
type desk struct {
	snap  *snapshot.Snapshot
	read  func(string) ([]byte, error)
	files []File
	then  []string // commands for afterwards
}

func (d *desk) write(s Step) error {
	d.files = slices.Clone(d.files)
	switch {
	case len(s.Blanks) > 0:
		return fmt.Errorf("fill in %s", strings.Join(s.Blanks, ", "))
	case !s.Command():
		return d.words(s)
	case s.When != "":
		return fmt.Errorf("it is only for this case: %s", s.When)
	case s.Against > 0:
		return fmt.Errorf("it sets otherwise what step %d sets: choose one", s.Against)
	}
	wrote := false
	for _, a := range s.Actions {
		if a.Verb == Restart {
			continue
		}
		if err := d.do(a, s); err != nil {
			return err
		}
		wrote = true
	}
	if !wrote {
		return errors.New("it changes no file")
	}
	return nil
}

func (d *desk) do(a Action, s Step) error {
	ref := a.Target.Ref()
	switch a.Verb {
	case Patch:
		file := d.place(a.Target, s)
		if file == "" {
			return fmt.Errorf("%s is in no file", ref)
		}
		return d.merge(file, ref.String(), named(a.Target), a.Patch)
	case Apply, Create:
		if file := d.place(a.Target, s); file != "" {
			return d.merge(file, ref.String(), named(a.Target), a.Change())
		}
		return d.add(a, s)
	case Delete:
		return d.remove(a.Target, s)
	case Helm:
		return d.values(a.Release)
	case ByHand:
		return errors.New("a part of it is by hand")
	}
	return fmt.Errorf("%s is for a cluster, and not for a file", a.Verb)
}

// kinds is kinds as they are written, of objects that a step may be about and no finding
// of it names.
var kinds = []string{"Service", "EndpointSlice", "IPAddressPool", "AddressPool", "L2Advertisement", "BGPAdvertisement", "CiliumLoadBalancerIPPool", "ConfigMap"}

// place is the file that an object stands in.
func (d *desk) place(t Target, s Step) string {
	ref := t.Ref()
	for _, m := range s.Mends {
		for _, named := range append([]snapshot.Ref{m.Finding.Object}, m.Finding.Related...) {
			if same(named, ref) {
				return d.snap.Position(named, "").File
			}
		}
	}
	for _, kind := range kinds {
		if strings.EqualFold(kind, ref.Kind) {
			ref.Kind = kind
		}
	}
	return d.snap.Position(ref, "").File
}

// file is the text of a file as the steps before have left it.
func (d *desk) file(name string) (int, error) {
	if i := slices.IndexFunc(d.files, func(f File) bool { return f.Name == name }); i >= 0 {
		return i, nil
	}
	text, err := d.read(name)
	if err != nil {
		return 0, err
	}
	if !utf8.Valid(text) || bytes.HasPrefix(text, []byte("\xef\xbb\xbf")) {
		return 0, fmt.Errorf("%s is not in UTF-8, or begins with a byte order mark", name)
	}
	d.files = append(d.files, File{Name: name, Was: text, Is: text})
	return len(d.files) - 1, nil
}

func (d *desk) merge(name, what string, is func(*yaml.Node) bool, patch map[string]any) error {
	i, err := d.file(name)
	if err != nil {
		return err
	}
	text, err := Merge(d.files[i].Is, is, patch)
	if err != nil {
		return fmt.Errorf("%s: %s %w", name, what, err)
	}
	d.files[i].Is = text
	return nil
}

// add appends the manifest to the file of an object that the step is about.
func (d *desk) add(a Action, s Step) error {
	name := ""
	for _, m := range s.Mends {
		for _, ref := range append([]snapshot.Ref{m.Finding.Object}, m.Finding.Related...) {
			if at := d.snap.Position(ref, ""); name == "" {
				name = at.File
			}
		}
	}
	if name == "" {
		return fmt.Errorf("no file is about %s", a.Target.Ref())
	}
	i, err := d.file(name)
	if err != nil {
		return err
	}
	src := newSource(d.files[i].Is)
	if _, err := src.find(named(a.Target)); err == nil { // a step before has added it
		return d.merge(name, a.Target.Ref().String(), named(a.Target), a.Change())
	}
	if err := takesDocuments(src); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	text := append([]byte{}, src.data...)
	if len(text) > 0 && text[len(text)-1] != '\n' {
		text = append(text, src.newline...)
	}
	if last := src.documents(); last[len(last)-1].root != nil {
		text = append(text, "---"+src.newline...)
	}
	for line := range strings.Lines(manifest(a.Manifest)) {
		text = append(text, strings.TrimSuffix(line, "\n")+src.newline...)
	}
	d.files[i].Is = text
	return nil
}

// takesDocuments is why no manifest can be added to a file.
func takesDocuments(src source) error {
	for _, one := range src.documents() {
		switch {
		case one.root != nil && one.root.Kind == yaml.MappingNode && flow(one.root):
			return errors.New("is JSON: a manifest is added to YAML")
		case one.root != nil && (scalar(one.root, "kind") == "" || scalar(one.root, "apiVersion") == ""):
			return errors.New("is no manifest: another has no place in it")
		}
	}
	return nil
}

// manifest is an object as a document, its fields in the usual order.
func manifest(m map[string]any) string {
	var b strings.Builder
	for _, k := range []string{"apiVersion", "kind", "metadata"} {
		b.WriteString(strings.Join(blockLines(k, m[k], 0), "\n") + "\n")
	}
	rest := []string{}
	for k := range m {
		if k != "apiVersion" && k != "kind" && k != "metadata" {
			rest = append(rest, k)
		}
	}
	slices.Sort(rest)
	for _, k := range rest {
		b.WriteString(strings.Join(blockLines(k, m[k], 0), "\n") + "\n")
	}
	return b.String()
}

// remove takes the document of an object out of its file, where it is one of its own.
func (d *desk) remove(t Target, s Step) error {
	name := d.place(t, s)
	if name == "" {
		return fmt.Errorf("%s is in no file", t.Ref())
	}
	i, err := d.file(name)
	if err != nil {
		return err
	}
	src := newSource(d.files[i].Is)
	o, err := src.find(named(t))
	switch {
	case err != nil:
		return fmt.Errorf("%s: %s %w", name, t.Ref(), err)
	case o.item:
		return fmt.Errorf("%s: %s stands in a list: take it out by hand", name, t.Ref())
	}
	from, to := o.marker, o.to
	if from == 0 {
		from, to = o.from, min(o.to+1, src.lines()) // with the marker of the next one
	}
	text := src.change(src.starts[from-1], src.starts[to], "")
	if !slices.ContainsFunc(newSource(text).documents(), func(d document) bool { return d.root != nil || d.unreadable }) {
		return fmt.Errorf("%s has %s alone: delete the file", name, t.Ref())
	}
	d.files[i].Is = text
	return nil
}

// values writes what helm is to set into the values among the files.
func (d *desk) values(r Release) error {
	v := d.snap.Cilium.Values
	at := d.snap.Position(v.Ref, "")
	if r.Name != "cilium" || v.Ref == (snapshot.Ref{}) || v.Installed() || at.File == "" {
		return fmt.Errorf("the values of %s are in no file", r.Name)
	}
	if len(r.Sets) == 0 {
		return errors.New("the release of a chart stands in no file of values")
	}
	patch := map[string]any{}
	for _, set := range r.Sets {
		value, err := set.value()
		if err != nil {
			return err
		}
		one, ok := agree(patch, nested(append(keys(strings.TrimPrefix(v.In, ".")), keys(set.Key)...), value).(map[string]any))
		if !ok {
			return fmt.Errorf("sets %s twice", set.Key)
		}
		patch = one
	}
	return d.merge(at.File, "values", isValues, patch)
}

// isValues is whether a mapping is values of a chart: no object has neither a kind nor a
// version. A file with several such documents is left as it is.
func isValues(n *yaml.Node) bool { return scalar(n, "kind") == "" && scalar(n, "apiVersion") == "" }

// keys is the parts of a key of --set.
func keys(path string) []string {
	if path == "" {
		return nil
	}
	const dot = "\x00"
	parts := strings.Split(strings.ReplaceAll(path, `\.`, dot), ".")
	for i := range parts {
		parts[i] = strings.ReplaceAll(parts[i], dot, ".")
	}
	return parts
}

// value is what helm takes the text of a --set for.
// Source: helm v3, pkg/strvals/parser.go typedVal.
func (s Set) value() (any, error) {
	if s.Flag == "--set-string" {
		return s.Value, nil
	}
	inner, list := strings.CutPrefix(s.Value, "{")
	switch {
	case strings.Contains(s.Key, "["):
		return nil, fmt.Errorf("%s is an entry of a list", s.Key)
	case list:
		var values []any
		for v := range strings.SplitSeq(strings.TrimSuffix(inner, "}"), ",") {
			values = append(values, typed(v))
		}
		return values, nil
	}
	return typed(s.Value), nil
}

func typed(text string) any {
	switch text {
	case "true":
		return true
	case "false":
		return false
	case "null":
		return nil
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && (text == "0" || !strings.HasPrefix(text, "0")) {
		return int(n)
	}
	return text
}
