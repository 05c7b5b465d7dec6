package process

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// stat is fields of /proc/PID/stat from the third on, the state; none where there is no
// such process. The name of the program, the second, is in parentheses and may hold spaces.
// Source: proc_pid_stat(5).
func stat(pid int) []string {
	data, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return nil
	}
	return strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
}

// Places of fields in stat, of which the first is the third of the file.
const (
	state  = 0
	parent = 1
	start  = 22 - 3
)

// Started is when process pid started, in ticks since the machine did, or empty when there
// is none, or one that is dead and only waits to be collected by its parent. With its id
// it tells a process from all others.
func Started(pid int) string {
	fields := stat(pid)
	if len(fields) <= start || fields[state] == "Z" {
		return ""
	}
	return fields[start]
}

// All is the ids of all processes.
func All() []int {
	entries, _ := os.ReadDir("/proc") // none without it
	var pids []int
	for _, entry := range entries {
		if pid, err := strconv.Atoi(entry.Name()); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// Descendants is process pid and all that come of it, namespaces or not.
func Descendants(pid int) []int {
	children := map[int][]int{}
	for _, one := range All() {
		if fields := stat(one); len(fields) > parent {
			if of, err := strconv.Atoi(fields[parent]); err == nil {
				children[of] = append(children[of], one)
			}
		}
	}
	family := []int{pid}
	for i := 0; i < len(family); i++ {
		family = append(family, children[family[i]]...)
	}
	return family
}

// Arguments is the command line of a process, or none when there is no such process.
func Arguments(pid int) []string {
	data, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
	if err != nil || len(data) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(data), "\x00"), "\x00")
}

// Memory is how many bytes processes have in memory. Of what several processes share,
// each has a part. Source: proc_pid_smaps(5), Pss.
func Memory(pids []int) (bytes int64, err error) {
	for _, pid := range pids {
		kilobytes, err := pss(pid)
		if err != nil {
			return 0, err
		}
		bytes += kilobytes << 10
	}
	return bytes, nil
}

// pss is 0 of a process that has ended meanwhile.
func pss(pid int) (kilobytes int64, err error) {
	data, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "smaps_rollup"))
	if errors.Is(err, fs.ErrNotExist) || Started(pid) == "" {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), "Pss:"); ok {
			_, err := fmt.Sscan(value, &kilobytes)
			return kilobytes, err
		}
	}
	return 0, nil // it has ended
}

// Opened is how many descriptors of all processes are of this kind, such as
// anon_inode:inotify.
func Opened(kind string) int {
	n := 0
	descriptors, _ := filepath.Glob("/proc/[0-9]*/fd/*") // the pattern is right
	for _, descriptor := range descriptors {
		if to, err := os.Readlink(descriptor); err == nil && to == kind {
			n++
		}
	}
	return n
}
