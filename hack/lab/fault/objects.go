package fault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// reference names an object; without a namespace it may be in any, or in none.
type reference struct{ kind, namespace, name string }

// parseReference reads KIND/NAME or KIND/NAMESPACE/NAME.
func parseReference(s string) (reference, error) {
	parts := strings.Split(s, "/")
	for _, part := range parts {
		if part == "" || len(parts) < 2 || len(parts) > 3 {
			return reference{}, fmt.Errorf("%q: want KIND/NAME or KIND/NAMESPACE/NAME", s)
		}
	}
	r := reference{kind: parts[0], name: parts[len(parts)-1]}
	if len(parts) == 3 {
		r.namespace = parts[1]
	}
	return r, nil
}

// file is where an object of this name is put aside: as it was, or marked.
func (r *run) aside(ref reference, marked string) string {
	return filepath.Join(r.dir, "before", ref.kind+"_"+ref.namespace+"_"+ref.name+marked+".json")
}

// manager is who writes fields of objects here.
const manager = "lab"

// save puts an object aside as it is, and as what overwrite writes on the way there.
func (r *run) save(ctx context.Context, ref reference) error {
	where := "--all-namespaces"
	if ref.namespace != "" {
		where = "--namespace=" + ref.namespace
	}
	text, err := must(r.kubectl(ctx, "get", ref.kind, where, "--field-selector=metadata.name="+ref.name, "--output=json", "--show-managed-fields"))
	if err != nil {
		return err
	}
	var list struct{ Items []map[string]any }
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&list); err != nil {
		return err
	}
	if n := len(list.Items); n != 1 {
		return fmt.Errorf("the lab has %d objects of that name", n)
	}
	object := list.Items[0]
	metadata, ok := object["metadata"].(map[string]any)
	if !ok {
		return errors.New("it has no metadata")
	}
	for _, field := range []string{"uid", "resourceVersion", "creationTimestamp", "generation"} {
		delete(metadata, field)
	}
	if err := writeJSON(r.aside(ref, ""), object); err != nil {
		return err
	}
	delete(metadata, "managedFields")
	annotations, _ := metadata["annotations"].(map[string]any) // a nil map for none
	metadata["annotations"] = with(annotations, "lab/restored", "half")
	return writeJSON(r.aside(ref, ".marked"), object)
}

func with(m map[string]any, key string, value any) map[string]any {
	if m = maps.Clone(m); m == nil {
		m = map[string]any{}
	}
	m[key] = value
	return m
}

func writeJSON(path string, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o600)
}

// restore is «restore KIND/NAME...»: the object as it was before the fault, who wrote
// which field and when included, by which doctor knows what was changed by hand, and
// agents that are older than their configuration.
//
// The server keeps such a list as it is given only with a change besides times, and puts
// whoever changes something on it: so the object comes first, with a mark, and then the
// list, when the mark goes.
// Source: k8s.io/apimachinery v0.37.2, pkg/util/managedfields/internal/fieldmanager.go
// Update; k8s.io/apiserver v0.37.2, pkg/endpoints/handlers/fieldmanager/equality.go.
func (r *run) restore(ctx context.Context, s Step) (string, error) {
	for _, name := range s.args {
		ref, err := parseReference(name)
		if err != nil {
			return "", err
		}
		text, err := os.ReadFile(r.aside(ref, ".marked"))
		if err != nil {
			return "", err
		}
		var object struct{ Status map[string]any }
		if err := json.Unmarshal(text, &object); err != nil {
			return "", err
		}
		if err := r.overwrite(ctx, r.aside(ref, ".marked"), len(object.Status) > 0); err != nil {
			return "", err
		}
		if err := r.write(ctx, "replace", r.aside(ref, "")); err != nil {
			return "", err
		}
	}
	return "", nil
}

// hasStatus finds the status in a manifest.
var hasStatus = regexp.MustCompile(`(?m)^status:`)

// put is «put FILE...»: the object with its status in the place of the one that is
// there, as a kubelet or a controller would write it.
func (r *run) put(ctx context.Context, s Step) (string, error) {
	for _, name := range s.args {
		text, err := os.ReadFile(r.file(name))
		if err != nil {
			return "", err
		}
		if err := r.overwrite(ctx, r.file(name), hasStatus.Match(text)); err != nil {
			return "", err
		}
	}
	return "", nil
}

// overwrite writes the object of a file over the one that is there, or makes it anew
// where the server does not let fields of it change; then its status.
func (r *run) overwrite(ctx context.Context, file string, status bool) error {
	err := r.write(ctx, "replace", file)
	if err != nil && (strings.Contains(err.Error(), " is invalid: ") || strings.Contains(err.Error(), "(NotFound)")) {
		if _, err := must(r.kubectl(ctx, "delete", "--ignore-not-found", "--force", "--grace-period=0", "--filename="+file)); err != nil {
			return err
		}
		err = r.write(ctx, "create", file)
	}
	if err != nil || !status {
		return err
	}
	return r.write(ctx, "replace", file, "--subresource=status")
}

// write creates or replaces, again when somebody else wrote at the same time.
func (r *run) write(ctx context.Context, verb, file string, flags ...string) error {
	args := append([]string{verb, "--validate=false", "--field-manager=" + manager, "--filename=" + file}, flags...)
	for {
		_, err := must(r.kubectl(ctx, args...))
		if err == nil || !strings.Contains(err.Error(), "(Conflict)") {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, context.Cause(ctx))
		case <-time.After(20 * time.Millisecond):
		}
	}
}
