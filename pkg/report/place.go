package report

import (
	"strconv"
	"strings"
)

// place is where something stands: a file, and a line of it unless it is 0.
type place struct {
	file string
	line int
}

// placeOf reads "file:line". What came through a pipe or from a ConfigMap has lines
// and no file that anybody could open: it has no place.
func placeOf(source string) place {
	p := place{file: source}
	if i := strings.LastIndexByte(source, ':'); i >= 0 {
		if line, err := strconv.Atoi(source[i+1:]); err == nil && line > 0 {
			p = place{source[:i], line}
		}
	}
	if !isFile(p.file) {
		return place{}
	}
	p.file = strings.TrimPrefix(strings.ReplaceAll(p.file, `\`, "/"), "./")
	return p
}

// isFile reports whether a source is the path of a file, and not one of the other
// names that snapshot.FromFiles and --plan give.
func isFile(name string) bool {
	_, inCluster := strings.CutPrefix(name, "configmap/")
	return name != "" && name != "-" && name != "standard input" && !(inCluster && strings.Count(name, "/") == 2)
}

// documentation is where the pages of the checks can be read.
const documentation = "https://github.com/kubectl-dualstack/kubectl-dualstack/blob/main/docs/"

// page is the address of a check's page.
func page(id string) string { return documentation + "checks/" + id + ".md" }

// subject is the object, field and family of a finding, for people.
func (f Finding) subject() string {
	text := where(f)
	if f.Family.Valid() {
		text += " (" + f.Family.String() + ")"
	}
	return text
}
