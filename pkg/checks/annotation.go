package checks

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// Annotated is the suppressions that stand at objects: each is about its object alone,
// which it does not name. Those that cannot be read are in the error, and count for
// nothing.
func Annotated(snap *snapshot.Snapshot) (all []Suppression, err error) {
	for _, a := range snap.Suppressions {
		object := path.Join("*", a.Namespace, a.Name)
		from := fmt.Sprintf("annotation %s of %s", snapshot.SuppressAnnotation, path.Join(a.Namespace, a.Name))
		for line := range strings.Lines(a.Text) {
			if strings.TrimSpace(line) == "" {
				continue
			}
			s, parseErr := ParseSuppression(strings.TrimSpace(line), from)
			switch {
			case parseErr != nil:
				err = errors.Join(err, fmt.Errorf("%s: %w", from, parseErr))
			case s.Object != "":
				err = errors.Join(err, fmt.Errorf("%s: names %s: an annotation is about its own object", from, s.Object))
			default:
				s.Object = object
				all = append(all, s)
			}
		}
	}
	return all, err
}
