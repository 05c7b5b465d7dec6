package catalog

import (
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
)

// Causes is which checks' findings follow from which. Of several causes that
// explain one finding the first counts, so that those of a symptom stand in the
// order of their depth: what is configured for the whole cluster before what is
// wrong with one object.
var Causes = []checks.Edge{
	// A family that the API server or the controllers lack.
	follows("DS201", "DS203", checks.Everywhere),
	follows("DS211", "DS203", checks.Everywhere),
	follows("DS201", "DS211", checks.Everywhere),
	follows("DS602", "DS203", checks.Everywhere),
	follows("DS602", "DS211", checks.Everywhere),
	follows("DS602", "DS201", checks.Everywhere),
	follows("DS601", "DS211", checks.Everywhere),
	follows("DS601", "DS212", checks.Everywhere),
	follows("DS610", "DS203", checks.Everywhere),
	follows("DS610", "DS211", checks.Everywhere),
	follows("DS513", "DS203", checks.Everywhere),
	follows("DS513", "DS211", checks.Everywhere),
	follows("DS513", "DS601", checks.SameObject),
	follows("DS302", "DS203", checks.Everywhere),
	follows("DS302", "DS202", checks.Everywhere),
	follows("DS207", "DS201", checks.Everywhere),

	// Ranges: what is wrong with one, and who has it.
	follows("DS107", "DS105", checks.SameField),
	follows("DS107", "DS106", checks.SameField),
	follows("DS104", "DS103", checks.SameField),
	follows("DS104", "DS501", checks.SameObject),
	follows("DS104", "DS503", checks.SameObject),
	follows("DS104", "DS504", checks.SameObject),
	follows("DS104", "DS507", checks.SameObject),
	follows("DS104", "DS403", ofPods),
	follows("DS307", "DS104", ofPods),
	follows("DS303", "DS204", checks.Everywhere),
	follows("DS303", "DS202", checks.Everywhere),
	follows("DS305", "DS106", checks.Everywhere),
	follows("DS305", "DS108", checks.Everywhere),

	// Cilium without a family, or without ranges of it.
	follows("DS402", "DS401", checks.Everywhere),
	follows("DS406", "DS401", checks.Everywhere),
	follows("DS409", "DS401", checks.Everywhere),
	follows("DS419", "DS401", checks.Everywhere),
	follows("DS415", "DS401", checks.Everywhere),
	follows("DS415", "DS402", checks.Everywhere),
	follows("DS415", "DS403", checks.Everywhere),
	follows("DS421", "DS301", checks.SameNode),
	follows("DS429", "DS301", checks.SameNode),
	follows("DS428", "DS410", checks.SameField),

	// Endpoints of a family that Pods have no address of.
	follows("DS605", "DS203", checks.Everywhere),
	follows("DS605", "DS401", checks.Everywhere),
	follows("DS605", "DS302", checks.SameNode),
	follows("DS605", "DS415", checks.SameNode),
	follows("DS605", "DS301", checks.SameNode),
	follows("DS605", "DS607", checks.SameNamespace),

	// Policies of a gateway that does not take the family.
	follows("DS806", "DS420", checks.Everywhere),
	follows("DS807", "DS806", checks.SameObject),

	// What the API server is told is an argument of a Pod as well.
	follows("DS903", "DS213", checks.SameObject),

	// A Service without its load balancer's addresses.
	follows("DS603", "DS510", checks.SameObject),
	follows("DS603", "DS511", checks.SameObject),
	follows("DS603", "DS514", checks.SameObject),
	follows("DS603", "DS501", checks.SameObject),
	follows("DS603", "DS503", checks.Everywhere),
	follows("DS603", "DS512", checks.Everywhere),
	follows("DS603", "DS506", checks.Everywhere),
	follows("DS603", "DS507", checks.SameObject),
	follows("DS604", "DS501", checks.SameObject),
}

func follows(symptom, cause string, when checks.Relation) checks.Edge {
	return checks.Edge{Symptom: symptom, Cause: cause, When: when}
}

// Explains is the checks whose findings may follow from those of id, and those
// whose findings may explain them.
func Explains(id string) (symptoms, causes []string) {
	for _, e := range Causes {
		switch id {
		case e.Cause:
			symptoms = append(symptoms, e.Symptom)
		case e.Symptom:
			causes = append(causes, e.Cause)
		}
	}
	slices.Sort(symptoms)
	slices.Sort(causes)
	return symptoms, causes
}

// ofPods is the relation of findings of which the cause is about a range of pods: in a
// flag, a key or a field that is named so.
func ofPods(_, cause checks.Finding) bool {
	return slices.ContainsFunc([]string{"cluster-cidr", "podSubnet", "cluster-pool", "clusterPool", "pods"}, func(word string) bool {
		return strings.Contains(cause.Field, word)
	})
}
