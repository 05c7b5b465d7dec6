package cmd

import (
	"testing"
	"testing/fstest"
)

func TestHostRoutes(t *testing.T) {
	none, err := hostRoutes(fstest.MapFS{})
	if err != nil || len(none) > 0 {
		t.Errorf("a system without tables: %v, %v", none, err)
	}
	root := fstest.MapFS{routes6: {Data: []byte("20010db8000000700000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001 eth0\n")}}
	six, err := hostRoutes(root)
	if err != nil || len(six) != 1 || six[0].To.String() != "2001:db8:0:70::/64" {
		t.Errorf("%v, %v", six, err)
	}
	root[routes4] = &fstest.MapFile{Data: []byte("Iface\neth0 x\n")}
	if _, err := hostRoutes(root); err == nil || err.Error() != "/proc/net/route: line 2: 2 fields: want 8 or more" {
		t.Errorf("%v", err)
	}
}
