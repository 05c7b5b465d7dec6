package image

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// libraries is the paths of the libraries that a program needs, its loader among them.
func libraries(program string) ([]string, error) {
	out, err := exec.Command("ldd", program).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("ldd %s: %w: %s", program, err, bytes.TrimSpace(out))
	}
	found, missing := parseLdd(string(out))
	if len(missing) > 0 {
		return nil, fmt.Errorf("ldd %s: it needs %s, which this machine has not", program, strings.Join(missing, ", "))
	}
	return found, nil
}

// parseLdd reads lines such as
//
//	libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f13a2c1e000)
//	/lib64/ld-linux-x86-64.so.2 (0x00007f13a36cb000)
//	libssl.so.3 => not found
func parseLdd(out string) (found, missing []string) {
	for line := range strings.Lines(out) {
		name, at, dynamic := strings.Cut(strings.TrimSpace(line), " => ")
		if !dynamic {
			at = name
		}
		switch {
		case strings.HasPrefix(at, "not found"):
			missing = append(missing, name)
		case strings.HasPrefix(at, "/"):
			at, _, _ = strings.Cut(at, " ")
			found = append(found, filepath.Clean(at))
		}
	}
	return found, missing
}
