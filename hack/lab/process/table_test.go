package process

import (
	"os"
	"slices"
	"testing"
)

func TestDescendants(t *testing.T) {
	p, err := Start(script(t, "exec sleep 60"), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Stop(0)
	family := Descendants(os.Getpid())
	if family[0] != os.Getpid() || !slices.Contains(family, p.PID()) {
		t.Errorf("descendants of %d: %v, without its child %d", os.Getpid(), family, p.PID())
	}
	used, err := Memory(family)
	if err != nil || used < 1<<20 {
		t.Errorf("memory of %v: %d bytes, %v", family, used, err)
	}
}

func TestStarted(t *testing.T) {
	if Started(os.Getpid()) == "" {
		t.Error("this process did not start")
	}
	p, err := Start(script(t, "exit 0"), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	if got := Started(p.PID()); got != "" {
		t.Errorf("a process that has ended started at %s", got)
	}
}
