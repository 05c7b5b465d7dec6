package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cmd"
)

// TestReadmeOutput holds the README's example to what the command prints: each
// line of the block is a line of the output, in its order; "…" stands for others.
func TestReadmeOutput(t *testing.T) {
	t.Chdir(root)
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "<!-- output -->\n```\n")
	block, _, found := strings.Cut(rest, "```\n<!-- end of output -->")
	lines := strings.Split(strings.TrimSpace(block), "\n")
	command, isCommand := strings.CutPrefix(lines[0], "$ bin/")
	if !found || !isCommand {
		t.Fatalf("README.md: the block of output begins with %q, want a command «$ bin/…»", lines[0])
	}
	makefile, err := os.ReadFile("Makefile")
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.TrimPrefix(command, "kubectl-dualstack "); !strings.Contains(string(makefile), "$(BIN) "+want+"\n") {
		t.Errorf("make run does not run %q", command)
	}
	var out, errOut bytes.Buffer
	code := cmd.Main(t.Context(), strings.Fields(command), cmd.Streams{In: strings.NewReader(""), Out: &out, ErrOut: &errOut})
	if code != 0 {
		t.Fatalf("%s: exit %d\n%s", command, code, errOut.String())
	}
	printed := strings.Split(out.String(), "\n")
	for _, line := range lines[1:] {
		if strings.TrimSpace(line) == "…" || strings.TrimSpace(line) == "" {
			continue
		}
		for len(printed) > 0 && strings.TrimRight(printed[0], " ") != strings.TrimRight(line, " ") {
			printed = printed[1:]
		}
		if len(printed) == 0 {
			t.Fatalf("README.md: doctor does not print, or not in this place:\n%s\nit prints:\n%s", line, out.String())
		}
		printed = printed[1:]
	}
}
