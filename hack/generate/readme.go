package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks/catalog"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cmd"
)

// readme is the README with its generated blocks as they are to be: what stands
// between «<!-- generated: NAME -->» and «<!-- end of NAME -->».
func readme(root string) (file, error) {
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		return file{}, err
	}
	s := string(text)
	for _, block := range []struct{ name, text string }{
		{"verbs", verbs()},
		{"checks", checkTable()},
	} {
		if s, err = replaceBlock(s, block.name, block.text); err != nil {
			return file{}, fmt.Errorf("README.md: %w", err)
		}
	}
	return file{"README.md", []byte(s)}, nil
}

func replaceBlock(text, name, block string) (string, error) {
	begin, end := fmt.Sprintf("<!-- generated: %s -->\n", name), fmt.Sprintf("<!-- end of %s -->\n", name)
	before, rest, found := strings.Cut(text, begin)
	_, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		return "", fmt.Errorf("has no block %q: want %q and then %q", name, strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	return before + begin + block + end + after, nil
}

// checkTable is how many checks each area has.
func checkTable() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d checks, each with [a page of its own](docs/checks/README.md):\n\n| area | IDs | checks |\n|---|---|---|\n", len(catalog.All))
	for _, a := range catalog.Areas {
		n := 0
		for _, c := range catalog.All {
			if area(c) == a {
				n++
			}
		}
		fmt.Fprintf(&b, "| %s | %sxx | %d |\n", a.Title, a.Prefix, n)
	}
	return b.String()
}

// verbs is a line for each command.
func verbs() string {
	var b strings.Builder
	b.WriteString("| command | what it does |\n|---|---|\n")
	for _, v := range cmd.Verbs() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", strings.ReplaceAll(v.Line, "|", `\|`), cell(v.Short))
	}
	return b.String()
}
