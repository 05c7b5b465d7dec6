package snapshot

import (
	"encoding/json"
	"reflect"
	"strings"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/jsonmergepatch"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	kjson "sigs.k8s.io/json"
)

// apply is the object current after kubectl apply of file, by way of the same patch:
// fields that file has are set, those that an earlier apply had and file has not are
// taken away, and all others stay as they are. Lists of the built-in kinds are
// merged by their keys, such as the containers of a Pod by their names; lists of
// custom resources are replaced.
// Source: kubectl v0.37.2, pkg/cmd/apply/patcher.go buildMergePatch, buildStrategicMergeFromBuiltins.
func apply(current any, file map[string]any) (any, error) {
	now, err := json.Marshal(current)
	if err != nil {
		return nil, err
	}
	modified, err := json.Marshal(file)
	if err != nil {
		return nil, err
	}
	merge := mergeCustom
	if isBuiltIn(current) {
		merge = func(earlier, modified, now []byte) ([]byte, error) {
			return mergeBuiltIn(earlier, modified, now, current)
		}
	}
	after, err := merge([]byte(lastApplied(current)), modified, now)
	if err != nil {
		return nil, err
	}
	applied := reflect.New(reflect.TypeOf(current).Elem()).Interface()
	return applied, kjson.UnmarshalCaseSensitivePreserveInts(after, applied)
}

// lastApplied is the manifest of the last kubectl apply of object, or empty when
// none is known. Of one that applies from the server's side the fields' managers
// tell, which nothing is taken away by.
func lastApplied(object any) string {
	if named, ok := object.(metav1.Object); ok {
		return named.GetAnnotations()[corev1.LastAppliedConfigAnnotation]
	}
	return ""
}

// isBuiltIn reports whether object is of a type of Kubernetes itself, which says
// how its lists are merged.
func isBuiltIn(object any) bool {
	return strings.HasPrefix(reflect.TypeOf(object).Elem().PkgPath(), "k8s.io/api/")
}

func mergeBuiltIn(earlier, modified, now []byte, object any) ([]byte, error) {
	schema, err := strategicpatch.NewPatchMetaFromStruct(object)
	if err != nil {
		return nil, err
	}
	patch, err := strategicpatch.CreateThreeWayMergePatch(earlier, modified, now, schema, true)
	if err != nil {
		return nil, err
	}
	return strategicpatch.StrategicMergePatchUsingLookupPatchMeta(now, patch, schema)
}

func mergeCustom(earlier, modified, now []byte) ([]byte, error) {
	patch, err := jsonmergepatch.CreateThreeWayJSONMergePatch(earlier, modified, now)
	if err != nil {
		return nil, err
	}
	return jsonpatch.MergePatch(now, patch)
}
