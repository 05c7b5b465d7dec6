package snapshot

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// standardInput is the path that stands for it.
const standardInput = "-"

// list is the files below paths, each once, in the order given and sorted within
// a folder, and what is wrong with the paths.
func list(paths []string) (files []string, problems []Problem) {
	seen := map[string]bool{}
	for _, path := range paths {
		below, wrong := filesOf(path)
		problems = append(problems, wrong...)
		for _, file := range below {
			if key := filepath.Clean(file); !seen[key] {
				seen[key] = true
				files = append(files, file)
			}
		}
	}
	return files, problems
}

// filesOf is the files that path stands for.
func filesOf(path string) ([]string, []Problem) {
	if path == standardInput {
		return []string{path}, nil
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, []Problem{unreadable(path, err)}
	case info.IsDir():
		return manifests(path)
	}
	return []string{path}, nil
}

// manifests is the files of a folder that may hold manifests. Links are not
// followed: a folder must not lead outside itself, nor into itself.
func manifests(dir string) (files []string, problems []Problem) {
	// With the separator the folder itself may be a link.
	root := strings.TrimRight(dir, string(filepath.Separator)) + string(filepath.Separator)
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			problems = append(problems, unreadable(path, err))
			return nil
		}
		if entry.Type().IsRegular() && slices.Contains(extensions, strings.ToLower(filepath.Ext(path))) {
			files = append(files, path)
		}
		return nil
	})
	if err != nil {
		problems = append(problems, unreadable(dir, err))
	}
	if len(files)+len(problems) == 0 {
		problems = append(problems, Problem{Position: Position{File: dir}, Message: "the folder has no .yaml, .yml or .json file"})
	}
	return files, problems
}

// extensions is what the names of manifests in a folder end in.
var extensions = []string{".yaml", ".yml", ".json"}

// unreadable is err without the path that it repeats.
func unreadable(path string, err error) Problem {
	if inner := (*fs.PathError)(nil); errors.As(err, &inner) {
		err = inner.Err
	}
	return Problem{Position: Position{File: path}, Message: fmt.Sprintf("cannot be read: %v", err)}
}
