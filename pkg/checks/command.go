package checks

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// bare is a word that no shell reads anything into.
var bare = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// Command is words as one line for a shell. A word that a shell would read
// otherwise is quoted: names may come from files that anybody wrote.
func Command(words ...string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		if !bare.MatchString(w) {
			w = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
		quoted[i] = w
	}
	return strings.Join(quoted, " ")
}

// Patch is the command that merges patch, which is JSON, into the object.
func Patch(object snapshot.Ref, patch string) string {
	words := []string{"kubectl", "patch", strings.ToLower(object.Kind), object.Name}
	if object.Namespace != "" {
		words = append(words, "-n", object.Namespace)
	}
	return Command(append(words, "--type", "merge", "-p", patch)...)
}

// Apply is the command that applies manifests, each of which ends in a line break.
func Apply(manifests ...string) string {
	return "kubectl apply -f - <<'EOF'\n" + strings.Join(manifests, "---\n") + "EOF"
}

// Some is the first few of names and how many more there are.
func Some(names []string) string {
	const most = 3
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
