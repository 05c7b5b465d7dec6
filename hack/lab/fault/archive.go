package fault

import (
	"fmt"
	"regexp"
	"strings"
)

// marker is the line above a file in a txtar archive.
// Source: golang.org/x/tools v0.51.0, txtar/archive.go.
var marker = regexp.MustCompile(`^-- (\S+) --$`)

// archive splits a txtar archive into what is above its files, and these by name. No
// file may be outside of the folder that they are put in.
func archive(text string) (above string, files map[string]string, err error) {
	files = map[string]string{}
	name := ""
	for line := range strings.Lines(text) {
		if found := marker.FindStringSubmatch(strings.TrimRight(line, " \n")); found != nil {
			if name = found[1]; strings.ContainsAny(name, `/\`) {
				return "", nil, fmt.Errorf("file %s: want a name without folders", name)
			}
			if _, twice := files[name]; twice {
				return "", nil, fmt.Errorf("file %s is there twice", name)
			}
			files[name] = ""
			continue
		}
		if name == "" {
			above += line
		} else {
			files[name] += line
		}
	}
	return above, files, nil
}
