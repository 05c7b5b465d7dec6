// Package lock lets one process at a time do something.
package lock

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// Take waits until nobody else has the lock of this file, which is made when it is not
// there. It is given back by unlock, or when the process ends.
func Take(path string) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX)
		if err == nil {
			return func() { _ = file.Close() }, nil
		}
		if !errors.Is(err, syscall.EINTR) {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), file.Close())
		}
	}
}
