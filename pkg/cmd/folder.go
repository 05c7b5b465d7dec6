package cmd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/render"
)

// folder is where files are written, whole or not at all.
type folder struct {
	path  string
	force bool // overwrite what is there
}

// write writes the files and gives the paths of those that are then there. Every file
// stands beside its place before the first takes it, so that a full disk leaves
// nothing behind.
func (d folder) write(files []render.File) (written []string, err error) {
	if err := d.vacant(files); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(d.path, 0o777); err != nil {
		return nil, err
	}
	var staged []string
	defer func() {
		for _, path := range staged[len(written):] {
			err = errors.Join(err, os.Remove(path))
		}
	}()
	for _, f := range files {
		path := filepath.Join(d.path, fmt.Sprintf(".%s.%d", f.Name, os.Getpid()))
		if err := stage(path, f.Content); err != nil {
			return nil, err
		}
		staged = append(staged, path)
	}
	for i, f := range files {
		path := filepath.Join(d.path, f.Name)
		if err := os.Rename(staged[i], path); err != nil {
			return written, err
		}
		written = append(written, path)
	}
	return written, nil
}

// vacant asks that none of the files is there, unless they may be overwritten.
func (d folder) vacant(files []render.File) error {
	if d.force {
		return nil
	}
	var errs []error
	for _, f := range files {
		path := filepath.Join(d.path, f.Name)
		switch _, err := os.Lstat(path); {
		case err == nil:
			errs = append(errs, fmt.Errorf("%s is there already; overwrite it with --force", path))
		case !errors.Is(err, fs.ErrNotExist):
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// stage writes a new file, or none.
func stage(path string, content []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}
