// Package forward carries connections from the machine's loopback into a host's network.
// The socket that listens is the machine's, made there and handed over; the process that
// accepts on it runs in the host, and connects from there.
package forward

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// FD is the descriptor of the listening socket.
const FD = 3

// Serve connects everybody who comes to the address in its one argument.
func Serve(args []string) error {
	if len(args) != 1 {
		return errors.New("forward: want one address")
	}
	l, err := net.FileListener(os.NewFile(FD, "listener"))
	if err != nil {
		return fmt.Errorf("forward: %w", err)
	}
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go carry(c, args[0])
	}
}

// carry copies both ways until both ends have said all that they have to say.
func carry(from net.Conn, target string) {
	defer from.Close()
	to, err := net.DialTimeout("tcp", target, 5*time.Second)
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "forward:", err)
		return
	}
	defer to.Close()
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{from, to}, {to, from}} {
		both.Go(func() {
			_, _ = io.Copy(way[1], way[0]) // a broken connection ends like a closed one
			if half, ok := way[1].(*net.TCPConn); ok {
				_ = half.CloseWrite()
			}
		})
	}
	both.Wait()
}
