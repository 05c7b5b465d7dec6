package cmd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// mayWrite is an error when there is something at path.
func mayWrite(path string) error {
	_, err := os.Lstat(path)
	switch {
	case err == nil:
		return fmt.Errorf("%s is there already; overwrite it with --force", path)
	case errors.Is(err, fs.ErrNotExist):
		return nil
	}
	return err
}

// writeWhole writes a file whole or not at all: to a file beside it, which then
// takes its name. Without force it overwrites nothing. A file that was there keeps
// its mode, and a link stays one.
func writeWhole(path string, data []byte, force bool) (err error) {
	var keep fs.FileMode
	if force {
		if target, err := filepath.EvalSymlinks(path); err == nil {
			path = target
		}
		if info, err := os.Stat(path); err == nil {
			if !info.Mode().IsRegular() {
				return fmt.Errorf("%s is no file that can be overwritten", path)
			}
			keep = info.Mode().Perm()
		}
	} else if err := mayWrite(path); err != nil {
		return err
	}
	temp := filepath.Join(filepath.Dir(path), fmt.Sprintf(".%s.%d", filepath.Base(path), os.Getpid()))
	if err := stage(temp, data); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() { _ = os.Remove(temp) }() // it is gone when all went well
	if keep != 0 {
		err = os.Chmod(temp, keep)
	}
	switch {
	case err != nil:
	case force:
		err = os.Rename(temp, path)
	default:
		err = linkNew(temp, path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// linkNew gives a file a second name, which must be a new one: a rename would
// overwrite what somebody else has made in the meantime. Where there are no links, it
// takes the name first.
func linkNew(temp, path string) error {
	err := os.Link(temp, path)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	taken, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if err := errors.Join(taken.Close(), os.Rename(temp, path)); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}
