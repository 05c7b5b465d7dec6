package services

import (
	"maps"
	"slices"
	"strings"
)

// selector is labels as kubectl's -l takes them.
func selector(labels map[string]string) string {
	var terms []string
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		terms = append(terms, key+"="+labels[key])
	}
	return strings.Join(terms, ",")
}
