package build

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// Edit is one change to the source of a program that no flag of it makes.
type Edit struct {
	Module   string // whose file it is
	File     string // path in the module
	Old, New string // Old stands there exactly once
}

// ModuleDir is the folder of a module that a component pins, which is fetched when
// it has to be.
func ModuleDir(ctx context.Context, root, component, module string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", module)
	cmd.Dir = filepath.Join(root, Components, component)
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("fetch %s: %w", module, err)
	}
	var found struct{ Dir string }
	if err := json.Unmarshal(out, &found); err != nil {
		return "", fmt.Errorf("fetch %s: %w", module, err)
	}
	return found.Dir, nil
}

// edited writes the edited module into dir, beside it a go.mod that has the module
// there, and is the path of that go.mod. It is empty when there is nothing to edit.
func (p Program) edited(ctx context.Context, root, dir string) (gomod string, err error) {
	if len(p.Edits) == 0 {
		return "", nil
	}
	component := filepath.Join(root, Components, p.Module)
	var replace []byte
	for i, e := range p.Edits {
		module, err := ModuleDir(ctx, root, p.Module, e.Module)
		if err != nil {
			return "", err
		}
		copied := filepath.Join(dir, strconv.Itoa(i))
		if err := os.CopyFS(copied, os.DirFS(module)); err != nil {
			return "", err
		}
		if err := e.apply(copied); err != nil {
			return "", err
		}
		replace = fmt.Appendf(replace, "\nreplace %s => %s\n", e.Module, copied)
	}
	gomod = filepath.Join(dir, "go.mod")
	for _, name := range []string{"go.mod", "go.sum"} {
		data, err := os.ReadFile(filepath.Join(component, name))
		if err != nil {
			return "", err
		}
		if name == "go.mod" {
			data = append(data, replace...)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			return "", err
		}
	}
	return gomod, nil
}

// apply makes the change in a copy of the module.
func (e Edit) apply(module string) error {
	path := filepath.Join(module, e.File)
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if n := strings.Count(string(data), e.Old); n != 1 {
		return fmt.Errorf("edit %s: %q stands there %d times, want once", e.File, e.Old, n)
	}
	return os.WriteFile(path, []byte(strings.Replace(string(data), e.Old, e.New, 1)), 0o600)
}
