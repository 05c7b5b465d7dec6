// The etcd server, as its module has it: the project's own main package lies
// outside the module that can be fetched.
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() { etcdmain.Main(os.Args) }
