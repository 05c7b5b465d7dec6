package cmd

import (
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// refusal is an error of the API server; one about rights is the verb and the resource
// alone, in a namespace or, where that is empty, in all. An admission controller answers
// 403 as well, and says why in its own words.
func refusal(err error, verb, resource, namespace string) error {
	// The answer to the request of an exec has the words alone.
	if denied := apierrors.IsForbidden(err) || strings.Contains(err.Error(), " is forbidden: "); denied && strings.Contains(err.Error(), " cannot "+verb+" ") {
		where := "-A"
		if namespace != "" {
			where = "-n " + namespace
		}
		return fmt.Errorf("%s %s %s: forbidden", verb, resource, where)
	}
	return err
}
